"""A random model as a program: what its code is, and how it is made simpler."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import dataclasses
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import own_layers
import torch
import tracetorch as tt
from rows import randomise
from random_models import heaviside
from torch import nn

Shape = tuple[int, ...]  # of one timestep, without its batch dimensions


@dataclass(frozen=True)
class Layer:
    """A module of the model: the expression that makes it, and the seed of its parameters."""

    code: str
    seed: int


@dataclass(frozen=True)
class Node:
    """A value of the forward. Without a layer and a code it is an input of the model."""

    shape: Shape
    operands: tuple[int, ...] = ()
    layer: int | None = None  # its number in the program; several nodes may share one
    code: str = ""  # `{0}` and so on stand for the operands, or for the layer's result
    tokens: int = 0  # for an input of whole numbers: how many there are


@dataclass(frozen=True)
class Program:
    """A model. Each node comes after its operands."""

    nodes: tuple[Node, ...]
    layers: dict[int, Layer]
    outputs: tuple[int, ...]
    extra: Shape = ()  # batch dimensions behind the first
    time: int | None = None  # where the time is, if the forward takes sequences
    dtype: str = "float32"

    def __post_init__(self) -> None:
        # Without a layer that takes sequences, the forward takes one timestep.
        used = {node.layer for node in self.nodes}
        if not any("batch_first" in self.layers[n].code for n in used if n is not None):
            object.__setattr__(self, "time", None)

    def inputs(self) -> list[Node]:
        return [node for node in self.nodes if is_input(node)]

    def code(self) -> str:
        """The model as Python."""
        names, body = {}, []
        for number, node in enumerate(self.nodes):
            names[number] = f"{'x' if is_input(node) else 'v'}{number}"
            if not is_input(node):
                operands = [names[operand] for operand in node.operands]
                if node.layer is not None:
                    operands = [f"self.l{node.layer}({', '.join(operands)})"]
                body.append(f"{names[number]} = {(node.code or '{0}').format(*operands)}")
        returned = ", ".join(names[output] for output in self.outputs)
        used = {node.layer for node in self.nodes}
        made = []
        for number in sorted(self.layers.keys() & used):
            layer = self.layers[number]
            made += [f"torch.manual_seed({layer.seed})", f"self.l{number} = {layer.code}"]
        inputs = [names[n] for n, node in enumerate(self.nodes) if is_input(node)]
        return "\n".join([
            "class Model(tt.Model):",
            "    def __init__(self):",
            textwrap.indent("\n".join(["super().__init__()", *made]), " " * 8),
            "",
            f"    def forward(self, {', '.join(inputs)}):",
            textwrap.indent("\n".join([*body, f"return {returned}"]), " " * 8),
            "",
        ])

    def build(self) -> nn.Module:
        """The model, in eval mode."""
        names: dict[str, Any] = dict(NAMES)
        exec(self.code(), names)
        return names["Model"]().to(getattr(torch, self.dtype)).eval()


def is_input(node: Node) -> bool:
    return node.layer is None and not node.code


def between(low: float, high: float, *shape: int) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape)


# What the code of a model refers to.
NAMES = {
    "torch": torch, "nn": nn, "F": nn.functional, "tt": tt, "between": between,
    "randomise": randomise, "heaviside": heaviside, "own_layers": own_layers,
}


# Shrinking: simpler programs, the simplest first.


def simpler(program: Program) -> Iterator[Program]:
    """Programs with less in them. Each may or may not still fail."""
    for output in range(len(program.nodes)):
        if not is_input(program.nodes[output]) and program.outputs != (output,):
            yield _pruned(dataclasses.replace(program, outputs=(output,)))
    for number, node in enumerate(program.nodes):
        if is_input(node):
            continue
        # An input in the place of a value, then an operand in the place of what is made of it.
        yield _with(program, number, Node(node.shape))
        for operand in node.operands:
            if program.nodes[operand].shape == node.shape:
                yield _without(program, number, operand)
    if program.extra:
        yield dataclasses.replace(program, extra=())


def _with(program: Program, number: int, node: Node) -> Program:
    nodes = (*program.nodes[:number], node, *program.nodes[number + 1:])
    return _pruned(dataclasses.replace(program, nodes=nodes))


def _without(program: Program, number: int, operand: int) -> Program:
    def moved(n: int) -> int:
        return operand if n == number else n

    nodes = tuple(
        dataclasses.replace(node, operands=tuple(map(moved, node.operands)))
        for node in program.nodes
    )
    outputs = tuple(dict.fromkeys(map(moved, program.outputs)))
    return _pruned(dataclasses.replace(program, nodes=nodes, outputs=outputs))


def _pruned(program: Program) -> Program:
    """Without the nodes that no output needs."""
    needed: set[int] = set()
    pending = list(program.outputs)
    while pending:
        number = pending.pop()
        if number not in needed:
            needed.add(number)
            pending.extend(program.nodes[number].operands)
    kept = sorted(needed)
    renamed = {old: new for new, old in enumerate(kept)}
    nodes = tuple(
        dataclasses.replace(
            program.nodes[old], operands=tuple(renamed[o] for o in program.nodes[old].operands)
        )
        for old in kept
    )
    outputs = tuple(renamed[output] for output in program.outputs)
    return dataclasses.replace(program, nodes=nodes, outputs=outputs)


def size(program: Program) -> tuple[int, int, int]:
    """What shrinking makes smaller."""
    made = sum(not is_input(node) for node in program.nodes)
    return made, len(program.nodes), len(program.outputs) + len(program.extra)


def shrink(program: Program, fails, trials: int = 80) -> Program:
    """The smallest program found for which `fails` still holds."""
    found = True
    while found and trials > 0:
        found = False
        for candidate in simpler(program):
            if size(candidate) >= size(program) or all(map(is_input, candidate.nodes)):
                continue
            if any(is_input(candidate.nodes[output]) for output in candidate.outputs):
                continue
            # Only what reaches a recurrent layer is known to be a sequence.
            if candidate.time is not None and len(candidate.inputs()) > 1:
                continue
            trials -= 1
            if fails(candidate):
                program, found = candidate, True
                break
            if trials == 0:
                break
    return program
