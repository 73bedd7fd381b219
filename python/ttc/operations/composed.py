"""Functions of several operations: normalisations, embeddings, pools and attention by name."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..emitting import Emitter, Operand, ints, quote
from ..errors import UnsupportedError
from ..recording import Node
from .shapes import gathered
from .table import by_path, operation

aten = torch.ops.aten


def first_item(e: Emitter, node: Node) -> Node | None:
    """The one result of a node that can be used; others only serve the gradient."""
    used = None
    for item in e.traced.nodes:
        if item.kind == "item" and item.args[0] is node:
            if item.target != 0:
                raise UnsupportedError(
                    f"result {item.target} of '{node.name}' is used, and only the first is "
                    f"supported"
                )
            used = item
    return used


def normalised(
    e: Emitter, x: Operand, axes: Sequence[int], eps: float, weight: Operand | None,
    bias: Operand | None,
) -> Operand:
    """(x - mean) / sqrt(var + eps), times a weight, plus a bias."""
    x = e.named(x)
    mean = e.broadcast(e.aggregate("mean", x, axes, True), x.type)
    centred = e.elementwise("arith.subf", x, mean)
    variance = e.aggregate("mean", e.elementwise("arith.mulf", centred, centred), axes, True)
    variance, small = e.together(variance.type, variance, eps)
    scale = e.elementwise("math.rsqrt", e.elementwise("arith.addf", variance, small))
    result = e.elementwise("arith.mulf", centred, e.broadcast(scale, x.type))
    return affine(e, result, weight, bias)


def affine(e: Emitter, x: Operand, weight: Operand | None, bias: Operand | None) -> Operand:
    """x * weight + bias, either of which may be None."""
    if weight is not None:
        x, weight = e.together(x.type, x, weight)
        x = e.elementwise("arith.mulf", x, weight)
    if bias is not None:
        x, bias = e.together(x.type, x, bias)
        x = e.elementwise("arith.addf", x, bias)
    return x


def _along(e: Emitter, x: Operand, vector: Operand | None, axis: int) -> Operand | None:
    """A vector that lies along a dimension of x."""
    if vector is None:
        return None
    sizes = [1] * x.type.rank
    sizes[axis] = vector.type.sizes[0]
    return e.reshape(vector, vector.type.with_sizes(sizes[axis:]))


@operation(aten.native_layer_norm.default)
def layer_norm(
    e: Emitter, node: Node, x: Operand, shape: Sequence[int], weight: Operand | None,
    bias: Operand | None, eps: float,
) -> None:
    rank = x.type.rank
    item = first_item(e, node)
    axes = list(range(rank - len(shape), rank))
    e.bind(item, normalised(e, x, axes, eps, weight, bias))


@operation(aten.native_group_norm.default)
def group_norm(
    e: Emitter, node: Node, x: Operand, weight: Operand | None, bias: Operand | None, n: int,
    channels: int, spatial: int, groups: int, eps: float,
) -> None:
    item = first_item(e, node)
    batch, *rest = x.type.sizes
    size = 1
    for extent in rest:
        size *= extent
    apart = e.reshape(x, x.type.with_sizes((batch, groups, size // groups)))
    flat = normalised(e, apart, [2], eps, None, None)
    back = e.reshape(flat, x.type)
    e.bind(item, affine(e, back, _along(e, x, weight, 1), _along(e, x, bias, 1)))


@operation(aten.native_batch_norm.default)
def batch_norm(
    e: Emitter, node: Node, x: Operand, weight: Operand | None, bias: Operand | None,
    mean: Operand | None, variance: Operand | None, training: bool, momentum: float, eps: float,
) -> None:
    item = first_item(e, node)
    if training or mean is None or variance is None:
        raise UnsupportedError(
            "'batch_norm' normalises by the batch's own statistics, so that a row's output "
            "depends on the others; use running statistics (training=False)"
        )
    x = e.named(x)
    mean, variance = _along(e, x, mean, 1), _along(e, x, variance, 1)
    variance, small = e.together(variance.type, variance, eps)
    scale = e.elementwise("math.rsqrt", e.elementwise("arith.addf", variance, small))
    x, mean, scale = e.together(x.type, x, mean, scale)
    scaled = e.elementwise("arith.mulf", e.elementwise("arith.subf", x, mean), scale)
    weight, bias = _along(e, x, weight, 1), _along(e, x, bias, 1)
    e.bind(item, affine(e, scaled, weight, bias))


@operation("instance_norm")
def instance_norm(
    e: Emitter, node: Node, input: Operand, running_mean: Operand | None = None,
    running_var: Operand | None = None, weight: Operand | None = None,
    bias: Operand | None = None, use_input_stats: bool = True, momentum: float = 0.1,
    eps: float = 1e-5,
) -> None:
    if not use_input_stats:
        raise UnsupportedError(
            "'instance_norm' with running statistics is not supported; use nn.InstanceNorm"
        )
    axes = list(range(2, input.type.rank))
    weight, bias = _along(e, input, weight, 1), _along(e, input, bias, 1)
    e.bind(node, normalised(e, input, axes, eps, weight, bias))


@operation(aten.embedding.default)
@by_path
def embedding(
    e: Emitter, node: Node, weight: Any, ids: Any, padding_idx: int = -1,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> None:
    path = e.layer_path(weight, None, "embedding") if isinstance(weight, Node) else None
    if path is None:
        raise UnsupportedError(
            "the embedding's table is computed in the forward, which is not supported; give it a "
            "parameter"
        )
    write_embedding(e, node, path, e.argument(ids), node.args[0].result.shape[0])


def write_embedding(e: Emitter, node: Node, path: str, ids: Operand, rows: int) -> None:
    """Writes the rows of a table that an input names."""
    if ids.constant is not None:  # positions and the like: rows that are known
        places = [int(place) for place in ids.constant.flatten()]
        table = e.param_value(f"{path}.weight", e.weights[f"{path}.weight"])
        rows = gathered(e, node, table, 0, places)
        sizes = (*ids.constant.shape, *rows.type.sizes[1:])
        e.bind(node, e.broadcast(e.reshape(rows, rows.type.with_sizes(sizes)), e.type_of(node)))
        return
    e.result(node, f"ttc.embedding {quote(path)} ({ids.name}) rows({rows})", ids.type)


def write_pool(
    e: Emitter, node: Node, kind: str, x: Operand, kernel: Sequence[int], stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], exclude_padding: bool,
) -> None:
    """Writes a pooling of windows; options that are the usual ones are left out."""
    x = e.named(x)
    text = ints("kernel", kernel)
    text += ints("stride", stride) if list(stride) != list(kernel) else ""
    text += ints("padding", padding) if any(padding) else ""
    text += ints("dilation", dilation) if any(n != 1 for n in dilation) else ""
    text += " exclude_padding" if exclude_padding and any(padding) else ""
    e.result(node, f"ttc.pool {kind} ({x.name}){text}", x.type)


def _every(value: int | Sequence[int], count: int) -> list[int]:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    return values * count if len(values) == 1 else values


@operation(aten.max_pool2d_with_indices.default, aten.max_pool3d_with_indices.default)
def max_pool(
    e: Emitter, node: Node, x: Operand, kernel: Sequence[int], stride: Sequence[int] = (),
    padding: Sequence[int] = (0,), dilation: Sequence[int] = (1,), ceil_mode: bool = False,
) -> None:
    item, n = first_item(e, node), 3 if "3d" in node.name else 2
    kernel = _every(kernel, n)
    write_pool(e, item, "max", x, kernel, _every(stride or kernel, n), _every(padding, n),
               _every(dilation, n), False)


@operation(aten.avg_pool1d.default, aten.avg_pool2d.default, aten.avg_pool3d.default)
def average_pool(
    e: Emitter, node: Node, x: Operand, kernel: Sequence[int], stride: Sequence[int] = (),
    padding: Sequence[int] = (0,), ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> None:
    if divisor_override is not None:
        raise UnsupportedError("'avg_pool' has a divisor_override, which is not supported")
    n = int(node.name[-2])
    kernel = _every(kernel, n)
    write_pool(e, node, "average", x, kernel, _every(stride or kernel, n), _every(padding, n),
               [1] * n, not count_include_pad)


@operation(aten._adaptive_avg_pool2d.default, aten._adaptive_avg_pool3d.default,
           aten.adaptive_avg_pool1d.default)
def adaptive_average(e: Emitter, node: Node, x: Operand, size: Any) -> None:
    write_adaptive_pool(e, node, "average", x)


@operation(aten.adaptive_max_pool2d.default, aten.adaptive_max_pool3d.default)
def adaptive_max(e: Emitter, node: Node, x: Operand, size: Any) -> None:
    write_adaptive_pool(e, first_item(e, node), "max", x)


def write_adaptive_pool(e: Emitter, node: Node, kind: str, x: Operand) -> None:
    """Writes a pooling to the sizes of the node's result."""
    x = e.named(x)
    e.result(node, f"ttc.adaptive_pool {kind} ({x.name})", x.type)


@operation("scaled_dot_product_attention", "multi_head_attention_forward")
def attention(e: Emitter, node: Node, *arguments: Any, **options: Any) -> None:
    raise UnsupportedError(
        f"'{node.name}' attends over a sequence, which a model that takes one timestep a call "
        f"does not have; use a recurrent or a state-space layer"
    )
