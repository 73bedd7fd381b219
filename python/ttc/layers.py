"""How each layer type is written as model IR: one entry a type."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import fx, nn

from . import firing, operations
from .emitting import Emitter, Operand, number, quote, tensor_type
from .errors import UnsupportedError
from .tracing import where


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer: the node of the graph, and the tensor that goes in."""

    node: fx.Node
    path: str
    layer: nn.Module
    x: Operand

    @property
    def where(self) -> str:
        return where(self.path, self.layer)


def check_layer(path: str, layer: nn.Module) -> None:
    """Raises UnsupportedError for a layer that ttc does not know."""
    if _entry(layer) is None:
        raise UnsupportedError(
            f"{where(path, layer)} is a layer that ttc does not export; it exports "
            f"{', '.join(sorted(t.__name__ for t in LAYERS))} and the layers of tracetorch.snn"
        )


def emit_layer(emitter: Emitter, node: fx.Node) -> None:
    """Writes the call of a layer that ttc knows."""
    path, layer = node.target, emitter.traced.paths.modules[node.target]
    arguments = (*node.args, *node.kwargs.values())
    if len(arguments) != 1:
        raise UnsupportedError(
            f"{where(path, layer)} is called with {len(arguments)} arguments, expected one tensor"
        )
    call = LayerCall(node, path, layer, emitter.operand(arguments[0], where(path, layer)))
    _entry(layer)(emitter, call)


def _entry(layer: nn.Module) -> Callable[[Emitter, LayerCall], None] | None:
    # A subclass that computes as its base does is as good as the base.
    for base in type(layer).__mro__:
        if type(layer).forward is not base.__dict__.get("forward", None):
            continue
        if base in LAYERS:
            return LAYERS[base]
        if base.__module__.startswith("tracetorch.snn."):
            return _neuron
    return None


def _linear(emitter: Emitter, call: LayerCall) -> None:
    emitter.weight(call.path, call.layer, "weight")
    suffix = " no_bias"
    if call.layer.bias is not None:
        emitter.weight(call.path, call.layer, "bias")
        suffix = ""
    operation = f"ttc.linear {quote(call.path)} ({call.x.name}){suffix}"
    result = emitter.traced.values[call.node]
    from_to = f"{call.x.type} -> {tensor_type(result)}"
    emitter.result(call.node, operation, from_to)


def _neuron(emitter: Emitter, call: LayerCall) -> None:
    """All 32 spiking layers: the compiler reads the kind letter by letter."""
    layer = call.layer
    kind = next(
        base.__name__
        for base in type(layer).__mro__
        if type(layer).forward is base.__dict__.get("forward", None)
    )
    operation = f"ttc.neuron {kind} {quote(call.path)} ({call.x.name})"
    if call.x.shape[layer.dim] != layer.num_neurons:
        raise UnsupportedError(
            f"{call.where} has {layer.num_neurons} neurons, but its input of shape "
            f"{call.x.shape} has size {call.x.shape[layer.dim]} at dim {layer.dim}; expand the "
            f"input before the layer"
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
    return " quant(round)" if step == 1 else f" quant(round, {number(step)})"


def _flatten(emitter: Emitter, call: LayerCall) -> None:
    layer = call.layer
    operations.flatten(emitter, call.node, call.x, layer.start_dim, layer.end_dim, call.where)


def _identity(emitter: Emitter, call: LayerCall) -> None:
    emitter.same(call.node, call.x)


def _activation(kind: str, *attributes: str) -> Callable[[Emitter, LayerCall], None]:
    """An entry for an activation whose options are the module's attributes of these names."""

    def emit(emitter: Emitter, call: LayerCall) -> None:
        options = {name: getattr(call.layer, name) for name in attributes}
        in_place = getattr(call.layer, "inplace", False)
        operations.activation(emitter, call.node, kind, call.x, options, in_place, call.where)

    return emit


LAYERS: dict[type[nn.Module], Callable[[Emitter, LayerCall], None]] = {
    nn.Linear: _linear,
    nn.Flatten: _flatten,
    nn.Identity: _identity,
    # In eval mode a dropout changes nothing.
    nn.Dropout: _identity,
    nn.Dropout1d: _identity,
    nn.Dropout2d: _identity,
    nn.Dropout3d: _identity,
    nn.AlphaDropout: _identity,
    nn.FeatureAlphaDropout: _identity,
    nn.ReLU: _activation("relu"),
    nn.LeakyReLU: _activation("leaky_relu", "negative_slope"),
    nn.ELU: _activation("elu", "alpha"),
    nn.GELU: _activation("gelu", "approximate"),
    nn.SiLU: _activation("silu"),
    nn.Tanh: _activation("tanh"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.Softplus: _activation("softplus", "beta", "threshold"),
    nn.Hardtanh: _activation("hardtanh", "min_val", "max_val"),
    nn.Softmax: _activation("softmax", "dim"),
}
