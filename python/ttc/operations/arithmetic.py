"""Elementwise arithmetic, comparisons and choices, on tensors and numbers that broadcast."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import math
from typing import Any

import torch

from ..emitting import Emitter, Operand, number
from ..errors import UnsupportedError
from ..recording import Node
from .table import OPERATIONS, operation

aten = torch.ops.aten


def unary(name: str) -> Any:
    """An entry for an operation of math or arith on one operand."""

    def emit(e: Emitter, node: Node, x: Operand) -> None:
        (x,) = e.together(e.type_of(node), x)
        e.bind(node, e.elementwise(name, x))

    return emit


def binary(name: str) -> Any:
    """An entry for an operation of math or arith on two operands or numbers."""

    def emit(e: Emitter, node: Node, a: Any, b: Any) -> None:
        a, b = e.together(e.type_of(node), a, b)
        e.bind(node, e.elementwise(name, a, b))

    return emit


for _name, _spelling in {
    "neg": "arith.negf",
    "abs": "math.absf",
    "exp": "math.exp",
    "exp2": "math.exp2",
    "expm1": "math.expm1",
    "log": "math.log",
    "log2": "math.log2",
    "log10": "math.log10",
    "log1p": "math.log1p",
    "sqrt": "math.sqrt",
    "rsqrt": "math.rsqrt",
    "sin": "math.sin",
    "cos": "math.cos",
    "tan": "math.tan",
    "asin": "math.asin",
    "acos": "math.acos",
    "atan": "math.atan",
    "sinh": "math.sinh",
    "cosh": "math.cosh",
    "asinh": "math.asinh",
    "acosh": "math.acosh",
    "atanh": "math.atanh",
    "erf": "math.erf",
    "floor": "math.floor",
    "ceil": "math.ceil",
    "round": "math.roundeven",
    "trunc": "math.trunc",
}.items():
    OPERATIONS[getattr(aten, _name).default] = unary(_spelling)

for _targets, _spelling in (
    ((aten.mul.Tensor, aten.mul.Scalar), "arith.mulf"),
    ((aten.maximum.default, aten.max.other), "arith.maximumf"),
    ((aten.minimum.default, aten.min.other), "arith.minimumf"),
    ((aten.fmod.Tensor, aten.fmod.Scalar), "arith.remf"),
    ((aten.atan2.default,), "math.atan2"),
    ((aten.fmax.default,), "arith.maxnumf"),
    ((aten.fmin.default,), "arith.minnumf"),
):
    operation(*_targets)(binary(_spelling))


@operation(aten.add.Tensor, aten.add.Scalar)
def add(e: Emitter, node: Node, a: Any, b: Any, alpha: float = 1) -> None:
    sum_of(e, node, "arith.addf", a, b, alpha)


@operation(aten.sub.Tensor, aten.sub.Scalar)
def sub(e: Emitter, node: Node, a: Any, b: Any, alpha: float = 1) -> None:
    sum_of(e, node, "arith.subf", a, b, alpha)


@operation(aten.rsub.Tensor, aten.rsub.Scalar)
def rsub(e: Emitter, node: Node, a: Any, b: Any, alpha: float = 1) -> None:
    if alpha != 1:
        kind = e.type_of(node)
        a, factor = e.together(kind, a, alpha)
        a = e.elementwise("arith.mulf", a, factor)
    sum_of(e, node, "arith.subf", b, a, 1)


def sum_of(e: Emitter, node: Node, name: str, a: Any, b: Any, alpha: float) -> None:
    """a + alpha b, or a - alpha b."""
    kind = e.type_of(node)
    if alpha != 1 and not isinstance(b, Operand):
        b, alpha = b * alpha, 1
    a, b = e.together(kind, a, b)
    if alpha != 1:
        b, factor = e.together(kind, b, alpha)
        b = e.elementwise("arith.mulf", b, factor)
    e.bind(node, e.elementwise(name, a, b))


@operation(aten.heaviside.default)
def heaviside(e: Emitter, node: Node, x: Operand, values: Operand) -> None:
    x, values, zero = e.together(e.type_of(node), x, values, 0.0)
    above, at_zero = compare(e, "gt", x, zero), compare(e, "eq", x, zero)
    e.bind(node, choose(e, at_zero, values, above))


@operation(aten.hypot.default)
def hypot(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    a, b = e.together(e.type_of(node), a, b)
    squares = (e.elementwise("arith.mulf", side, side) for side in (a, b))
    e.bind(node, e.elementwise("math.sqrt", e.elementwise("arith.addf", *squares)))


@operation(aten.div.Tensor, aten.div.Scalar, aten.true_divide.Tensor, aten.true_divide.Scalar)
def div(e: Emitter, node: Node, a: Any, b: Any) -> None:
    a, b = e.together(e.type_of(node), a, b)
    e.bind(node, e.elementwise("arith.divf", a, b))


@operation(aten.div.Tensor_mode, aten.div.Scalar_mode)
def div_mode(e: Emitter, node: Node, a: Any, b: Any, rounding_mode: str | None = None) -> None:
    a, b = e.together(e.type_of(node), a, b)
    quotient = e.elementwise("arith.divf", a, b)
    if rounding_mode is not None:
        quotient = e.elementwise(f"math.{rounding_mode}", quotient)
    e.bind(node, quotient)


@operation(aten.floor_divide.default, aten.floor_divide.Scalar)
def floor_divide(e: Emitter, node: Node, a: Any, b: Any) -> None:
    div_mode(e, node, a, b, "floor")


@operation(aten.remainder.Tensor, aten.remainder.Scalar)
def remainder(e: Emitter, node: Node, a: Any, b: Any) -> None:
    # As Python's %: with the divisor's sign.
    a, b = e.together(e.type_of(node), a, b)
    floor = e.elementwise("math.floor", e.elementwise("arith.divf", a, b))
    e.bind(node, e.elementwise("arith.subf", a, e.elementwise("arith.mulf", floor, b)))


@operation(aten.reciprocal.default)
def reciprocal(e: Emitter, node: Node, x: Operand) -> None:
    one, x = e.together(e.type_of(node), 1.0, x)
    e.bind(node, e.elementwise("arith.divf", one, x))


@operation(aten.pow.Tensor_Scalar)
def pow_scalar(e: Emitter, node: Node, x: Operand, exponent: float) -> None:
    kind = e.type_of(node)
    (x,) = e.together(kind, x)
    if exponent in (1, 2, 3):
        power = x
        for _ in range(int(exponent) - 1):
            power = e.elementwise("arith.mulf", power, x)
    elif exponent == 0.5:
        power = e.elementwise("math.sqrt", x)
    elif exponent in (-1, -2):
        one, x = e.together(kind, 1.0, x)
        square = x if exponent == -1 else e.elementwise("arith.mulf", x, x)
        power = e.elementwise("arith.divf", one, square)
    elif exponent == -0.5:
        power = e.elementwise("math.rsqrt", x)
    else:
        power = e.elementwise("math.powf", *e.together(kind, x, exponent))
    e.bind(node, power)


@operation(aten.pow.Tensor_Tensor, aten.pow.Scalar)
def pow_tensor(e: Emitter, node: Node, base: Any, exponent: Operand) -> None:
    e.bind(node, e.elementwise("math.powf", *e.together(e.type_of(node), base, exponent)))


@operation(aten.sign.default, aten.sgn.default)
def sign(e: Emitter, node: Node, x: Operand) -> None:
    kind = e.type_of(node)
    x, zero = e.together(kind, x, 0.0)
    above, below = compare(e, "gt", x, zero), compare(e, "lt", x, zero)
    e.bind(node, e.elementwise("arith.subf", above, below))


@operation(aten.frac.default)
def frac(e: Emitter, node: Node, x: Operand) -> None:
    (x,) = e.together(e.type_of(node), x)
    e.bind(node, e.elementwise("arith.subf", x, e.elementwise("math.trunc", x)))


@operation(aten.erfc.default)
def erfc(e: Emitter, node: Node, x: Operand) -> None:
    one, x = e.together(e.type_of(node), 1.0, x)
    e.bind(node, e.elementwise("arith.subf", one, e.elementwise("math.erf", x)))


@operation(aten.lerp.Scalar, aten.lerp.Tensor)
def lerp(e: Emitter, node: Node, start: Operand, end: Operand, weight: Any) -> None:
    start, end, weight = e.together(e.type_of(node), start, end, weight)
    way = e.elementwise("arith.mulf", weight, e.elementwise("arith.subf", end, start))
    e.bind(node, e.elementwise("arith.addf", start, way))


@operation(aten.addcmul.default)
def addcmul(e: Emitter, node: Node, x: Operand, a: Operand, b: Operand, value: float = 1) -> None:
    _add_combined(e, node, x, "arith.mulf", a, b, value)


@operation(aten.addcdiv.default)
def addcdiv(e: Emitter, node: Node, x: Operand, a: Operand, b: Operand, value: float = 1) -> None:
    _add_combined(e, node, x, "arith.divf", a, b, value)


def _add_combined(
    e: Emitter, node: Node, x: Operand, name: str, a: Operand, b: Operand, value: float
) -> None:
    kind = e.type_of(node)
    x, a, b = e.together(kind, x, a, b)
    if value != 1:
        a, factor = e.together(kind, a, value)
        a = e.elementwise("arith.mulf", factor, a)
    e.bind(node, e.elementwise("arith.addf", x, e.elementwise(name, a, b)))


# Comparisons give 1 or 0, which is what PyTorch's booleans become.


def compare(e: Emitter, kind: str, a: Operand, b: Operand) -> Operand:
    return e.emit(f"ttc.compare {kind} ({a.name}, {b.name})", a.type)


def _comparison(kind: str) -> Any:
    def emit(e: Emitter, node: Node, a: Any, b: Any) -> None:
        a, b = e.together(e.type_of(node), a, b)
        e.bind(node, compare(e, kind, a, b))

    return emit


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    operation(getattr(aten, _name).Tensor, getattr(aten, _name).Scalar)(_comparison(_name))


def _is_bool(node: Node) -> bool:
    return node.result.dtype == torch.bool


def _truth(e: Emitter, node: Node, index: int, x: Operand) -> Operand:
    """1 where a tensor is not 0."""
    if _is_bool(node.args[index]):
        return x
    x, zero = e.together(x.type, x, 0.0)
    return compare(e, "ne", x, zero)


@operation(aten.logical_and.default, aten.bitwise_and.Tensor)
def logical_and(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    a, b = e.together(e.type_of(node), _truth(e, node, 0, a), _truth(e, node, 1, b))
    e.bind(node, e.elementwise("arith.mulf", a, b))


@operation(aten.logical_or.default, aten.bitwise_or.Tensor)
def logical_or(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    a, b = e.together(e.type_of(node), _truth(e, node, 0, a), _truth(e, node, 1, b))
    e.bind(node, e.elementwise("arith.maximumf", a, b))


@operation(aten.logical_xor.default, aten.bitwise_xor.Tensor)
def logical_xor(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    a, b = e.together(e.type_of(node), _truth(e, node, 0, a), _truth(e, node, 1, b))
    e.bind(node, compare(e, "ne", a, b))


@operation(aten.logical_not.default, aten.bitwise_not.default)
def logical_not(e: Emitter, node: Node, x: Operand) -> None:
    x, zero = e.together(e.type_of(node), x, 0.0)
    e.bind(node, compare(e, "eq", x, zero))


@operation(aten.isnan.default)
def isnan(e: Emitter, node: Node, x: Operand) -> None:
    (x,) = e.together(e.type_of(node), x)
    e.bind(node, compare(e, "ne", x, x))


@operation(aten.where.self, aten.where.ScalarSelf, aten.where.ScalarOther, aten.where.Scalar)
def where(e: Emitter, node: Node, condition: Operand, a: Any, b: Any) -> None:
    kind = e.type_of(node)
    condition, a, b = e.together(kind, condition, a, b)
    e.bind(node, choose(e, condition, a, b))


def choose(e: Emitter, condition: Operand, a: Operand, b: Operand) -> Operand:
    """`a` where the condition is not 0, else `b`."""
    return e.emit(f"ttc.where ({condition.name}, {a.name}, {b.name})", a.type)


@operation(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def masked_fill(e: Emitter, node: Node, x: Operand, mask: Operand, value: Any) -> None:
    mask, value, x = e.together(e.type_of(node), mask, value, x)
    e.bind(node, choose(e, mask, value, x))


def clamp_to(
    e: Emitter, node: Node, x: Operand, low: float | None, high: float | None
) -> None:
    """Writes a clamp to numbers."""
    (x,) = e.together(e.type_of(node), x)
    text = "" if low is None else f" min({number(low)})"
    text += "" if high is None else f" max({number(high)})"
    for bound in (low, high):
        if bound is not None and math.isnan(bound):
            raise UnsupportedError("'clamp' has a bound that is not a number")
    e.result(node, f"ttc.clamp ({x.name}){text}")


@operation(aten.clamp.default)
def clamp(
    e: Emitter, node: Node, x: Operand, min: float | None = None, max: float | None = None
) -> None:
    if any(bound is not None and math.isinf(bound) for bound in (min, max)):
        low = None if min is not None and math.isinf(min) else min
        high = None if max is not None and math.isinf(max) else max
        if (low, high) == (None, None):
            e.bind(node, x)
            return
        min, max = low, high
    clamp_to(e, node, x, min, max)


@operation(aten.clamp_min.default)
def clamp_min(e: Emitter, node: Node, x: Operand, min: float) -> None:
    clamp(e, node, x, min, None)


@operation(aten.clamp_max.default)
def clamp_max(e: Emitter, node: Node, x: Operand, max: float) -> None:
    clamp(e, node, x, None, max)


@operation(aten.clamp.Tensor)
def clamp_tensor(
    e: Emitter, node: Node, x: Operand, min: Operand | None = None, max: Operand | None = None
) -> None:
    kind = e.type_of(node)
    if min is not None:
        x, bound = e.together(kind, x, min)
        x = e.elementwise("arith.maximumf", x, bound)
    if max is not None:
        x, bound = e.together(kind, x, max)
        x = e.elementwise("arith.minimumf", x, bound)
    e.bind(node, x)


@operation(aten.clamp_min.Tensor)
def clamp_min_tensor(e: Emitter, node: Node, x: Operand, min: Operand) -> None:
    clamp_tensor(e, node, x, min)


@operation(aten.clamp_max.Tensor)
def clamp_max_tensor(e: Emitter, node: Node, x: Operand, max: Operand) -> None:
    clamp_tensor(e, node, x, None, max)
