"""traceTorch's state-space layers."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence

from tracetorch import ssm

from ..emitting import Emitter, quote
from .table import LayerCall, layer


def _write(
    emitter: Emitter, call: LayerCall, kind: str, weights: Sequence[str], options: str = ""
) -> None:
    for name in weights:
        emitter.weight(call.path, call.layer, name)
    x = emitter.named(call.x)
    dim = "" if call.layer.dim == -1 else f" dim({call.layer.dim})"
    emitter.result(
        call.node,
        f"ttc.{kind} {quote(call.path)} ({x.name}) d_state({call.layer.d_state}){dim}{options}",
        x.type,
    )


@layer(ssm.S4)
def s4(emitter: Emitter, call: LayerCall) -> None:
    _write(emitter, call, "s4", ("A_log", "B", "C", "log_dt", "D"))


@layer(ssm.S5)
def s5(emitter: Emitter, call: LayerCall) -> None:
    _write(emitter, call, "s5", ("A_log", "B", "C", "D", "log_dt"))


@layer(ssm.S6)
def s6(emitter: Emitter, call: LayerCall) -> None:
    _write(
        emitter, call, "s6", ("x_proj.weight", "dt_proj.weight", "dt_proj.bias", "A_log", "D"),
        f" dt_rank({call.layer.dt_proj.in_features})",
    )


@layer(ssm.Mamba)
def mamba(emitter: Emitter, call: LayerCall) -> None:
    layer = call.layer
    weights = ["in_proj.weight", "out_proj.weight"]
    if layer.conv_kernel > 1:
        weights += ["conv_weights", "conv_bias"]
    weights += ["ssm_proj.weight", "dt_proj.weight", "dt_proj.bias", "A_log", "D"]
    kernel = max(layer.conv_kernel, 1)
    _write(
        emitter, call, "mamba", weights,
        f" dt_rank({layer.dt_proj.in_features}) conv_kernel({kernel})",
    )
