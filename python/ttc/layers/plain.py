"""Layers without states that are no normalisation and no convolution."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from torch import nn

from ..emitting import Emitter, quote
from ..errors import UnsupportedError
from ..operations import composed
from .table import REFUSED, LayerCall, layer


@layer(nn.Linear)
def linear(emitter: Emitter, call: LayerCall) -> None:
    emitter.weight(call.path, call.layer, "weight")
    suffix = " no_bias"
    if call.layer.bias is not None:
        emitter.weight(call.path, call.layer, "bias")
        suffix = ""
    x = emitter.named(call.x)
    emitter.result(call.node, f"ttc.linear {quote(call.path)} ({x.name}){suffix}", x.type)


@layer(nn.Embedding)
def embedding(emitter: Emitter, call: LayerCall) -> None:
    if call.layer.max_norm is not None:
        raise UnsupportedError(
            f"{call.where} has max_norm={call.layer.max_norm}, which changes its weights in the "
            f"forward; set max_norm=None"
        )
    emitter.weight(call.path, call.layer, "weight")
    composed.write_embedding(emitter, call.node, call.path, call.x, call.layer.num_embeddings)


@layer(nn.Flatten, nn.Unflatten)
def flatten(emitter: Emitter, call: LayerCall) -> None:
    emitter.bind(call.node, emitter.reshape(call.x, emitter.type_of(call.node)))


# In eval mode a dropout changes nothing.
@layer(
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
def identity(emitter: Emitter, call: LayerCall) -> None:
    emitter.bind(call.node, call.x)


_ATTENTION = (
    "attends over a sequence, which a model that takes one timestep a call does not have; use a "
    "recurrent or a state-space layer"
)
for _kind in (
    nn.MultiheadAttention, nn.Transformer, nn.TransformerEncoder, nn.TransformerEncoderLayer,
    nn.TransformerDecoder, nn.TransformerDecoderLayer,
):
    REFUSED[_kind] = _ATTENTION
REFUSED[nn.EmbeddingBag] = (
    "sums a number of rows that the input decides, which is not supported; use nn.Embedding and a "
    "sum"
)
