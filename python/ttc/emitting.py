"""What the nodes of a traced model are called in model IR, and which weights they bring."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .errors import UnsupportedError
from .params import Activation, Constrained, Functions, activation_of, recognise
from .paths import is_stateful
from .recording import Node
from .subject import FLOATS, INTEGERS, join, where
from .tracing import Traced
from .writing import ELEMENTS, FixedBatch, Operand, TensorType, Writer, ints, number, quote

__all__ = [
    "Emitter", "FixedBatch", "Operand", "TensorType", "constrained_params", "ints", "number",
    "quote", "spelling_of",
]


class Emitter(Writer):
    """Writes what a traced model does; knows what each node of it is called."""

    def __init__(self, traced: Traced):
        # The element type of the model; booleans are 1 and 0 of it.
        floats = [v.dtype for v in traced.values.values() if v.dtype in FLOATS]
        super().__init__(floats[0] if floats else torch.float32)
        self.traced = traced
        # Keys of the model IR for parameters that the forward computes with: the module's own keys.
        self.renamed: dict[str, str] = {}
        self._operands: dict[Node, Operand] = {}
        self._spellings: dict[str, str] = {}
        self._called = {node.target for node in traced.nodes if node.kind == "layer"}

    # What nodes are called.

    def type_of(self, node: Node) -> TensorType:
        """The type of a node's tensor in the model IR."""
        value = self.traced.values[node]
        if value.dtype == torch.bool:
            return TensorType(value.sizes, self.element)
        is_index = node.kind in ("input", "param", "constant") and value.dtype in INTEGERS
        if value.dtype != self.dtype and not is_index:
            found, model = (str(d).removeprefix("torch.") for d in (value.dtype, self.dtype))
            raise UnsupportedError(
                f"'{node.name}' makes a tensor of {found}; a {model} model computes with {model} "
                f"alone, and with integers only where they index an embedding"
            )
        return TensorType(value.sizes, ELEMENTS[value.dtype])

    def define(self, node: Node, name: str) -> Operand:
        """Binds a node to the name `name`."""
        operand = Operand(name, self.type_of(node), self.traced.values[node].time)
        self._operands[node] = operand
        return operand

    def bind(self, node: Node, operand: Operand) -> None:
        """Lets a node be an operand, whose type is the node's."""
        value = self.traced.values.get(node)
        time = operand.time if value is None else value.time
        self._operands[node] = Operand(operand.name, operand.type, time, operand.constant)

    def operand(self, node: Node) -> Operand:
        """What a node is in the model IR; a parameter gets its line."""
        if node.kind == "param" and node not in self._operands:
            self.bind(node, self._param(node))
        if node not in self._operands:
            raise UnsupportedError(
                f"'{node.name}' gives no tensor of the model IR that others can compute with"
            )
        return self._operands[node]

    def argument(self, value: Any) -> Any:
        """A node's operand; anything else as it is."""
        return self.operand(value) if isinstance(value, Node) else value

    def axis(self, operand: Operand, dim: int, rank: int | None = None) -> int | None:
        """A dimension of the traced tensor as one of the model IR's; None for the time axis.

        rank: that of the traced tensor; by default the operand's, with the time.
        """
        has_time = operand.time is not None
        rank = operand.type.rank + has_time if rank is None else rank
        dim %= max(rank, 1)
        if not has_time:
            return dim
        if dim == operand.time:
            return None
        return dim - (operand.time < dim)

    def result(self, node: Node, operation: str, *from_types: TensorType) -> Operand:
        """Adds the line of a node: `: from -> to` if operand types are given, else `: to`."""
        to = self.type_of(node)
        types = f"{', '.join(map(str, from_types))} -> {to}" if from_types else ""
        self.bind(node, self.emit(operation, to, types))
        return self._operands[node]

    # The weights.

    def _param(self, node: Node) -> Operand:
        """A parameter that the forward itself computes with."""
        key, (activation,) = node.target, node.args
        if activation is None:
            self.take(key, node.result)
            return self.param_value(key, node.result)
        path, _, name = key.rpartition(".")
        layer = self.traced.paths.modules[path]
        tensor = self.constrained_weight(path, layer, name)
        return self.param_value(join(path, name), tensor, activation.name.lower())

    def layer_path(
        self, weight: Node, bias: Node | None, spelling: str, may_rename: bool = True
    ) -> str | None:
        """A path whose `weight` and `bias` these parameters are, for a layer of the model IR.

        They keep their keys where those are so already; otherwise the layer gets a path of its
        own. A path is spelled one way wherever it is used, so `spelling` counts too. None for what
        is no plain parameter.
        """
        nodes = [node for node in (weight, bias) if node is not None]
        if any(node.kind != "param" or node.args[0] is not None for node in nodes):
            return None
        names = ("weight", "bias")[:len(nodes)]
        path, _, _ = weight.target.rpartition(".")
        module = self.traced.paths.modules.get(path)
        has_bias = getattr(module, "bias", None) is not None
        fits = path and [node.target for node in nodes] == [f"{path}.{name}" for name in names]
        # A layer that is called too has options of its own.
        fits = fits and not (may_rename and path in self._called)
        if not fits or has_bias != (bias is not None) or self._differs(path, spelling):
            if not may_rename:
                return None
            base, number = weight.target, 1
            path = base
            while self._differs(path, spelling):
                number += 1
                path = f"{base}_{number}"
        self._spellings[path] = spelling
        for node, name in zip(nodes, names):
            key = f"{path}.{name}"
            self.take(key, node.result)
            if key != node.target:
                self.renamed[key] = node.target
        return path

    def _differs(self, path: str, spelling: str) -> bool:
        return self._spellings.get(path, spelling) != spelling

    def weight(self, path: str, layer: nn.Module, name: str) -> torch.Tensor:
        """Takes the layer's parameter or buffer `name` under the key `path.name`."""
        tensor = dict(layer.named_parameters()).get(name)
        if tensor is None:
            tensor = dict(layer.named_buffers()).get(name)
        if tensor is None:
            raise UnsupportedError(
                f"{where(path, layer)} has no parameter '{name}' of its own; remove "
                f"parametrizations such as weight_norm before exporting"
            )
        self.take(join(path, name), tensor)
        return tensor

    def constrained_weight(self, path: str, layer: nn.Module, name: str) -> torch.Tensor:
        """As `weight`, for a parameter that is there raw (`raw_beta`) or activated (`beta`)."""
        return self.weight(path, layer, spelling_of(path, layer, name))


def spelling_of(path: str, layer: nn.Module, name: str) -> str:
    """Which of `raw_<name>` and `<name>` the layer has."""
    present = {key for key, _ in layer.named_parameters(recurse=False)}
    present |= {key for key, _ in layer.named_buffers(recurse=False)}
    spellings = [spelling for spelling in (f"raw_{name}", name) if spelling in present]
    if len(spellings) != 1:
        found = "both" if spellings else "neither"
        raise UnsupportedError(
            f"{where(path, layer)} has {found} of 'raw_{name}' and '{name}', expected one: the "
            f"first before TTcompile(), the second after it"
        )
    return spellings[0]


def constrained_params(path: str, layer: nn.Module, is_layer: bool) -> list[Constrained]:
    """The two spellings of each of a traceTorch layer's parameters."""
    if not is_stateful(layer):
        return []
    return [
        Constrained(
            join(path, f"raw_{name}"), join(path, name),
            activation_of(name) if is_layer else _activation(layer, name),
        )
        for name in getattr(layer, "_dynamic_params", {})
    ]


def _activation(layer: nn.Module, name: str) -> Activation | Functions:
    found = recognise(layer._dynamic_params[name])
    if found is not None:
        return found
    return Functions(layer._dynamic_params[name], layer._inverse_functions[name])
