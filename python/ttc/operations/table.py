"""Where the entries of the operations are kept."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Entry = Callable[..., None]

# By ATen overload, or by the name of an operation that is taken whole (recording.WHOLE). An entry
# takes the emitter, the node, and the operation's own arguments with operands for tensors.
OPERATIONS: dict[Any, Entry] = {}
# Entries that are given the nodes of parameters, which may be a layer's own, not their values.
BY_PATH: set[Entry] = set()


def operation(*targets: Any) -> Callable[[Entry], Entry]:
    """Makes a function the entry of these operations."""

    def add(entry: Entry) -> Entry:
        for target in targets:
            OPERATIONS[target] = entry
        return entry

    return add


def by_path(entry: Entry) -> Entry:
    """Makes an entry one that is given the nodes of parameters."""
    BY_PATH.add(entry)
    return entry
