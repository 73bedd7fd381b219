"""Normalisations, in eval mode."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import torch
from torch import nn

from ..emitting import Emitter, number, quote
from ..errors import UnsupportedError
from .convolutions import dimensions
from .table import REFUSED, LayerCall, layer


def _take(emitter: Emitter, call: LayerCall, *names: str) -> list[str]:
    """Takes those parameters that the layer has; their names."""
    present = [name for name in names if getattr(call.layer, name, None) is not None]
    for name in present:
        emitter.weight(call.path, call.layer, name)
    return present


def _write(
    emitter: Emitter, call: LayerCall, name: str, options: str, eps: float, present: list[str]
) -> None:
    x = emitter.named(call.x)
    if "weight" not in present:
        options += " no_affine"
    elif "bias" not in present and name == "layer_norm":
        options += " no_bias"
    text = options.removesuffix(" no_affine").removesuffix(" no_bias")
    flag = options[len(text):]
    emitter.result(
        call.node, f"ttc.{name} {quote(call.path)} ({x.name}){text} eps({number(eps)}){flag}"
    )


@layer(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def batch_norm(emitter: Emitter, call: LayerCall) -> None:
    if call.layer.running_mean is None:
        raise UnsupportedError(
            f"{call.where} has no running statistics (track_running_stats=False): it would "
            f"normalise by the batch's own, and a row's output would depend on the others"
        )
    present = _take(emitter, call, "weight", "bias", "running_mean", "running_var")
    _write(emitter, call, "batch_norm", "", call.layer.eps, present)


@layer(nn.LayerNorm)
def layer_norm(emitter: Emitter, call: LayerCall) -> None:
    dims = len(call.layer.normalized_shape)
    options = "" if dims == 1 else f" dims({dims})"
    present = _take(emitter, call, "weight", "bias")
    _write(emitter, call, "layer_norm", options, call.layer.eps, present)


@layer(nn.RMSNorm)
def rms_norm(emitter: Emitter, call: LayerCall) -> None:
    dims = len(call.layer.normalized_shape)
    options = "" if dims == 1 else f" dims({dims})"
    eps = call.layer.eps
    if eps is None:
        eps = torch.finfo(emitter.dtype).eps
    _write(emitter, call, "rms_norm", options, eps, _take(emitter, call, "weight"))


@layer(nn.GroupNorm)
def group_norm(emitter: Emitter, call: LayerCall) -> None:
    present = _take(emitter, call, "weight", "bias")
    options = f" groups({call.layer.num_groups})"
    _write(emitter, call, "group_norm", options, call.layer.eps, present)


@layer(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
def instance_norm(emitter: Emitter, call: LayerCall) -> None:
    spatial = dimensions(call.layer)
    channel = call.x.type.rank - spatial - 1
    dim = "" if channel == 1 else f" dim({channel})"
    if call.layer.track_running_stats:
        # In eval mode it normalises by what it has seen, as a batch norm does.
        present = _take(emitter, call, "weight", "bias", "running_mean", "running_var")
        _write(emitter, call, "batch_norm", dim, call.layer.eps, present)
        return
    # Each channel is a group of its own.
    present = _take(emitter, call, "weight", "bias")
    options = f" groups({call.layer.num_features}){dim}"
    _write(emitter, call, "group_norm", options, call.layer.eps, present)


REFUSED[nn.SyncBatchNorm] = (
    "is for training on several machines; convert it to nn.BatchNorm before exporting"
)
