"""The spiking layers: one entry for all 32."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from .. import firing
from ..emitting import Emitter, number, quote
from ..errors import UnsupportedError
from .table import NEURONS, LayerCall


def neuron(emitter: Emitter, call: LayerCall) -> None:
    """The compiler reads the kind letter by letter."""
    layer, x = call.layer, emitter.named(call.x)
    kind = next(
        base.__name__
        for base in type(layer).__mro__
        if type(layer).forward is base.__dict__.get("forward", None)
    )
    operation = f"ttc.neuron {kind} {quote(call.path)} ({x.name})"
    if x.shape[layer.dim] != layer.num_neurons:
        raise UnsupportedError(
            f"{call.where} has {layer.num_neurons} neurons, but its input of shape "
            f"{tuple(call.node.args[0].result.shape)} has size {x.shape[layer.dim]} at dim "
            f"{layer.dim}; expand the input before the layer"
        )
    if layer.dim != -1:
        operation += f" dim({layer.dim})"
    if hasattr(layer, "spike_fn"):
        operation += _spike(call) + _quant(call)

    scalars = []
    for name in layer._dynamic_params:
        tensor = emitter.constrained_weight(call.path, layer, name)
        if tensor.ndim == 0:
            scalars.append(quote(name))
        elif tuple(tensor.shape) != (layer.num_neurons,):
            raise UnsupportedError(
                f"'{name}' of {call.where} has shape {tuple(tensor.shape)}, expected a scalar or "
                f"({layer.num_neurons},)"
            )
    if scalars:
        operation += f" scalar([{', '.join(scalars)}])"
    emitter.result(call.node, operation)


NEURONS.append(neuron)


def _spike(call: LayerCall) -> str:
    kind = firing.spike_kind(call.layer.spike_fn)
    if kind is None:
        raise UnsupportedError(
            f"the spike function '{firing.describe(call.layer.spike_fn)}' of {call.where} is not "
            f"supported; use {firing.SUPPORTED_SPIKES}"
        )
    return "" if kind == "sigmoid4x" else f" spike({kind})"


def _quant(call: LayerCall) -> str:
    found = firing.quant_kind(call.layer.quant_fn)
    if found is None:
        raise UnsupportedError(
            f"the quantizer '{firing.describe(call.layer.quant_fn)}' of {call.where} is not "
            f"supported; use {firing.SUPPORTED_QUANTIZERS}"
        )
    kind, step = found
    if kind == "identity":
        return ""
    return f" quant({kind})" if step == 1 else f" quant({kind}, {number(step)})"
