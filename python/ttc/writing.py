"""How model IR is spelled: one line an operation, and the weights and states that it names."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .errors import Place, UnsupportedError

# What a constant of the forward may have at most; more belongs into the weights.
_MAX_CONSTANT = 4096

ELEMENTS = {
    torch.float32: "f32",
    torch.float64: "f64",
    torch.int64: "i64",
    torch.int32: "i32",
}


@dataclass(frozen=True)
class TensorType:
    """`tensor<?x64xf32>`: a size of None is the batch."""

    sizes: tuple[int | None, ...]
    element: str

    def __str__(self) -> str:
        sizes = "".join("?x" if size is None else f"{size}x" for size in self.sizes)
        return f"tensor<{sizes}{self.element}>"

    @property
    def rank(self) -> int:
        return len(self.sizes)

    def with_sizes(self, sizes: Iterable[int | None]) -> TensorType:
        return TensorType(tuple(sizes), self.element)


@dataclass(frozen=True)
class Operand:
    """A value of the model IR: its name (`%0`) and type, and the traced value that it is.

    time: the axis of the traced value that the model IR leaves out.
    constant: the value of a tensor that is the same in every timestep.
    """

    name: str
    type: TensorType
    time: int | None = None
    constant: torch.Tensor | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.type.sizes

    @property
    def splat(self) -> float | None:
        """The one value of a constant's elements, if it has only one."""
        if self.constant is None or self.constant.numel() == 0:
            return None
        first = self.constant.flatten()[0]
        return float(first) if bool((self.constant == first).all()) else None


class FixedBatch(Exception):
    """The model can only be written with a fixed batch; the message says why."""


class Writer:
    """Collects the lines of one model, its weights and its declarations by key."""

    def __init__(self, dtype: torch.dtype):
        self.dtype = dtype
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.weights: dict[str, torch.Tensor] = {}
        self.place = Place()  # of what is being written
        self.places: list[Place] = []  # of each line
        self._fills: dict[tuple[str, str], str] = {}
        self._broadcasts: dict[tuple[str, str], Operand] = {}
        self._count = 0

    @property
    def element(self) -> str:
        """The element type of the model's floats."""
        return ELEMENTS[self.dtype]

    # The lines.

    def emit(self, operation: str, result: TensorType, types: str = "") -> Operand:
        """Adds the line `%n = operation : types`; by default the result's type."""
        name = f"%{self._count}"
        self._count += 1
        self.statement(f"{name} = {operation} : {types or result}")
        return Operand(name, result)

    def statement(self, line: str) -> None:
        """Adds a line that makes no value."""
        self.lines.append(line)
        self.places.append(self.place)

    # Values that many operations need.

    def named(self, operand: Operand, like: Operand | None = None) -> Operand:
        """The operand with a name: a constant gets its line."""
        if operand.constant is None or operand.name:
            return operand
        value, kind = operand.splat, operand.type
        if value is not None and like is not None and like.type == kind:
            key = number(value), str(kind)
            if key not in self._fills:
                fill = self.emit(f"ttc.fill {key[0]} like ({like.name})", kind)
                self._fills[key] = fill.name
            return Operand(self._fills[key], kind)
        return self._constant(operand)

    def _constant(self, operand: Operand) -> Operand:
        constant, kind = operand.constant, operand.type
        is_dynamic = None in kind.sizes
        if is_dynamic:
            if not bool((constant == constant[:1]).all()):
                raise FixedBatch("a constant of the forward depends on the batch")
            constant = constant[:1]
        static = kind.with_sizes(constant.shape)
        if constant.numel() > _MAX_CONSTANT and operand.splat is None:
            raise UnsupportedError(
                f"a constant of shape {tuple(constant.shape)} is made in the forward; keep it in "
                f"the model with register_buffer"
            )
        text = dense(constant, kind.element)
        key = text, str(static)
        if key not in self._fills:
            self._fills[key] = self.emit(f"arith.constant dense<{text}>", static).name
        made = Operand(self._fills[key], static)
        return self.broadcast(made, kind) if is_dynamic else made

    def scalar(self, value: float, like: TensorType) -> Operand:
        """A tensor of this type whose elements are all `value`."""
        sizes = [1 if size is None else size for size in like.sizes]
        constant = torch.full((), float(value), dtype=torch.float64).expand(sizes)
        return Operand("", like, None, constant)

    def broadcast(self, operand: Operand, to: TensorType, like: Operand | None = None) -> Operand:
        """The operand in another type: sizes of 1 and missing leading ones grow."""
        if isinstance(operand, Operand) and operand.splat is not None and not operand.name:
            return self.named(self.scalar(operand.splat, to), like)
        if operand.constant is not None and operand.type.element != to.element:
            # A constant of integers among floats.
            kind = TensorType(operand.type.sizes, to.element)
            operand = Operand("", kind, operand.time, operand.constant.to(self.dtype))
        operand = self.named(operand)
        if operand.type == to:
            return operand
        if operand.type.rank > to.rank:
            # A size of 1 that stands where the others have their time axis.
            operand = self.reshape(operand, to.with_sizes(_without_one(operand.type, to)))
            if operand.type == to:
                return operand
        key = operand.name, str(to)
        if key not in self._broadcasts:
            self._broadcasts[key] = self.emit(
                f"ttc.broadcast ({operand.name})", to, f"{operand.type} -> {to}"
            )
        return self._broadcasts[key]

    def together(self, to: TensorType, *values: Any) -> list[Operand]:
        """Operands and numbers, all broadcast to one type."""
        operands = [
            value if isinstance(value, Operand) else self.scalar(value, to) for value in values
        ]
        named = [
            None if o.splat is not None and not o.name else self.broadcast(o, to)
            for o in operands
        ]
        like = next((o for o in named if o is not None), None)
        return [
            self.broadcast(o, to, like) if done is None else done
            for o, done in zip(operands, named)
        ]

    def reshape(self, operand: Operand, to: TensorType) -> Operand:
        """The operand with the same elements in other sizes."""
        operand = self.named(operand)
        if operand.type == to:
            return operand
        types = f"{operand.type} -> {to}"
        before, after = operand.type.sizes, to.sizes
        for first in range(len(after) - 1, -1, -1):
            last = first + len(before) - len(after)
            if first < last and None not in before[first:last + 1]:
                merged = math.prod(before[first:last + 1])
                if before[:first] + (merged,) + before[last + 1:] == after:
                    end = -1 if last == len(before) - 1 else last
                    return self.emit(f"ttc.flatten ({operand.name}) dims({first}, {end})", to,
                                     types)
        return self.emit(f"ttc.reshape ({operand.name})", to, types)

    def permute(self, operand: Operand, order: Sequence[int]) -> Operand:
        """The operand with its dimensions in another order."""
        if list(order) == list(range(len(order))):
            return operand
        if operand.type.sizes[0] is None and order[0] != 0:
            raise FixedBatch("its dimensions are permuted so that the batch no longer leads")
        operand = self.named(operand)
        to = operand.type.with_sizes(operand.type.sizes[axis] for axis in order)
        text = ", ".join(map(str, order))
        return self.emit(f"ttc.permute ({operand.name}) [{text}]", to, f"{operand.type} -> {to}")

    def slice(self, operand: Operand, axis: int, start: int, size: int, step: int = 1) -> Operand:
        """`size` elements of a dimension, from `start` on."""
        sizes = list(operand.type.sizes)
        if sizes[axis] == size and start == 0 and step == 1:
            return operand
        self.not_the_batch(operand, axis, "a part of it is taken")
        operand = self.named(operand)
        sizes[axis] = size
        to = operand.type.with_sizes(sizes)
        stride = "" if step == 1 or size == 1 else f" step({step})"
        return self.emit(f"ttc.slice ({operand.name}) dim({axis}) start({start}){stride}", to,
                         f"{operand.type} -> {to}")

    def concat(self, operands: Sequence[Operand], axis: int) -> Operand:
        """Several operands one after the other along a dimension."""
        if len(operands) == 1:
            return operands[0]
        for operand in operands:
            self.not_the_batch(operand, axis, "tensors are put together along it")
        like = next((o for o in operands if o.name), None)
        operands = [self.named(o, like) for o in operands]
        sizes = list(operands[0].type.sizes)
        sizes[axis] = sum(o.type.sizes[axis] for o in operands)
        to = operands[0].type.with_sizes(sizes)
        names = ", ".join(o.name for o in operands)
        types = ", ".join(str(o.type) for o in operands)
        return self.emit(f"ttc.concat ({names}) dim({axis})", to, f"{types} -> {to}")

    def aggregate(
        self, kind: str, operand: Operand, axes: Sequence[int], keep: bool
    ) -> Operand:
        """`sum`, `mean`, `max` or `min` over some dimensions."""
        operand = self.named(operand)
        for axis in axes:
            self.not_the_batch(operand, axis, "a value is computed over it")
        if not axes:
            return operand
        sizes = [
            1 if axis in axes else size for axis, size in enumerate(operand.type.sizes)
            if keep or axis not in axes
        ]
        to = operand.type.with_sizes(sizes)
        text = ", ".join(map(str, sorted(axes)))
        suffix = " keep" if keep else ""
        return self.emit(f"ttc.aggregate {kind} ({operand.name}) dims([{text}]){suffix}", to,
                         f"{operand.type} -> {to}")

    def elementwise(self, name: str, *operands: Operand) -> Operand:
        """An operation of arith or math on operands of one type."""
        return self.emit(f"{name} {', '.join(o.name for o in operands)}", operands[0].type)

    def not_the_batch(self, operand: Operand, axis: int, what: str) -> None:
        """Raises FixedBatch if a dimension is the batch of any size."""
        if operand.type.sizes[axis] is None:
            raise FixedBatch(f"the leading dimension is no batch: {what}")

    # The weights and states.

    def take(self, key: str, tensor: torch.Tensor) -> None:
        """Adds a tensor to the weights."""
        if tensor.dtype != self.dtype:
            found, expected = (
                str(dtype).removeprefix("torch.") for dtype in (tensor.dtype, self.dtype)
            )
            raise UnsupportedError(
                f"'{key}' is {found}, expected {expected} as the model's inputs: convert the model "
                f"with .{'float' if self.dtype == torch.float32 else 'double'}()"
            )
        self.weights[key] = tensor.detach().cpu().contiguous()

    def param_value(self, key: str, tensor: torch.Tensor, constraint: str = "") -> Operand:
        """Declares a parameter and takes its value.

        constraint: the name of the activation, for the effective value of a constrained one.
        """
        kind = TensorType(tuple(tensor.shape), self.element)
        suffix = f" activated({constraint})" if constraint else ""
        self.declarations[key] = f"ttc.param @{quote(key)} : {kind}{suffix}"
        return self.emit(f"ttc.param_value @{quote(key)}", kind)

    def state(self, key: str, kind: TensorType) -> None:
        """Declares a state."""
        self.declarations[key] = f"ttc.state @{quote(key)} : {kind}"

    # The whole.

    def place_of(self, number: int) -> Place:
        """Where the forward does what stands in a line of the model IR, counted from 1."""
        index = number - 2 - len(self.declarations)
        return self.places[index] if 0 <= index < len(self.places) else Place()

    def model(
        self, symbol: str, inputs: Sequence[tuple[str, Operand]], outputs: Sequence[Operand],
        names: Sequence[str],
    ) -> str:
        """The model IR: inputs with their names, outputs with theirs (empty for none)."""
        arguments = ", ".join(
            f"{operand.name}: {operand.type} {{ttc.name = {quote(name)}}}"
            for name, operand in inputs
        )
        results = [
            f"{output.type} {{ttc.name = {quote(name)}}}" if name else str(output.type)
            for output, name in zip(outputs, names)
        ]
        is_bare = len(outputs) == 1 and not names[0]
        result = results[0] if is_bare else f"({', '.join(results)})"
        lines = list(self.declarations.values())
        lines.append(f"ttc.model @{symbol}({arguments}) -> {result} {{")
        lines += [f"  {line}" for line in self.lines]
        operands = ", ".join(output.name for output in outputs)
        types = ", ".join(str(output.type) for output in outputs)
        lines += [f"  ttc.return {operands} : {types}", "}", ""]
        return "\n".join(lines)


def _without_one(kind: TensorType, to: TensorType) -> tuple[int | None, ...]:
    """The sizes less one that is 1, so that the others broadcast to `to`."""
    for axis, size in enumerate(kind.sizes):
        rest = kind.sizes[:axis] + kind.sizes[axis + 1:]
        if size == 1 and all(a in (1, b) for a, b in zip(rest[::-1], to.sizes[::-1])):
            return rest
    raise UnsupportedError(f"a tensor of type {kind} cannot become one of type {to}")


def quote(text: str) -> str:
    """A string of the model IR."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def number(value: float) -> str:
    """An attribute of an operation, which has 64 bits whatever the model's element type is."""
    return literal(value, "f64")


def literal(value: float, element: str) -> str:
    """A float literal of an element type; what has no decimal form is written by its bits."""
    if not math.isfinite(value):
        code, bits = ("<f", "<I") if element == "f32" else ("<d", "<Q")
        (pattern,) = struct.unpack(bits, struct.pack(code, value))
        return f"0x{pattern:0{8 if element == 'f32' else 16}X}"
    text = repr(float(value))
    if "." not in text and "e" in text:  # MLIR wants a point in it
        mantissa, exponent = text.split("e")
        text = f"{mantissa}.0e{exponent}"
    return text


def dense(constant: torch.Tensor, element: str) -> str:
    """The inside of `dense<...>`."""
    first = constant.flatten()[0]
    if bool((constant == first).all()):
        return literal(float(first), element)

    def nested(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(nested, value))}]"
        return literal(float(value), element)

    return nested(constant.tolist())


def ints(name: str, values: Sequence[int]) -> str:
    """` name([1, 2])`."""
    return f" {name}([{', '.join(str(int(v)) for v in values)}])"
