"""Changes of shape: views, slices, concatenations, what is copied and what is constant."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..emitting import Emitter, Operand, ints, number
from ..errors import UnsupportedError
from ..recording import Node
from .table import operation

aten = torch.ops.aten


def _reshape(e: Emitter, node: Node, x: Operand, *sizes: Any, **named: Any) -> None:
    e.bind(node, e.reshape(x, e.type_of(node)))


operation(
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.squeeze.default,
    aten.squeeze.dim, aten.squeeze.dims, aten.unsqueeze.default, aten._reshape_alias.default,
    aten.view_copy.default, "reshape", "flatten",
)(_reshape)


def _same(e: Emitter, node: Node, x: Operand, *arguments: Any, **options: Any) -> None:
    e.type_of(node)  # refuses a conversion
    e.bind(node, x)


operation(
    aten.detach.default, aten.alias.default, aten.clone.default, aten.contiguous.default,
    aten._to_copy.default, aten.lift_fresh.default, aten.lift_fresh_copy.default,
    aten.dropout.default, aten.positive.default, aten.copy.default, aten.to.dtype,
    aten.to.dtype_layout, aten.to.other, "contiguous",
)(_same)


@operation(aten.expand.default)
def expand(e: Emitter, node: Node, x: Operand, sizes: Any, *, implicit: bool = False) -> None:
    e.bind(node, e.broadcast(x, e.type_of(node)))


@operation(aten.repeat.default)
def repeat(e: Emitter, node: Node, x: Operand, repeats: Sequence[int]) -> None:
    rank = x.type.rank + (x.time is not None)
    missing = len(repeats) - rank
    if missing:
        if x.time is not None:
            raise UnsupportedError("'repeat' adds dimensions before the time axis")
        x = e.reshape(x, x.type.with_sizes([1] * missing + list(x.type.sizes)))
    for dim, count in enumerate(repeats):
        if count == 1:
            continue
        axis = e.axis(x, dim)
        if axis is None:
            raise UnsupportedError("'repeat' repeats the time axis, which is not supported")
        # (n,) becomes (1, n), (count, n), (count * n,).
        e.not_the_batch(x, axis, "it is repeated")
        sizes = list(x.type.sizes)
        before, after = sizes[:axis], sizes[axis + 1:]
        apart = e.reshape(x, x.type.with_sizes([*before, 1, sizes[axis], *after]))
        wide = e.broadcast(apart, x.type.with_sizes([*before, count, sizes[axis], *after]))
        joined = e.reshape(wide, x.type.with_sizes([*before, count * sizes[axis], *after]))
        x = Operand(joined.name, joined.type, x.time)
    e.bind(node, x)


@operation(aten.permute.default)
def permute(e: Emitter, node: Node, x: Operand, dims: Sequence[int]) -> None:
    order = [e.axis(x, dim) for dim in dims]
    e.bind(node, e.permute(x, [axis for axis in order if axis is not None]))


@operation(aten.transpose.int)
def transpose(e: Emitter, node: Node, x: Operand, dim0: int, dim1: int) -> None:
    rank = x.type.rank + (x.time is not None)
    dims = list(range(rank))
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    permute(e, node, x, dims)


@operation(aten.t.default)
def t(e: Emitter, node: Node, x: Operand) -> None:
    rank = x.type.rank + (x.time is not None)
    permute(e, node, x, list(range(rank))[::-1])


@operation(aten.select.int)
def select(e: Emitter, node: Node, x: Operand, dim: int, index: int) -> None:
    axis = e.axis(x, dim)
    if axis is not None:  # of the time axis, whose one step is left, nothing is to be taken
        e.not_the_batch(x, axis, "one of its elements is taken")
        x = e.slice(x, axis, index % x.type.sizes[axis], 1)
    e.bind(node, e.reshape(x, e.type_of(node)))


@operation(aten.slice.Tensor)
def slice_(
    e: Emitter, node: Node, x: Operand, dim: int = 0, start: int | None = None,
    end: int | None = None, step: int = 1,
) -> None:
    axis, to = e.axis(x, dim), e.type_of(node)
    if axis is None or to == x.type:
        e.bind(node, x)
        return
    e.not_the_batch(x, axis, "a part of it is taken")
    size = x.type.sizes[axis]
    start = 0 if start is None else max(start + size, 0) if start < 0 else start
    e.bind(node, e.slice(x, axis, start, to.sizes[axis], step))


@operation(aten.cat.default)
def cat(e: Emitter, node: Node, tensors: Sequence[Operand], dim: int = 0) -> None:
    rank = node.result.ndim
    tensors = [x for x in tensors if x.type.sizes != (0,)]
    axis = e.axis(Operand("", e.type_of(node), e.traced.values[node].time), dim, rank)
    if axis is None:
        raise UnsupportedError(
            "'cat' puts timesteps together: a compiled model takes one timestep a call"
        )
    e.bind(node, e.concat(tensors, axis))


@operation(aten.stack.default)
def stack(e: Emitter, node: Node, tensors: Sequence[Operand], dim: int = 0) -> None:
    to = e.type_of(node)
    axis = e.axis(Operand("", to, e.traced.values[node].time), dim, node.result.ndim)
    if axis is None:
        raise UnsupportedError(
            "'stack' puts timesteps together: a compiled model takes one timestep a call"
        )
    if axis == 0 and any(None in x.type.sizes for x in tensors):
        e.not_the_batch(tensors[0], 0, "tensors are put together before it")
    one = to.with_sizes([1 if a == axis else size for a, size in enumerate(to.sizes)])
    e.bind(node, e.concat([e.reshape(x, one) for x in tensors], axis))


def _parts(
    e: Emitter, node: Node, x: Operand, dim: int, sizes: Sequence[int], drop: bool
) -> None:
    """Binds the items of a node that takes a tensor apart along a dimension."""
    axis = e.axis(x, dim)
    if axis is None:
        raise UnsupportedError(
            f"'{node.name}' takes the time axis apart: a compiled model takes one timestep a call"
        )
    e.not_the_batch(x, axis, "it is taken apart")
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    for item in e.traced.nodes:
        if item.kind == "item" and item.args[0] is node:
            part = e.slice(x, axis, starts[item.target], sizes[item.target])
            e.bind(item, e.reshape(part, e.type_of(item)) if drop else part)


@operation(aten.split.Tensor, aten.unsafe_split.Tensor)
def split(e: Emitter, node: Node, x: Operand, size: int, dim: int = 0) -> None:
    _parts(e, node, x, dim, [part.shape[dim] for part in node.result], False)


@operation(aten.split_with_sizes.default, aten.unsafe_split_with_sizes.default)
def split_with_sizes(
    e: Emitter, node: Node, x: Operand, sizes: Sequence[int], dim: int = 0
) -> None:
    _parts(e, node, x, dim, sizes, False)


@operation(aten.unbind.int)
def unbind(e: Emitter, node: Node, x: Operand, dim: int = 0) -> None:
    _parts(e, node, x, dim, [1] * len(node.result), True)


@operation(aten.constant_pad_nd.default)
def constant_pad(
    e: Emitter, node: Node, x: Operand, pad: Sequence[int], value: float = 0
) -> None:
    rank = node.args[0].result.ndim
    low, high = [0] * x.type.rank, [0] * x.type.rank
    for index in range(len(pad) // 2):
        if pad[2 * index] == pad[2 * index + 1] == 0:
            continue
        axis = e.axis(x, rank - 1 - index)
        if axis is None:
            raise UnsupportedError("'pad' pads the time axis, which is not supported")
        e.not_the_batch(x, axis, "it is padded")
        low[axis], high[axis] = pad[2 * index], pad[2 * index + 1]
    for axis in range(x.type.rank):  # less than nothing is cut off
        if low[axis] < 0 or high[axis] < 0:
            size = x.type.sizes[axis] + min(low[axis], 0) + min(high[axis], 0)
            x = e.slice(x, axis, max(-low[axis], 0), size)
    low, high = [max(n, 0) for n in low], [max(n, 0) for n in high]
    e.bind(node, padded(e, x, low, high, value))


def padded(
    e: Emitter, x: Operand, low: Sequence[int], high: Sequence[int], value: float = 0
) -> Operand:
    """The operand with `low` more elements before and `high` after, in each dimension."""
    if not any(low) and not any(high):
        return x
    x = e.named(x)
    to = x.type.with_sizes(
        None if size is None else size + a + b for size, a, b in zip(x.type.sizes, low, high)
    )
    fill = "" if value == 0 else f" value({number(value)})"
    return e.emit(f"ttc.pad ({x.name}){ints('low', low)}{ints('high', high)}{fill}", to,
                  f"{x.type} -> {to}")


@operation(aten.roll.default)
def roll(
    e: Emitter, node: Node, x: Operand, shifts: Sequence[int], dims: Sequence[int] = ()
) -> None:
    to = e.type_of(node)
    if not dims:
        flat = 1
        for size in x.type.sizes:
            e.not_the_batch(x, 0, "all elements are rolled")
            flat *= size
        x, axes = e.reshape(x, x.type.with_sizes([flat])), [0]
    else:
        axes = [e.axis(x, dim) for dim in dims]
    for axis, shift in zip(axes, shifts):
        if axis is None:
            raise UnsupportedError("'roll' rolls the time axis, which is not supported")
        e.not_the_batch(x, axis, "it is rolled")
        size = x.type.sizes[axis]
        shift %= size
        if shift:
            parts = [e.slice(x, axis, size - shift, shift), e.slice(x, axis, 0, size - shift)]
            x = e.concat(parts, axis)
    e.bind(node, e.reshape(x, to))


@operation(aten.flip.default)
def flip(e: Emitter, node: Node, x: Operand, dims: Sequence[int]) -> None:
    for dim in dims:
        axis = e.axis(x, dim)
        if axis is None:
            raise UnsupportedError("'flip' turns the time axis around, which is not supported")
        e.not_the_batch(x, axis, "it is turned around")
        x = gathered(e, node, x, axis, list(range(x.type.sizes[axis]))[::-1])
    e.bind(node, x)


@operation(aten.index_select.default)
def index_select(e: Emitter, node: Node, x: Operand, dim: int, index: Operand) -> None:
    _index(e, node, x, dim, index)


@operation(aten.index.Tensor)
def index(e: Emitter, node: Node, x: Operand, indices: Sequence[Operand | None]) -> None:
    given = [(dim, i) for dim, i in enumerate(indices) if i is not None]
    if len(given) != 1 or given[0][1].type.rank != 1:
        raise UnsupportedError(
            "'index' takes elements by several lists or by a table, which is not supported; take "
            "them by one list along one dimension"
        )
    _index(e, node, x, *given[0])


def _index(e: Emitter, node: Node, x: Operand, dim: int, index: Operand) -> None:
    if index.constant is None:
        raise UnsupportedError(
            f"'{node.name}' takes elements at places that the input decides, which is not "
            f"supported; use nn.Embedding"
        )
    axis = e.axis(x, dim)
    if axis is None:
        raise UnsupportedError(f"'{node.name}' takes timesteps, which is not supported")
    e.not_the_batch(x, axis, "some of its elements are taken")
    size = x.type.sizes[axis]
    places = [int(place) % size for place in index.constant]
    e.bind(node, e.reshape(gathered(e, node, x, axis, places), e.type_of(node)))


_MAX_SLICES = 256


def gathered(
    e: Emitter, node: Node, x: Operand, axis: int, places: Sequence[int]
) -> Operand:
    """Elements of a dimension in any order: slices of neighbours, put together."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    if len(runs) > _MAX_SLICES:
        raise UnsupportedError(
            f"'{node.name}' takes {len(runs)} separate pieces, which is not supported; multiply "
            f"by a matrix of ones and zeros"
        )
    return e.concat([e.slice(x, axis, run[0], len(run)) for run in runs], axis)


@operation(aten.pixel_shuffle.default)
def pixel_shuffle(e: Emitter, node: Node, x: Operand, factor: int) -> None:
    *batch, channels, height, width = x.type.sizes
    r, n = factor, len(batch)
    apart = x.type.with_sizes([*batch, channels // (r * r), r, r, height, width])
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    e.bind(node, e.reshape(e.permute(e.reshape(x, apart), order), e.type_of(node)))


@operation(aten.pixel_unshuffle.default)
def pixel_unshuffle(e: Emitter, node: Node, x: Operand, factor: int) -> None:
    *batch, channels, height, width = x.type.sizes
    r, n = factor, len(batch)
    apart = x.type.with_sizes([*batch, channels, height // r, r, width // r, r])
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    e.bind(node, e.reshape(e.permute(e.reshape(x, apart), order), e.type_of(node)))


def _upsample_nearest(e: Emitter, node: Node, x: Operand, *options: Any) -> None:
    to = e.type_of(node)
    spatial = x.type.rank - 2
    apart, wide = list(x.type.sizes[:2]), list(x.type.sizes[:2])
    for before, after in zip(x.type.sizes[-spatial:], to.sizes[-spatial:]):
        if after % before:
            raise UnsupportedError(
                f"'{node.name}' makes size {after} of {before}; only whole multiples are supported"
            )
        apart += [before, 1]
        wide += [before, after // before]
    x = e.reshape(x, x.type.with_sizes(apart))
    e.bind(node, e.reshape(e.broadcast(x, x.type.with_sizes(wide)), to))


operation(
    aten.upsample_nearest1d.default, aten.upsample_nearest2d.default,
    aten.upsample_nearest3d.default, aten._upsample_nearest_exact1d.default,
    aten._upsample_nearest_exact2d.default, aten._upsample_nearest_exact3d.default,
)(_upsample_nearest)


# Tensors that do not depend on what is in the one that they are made like.


def _filled(value: float) -> Any:
    def emit(e: Emitter, node: Node, x: Operand, *arguments: Any, **options: Any) -> None:
        e.bind(node, e.broadcast(e.scalar(value, e.type_of(node)), e.type_of(node), x))

    return emit


operation(aten.zeros_like.default, aten.new_zeros.default, aten.zero.default)(_filled(0.0))
operation(aten.ones_like.default, aten.new_ones.default)(_filled(1.0))


@operation(aten.full_like.default, aten.fill.Scalar)
def full_like(e: Emitter, node: Node, x: Operand, value: float, **options: Any) -> None:
    kind = e.type_of(node)
    e.bind(node, e.broadcast(e.scalar(value, kind), kind, x))


@operation(aten.fill.Tensor)
def fill_tensor(e: Emitter, node: Node, x: Operand, value: Operand) -> None:
    e.bind(node, e.broadcast(value, e.type_of(node), x))


@operation(aten.new_full.default)
def new_full(
    e: Emitter, node: Node, x: Operand, size: Any, value: float, **options: Any
) -> None:
    full_like(e, node, x, value)
