"""How a PyTorch module becomes model IR and weights."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import re
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.numpy
import torch
from torch import fx, nn

from .emitting import Emitter, Operand, constrained_params, quote
from .errors import Error, UnsupportedError
from .layers import check_layer, emit_layer
from .operations import emit_operation, spelling
from .params import Constrained
from .paths import canonical_key
from .tracing import Traced, Value, trace, where

Examples = torch.Tensor | Sequence[torch.Tensor]


@dataclass(frozen=True)
class Exported:
    """A model as text and tensors."""

    text: str  # the model IR
    weights: Mapping[str, torch.Tensor]  # what the model IR names, by key
    state_dict: OrderedDict[str, torch.Tensor]  # as the module's own, and the weights
    aliases: Mapping[str, str]  # other paths of a module -> its canonical one
    constrained: Sequence[Constrained]  # the parameters that TTcompile and TTdecompile convert
    inputs: Sequence[Value]


def export(
    model: nn.Module, example_input: Examples, name: str | os.PathLike, batch: int | None = None
) -> None:
    """Writes `name.mlir`, the model IR, and `name.safetensors`, the weights that it names.

    model: a tracetorch.Model or any torch.nn.Module; it is left as it is.
    example_input: the input of one timestep, or a tuple of them: float32 tensors, whose shapes
        fix every size of the model but the batch. The batch is the leading dimension, dynamic
        unless the rank is 1 or that dimension is some layer's `dim`.
    name: the files' path without the extension; its last part names the model.
    batch: a size to fix the batch at.

    Equal models give equal bytes. Each file appears whole or not at all. Raises UnsupportedError,
    naming the module, for a model that ttc cannot export, and Error for wrong arguments.
    """
    path = Path(name)
    exported = export_model(model, example_input, path.name, batch)
    write_weights(path.parent / f"{path.name}.safetensors", exported.weights)
    write_file(path.parent / f"{path.name}.mlir", exported.text.encode())


def export_model(
    model: nn.Module, example_input: Examples, name: str, batch: int | None = None
) -> Exported:
    """As `export`, in memory."""
    if not isinstance(model, nn.Module):
        raise Error(f"the model is a {type(model).__name__}, expected a torch.nn.Module")
    if isinstance(example_input, torch.Tensor):
        example_input = (example_input,)
    if not isinstance(example_input, (tuple, list)) or not example_input:
        raise Error(
            f"the example input is a {type(example_input).__name__}, expected a tensor or a tuple "
            f"of tensors"
        )
    examples = [e.detach().cpu() if isinstance(e, torch.Tensor) else e for e in example_input]
    if batch is not None:
        examples = _with_batch(model, examples, batch)
    traced = trace(model, examples, batch, check_layer)
    if traced.was_training:
        warnings.warn(
            f"{where('', model)} is in training mode; it is exported as in eval mode. Call "
            f"model.eval() first to say so",
            stacklevel=3,
        )
    emitter = Emitter(traced)
    text = _emit(emitter, _symbol(name))
    state_dict = OrderedDict(
        (key, tensor.detach().cpu()) for key, tensor in traced.model.state_dict().items()
    )
    aliases = traced.paths.aliases
    # Layers in plain Python lists are not in the module's own state_dict.
    known = {canonical_key(key, aliases) for key in state_dict}
    for key, tensor in emitter.weights.items():
        if key not in known:
            state_dict[key] = tensor
    constrained = [
        param
        for path, module in [*traced.paths.modules.items(), *_aliased_modules(traced)]
        for param in constrained_params(path, module)
    ]
    inputs = [traced.values[node] for node in traced.inputs]
    return Exported(text, emitter.weights, state_dict, aliases, constrained, inputs)


def _aliased_modules(traced: Traced) -> list[tuple[str, nn.Module]]:
    paths = traced.paths
    return [(alias, paths.modules[path]) for alias, path in paths.aliases.items()]


def _with_batch(
    model: nn.Module, examples: Sequence[torch.Tensor], batch: int
) -> list[torch.Tensor]:
    """The examples with `batch` rows, for a model whose batch is dynamic."""
    traced = trace(model, examples, None, check_layer)
    values = [traced.values[node] for node in traced.inputs]
    check_batch(values, batch)
    resized = []
    for value, example in zip(values, examples):
        if value.dynamic:
            copies = -(-batch // example.shape[0])
            example = torch.cat([example] * copies)[:batch]
        resized.append(example)
    return resized


def check_batch(inputs: Sequence[Value], batch: int) -> bool:
    """Whether the model's batch is dynamic, so that it can be fixed at `batch`.

    Raises Error for a `batch` that is none, or not the size of a model that has it fixed.
    """
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise Error(f"batch is {batch!r}, expected None (dynamic) or an int of at least 1")
    if any(value.dynamic for value in inputs):
        return True
    shapes = [value.shape for value in inputs]
    if {shape[0] for shape in shapes if len(shape) > 1} != {batch}:
        raise Error(
            f"batch is {batch}, but the leading dimension of the example inputs, of shapes "
            f"{shapes}, is no batch of this model; leave out batch"
        )
    return False


def _symbol(name: str) -> str:
    """A name that C takes too."""
    symbol = re.sub(r"[^0-9A-Za-z_]", "_", name)
    return symbol if symbol and not symbol[0].isdigit() else f"_{symbol}"


def _emit(emitter: Emitter, symbol: str) -> str:
    traced = emitter.traced
    arguments = []
    for node in traced.inputs:
        operand = emitter.define(node, f"%{_symbol(node.target)}")
        arguments.append(f"{operand.name}: {operand.type} {{ttc.name = {quote(node.target)}}}")
    for node in traced.nodes:
        value = traced.values.get(node)
        if node.op in ("placeholder", "output") or not isinstance(value, Value):
            _check_not_tensors(node, value)
            continue
        if value.dtype != torch.float32:
            raise UnsupportedError(
                f"'{spelling(node)}' in the forward makes a tensor of "
                f"{str(value.dtype).removeprefix('torch.')}; only float32 is supported"
            )
        if node.op == "call_module":
            emit_layer(emitter, node)
        elif node.op == "get_attr":
            raise UnsupportedError(
                f"the forward computes with the tensor '{node.target}' itself; only layers may "
                f"own parameters: put it in a layer such as nn.Linear"
            )
        else:
            emit_operation(emitter, node)
    outputs = _outputs(emitter)
    types = ", ".join(output.type for output in outputs)
    result = types if len(outputs) == 1 else f"({types})"
    lines = [f"ttc.model @{symbol}({', '.join(arguments)}) -> {result} {{"]
    lines += [f"  {line}" for line in emitter.lines]
    names = ", ".join(output.name for output in outputs)
    lines += [f"  ttc.return {names} : {types}", "}", ""]
    return "\n".join(lines)


def _check_not_tensors(node: fx.Node, value: object) -> None:
    """Sizes and the like are known already; a list of tensors would be an operation."""
    elements = value if isinstance(value, (tuple, list)) else [value]
    if any(isinstance(element, torch.Tensor) for element in elements):
        raise UnsupportedError(
            f"'{spelling(node)}' in the forward makes several tensors, which is not supported"
        )


def _outputs(emitter: Emitter) -> list[Operand]:
    returned = emitter.traced.output.args[0]
    elements = returned if isinstance(returned, (tuple, list)) else [returned]
    if isinstance(returned, dict) or not elements:
        found = "dict" if isinstance(returned, dict) else "nothing"
        raise UnsupportedError(
            f"the forward returns {found}, expected a tensor or a tuple of tensors"
        )
    return [emitter.operand(element, "the output of the forward") for element in elements]


def write_weights(path: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Writes tensors as a safetensors file, whole or not at all."""
    arrays = {key: tensor.contiguous().numpy() for key, tensor in weights.items()}
    write_file(path, safetensors.numpy.save(arrays))


def write_file(path: Path, data: bytes) -> None:
    """Replaces a file by one with these bytes, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Error(f"'{path}' cannot be written: {error.strerror}") from error
