"""What a forward keeps in attributes, from one timestep to the next, outside of any layer."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .paths import ModulePaths, is_stateful
from .recording import Node, Recorder


@dataclass(frozen=True)
class Kept:
    """An attribute that was read in a step and holds something new after it."""

    path: str  # of the module
    name: str  # `h`, or `h[0]` in a list
    before: Node
    after: Node


class Attributes:
    """The tensors in the attributes of modules, before and after a recorded step."""

    def __init__(
        self, paths: ModulePaths, recorder: Recorder, is_layer: Callable[[nn.Module], bool]
    ):
        self._paths, self._recorder, self._is_layer = paths, recorder, is_layer
        self._at_first = {slot: (t, t._version) for slot, t in self._tensors().items()}
        self._before: dict[tuple[str, str], torch.Tensor] = {}
        self.kept: list[Kept] = []

    def begin(self) -> None:
        """After a first step: what it left behind may be read in the next one."""
        self._before = self._tensors()
        for slot, tensor in self._before.items():
            first = self._at_first.get(slot)
            is_new = first is None or first[0] is not tensor or first[1] != tensor._version
            if is_new and not self._recorder.is_tracked(tensor):
                self._recorder.lend(tensor, "attribute", slot)

    def finish(self) -> None:
        """After the recorded step."""
        for slot, tensor in self._tensors().items():
            before = self._before.get(slot)
            old = None if before is None else self._recorder.lent(before)
            new = self._recorder.now(tensor)
            if old is not None and new is not None and new is not old:
                self.kept.append(Kept(*slot, old, new))

    def _tensors(self) -> dict[tuple[str, str], torch.Tensor]:
        found = {}
        for path, module in self._paths.modules.items():
            if self._is_layer(module):
                continue
            states = module._state_names if is_stateful(module) else ()
            attributes = {**vars(module), **module._buffers}
            for name, value in attributes.items():
                if name.startswith("_") and name in _INTERNAL or name in states:
                    continue
                leaves, _ = pytree.tree_flatten_with_path(value)
                for key_path, leaf in leaves:
                    if isinstance(leaf, torch.Tensor):
                        found[path, name + pytree.keystr(key_path)] = leaf
        return found


_INTERNAL = frozenset(nn.Module().__dict__) | {"_dynamic_params", "_inverse_functions"}
