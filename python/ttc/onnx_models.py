"""How an ONNX model of recurrent layers becomes model IR and weights."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .compiled import CompiledModel
from .compiling import compile_text
from .errors import Error, UnsupportedError
from .exporting import symbol_of, write_file, write_weights
from .writing import Operand, TensorType, Writer, number, quote

# The operators' standard inputs; the first three are always there.
_INPUTS = {
    "RNN": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "GRU": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "LSTM": ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"),
}
_ACTIVATIONS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
# From ONNX's order of the gates (i o f c, z r h) to PyTorch's (i f g o, r z n).
_ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}
# ONNX's names, with the defaults that the operators give them.
_FUNCTIONS = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Softsign": "softsign",
    "Softplus": "softplus",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
}
_ALPHAS = {"LeakyRelu": 0.01, "Elu": 1.0}


@dataclass(frozen=True)
class ImportedModel:
    """A model of one timestep, from ONNX.

    text: the model IR.
    weights: what it names, by key, in PyTorch's shapes and order of gates.
    states: the initial states that are not zero, for load_states.
    """

    name: str
    text: str
    weights: Mapping[str, torch.Tensor]
    states: Mapping[str, torch.Tensor]

    def export(self, name: str | os.PathLike) -> None:
        """Writes `name.mlir` and `name.safetensors`, as ttc.export does."""
        path = Path(name)
        write_weights(path.parent / f"{path.name}.safetensors", self.weights)
        write_file(path.parent / f"{path.name}.mlir", self.text.encode())

    def compile(self, batch: int | None = None) -> CompiledModel:
        """Compiles it for this machine; its session begins with the model's initial states.

        batch: a size to fix the batch at; dynamic by default.
        """
        options = [] if batch is None else [f"--batch={batch}"]
        compiled = compile_text(self.text, OrderedDict(self.weights), options)
        if self.states:
            compiled.load_states(self.states, strict=False)
        return compiled


def from_onnx(
    model: Any, weights: Mapping[str, Any] | None = None, name: str = "net"
) -> ImportedModel:
    """Reads an ONNX model of RNN, GRU and LSTM operators, one after the other.

    model: a path, or an onnx.ModelProto.
    weights: tensors (or arrays) for inputs of the graph that are no sequence but parameters, such
        as W and R, by name; they come before the graph's own initializers.
    name: what the model is called.

    The operators' time axis becomes the model's: what is compiled takes one timestep, (batch,
    input size), and gives Y of that timestep, (batch, hidden size). Y_h is the last of those, and
    the session's state `<node>.h`; Y_c is its state `<node>.c`; initial_h and initial_c are where
    the session begins. sequence_lens must be the whole length for every row.

    Raises UnsupportedError, naming the node, for what has no form of one timestep (another
    direction than forward, shorter rows) and for other operators, and Error for a missing tensor.
    """
    try:
        import onnx
    except ImportError as error:
        raise Error(
            "from_onnx needs the Python package 'onnx', which is not installed: install it into "
            "this environment with pip"
        ) from error
    if not isinstance(model, onnx.ModelProto):
        try:
            model = onnx.load(model)
        except Exception as error:  # protobuf's and the system's own
            raise Error(f"'{model}' cannot be read as an ONNX model: {error}") from error
    return _Importer(onnx, model.graph, weights or {}).imported(name)


class _Importer:
    """Walks the nodes of one graph."""

    def __init__(self, onnx: Any, graph: Any, weights: Mapping[str, Any]):
        self._onnx, self._graph = onnx, graph
        self._tensors = {
            tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
            for tensor in graph.initializer
        }
        for key, value in weights.items():
            self._tensors[key] = torch.as_tensor(value).detach().cpu()
        self._shapes = {
            value.name: [
                d.dim_value if d.HasField("dim_value") else None
                for d in value.type.tensor_type.shape.dim
            ]
            for value in graph.input
        }
        floats = [t.dtype for t in self._tensors.values() if t.is_floating_point()]
        self._writer = Writer(floats[0] if floats else torch.float32)
        self._values: dict[str, Operand] = {}
        self._inputs: list[tuple[str, Operand]] = []
        self._states: dict[str, torch.Tensor] = {}
        self._state_outputs: set[str] = set()

    def imported(self, name: str) -> ImportedModel:
        for index, node in enumerate(self._graph.node):
            if node.op_type in _GATES:
                self._recurrent(node, index)
            elif node.op_type in ("Identity", "Squeeze") and node.input[0] in self._values:
                # Squeeze takes off the axis of the directions, which one timestep does not have.
                self._values[node.output[0]] = self._values[node.input[0]]
            else:
                raise UnsupportedError(
                    f"the node '{_name(node, index)}' is a {node.op_type}; only RNN, GRU and LSTM, "
                    f"one after the other, are read from ONNX"
                )
        found = [(o.name, self._values[o.name]) for o in self._graph.output
                 if o.name in self._values]
        unknown = [
            o.name for o in self._graph.output
            if o.name not in self._values and o.name not in self._state_outputs
        ]
        if unknown:
            raise UnsupportedError(f"no node makes the output '{unknown[0]}'")
        if not found:
            raise UnsupportedError(
                "the graph gives only final states, which a session has: give it the output Y too"
            )
        # Y and Y_h are the same in one timestep.
        outputs = list(dict.fromkeys(operand.name for _, operand in found))
        operands = [next(o for _, o in found if o.name == name) for name in outputs]
        writer = self._writer
        text = writer.model(symbol_of(name), self._inputs, operands, [""] * len(operands))
        return ImportedModel(name, text, writer.weights, self._states)

    def _recurrent(self, node: Any, index: int) -> None:
        layer = _Layer(self._onnx, node, _name(node, index), self._tensors, self._writer.dtype)
        x_name = node.input[0]
        if x_name not in self._values:
            if x_name not in self._shapes:
                raise Error(f"nothing gives the input '{x_name}' of the node '{layer.path}'")
            kind = TensorType((None, layer.input_size), self._writer.element)
            symbol = symbol_of(x_name)
            self._values[x_name] = Operand(f"%{symbol}", kind)
            self._inputs.append((symbol, self._values[x_name]))
            shape = self._shapes[x_name]
            layer.check_lengths(shape[1 if layer.layout else 0] if len(shape) == 3 else None)
        elif layer.lengths is not None:
            layer.check_lengths(None)
        made = layer.write(self._writer, self._values[x_name])
        self._states |= layer.initial_states()
        for output in node.output[:2]:
            if output:
                self._values[output] = made
        self._state_outputs |= set(node.output[2:])


def _name(node: Any, index: int) -> str:
    return node.name or f"{node.op_type.lower()}_{index}"


class _Layer:
    """One RNN, GRU or LSTM."""

    def __init__(
        self, onnx: Any, node: Any, path: str, tensors: Mapping[str, torch.Tensor],
        dtype: torch.dtype,
    ):
        self.kind, self.path = node.op_type, path
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        direction = options.pop("direction", b"forward").decode()
        if direction != "forward":
            raise UnsupportedError(
                f"'{path}' ({self.kind}) has the direction '{direction}': it reads the sequence "
                f"from its end, which no model that takes one timestep a call can do"
            )
        self.layout = options.pop("layout", 0)
        self.clip = options.pop("clip", None)
        self.resets_before = not options.pop("linear_before_reset", 0)
        self.couples = bool(options.pop("input_forget", 0))
        names = [name.decode() for name in options.pop("activations", [])]
        self.activations = names or _ACTIVATIONS[self.kind]
        self.alphas = list(options.pop("activation_alpha", []))
        if options.pop("activation_beta", []):
            raise UnsupportedError(
                f"'{path}' ({self.kind}) has activation_beta, which is not supported"
            )
        given = dict(zip(_INPUTS[self.kind], node.input))
        hidden = options.pop("hidden_size", None)
        if options:
            raise UnsupportedError(
                f"'{path}' ({self.kind}) has the attribute '{min(options)}', which is not supported"
            )
        self.tensors = {}
        for role, name in given.items():
            if role == "X" or not name:
                continue
            if name not in tensors:
                raise Error(
                    f"'{path}' ({self.kind}) takes {role} from the graph's input '{name}': a model "
                    f"of one timestep has it as a parameter; give it in weights={{'{name}': ...}}"
                )
            self.tensors[role] = tensors[name]
        self.lengths = self.tensors.pop("sequence_lens", None)
        for role, tensor in self.tensors.items():
            if tensor.dtype != dtype:
                raise Error(f"{role} of '{path}' is {tensor.dtype}, expected {dtype} as the others")
        self.hidden = hidden or self.tensors["R"].shape[-1]
        self.input_size = self.tensors["W"].shape[-1]
        gates = _GATES[self.kind] * self.hidden
        expected = {
            "W": (1, gates, self.input_size), "R": (1, gates, self.hidden), "B": (1, 2 * gates),
            "P": (1, 3 * self.hidden),
        }
        for role, shape in expected.items():
            found = self.tensors.get(role)
            if found is not None and tuple(found.shape) != shape:
                raise Error(
                    f"{role} of '{path}' ({self.kind}) has shape {tuple(found.shape)}, expected "
                    f"{shape}"
                )

    def check_lengths(self, steps: int | None) -> None:
        """Rows of different lengths have no form of one timestep."""
        if self.lengths is None:
            return
        whole = int(self.lengths.max()) if steps is None else steps
        if not bool((self.lengths == whole).all()):
            raise UnsupportedError(
                f"'{self.path}' ({self.kind}) has sequence_lens {self.lengths.tolist()}, expected "
                f"the whole length for each: a model of one timestep ends where the caller stops"
            )

    def initial_states(self) -> dict[str, torch.Tensor]:
        """By key, (batch, hidden size)."""
        axis = 1 if self.layout else 0  # of the directions
        found = {}
        for role, name in (("initial_h", "h"), ("initial_c", "c")):
            if role in self.tensors and bool(self.tensors[role].any()):
                found[f"{self.path}.{name}"] = self.tensors[role].squeeze(axis).contiguous()
        return found

    def write(self, writer: Writer, x: Operand) -> Operand:
        """Writes one timestep; the result is the hidden state."""
        self._weights(writer)
        kind = x.type.with_sizes((None, self.hidden))
        standard = self.activations == _ACTIVATIONS[self.kind] and not self.alphas
        if self.kind == "RNN" and self.activations == ["Relu"]:
            standard = True
        if self.kind == "GRU" and self.resets_before:
            standard = False
        if not standard or self.clip is not None or self.couples or "P" in self.tensors:
            return self._written_out(writer, x, kind)
        mode = {"RNN": f"rnn_{self.activations[0].lower()}"}.get(self.kind, self.kind.lower())
        bias = "" if "B" in self.tensors else " no_bias"
        return writer.emit(
            f"ttc.torch_rnn {mode} {quote(self.path)} ({x.name}) hidden({self.hidden}){bias} cell",
            kind, f"{x.type} -> {kind}",
        )

    def _weights(self, writer: Writer) -> None:
        order = _ORDER[self.kind]

        def reordered(tensor: torch.Tensor) -> torch.Tensor:
            parts = tensor.chunk(_GATES[self.kind])
            return torch.cat([parts[index] for index in order])

        writer.weights[f"{self.path}.weight_ih"] = reordered(self.tensors["W"][0])
        writer.weights[f"{self.path}.weight_hh"] = reordered(self.tensors["R"][0])
        if "B" in self.tensors:
            of_x, of_h = self.tensors["B"][0].chunk(2)
            writer.weights[f"{self.path}.bias_ih"] = reordered(of_x)
            writer.weights[f"{self.path}.bias_hh"] = reordered(of_h)

    # A layer that is not PyTorch's, written out.

    def _written_out(self, w: Writer, x: Operand, kind: TensorType) -> Operand:
        w.state(f"{self.path}.h", kind)
        old = w.emit(f"ttc.read @{quote(self.path + '.h')}", kind)
        if self.kind == "RNN":
            (total,) = self._gates(w, x, old)
            new = self._apply(w, 0, total)
        elif self.kind == "GRU":
            new = self._gru(w, x, old)
        else:
            new = self._lstm(w, x, old, kind)
        w.statement(f"ttc.write {new.name}, @{quote(self.path + '.h')} : {kind}")
        return new

    def _gru(self, w: Writer, x: Operand, old: Operand) -> Operand:
        of_x = self._products(w, x, "ih")
        recurrent = self._parts(w, "weight_hh")
        biases = self._parts(w, "bias_hh") if "B" in self.tensors else [None] * 3
        of_h = [self._product(w, old, recurrent[gate], biases[gate]) for gate in (0, 1)]
        r, z = (
            self._apply(w, 0, w.elementwise("arith.addf", of_x[gate], of_h[gate]))
            for gate in (0, 1)
        )
        if self.resets_before:
            reset = w.elementwise("arith.mulf", r, old)
            of_h_n = self._product(w, reset, recurrent[2], biases[2])
        else:
            of_h_n = self._product(w, old, recurrent[2], biases[2])
            of_h_n = w.elementwise("arith.mulf", r, of_h_n)
        candidate = self._apply(w, 1, w.elementwise("arith.addf", of_x[2], of_h_n))
        one, z = w.together(z.type, 1.0, z)
        taken = w.elementwise("arith.mulf", w.elementwise("arith.subf", one, z), candidate)
        return w.elementwise("arith.addf", taken, w.elementwise("arith.mulf", z, old))

    def _lstm(self, w: Writer, x: Operand, old: Operand, kind: TensorType) -> Operand:
        w.state(f"{self.path}.c", kind)
        cell = w.emit(f"ttc.read @{quote(self.path + '.c')}", kind)
        i, f, g, o = self._gates(w, x, old)
        peep_i, peep_o, peep_f = self._peepholes(w)
        i = self._apply(w, 0, self._peeped(w, i, peep_i, cell))
        if self.couples:
            one, i = w.together(kind, 1.0, i)
            f = w.elementwise("arith.subf", one, i)
        else:
            f = self._apply(w, 0, self._peeped(w, f, peep_f, cell))
        g = self._apply(w, 1, g)
        kept, taken = w.elementwise("arith.mulf", f, cell), w.elementwise("arith.mulf", i, g)
        new_cell = w.elementwise("arith.addf", kept, taken)
        o = self._apply(w, 0, self._peeped(w, o, peep_o, new_cell))
        w.statement(f"ttc.write {new_cell.name}, @{quote(self.path + '.c')} : {kind}")
        out = self._apply(w, 2, new_cell, clips=False)
        return w.elementwise("arith.mulf", o, out)

    def _peepholes(self, w: Writer) -> Sequence[Operand | None]:
        if "P" not in self.tensors:
            return [None] * 3
        found = []
        for gate, part in zip("iof", self.tensors["P"][0].chunk(3)):
            key = f"{self.path}.peephole_{gate}"
            w.weights[key] = part.contiguous()
            found.append(w.param_value(key, part))
        return found

    def _peeped(
        self, w: Writer, gate: Operand, peephole: Operand | None, cell: Operand
    ) -> Operand:
        if peephole is None:
            return gate
        weighted = w.elementwise("arith.mulf", w.broadcast(peephole, cell.type), cell)
        return w.elementwise("arith.addf", gate, weighted)

    def _gates(self, w: Writer, x: Operand, h: Operand) -> list[Operand]:
        """What goes into each gate's activation, in PyTorch's order."""
        pairs = zip(self._products(w, x, "ih"), self._products(w, h, "hh"))
        return [w.elementwise("arith.addf", a, b) for a, b in pairs]

    def _products(self, w: Writer, x: Operand, of: str) -> list[Operand]:
        weights = self._parts(w, f"weight_{of}")
        biases = self._parts(w, f"bias_{of}") if "B" in self.tensors else [None] * len(weights)
        return [self._product(w, x, a, b) for a, b in zip(weights, biases)]

    def _parts(self, w: Writer, name: str) -> list[Operand]:
        """A parameter's rows, gate by gate."""
        tensor = w.weights[f"{self.path}.{name}"]
        whole = w.param_value(f"{self.path}.{name}", tensor)
        return [
            w.slice(whole, 0, gate * self.hidden, self.hidden)
            for gate in range(_GATES[self.kind])
        ]

    def _product(self, w: Writer, x: Operand, weight: Operand, bias: Operand | None) -> Operand:
        turned = w.permute(weight, [1, 0])
        to = x.type.with_sizes((*x.type.sizes[:-1], self.hidden))
        made = w.emit(f"ttc.matmul ({x.name}, {turned.name})", to,
                      f"{x.type}, {turned.type} -> {to}")
        if bias is None:
            return made
        return w.elementwise("arith.addf", made, w.broadcast(bias, to))

    def _apply(self, w: Writer, index: int, x: Operand, clips: bool = True) -> Operand:
        """The activation number `index` of the node."""
        name = self.activations[index]
        if name not in _FUNCTIONS:
            raise UnsupportedError(
                f"'{self.path}' ({self.kind}) has the activation '{name}', expected one of "
                f"{', '.join(sorted(_FUNCTIONS))}"
            )
        if self.clip is not None and clips:
            x = w.emit(f"ttc.clamp ({x.name}) min({number(-self.clip)}) max({number(self.clip)})",
                       x.type)
        alpha = ""
        if name in _ALPHAS:
            before = [n for n in self.activations[:index] if n in _ALPHAS]
            value = self.alphas[len(before)] if len(before) < len(self.alphas) else _ALPHAS[name]
            alpha = f" alpha({number(value)})"
        return w.emit(f"ttc.activation {_FUNCTIONS[name]} ({x.name}){alpha}", x.type)
