"""What a model's forward does in one timestep: a graph, with every value's shape and its batch."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from . import sequences
from .errors import Error, Finding, Place
from .paths import ModulePaths, is_stateful
from .recording import Node
from .recurrence import Recurrence, call_arguments, find_recurrence, is_recurrent
from .subject import INTEGERS, Recording, Subject, where

__all__ = ["Traced", "Value", "trace", "where"]


@dataclass(frozen=True)
class Known:
    """What the model IR has words for.

    is_layer: whether a module is one layer of it.
    operation: whether an ATen operation is one of it.
    refusal: why a layer is refused whatever is done with it; None for others.
    """

    is_layer: Callable[[nn.Module], bool]
    operation: Callable[[Any], bool]
    refusal: Callable[[str, nn.Module], str | None]


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    shape: on the example, of one timestep.
    time: the axis of the one timestep, which the model IR does not have.
    dynamic: whether the first axis, but for that, is the batch of any size.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    dynamic: bool = False
    time: int | None = None

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """As the model IR has them: without the time axis, None for the batch."""
        sizes: list[int | None] = [n for axis, n in enumerate(self.shape) if axis != self.time]
        if self.dynamic:
            sizes[0] = None
        return tuple(sizes)


@dataclass(frozen=True)
class Traced:
    """A model's forward for one timestep."""

    subject: Subject
    recording: Recording
    nodes: Sequence[Node]  # in order, without those that nothing needs
    inputs: Sequence[Node]  # of the compiled model, in the order of the call
    output: Any  # as the compiled model returns it, with nodes for tensors
    values: Mapping[Node, Value]
    recurrence: Recurrence
    findings: Sequence[Finding]
    broken: frozenset[Node]  # nodes that a finding is about already
    why_fixed: str  # why the batch cannot change; empty where it can, or where nothing says it is

    @property
    def model(self) -> nn.Module:
        return self.subject.model

    @property
    def paths(self) -> ModulePaths:
        return self.recording.paths


def trace(
    model: nn.Module,
    examples: Sequence[Any],
    batch: int | None,
    known: Known,
    fixed: str = "",
) -> Traced:
    """Traces the model on one timestep's inputs, without touching the model.

    Where the model runs a torch.nn.LSTM, GRU or RNN over a sequence, the examples have its time
    axis, and what is traced is one of its timesteps. The leading dimension of a value is the
    batch if the value grows with it. With an int for `batch`, with a reason in `fixed`, or where
    that cannot be (rank 1, or a layer's own dimension), every size is fixed.

    Raises Error for inputs that the model does not take; what cannot be exported is a finding.
    """
    subject = Subject(model, known.is_layer, known.operation)
    example = subject.bind(examples)
    tensors = list(example.tensors)
    recording = subject.record(example, tensors)
    axes = sequences.find_time_axes(subject, example, recording)
    if axes.is_sequence:
        tensors = axes.resized(tensors, 1)
        recording = subject.record(example, tensors)

    growing = [None] * len(tensors)
    if batch is None and not fixed:
        growing, fixed = _batch_axes(recording, tensors, axes)
    large = None
    if any(axis is not None for axis in growing):
        size = next(t.shape[a] for t, a in zip(tensors, growing) if a is not None)
        try:
            small_tensors = _grown(tensors, growing, max(size, 2))
            small = recording if size >= 2 else subject.record(example, small_tensors)
            large = subject.record(example, _grown(tensors, growing, max(size, 2) + 1))
            reason = _difference(small, large)
        except Error as error:
            reason = str(error)
        if reason:
            fixed, large = f"with another batch the forward is not the same: {reason}", None
        else:
            recording, tensors = small, small_tensors

    longer = None
    findings = list(recording.findings)
    if axes.is_sequence:
        longer = subject.record(example, axes.resized(tensors, 2))
        reason = _difference(recording, longer)
        if reason:
            findings.append(Finding.at(
                Place(), f"the forward does not do the same for each timestep: {reason}"
            ))
            longer = None
    recurrence = find_recurrence(recording, _needed(recording))
    findings += recurrence.findings
    nodes = _needed(recording, initial_states=False)
    nodes = [node for node in nodes if node not in recurrence.replaced]
    values, irregular = _values(recording, nodes, recurrence, large, longer)
    if irregular is not None:
        fixed = (
            f"in {irregular.place}, {_name(irregular, recording)} makes a tensor whose leading "
            f"dimension is not the batch"
        )
        values, _ = _values(recording, nodes, recurrence, None, longer)
    broken = set()
    for node in nodes:
        if node.kind == "layer":
            refusal = known.refusal(node.target, recording.paths.modules[node.target])
            if refusal is not None:
                broken.add(node)
                findings.append(Finding.of_layer(node.place, node.target, refusal))
    if not findings:
        found, where_found = sequences.check(
            subject, example, recording, tensors, axes, nodes, values, recurrence
        )
        findings += found
        broken |= where_found
    inputs = [node for node in recording.inputs if node not in recurrence.inputs]
    return Traced(
        subject, recording, nodes, inputs, recurrence.output, values, recurrence, findings,
        frozenset(broken), fixed,
    )


def _batch_axes(
    recording: Recording, tensors: Sequence[torch.Tensor], axes: sequences.TimeAxes
) -> tuple[list[int | None], str]:
    """Which axis of each input is the batch, and why none is."""
    for node in recording.nodes:
        module, shape = None, ()
        if node.kind == "layer":
            module = recording.paths.modules[node.target]
            shape = next((n.result.shape for n in node.inputs()), ())
        elif node.kind == "state":
            module = recording.paths.modules.get(node.place.path)
            shape = node.result.shape
        if module is not None and is_stateful(module) and len(shape) > 1:
            if -len(shape) <= module.dim < len(shape) and module.dim % len(shape) == 0:
                path = node.target if node.kind == "layer" else node.place.path
                return [None] * len(tensors), (
                    f"the leading dimension is dim {module.dim} of {where(path, module)}"
                )
    found: list[int | None] = []
    for index, tensor in enumerate(tensors):
        if index in axes.hidden:  # an initial state of a layer: (layers, batch, size)
            axis = tensor.ndim - 2 if tensor.ndim >= 2 else None
        elif axes.is_sequence:
            axis = axes.batch_axis(index, tensor)
        else:
            axis = 0 if tensor.ndim > 1 or tensor.dtype in INTEGERS else None
        found.append(axis)
    sizes = {t.shape[a] for t, a in zip(tensors, found) if a is not None}
    if len(sizes) > 1:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        return [None] * len(tensors), f"the inputs, of shapes {shapes}, differ in it"
    return found, ""


def _grown(
    tensors: Sequence[torch.Tensor], axes: Sequence[int | None], size: int
) -> list[torch.Tensor]:
    return [
        tensor if axis is None else sequences.resize(tensor, axis, size)
        for tensor, axis in zip(tensors, axes)
    ]


# Operations whose integers are sizes, which the shapes of their results say too.
_SIZES = frozenset(
    "view unsafe_view reshape flatten expand repeat as_strided slice slice_scatter zeros ones full "
    "empty new_zeros new_ones new_full new_empty new_empty_strided split_with_sizes "
    "native_group_norm upsample_nearest1d upsample_nearest2d upsample_nearest3d "
    "upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d".split()
)


def _difference(a: Recording, b: Recording) -> str:
    """Where two recordings of one forward do different things; empty if they do not."""
    for first, second in zip(a.nodes, b.nodes):
        same = (first.kind, first.target) == (second.kind, second.target)
        sizes = first.name in _SIZES
        if not same or not _same_arguments(first, second, sizes):
            return f"in {first.place}, '{first.name}'"
    if len(a.nodes) != len(b.nodes):
        longer = max((a, b), key=lambda recording: len(recording.nodes))
        node = longer.nodes[min(len(a.nodes), len(b.nodes))]
        return f"in {node.place}, '{node.name}'"
    return ""


def _name(node: Node, recording: Recording) -> str:
    if node.kind == "layer":
        return where(node.target, recording.paths.modules[node.target])
    return f"'{node.name}'"


def _same_arguments(a: Node, b: Node, sizes: bool) -> bool:
    first, spec = pytree.tree_flatten((a.args, a.kwargs))
    second, other = pytree.tree_flatten((b.args, b.kwargs))
    if len(first) != len(second) or spec != other:
        return sizes
    for x, y in zip(first, second):
        if isinstance(x, Node) or isinstance(y, Node):
            if not (isinstance(x, Node) and isinstance(y, Node)):
                return False
        elif x != y and not (sizes and isinstance(x, int) and isinstance(y, int)):
            if x == x or y == y:  # neither is NaN
                return False
    return True


def _needed(recording: Recording, initial_states: bool = True) -> list[Node]:
    """What the outputs and states depend on; with or without initial states of torch.nn's."""
    needed: set[Node] = set()
    waiting = recording.stateful_roots()
    while waiting:
        node = waiting.pop()
        if node in needed:
            continue
        needed.add(node)
        module = recording.paths.modules[node.target] if node.kind == "layer" else None
        if module is not None and is_recurrent(module) and not initial_states:
            x, _ = call_arguments(node)
            waiting += [x] if isinstance(x, Node) else []
        else:
            waiting += node.inputs()
    return [node for node in recording.nodes if node in needed]


def _values(
    recording: Recording,
    nodes: Sequence[Node],
    recurrence: Recurrence,
    large: Recording | None,
    longer: Recording | None,
) -> tuple[dict[Node, Value], Node | None]:
    """Each tensor as a Value, and the first whose batch is not its leading dimension."""
    position = {node: index for index, node in enumerate(recording.nodes)}
    values = {}
    for node in dict.fromkeys([*recording.inputs, *nodes]):
        if not isinstance(node.result, torch.Tensor) or node in recurrence.inputs:
            continue
        shape, time, dynamic = tuple(node.result.shape), None, False
        if longer is not None:
            other = tuple(longer.nodes[position[node]].result.shape)
            grown = [a for a, (n, m) in enumerate(zip(shape, other)) if n != m]
            if len(grown) == 1 and shape[grown[0]] == 1 and other[grown[0]] == 2:
                time = grown[0]
        if large is not None:
            other = tuple(large.nodes[position[node]].result.shape)
            if shape != other:
                grown = [a for a, (n, m) in enumerate(zip(shape, other)) if n != m]
                first = 1 if time == 0 else 0
                if grown != [first] or other[first] != shape[first] + 1:
                    return values, node
                dynamic = True
        values[node] = Value(shape, node.result.dtype, dynamic, time)
    return values, None
