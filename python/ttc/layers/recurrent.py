"""The recurrent layers of traceTorch and of torch.nn."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from tracetorch import rnn

from ..emitting import Emitter, quote
from .table import LayerCall, LayerEntry, layer


def _recurrent(kind: str, linears: Sequence[str]) -> LayerEntry:
    """An entry of traceTorch's; `linears` are the layer's own modules."""

    def emit(emitter: Emitter, call: LayerCall) -> None:
        for name in linears:
            emitter.weight(call.path, call.layer, f"{name}.weight")
            emitter.weight(call.path, call.layer, f"{name}.bias")
        x = emitter.named(call.x)
        dim = "" if call.layer.dim == -1 else f" dim({call.layer.dim})"
        emitter.result(
            call.node, f"ttc.rnn {kind} {quote(call.path)} ({x.name}){dim}", x.type
        )

    return emit


layer(rnn.SimpleRNN)(_recurrent("simple", ["lin"]))
layer(rnn.LSTM)(_recurrent("lstm", ["gate_layers"]))
layer(rnn.GRU)(_recurrent("gru", ["gate_layers", "candidate_layer"]))


@layer(nn.RNN, nn.LSTM, nn.GRU)
def sequence(emitter: Emitter, call: LayerCall) -> None:
    """A stack over a sequence, of which the model takes one timestep."""
    module = call.layer
    for number in range(module.num_layers):
        names = [f"weight_ih_l{number}", f"weight_hh_l{number}"]
        names += [f"bias_ih_l{number}", f"bias_hh_l{number}"] * module.bias
        names += [f"weight_hr_l{number}"] * bool(module.proj_size)
        for name in names:
            emitter.weight(call.path, module, name)
    out = next(
        n for n in emitter.traced.recording.nodes
        if n.kind == "item" and n.args[0] is call.node and n.target == 0
    )
    kind = _kind(module, module.mode.lower())
    layers = f" layers({module.num_layers})" if module.num_layers != 1 else ""
    bias = "" if module.bias else " no_bias"
    x = emitter.named(call.x)
    to = x.type.with_sizes([*x.type.sizes[:-1], module.proj_size or module.hidden_size])
    made = emitter.emit(
        f"ttc.torch_rnn {kind} {quote(call.path)} ({x.name}){layers} "
        f"hidden({module.hidden_size}){bias}",
        to, f"{x.type} -> {to}",
    )
    emitter.bind(out, made)
    for node, maker in emitter.traced.recurrence.outputs.items():
        if maker is call.node:
            emitter.bind(node, made)


@layer(nn.RNNCell, nn.LSTMCell, nn.GRUCell)
def cell(emitter: Emitter, call: LayerCall) -> None:
    module = call.layer
    names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * module.bias
    for name in names:
        emitter.weight(call.path, module, name)
    mode = getattr(module, "nonlinearity", "lstm" if isinstance(module, nn.LSTMCell) else "gru")
    kind = f"rnn_{mode}" if isinstance(module, nn.RNNCell) else mode
    bias = "" if module.bias else " no_bias"
    x = emitter.named(call.x)
    to = x.type.with_sizes([*x.type.sizes[:-1], module.hidden_size])
    made = emitter.emit(
        f"ttc.torch_rnn {kind} {quote(call.path)} ({x.name}) hidden({module.hidden_size}){bias} "
        f"cell",
        to, f"{x.type} -> {to}",
    )
    if isinstance(module, nn.LSTMCell):
        for item in emitter.traced.nodes:
            if item.kind == "item" and item.args[0] is call.node and item.target == 0:
                emitter.bind(item, made)
    else:
        emitter.bind(call.node, made)


def _kind(module: nn.RNNBase, mode: str) -> str:
    return f"rnn_{module.nonlinearity}" if isinstance(module, nn.RNN) else mode
