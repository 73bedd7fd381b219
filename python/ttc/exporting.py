"""How a PyTorch module becomes model IR and weights."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import re
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.numpy
import torch
from torch import nn
from torch.utils import _pytree as pytree

from .emitting import Emitter, FixedBatch, Operand, TensorType, constrained_params, quote
from .errors import Error, Finding, Place, UnsupportedError
from .layers import emit_layer, is_layer, refusal
from .operations import emit_operation, is_known
from .params import Constrained
from .paths import canonical_key
from .progress import progress
from .recording import Node
from .sequences import resize
from .subject import floats_of, private_copy
from .tracing import Known, Traced, Value, trace, where

Examples = torch.Tensor | Sequence[Any]

_KNOWN = Known(is_layer, is_known, refusal)


@dataclass(frozen=True)
class Exported:
    """A model as text and tensors."""

    text: str  # the model IR
    weights: Mapping[str, torch.Tensor]  # what the model IR names, by key
    state_dict: OrderedDict[str, torch.Tensor]  # as the module's own, and the weights
    aliases: Mapping[str, str]  # other paths of a module -> its canonical one
    constrained: Sequence[Constrained]  # the parameters that TTcompile and TTdecompile convert
    inputs: Sequence[Value]
    output: pytree.TreeSpec | None = None  # how the outputs are returned; None: as a tuple
    renamed: Mapping[str, str] = field(default_factory=dict)  # a weight's key -> the module's own
    booleans: Sequence[int] = ()  # which outputs are booleans in PyTorch, and here 1.0 and 0.0
    findings: Sequence[Finding] = ()
    place_of: Callable[[int], Place] = field(default=lambda line: Place())  # of a line of the text


def export(
    model: nn.Module, example_input: Examples, name: str | os.PathLike, batch: int | None = None
) -> None:
    """Writes `name.mlir`, the model IR, and `name.safetensors`, the weights that it names.

    model: a tracetorch.Model or any torch.nn.Module; it is left as it is.
    example_input: the input of one timestep, or a tuple of them: tensors of float32 (or float64,
        and integers where they index an embedding), whose shapes fix every size of the model but
        the batch. The batch is the leading dimension, dynamic unless the rank is 1 or that
        dimension is some layer's `dim`. A model that runs a torch.nn.RNN, LSTM or GRU takes its
        sequence, and one timestep of it is exported: without the time axis, without the initial
        states (the session has them) and without the final ones among the outputs.
    name: the files' path without the extension; its last part names the model.
    batch: a size to fix the batch at.

    Equal models give equal bytes. Each file appears whole or not at all. Raises UnsupportedError,
    naming the module, for a model that ttc cannot export (ttc.check lists every reason), and Error
    for wrong arguments.
    """
    path = Path(name)
    exported = export_model(model, example_input, path.name, batch)
    write_weights(path.parent / f"{path.name}.safetensors", exported.weights)
    write_file(path.parent / f"{path.name}.mlir", exported.text.encode())


def export_model(
    model: nn.Module,
    example_input: Examples,
    name: str,
    batch: int | None = None,
    strict: bool = True,
) -> Exported:
    """As `export`, in memory. Unless `strict`, what cannot be exported is in the findings."""
    examples = check_examples(model, example_input)
    if batch is not None:
        examples = _with_batch(model, examples, batch)
    with progress(f"exporting '{name}'"):
        emitter, text, output, findings = _traced_and_emitted(model, examples, name, batch)
    traced = emitter.traced
    if findings and strict:
        more = len(findings) - 1
        rest = f" ({more} more: ttc.check lists them)" if more else ""
        raise UnsupportedError(findings[0].sentence + rest)
    if traced.subject.was_training and strict:
        warnings.warn(
            f"{where('', model)} is in training mode; it is exported as in eval mode. Call "
            f"model.eval() first to say so",
            stacklevel=3,
        )
    if traced.why_fixed and batch is None and strict and not _is_dim(traced.why_fixed):
        warnings.warn(
            f"the batch is fixed at that of the example: {traced.why_fixed}", stacklevel=3
        )
    state_dict = OrderedDict(
        (key, tensor.detach().cpu()) for key, tensor in traced.model.state_dict().items()
    )
    aliases = traced.paths.aliases
    # Layers in plain Python lists are not in the module's own state_dict.
    known = {canonical_key(key, aliases) for key in state_dict}
    for key, tensor in emitter.weights.items():
        if key not in known and key not in emitter.renamed:
            state_dict[key] = tensor
    constrained = [
        param
        for path, module in [*traced.paths.modules.items(), *_aliased_modules(traced)]
        for param in constrained_params(path, module, is_layer(module))
    ]
    inputs = [traced.values[node] for node in traced.inputs]
    returned = [n for n in pytree.tree_leaves(traced.output) if isinstance(n, Node)]
    booleans = [i for i, node in enumerate(returned) if node.result.dtype == torch.bool]
    return Exported(
        text, emitter.weights, state_dict, aliases, constrained, inputs, output, emitter.renamed,
        booleans, findings, emitter.place_of,
    )


def _traced_and_emitted(
    model: nn.Module, examples: Sequence[Any], name: str, batch: int | None
) -> tuple[Emitter, str, pytree.TreeSpec | None, list[Finding]]:
    """The model's IR; with a fixed batch where writing it finds that the batch must be."""
    fixed = ""
    while True:
        emitter = Emitter(trace(model, examples, batch, _KNOWN, fixed))
        try:
            return (emitter, *_emit(emitter, symbol_of(name)))
        except FixedBatch as reason:
            fixed = str(reason)


def check_examples(model: nn.Module, example_input: Examples) -> list[Any]:
    """The example inputs as a list. Raises Error for what is no model and no examples."""
    if not isinstance(model, nn.Module):
        raise Error(f"the model is a {type(model).__name__}, expected a torch.nn.Module")
    if isinstance(example_input, torch.Tensor):
        example_input = (example_input,)
    if not isinstance(example_input, (tuple, list)) or not example_input:
        raise Error(
            f"the example input is a {type(example_input).__name__}, expected a tensor or a tuple "
            f"of tensors"
        )
    return list(example_input)


def converted(
    model: nn.Module, example_input: Examples, dtype: torch.dtype
) -> tuple[nn.Module, Examples]:
    """Copies of a model and of its examples whose floats are of this dtype."""
    examples = check_examples(model, example_input)

    def convert(leaf: Any) -> Any:
        is_float = isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
        return leaf.to(dtype) if is_float else leaf

    if any(tensor.dtype != dtype for tensor in floats_of(model)):
        training = {path: module.training for path, module in model.named_modules()}
        model = private_copy(model).to(dtype)
        for path, module in model.named_modules():
            module.training = training.get(path, module.training)
    return model, tuple(pytree.tree_map(convert, examples))


def _is_dim(reason: str) -> bool:
    """Whether a batch is fixed because a layer's `dim` says so, which needs no warning."""
    return reason.startswith("the leading dimension is dim")


def _aliased_modules(traced: Traced) -> list[tuple[str, nn.Module]]:
    paths = traced.paths
    return [(alias, paths.modules[path]) for alias, path in paths.aliases.items()]


def _with_batch(model: nn.Module, examples: Sequence[Any], batch: int) -> list[Any]:
    """The examples with `batch` rows, for a model whose batch is dynamic."""
    traced = trace(model, examples, None, _KNOWN)
    values = [traced.values[node] for node in traced.inputs]
    check_batch(values, batch)
    recorded = traced.recording.inputs
    leaves, spec = pytree.tree_flatten(examples)
    resized = []
    for node, example in zip(recorded, leaves):
        value = traced.values.get(node)
        if value is not None and value.dynamic:
            example = resize(example, 1 if value.time == 0 else 0, batch)
        elif node in traced.recurrence.inputs and example.ndim > 1:
            example = resize(example, example.ndim - 2, batch)  # (layers, batch, size)
        resized.append(example)
    return pytree.tree_unflatten(resized, spec)


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


def symbol_of(name: str) -> str:
    """A name that C takes too."""
    symbol = re.sub(r"[^0-9A-Za-z_]", "_", name)
    return symbol if symbol and not symbol[0].isdigit() else f"_{symbol}"


def _emit(
    emitter: Emitter, symbol: str
) -> tuple[str, pytree.TreeSpec | None, list[Finding]]:
    """The model IR, how its outputs are returned, and what could not be written."""
    traced = emitter.traced
    findings = list(traced.findings)
    inputs = [
        (node.target, emitter.define(node, f"%{symbol_of(node.target)}")) for node in traced.inputs
    ]
    broken: set[Node] = set()  # what follows from something that cannot be written
    for node in traced.nodes:
        if any(operand in broken for operand in node.inputs()):
            broken.add(node)
            continue
        emitter.place = node.place
        try:
            if node in traced.broken:
                _stand_in(emitter, node)
            else:
                _emit_node(emitter, node)
        except UnsupportedError as error:
            if node.kind == "layer":
                findings.append(Finding.of_layer(node.place, node.target, str(error)))
            else:
                findings.append(Finding.at(node.place, str(error)))
            if not _stand_in(emitter, node):
                broken.add(node)
    for key, node in traced.recording.writes.items():
        if node not in broken:
            value = emitter.operand(node)
            kind = emitter.type_of(_state_node(traced, key))
            value = emitter.broadcast(value, kind)
            emitter.statement(f"ttc.write {value.name}, @{quote(key)} : {kind}")
    outputs, names, spec = _outputs(emitter, broken, findings)
    if findings:
        return "", spec, findings
    text = emitter.model(symbol, inputs, outputs, names)
    return text, spec, findings


def _stand_in(emitter: Emitter, node: Node) -> bool:
    """Gives what cannot be written a name, so that what uses it is looked at too."""
    nodes = [node] + [
        n for n in emitter.traced.nodes
        if n.kind == "item" and (n.args[0] is node or n.args[0].args[:1] == (node,))
    ]
    try:
        for other in nodes:
            if other in emitter.traced.values:
                emitter.define(other, "%none")
    except UnsupportedError:
        return False
    return True


def _state_node(traced: Traced, key: str) -> Node:
    return next(
        n for n in traced.recording.nodes if n.kind == "state" and n.target == key
    )


def _emit_node(emitter: Emitter, node: Node) -> None:
    traced = emitter.traced
    if node.kind == "layer":
        emit_layer(emitter, node)
    elif node.kind == "call":
        if node not in traced.recurrence.outputs:
            emit_operation(emitter, node)
    elif node.kind == "state":
        kind = emitter.type_of(node)
        emitter.state(node.target, kind)
        emitter.bind(node, emitter.emit(f"ttc.read @{quote(node.target)}", kind))
    elif node.kind in ("constant", "attribute"):
        constant = node.result
        if constant.is_floating_point():
            constant = constant.to(emitter.dtype)
        value = traced.values[node]
        element = emitter.element
        if not node.result.is_floating_point() and node.result.dtype != torch.bool:
            element = "i64"
        kind = TensorType(value.sizes, element)
        constant = constant if value.time is None else constant.squeeze(value.time)
        emitter.bind(node, Operand("", kind, value.time, constant))


def _outputs(
    emitter: Emitter, broken: set[Node], findings: list[Finding]
) -> tuple[list[Operand], list[str], pytree.TreeSpec | None]:
    """What is returned: the operands, their names, and how Python returns them."""
    returned = emitter.traced.output
    leaves, spec = pytree.tree_flatten_with_path(returned)
    operands, names = [], []
    for path, leaf in leaves:
        if not isinstance(leaf, Node):
            findings.append(Finding(
                f"the forward returns the {type(leaf).__name__} {leaf!r}, expected a tensor, or "
                f"tensors in a tuple, list or dict", Place(),
            ))
            continue
        if leaf in broken:
            continue
        keys = [getattr(key, "key", None) for key in path]
        has_keys = any(isinstance(key, str) for key in keys)
        names.append(
            symbol_of("_".join(
                str(getattr(key, "key", getattr(key, "idx", ""))) for key in path
            )) if has_keys else ""
        )
        try:
            kind = emitter.type_of(leaf)
            operands.append(emitter.broadcast(emitter.operand(leaf), kind))
        except UnsupportedError as error:
            findings.append(Finding.at(leaf.place, f"{error}; it is an output of the model"))
    if not leaves:
        findings.append(Finding(
            "the forward returns nothing that a compiled model gives: expected a tensor, or "
            "tensors in a tuple, list or dict", Place(),
        ))
    lowered = [name.lower() for name in names if name]
    if len(set(lowered)) != len(lowered):
        findings.append(Finding(
            f"the forward returns a dict whose keys give two outputs one name: {names}; letters, "
            f"digits and underscores must tell them apart", Place(),
        ))
    is_plain = isinstance(returned, Node) or (
        isinstance(returned, tuple) and all(isinstance(leaf, Node) for leaf in returned)
        and type(returned) is tuple and len(returned) > 1
    )
    return operands, names, None if is_plain else spec


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
