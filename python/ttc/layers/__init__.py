"""How each layer type is written as model IR: one entry a type."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrize

from ..emitting import Emitter
from ..errors import UnsupportedError
from ..recording import Node
from ..recurrence import call_arguments, is_recurrent
from ..subject import where
from . import (  # noqa: F401  (each adds its entries to the table)
    activations, convolutions, neurons, normalizations, plain, recurrent, state_space
)
from .table import LAYERS, NEURONS, REFUSED, LayerCall, LayerEntry

__all__ = ["LAYERS", "REFUSED", "emit_layer", "is_layer", "refusal"]


def is_layer(module: nn.Module) -> bool:
    """Whether a module is written as one layer, or refused as one.

    Others are traced through, down to the layers and operations that they are made of.
    """
    return _entry(module) is not None and not parametrize.is_parametrized(module)


def refusal(path: str, module: nn.Module) -> str | None:
    """Why a layer is refused whatever is done with it; None for others."""
    if isinstance(module, nn.RNNBase) and module.bidirectional:
        return (
            f"{where(path, module)} is bidirectional: it reads the sequence from its end too, "
            f"which no model that takes one timestep a call can do; set bidirectional=False"
        )
    for base in type(module).__mro__:
        if base in REFUSED and type(module).forward is base.forward:
            return f"{where(path, module)} {REFUSED[base]}"
    return None


def emit_layer(emitter: Emitter, node: Node) -> None:
    """Writes the call of a layer. Raises UnsupportedError for one that ttc does not export."""
    path, layer = node.target, emitter.traced.paths.modules[node.target]
    arguments = [*node.args, *node.kwargs.values()]
    if is_recurrent(layer):
        arguments = [call_arguments(node)[0]]  # the session has the states
    if len(arguments) != 1 or not isinstance(arguments[0], Node):
        raise UnsupportedError(
            f"{where(path, layer)} is called with {len(arguments)} arguments, expected one tensor"
        )
    x = emitter.operand(arguments[0])
    _entry(layer)(emitter, LayerCall(node, path, layer, x))


def _entry(layer: nn.Module) -> LayerEntry | None:
    # A subclass that computes as its base does is as good as the base.
    for base in type(layer).__mro__:
        if type(layer).forward is not getattr(base, "forward", None):
            continue
        if base in REFUSED:
            return _refused
        if base in LAYERS:
            return LAYERS[base]
        if base.__module__.startswith("tracetorch.snn.") and "forward" in vars(base):
            return NEURONS[0]
    return None


def _refused(emitter: Emitter, call: LayerCall) -> None:
    raise UnsupportedError(refusal(call.path, call.layer))
