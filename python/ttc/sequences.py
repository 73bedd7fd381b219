"""Which axis of a sequence is the time, and whether a forward can take it step by step."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .errors import Error, Finding, Place, UnsupportedError
from .recording import Node
from .recurrence import Recurrence, call_arguments, strip
from .subject import Example, Recording, Replay, Subject, where

_STEPS = 4  # of the sequence on which a forward is compared with its timesteps
_TOLERANCE = {torch.float32: (1e-3, 1e-4), torch.float64: (1e-6, 1e-8)}


@dataclass(frozen=True)
class TimeAxes:
    """The axis of each of the model's inputs that is the time; none for a model without."""

    axes: Mapping[int, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()  # inputs that are initial states
    is_batched: bool = True  # whether the sequence module's input has a batch

    @property
    def is_sequence(self) -> bool:
        return bool(self.axes)

    def resized(self, tensors: Sequence[torch.Tensor], steps: int) -> list[torch.Tensor]:
        """The inputs with this many timesteps, repeated or cut."""
        return [
            resize(tensor, self.axes[index], steps) if index in self.axes else tensor
            for index, tensor in enumerate(tensors)
        ]

    def batch_axis(self, index: int, tensor: torch.Tensor) -> int | None:
        """Which axis of an input is the batch."""
        if not self.is_batched:
            return None
        first = 1 if self.axes.get(index) == 0 else 0
        return first if tensor.ndim > first else None


def resize(tensor: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """A tensor of another size along one axis: cut, or repeated."""
    return tensor.index_select(axis, torch.arange(size) % tensor.shape[axis])


def find_time_axes(subject: Subject, example: Example, recording: Recording) -> TimeAxes:
    """Finds which axes of the inputs grow the time of torch.nn's sequence modules."""
    calls = [
        node for node in recording.nodes
        if node.kind == "layer" and isinstance(recording.paths.modules[node.target], nn.RNNBase)
    ]
    hidden = frozenset(
        index for index, node in enumerate(recording.inputs)
        if any(
            strip(leaf) is node
            for call in recording.nodes if call.kind == "layer" and isinstance(
                recording.paths.modules[call.target], (nn.RNNBase, nn.RNNCellBase))
            for leaf in pytree.tree_leaves(call_arguments(call)[1]) if isinstance(leaf, Node)
        )
    )
    if not calls:
        return TimeAxes(hidden=hidden)
    first = calls[0]
    module = recording.paths.modules[first.target]
    x, _ = call_arguments(first)
    if not isinstance(x, Node):
        raise UnsupportedError(
            f"{where(first.target, module)} is called with a PackedSequence, expected a tensor; "
            f"call it with the padded sequence"
        )
    is_batched = x.result.ndim == 3
    axis = 1 if is_batched and module.batch_first else 0
    steps = x.result.shape[axis]
    expected = list(x.result.shape)
    expected[axis] += 1
    position = recording.nodes.index(first)
    candidates = [
        (index, a)
        for index, tensor in enumerate(example.tensors) if index not in hidden
        for a, size in enumerate(tensor.shape) if size == steps
    ]
    failure = None
    for count in range(1, len(candidates) + 1):
        for chosen in itertools.combinations(candidates, count):
            axes = TimeAxes(dict(chosen), hidden, is_batched)
            if len(axes.axes) < count:
                continue
            try:
                grown = subject.record(example, axes.resized(example.tensors, steps + 1))
            except Error as error:
                failure = failure or error
                continue
            call = grown.nodes[position] if position < len(grown.nodes) else None
            if call is not None and call.kind == "layer" and call.target == first.target:
                if list(call_arguments(call)[0].result.shape) == expected:
                    return axes
    if failure is not None:
        raise UnsupportedError(
            f"the forward takes {steps} timesteps and no other number, so that it cannot take one "
            f"a call; with {steps + 1}, {failure}"
        )
    raise UnsupportedError(
        f"the time axis of {where(first.target, module)} is no axis of an example input: its own "
        f"input has shape {tuple(x.result.shape)}, with the time at {axis}, and the examples have "
        f"shapes {[tuple(t.shape) for t in example.tensors]}; give the forward the sequence"
    )


def check(
    subject: Subject,
    example: Example,
    recording: Recording,
    tensors: Sequence[torch.Tensor],
    axes: TimeAxes,
    nodes: Sequence[Node],
    values: Mapping[Node, Any],
    recurrence: Recurrence,
) -> tuple[list[Finding], set[Node]]:
    """Compares what was recorded with what the model does, on other inputs and more timesteps.

    Gives the nodes that a finding is about, too.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        if axes.is_sequence:
            return _check_sequence(subject, example, recording, tensors, axes, nodes, values)
        steps = 1 if recurrence.forgets else 3
        return _check_steps(subject, example, recording, tensors, axes, steps), set()


def _noise(tensors: Sequence[torch.Tensor], axes: TimeAxes) -> list[torch.Tensor]:
    return [
        torch.zeros_like(tensor) if index in axes.hidden
        else torch.randn_like(tensor) if tensor.is_floating_point() else tensor.flip(0)
        for index, tensor in enumerate(tensors)
    ]


def _check_steps(
    subject: Subject,
    example: Example,
    recording: Recording,
    tensors: Sequence[torch.Tensor],
    axes: TimeAxes,
    steps: int,
) -> list[Finding]:
    root, _ = subject.fresh()
    replay = Replay(recording)
    for step in range(steps):
        noise = _noise(tensors, axes)
        state = torch.random.get_rng_state()
        expected = subject.run(root, example.arguments([t.clone() for t in noise]))
        torch.random.set_rng_state(state)
        values = replay.step([t.clone() for t in noise])
        if not _same_outputs(recording.output, values, expected):
            return [_unseen("" if step == 0 else f" in timestep {step + 1}")]
    return []


def _unseen(when: str) -> Finding:
    return Finding.at(
        Place(),
        f"something other than operations on tensors decides what is computed{when}: an array of "
        f"another package, a number that changes from step to step, or an attribute; keep to "
        f"PyTorch's operations, and keep what lasts in the states of a tracetorch.Layer",
    )


def _same_outputs(output: Any, values: Mapping[Node, Any], expected: Any) -> bool:
    found = [
        values[leaf] if isinstance(leaf, Node) else leaf for leaf in pytree.tree_leaves(output)
    ]
    wanted = pytree.tree_leaves(expected)
    return len(found) == len(wanted) and all(_close(a, b) for a, b in zip(found, wanted))


def _close(a: Any, b: Any) -> bool:
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return a is b or a == b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    rtol, atol = _TOLERANCE.get(a.dtype, (1e-2, 1e-2))
    return torch.allclose(a, b, rtol, atol, equal_nan=True)


def _check_sequence(
    subject: Subject,
    example: Example,
    recording: Recording,
    tensors: Sequence[torch.Tensor],
    axes: TimeAxes,
    nodes: Sequence[Node],
    values: Mapping[Node, Any],
) -> tuple[list[Finding], set[Node]]:
    """The whole sequence at once against one timestep after the other."""
    noise = _noise(axes.resized(tensors, _STEPS), axes)
    whole = subject.record(example, noise)
    at_once = Replay(whole).step(noise)
    root, _ = subject.fresh()
    expected = subject.run(root, example.arguments([t.clone() for t in noise]))
    if not _same_outputs(whole.output, at_once, expected):
        return [_unseen("")], set()
    replay = Replay(recording)
    steps = []
    for step in range(_STEPS):
        inputs = [
            t.narrow(axes.axes[index], step, 1) if index in axes.axes else t
            for index, t in enumerate(noise)
        ]
        steps.append(replay.step(inputs))
    position = {node: index for index, node in enumerate(recording.nodes)}
    for node in nodes:
        if node not in values or node.kind not in ("call", "layer", "item"):
            continue
        found = at_once[whole.nodes[position[node]]]
        if _same_in_steps(found, [step[node] for step in steps], values[node].time):
            continue
        name = f"'{node.name}'"
        if node.kind == "layer":
            name = where(node.target, recording.paths.modules[node.target])
        return [Finding.at(
            node.place,
            f"{name} does something with the time axis other than taking each step for itself, or "
            f"the last one: a compiled model takes one timestep a call; keep a running value in a "
            f"tracetorch.Layer, or compute with the outputs outside",
        )], {node} | {n for n in node.inputs() if node.kind == "item"}
    return [], set()


def _same_in_steps(
    whole: torch.Tensor, steps: Sequence[torch.Tensor], time: int | None
) -> bool:
    if time is not None:
        return all(
            _close(whole.narrow(time, index, 1), step) for index, step in enumerate(steps)
        )
    if whole.shape != steps[-1].shape:
        # The time merged with the batch: what follows takes it apart again, and is compared.
        return whole.numel() == steps[-1].numel() * len(steps)
    return _close(whole, steps[-1])
