"""Where the entries of the layers are kept."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ..emitting import Emitter, Operand
from ..recording import Node
from ..subject import where


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer: the node of the graph, and the tensor that goes in."""

    node: Node
    path: str
    layer: nn.Module
    x: Operand

    @property
    def where(self) -> str:
        return where(self.path, self.layer)


LayerEntry = Callable[[Emitter, LayerCall], None]

LAYERS: dict[type[nn.Module], LayerEntry] = {}
# Why a module is refused, as the sentence that begins with its name.
REFUSED: dict[type[nn.Module], str] = {}
# The one entry of all spiking layers.
NEURONS: list[LayerEntry] = []


def layer(*types: type[nn.Module]) -> Callable[[LayerEntry], LayerEntry]:
    """Makes a function the entry of these layers."""

    def add(entry: LayerEntry) -> LayerEntry:
        for kind in types:
            LAYERS[kind] = entry
        return entry

    return add
