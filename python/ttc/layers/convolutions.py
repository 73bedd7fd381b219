"""Convolutions and pools."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..emitting import Emitter
from ..errors import UnsupportedError
from ..operations import composed, products
from .table import REFUSED, LayerCall, layer


def _padding(layer: nn.Module) -> tuple[list[int], list[int]]:
    """How much is added before and after each spatial dimension."""
    if layer.padding == "valid":
        return [0] * len(layer.kernel_size), [0] * len(layer.kernel_size)
    if layer.padding == "same":
        total = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size)]
        low = [n // 2 for n in total]
        return low, [n - m for n, m in zip(total, low)]
    return list(layer.padding), list(layer.padding)


@layer(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d,
       nn.ConvTranspose3d)
def convolution(emitter: Emitter, call: LayerCall) -> None:
    layer, x = call.layer, call.x
    emitter.weight(call.path, layer, "weight")
    if layer.bias is not None:
        emitter.weight(call.path, layer, "bias")
    low, high = _padding(layer)
    if layer.padding_mode == "circular" and any(low + high):
        x = _circular(emitter, x, low, high)
        low = high = [0] * len(low)
    elif layer.padding_mode != "zeros" and any(low + high):
        raise UnsupportedError(
            f"{call.where} has padding_mode='{layer.padding_mode}', and only 'zeros' and "
            f"'circular' are supported"
        )
    products.write_convolution(
        emitter, call.node, call.path, x, layer.kernel_size, layer.stride, low, high,
        layer.dilation, layer.groups, layer.bias is not None, layer.transposed,
    )


def _circular(emitter: Emitter, x: Any, low: Sequence[int], high: Sequence[int]) -> Any:
    first = x.type.rank - len(low)
    for axis, (before, after) in enumerate(zip(low, high), first):
        size = x.type.sizes[axis]
        parts = [x]
        if before:
            parts.insert(0, emitter.slice(x, axis, size - before, before))
        if after:
            parts.append(emitter.slice(x, axis, 0, after))
        x = emitter.concat(parts, axis)
    return x


def _each(value: int | Sequence[int] | None, count: int) -> list[int]:
    return list(value) if isinstance(value, (tuple, list)) else [value] * count


def dimensions(layer: nn.Module) -> int:
    """How many spatial dimensions a module of PyTorch's has, from the name of its class."""
    names = (base.__name__ for base in type(layer).__mro__)
    return next(int(name[-2]) for name in names if name[-2:] in ("1d", "2d", "3d"))


@layer(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
def max_pool(emitter: Emitter, call: LayerCall) -> None:
    layer, n = call.layer, dimensions(call.layer)
    if layer.return_indices:
        raise UnsupportedError(
            f"{call.where} has return_indices=True, which is not supported; set it to False"
        )
    composed.write_pool(
        emitter, call.node, "max", call.x, _each(layer.kernel_size, n), _each(layer.stride, n),
        _each(layer.padding, n), _each(layer.dilation, n), False,
    )


@layer(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
def average_pool(emitter: Emitter, call: LayerCall) -> None:
    layer, n = call.layer, dimensions(call.layer)
    if getattr(layer, "divisor_override", None) is not None:
        raise UnsupportedError(
            f"{call.where} has divisor_override={layer.divisor_override}, which is not supported; "
            f"scale the output"
        )
    composed.write_pool(
        emitter, call.node, "average", call.x, _each(layer.kernel_size, n),
        _each(layer.stride, n), _each(layer.padding, n), [1] * n, not layer.count_include_pad,
    )


@layer(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
def adaptive_average_pool(emitter: Emitter, call: LayerCall) -> None:
    composed.write_adaptive_pool(emitter, call.node, "average", call.x)


@layer(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
def adaptive_max_pool(emitter: Emitter, call: LayerCall) -> None:
    if call.layer.return_indices:
        raise UnsupportedError(
            f"{call.where} has return_indices=True, which is not supported; set it to False"
        )
    composed.write_adaptive_pool(emitter, call.node, "max", call.x)


_INDICES = "puts values back by the indices of a pool, which are not supported; use nn.Upsample"
for _kind in (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d):
    REFUSED[_kind] = _INDICES
for _kind in (nn.FractionalMaxPool2d, nn.FractionalMaxPool3d):
    REFUSED[_kind] = "draws its windows at random, which is not supported; use a MaxPool"
