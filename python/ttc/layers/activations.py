"""Activations as modules."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from torch import nn

from ..emitting import Emitter, quote
from ..operations import activations, arithmetic
from .table import LAYERS, LayerCall, LayerEntry, layer


def _activation(kind: str, **attributes: str) -> LayerEntry:
    """An entry for an activation whose options are the module's attributes of these names."""

    def emit(emitter: Emitter, call: LayerCall) -> None:
        options = {name: getattr(call.layer, source) for name, source in attributes.items()}
        activations.activation(emitter, call.node, kind, call.x, **options)

    return emit


LAYERS |= {
    nn.ReLU: _activation("relu"),
    nn.ReLU6: _activation("relu6"),
    nn.LeakyReLU: _activation("leaky_relu", alpha="negative_slope"),
    nn.ELU: _activation("elu", alpha="alpha"),
    nn.SELU: _activation("selu"),
    nn.CELU: _activation("celu", alpha="alpha"),
    nn.SiLU: _activation("silu"),
    nn.Mish: _activation("mish"),
    nn.Tanh: _activation("tanh"),
    nn.Tanhshrink: _activation("tanhshrink"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.LogSigmoid: _activation("logsigmoid"),
    nn.Hardsigmoid: _activation("hardsigmoid"),
    nn.Hardswish: _activation("hardswish"),
    nn.Softsign: _activation("softsign"),
}


@layer(nn.GELU)
def gelu(emitter: Emitter, call: LayerCall) -> None:
    activations.gelu(emitter, call.node, call.x, call.layer.approximate)


@layer(nn.Softplus)
def softplus(emitter: Emitter, call: LayerCall) -> None:
    activations.softplus(emitter, call.node, call.x, call.layer.beta, call.layer.threshold)


@layer(nn.Hardtanh)
def hardtanh(emitter: Emitter, call: LayerCall) -> None:
    activations.hardtanh(emitter, call.node, call.x, call.layer.min_val, call.layer.max_val)


@layer(nn.Softmax, nn.LogSoftmax)
def softmax(emitter: Emitter, call: LayerCall) -> None:
    kind = "log_softmax" if isinstance(call.layer, nn.LogSoftmax) else "softmax"
    dim = call.layer.dim
    if dim is None:  # PyTorch's own choice, from before it had the argument
        rank = call.x.type.rank + (call.x.time is not None)
        dim = 0 if rank in (0, 1, 3) else 1
    activations.softmax_over(emitter, call.node, kind, call.x, dim)


@layer(nn.PReLU)
def prelu(emitter: Emitter, call: LayerCall) -> None:
    weight = emitter.weight(call.path, call.layer, "weight")
    x, axis = emitter.named(call.x), 1 if call.x.type.rank > 1 else 0
    if x.type.sizes[axis] == weight.numel():
        emitter.result(call.node, f"ttc.prelu {quote(call.path)} ({x.name}) dim({axis})")
        return
    # One slope for all.
    slope = emitter.param_value(f"{call.path}.weight", weight)
    slope = emitter.broadcast(slope, x.type)
    x, zero = emitter.together(x.type, x, 0.0)
    below = emitter.elementwise("arith.mulf", slope, x)
    above = arithmetic.compare(emitter, "gt", x, zero)
    emitter.bind(call.node, arithmetic.choose(emitter, above, x, below))
