"""How model IR is spelled: one line an operation, and the weights that it names."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from .errors import UnsupportedError
from .params import Constrained, activation_of
from .paths import is_stateful
from .tracing import Traced, Value, where


@dataclass(frozen=True)
class Operand:
    """A value of the model IR: its name (`%0`) and its type (`tensor<?x64xf32>`)."""

    name: str
    type: str
    value: Value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


class Emitter:
    """Collects the lines of one model and its weights by key."""

    def __init__(self, traced: Traced):
        self.traced = traced
        self.lines: list[str] = []
        self.weights: dict[str, torch.Tensor] = {}
        self.constrained: list[Constrained] = []
        self._operands: dict[fx.Node, Operand] = {}

    # What the nodes of the graph are called.

    def define(self, node: fx.Node, name: str) -> Operand:
        """Binds a node's value to the name `name`."""
        value = self.traced.values[node]
        self._operands[node] = Operand(name, tensor_type(value), value)
        return self._operands[node]

    def operand(self, argument: Any, user: str) -> Operand:
        """What a node's argument is in the model IR. Raises UnsupportedError for a constant."""
        if not isinstance(argument, fx.Node) or argument not in self._operands:
            found = f"the {type(argument).__name__} {argument!r}"
            if isinstance(argument, fx.Node):
                found = f"'{argument.target}'"
            raise UnsupportedError(
                f"{user} is applied to {found}, expected a tensor computed from the model's "
                f"inputs; fold constants into a layer's weights"
            )
        return self._operands[argument]

    # The lines.

    def result(self, node: fx.Node, operation: str, types: str = "") -> None:
        """Adds the line `%n = operation : types` for a node; by default the result's type."""
        number = len(self.lines)
        operand = self.define(node, f"%{number}")
        self.lines.append(f"{operand.name} = {operation} : {types or operand.type}")

    def same(self, node: fx.Node, operand: Operand) -> None:
        """A node that changes nothing."""
        self.define(node, operand.name)

    # The weights.

    def weight(self, path: str, layer: nn.Module, name: str) -> torch.Tensor:
        """Takes the layer's parameter or buffer `name` under the key `path.name`."""
        tensor = dict(layer.named_parameters(recurse=False)).get(name)
        if tensor is None:
            tensor = dict(layer.named_buffers(recurse=False)).get(name)
        if tensor is None:
            raise UnsupportedError(
                f"{where(path, layer)} has no parameter '{name}' of its own; remove "
                f"parametrizations such as weight_norm before exporting"
            )
        key = join(path, name)
        if tensor.dtype != torch.float32:
            found = str(tensor.dtype).removeprefix("torch.")
            raise UnsupportedError(
                f"'{key}' of {where(path, layer)} is {found}, expected float32: convert the model "
                f"with .float()"
            )
        self.weights[key] = tensor.detach().cpu().contiguous()
        return tensor

    def constrained_weight(self, path: str, layer: nn.Module, name: str) -> torch.Tensor:
        """As `weight`, for a parameter that is there raw (`raw_beta`) or activated (`beta`)."""
        present = {key for key, _ in layer.named_parameters(recurse=False)}
        present |= {key for key, _ in layer.named_buffers(recurse=False)}
        spellings = [spelling for spelling in (f"raw_{name}", name) if spelling in present]
        if len(spellings) != 1:
            found = "both" if spellings else "neither"
            raise UnsupportedError(
                f"{where(path, layer)} has {found} of 'raw_{name}' and '{name}', expected one: the "
                f"first before TTcompile(), the second after it"
            )
        return self.weight(path, layer, spellings[0])


def constrained_params(path: str, layer: nn.Module) -> list[Constrained]:
    """The two spellings of each of a traceTorch layer's parameters."""
    if not is_stateful(layer):
        return []
    return [
        Constrained(join(path, f"raw_{name}"), join(path, name), activation_of(name))
        for name in getattr(layer, "_dynamic_params", {})
    ]


def join(path: str, name: str) -> str:
    """A key: the layer's path, a dot, the name; a model that is one layer has no path."""
    return f"{path}.{name}" if path else name


def quote(text: str) -> str:
    """A string of the model IR."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def number(value: float) -> str:
    """A float literal: MLIR wants a point in it."""
    text = repr(float(value))
    if "." not in text and "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}.0e{exponent}"
    return text


def tensor_type(value: Value) -> str:
    """`tensor<?x64xf32>` for shape (4, 64) with a dynamic batch."""
    sizes = [str(size) for size in value.shape]
    if value.dynamic:
        sizes[0] = "?"
    return f"tensor<{''.join(size + 'x' for size in sizes)}f32>"
