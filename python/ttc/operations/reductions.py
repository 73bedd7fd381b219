"""Reductions: one value of many, along dimensions."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..emitting import Emitter, Operand
from ..errors import UnsupportedError
from ..recording import Node
from .table import operation

aten = torch.ops.aten


def reduced_axes(e: Emitter, node: Node, x: Operand, dims: Sequence[int] | int | None) -> list[int]:
    """The dimensions that are reduced, as the model IR has them."""
    rank = x.type.rank + (x.time is not None)
    if isinstance(dims, int):
        dims = [dims]
    axes = [e.axis(x, dim) for dim in (dims or range(rank))]
    if None in axes:
        raise UnsupportedError(
            f"'{node.name}' reduces the time axis: a compiled model takes one timestep a call; "
            f"keep a running value in a tracetorch.Layer, or reduce the outputs outside"
        )
    return sorted(axes)


def _reduction(kind: str) -> Any:
    def emit(
        e: Emitter, node: Node, x: Operand, dim: Any = None, keepdim: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        e.type_of(node)  # refuses a result of another dtype
        axes = reduced_axes(e, node, x, dim)
        e.bind(node, e.aggregate(kind, x, axes, keepdim))

    return emit


operation(aten.sum.default, aten.sum.dim_IntList)(_reduction("sum"))
operation(aten.mean.default, aten.mean.dim)(_reduction("mean"))
operation(aten.amax.default, aten.max.default)(_reduction("max"))
operation(aten.amin.default, aten.min.default)(_reduction("min"))


@operation(aten.max.dim, aten.min.dim)
def max_dim(e: Emitter, node: Node, x: Operand, dim: int, keepdim: bool = False) -> None:
    kind = node.target.overloadpacket.__name__
    for item in e.traced.nodes:
        if item.kind != "item" or item.args[0] is not node:
            continue
        if item.target != 0:
            raise UnsupportedError(
                f"the indices of '{kind}' are used, which is not supported; use its values"
            )
        e.bind(item, e.aggregate(kind, x, reduced_axes(e, node, x, dim), keepdim))


@operation(aten.any.default, aten.any.dim, aten.any.dims)
def any_of(e: Emitter, node: Node, x: Operand, dim: Any = None, keepdim: bool = False) -> None:
    _quantifier(e, node, "max", x, dim, keepdim)


@operation(aten.all.default, aten.all.dim, aten.all.dims)
def all_of(e: Emitter, node: Node, x: Operand, dim: Any = None, keepdim: bool = False) -> None:
    _quantifier(e, node, "min", x, dim, keepdim)


def _quantifier(
    e: Emitter, node: Node, kind: str, x: Operand, dim: Any, keepdim: bool
) -> None:
    if node.args[0].result.dtype != torch.bool:
        x, zero = e.together(x.type, x, 0.0)
        x = e.emit(f"ttc.compare ne ({x.name}, {zero.name})", x.type)
    e.bind(node, e.aggregate(kind, x, reduced_axes(e, node, x, dim), keepdim))


@operation(aten.var.correction, aten.std.correction)
def var(
    e: Emitter, node: Node, x: Operand, dim: Any = None, *, correction: float | None = None,
    keepdim: bool = False,
) -> None:
    axes = reduced_axes(e, node, x, dim)
    mean = e.broadcast(e.aggregate("mean", x, axes, True), x.type)
    centred = e.elementwise("arith.subf", x, mean)
    squares = e.aggregate("sum", e.elementwise("arith.mulf", centred, centred), axes, keepdim)
    count = 1
    for axis in axes:
        count *= x.type.sizes[axis]
    divisor = count - (1 if correction is None else correction)
    if divisor <= 0:
        raise UnsupportedError(
            f"'{node.name}' divides by {divisor}: it has {count} values, fewer than its correction"
        )
    squares, divisor = e.together(squares.type, squares, float(divisor))
    result = e.elementwise("arith.divf", squares, divisor)
    if "std" in node.name:
        result = e.elementwise("math.sqrt", result)
    e.bind(node, result)


@operation(aten.linalg_vector_norm.default)
def vector_norm(
    e: Emitter, node: Node, x: Operand, ord: float = 2, dim: Any = None, keepdim: bool = False,
    dtype: torch.dtype | None = None,
) -> None:
    axes = reduced_axes(e, node, x, dim)
    x = e.named(x)
    if ord == 2:
        squares = e.aggregate("sum", e.elementwise("arith.mulf", x, x), axes, keepdim)
        result = e.elementwise("math.sqrt", squares)
    elif ord in (1, float("inf")):
        absolute = e.elementwise("math.absf", x)
        result = e.aggregate("sum" if ord == 1 else "max", absolute, axes, keepdim)
    else:
        raise UnsupportedError(f"'norm' of order {ord} is not supported; use 1, 2 or inf")
    e.bind(node, result)


@operation(aten.logsumexp.default)
def logsumexp(e: Emitter, node: Node, x: Operand, dim: Any, keepdim: bool = False) -> None:
    axes = reduced_axes(e, node, x, dim)
    largest = e.aggregate("max", x, axes, True)
    shifted = e.elementwise("arith.subf", e.named(x), e.broadcast(largest, x.type))
    total = e.aggregate("sum", e.elementwise("math.exp", shifted), axes, True)
    result = e.elementwise("arith.addf", e.elementwise("math.log", total), largest)
    e.bind(node, e.reshape(result, e.type_of(node)))
