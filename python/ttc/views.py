"""A state's own memory, lent to NumPy for the length of a `with` block."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .errors import Error
from .live import Live

if TYPE_CHECKING:
    import numpy

    from .compiled import CompiledModel


class _Lent:
    """Stands in for what runs a model whose memory is lent.

    While a view is open, whoever asks is told so: a step would change what the view shows, and
    another batch would give its memory back. The first who asks afterwards gets the model as it
    was, if nothing refers to its memory any more; else the model goes on in a copy.
    """

    def __init__(self, compiled: CompiledModel, live: Live):
        self.model, self.device = live.model, live.device  # do not change
        self._compiled, self._real = weakref.ref(compiled), live
        self._memory: list[weakref.ref] = []
        self.open: list[str] = []  # the keys of the views

    @property
    def threads(self) -> int:
        return self._real.threads  # nobody writes it meanwhile

    def lend(self, key: str) -> numpy.ndarray:
        array, memory = self._real.session.view(key)
        self._memory.append(memory)
        self.open.append(key)
        return array

    def take_back(self) -> Live:
        if self.open:
            raise Error(
                f"a view of the state '{self.open[-1]}' is open: leave its `with` block before the "
                f"model is used, or call fork() before it for a model of its own"
            )
        if any(memory() is not None for memory in self._memory):
            self._real.session = self._real.session.fork()
        self._memory.clear()
        self._compiled()._live = self._real
        return self._real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.take_back(), name)


@contextmanager
def state_view(compiled: CompiledModel, key: str) -> Iterator[numpy.ndarray]:
    """An array over the memory of the state `key`; see CompiledModel.state_view."""
    lent = compiled._live
    if not isinstance(lent, _Lent) or not lent.open:
        lent = _Lent(compiled, lent if isinstance(lent, Live) else lent.take_back())
    array = lent.lend(key)
    compiled._live = lent
    try:
        yield array
    finally:
        array.flags.writeable = False
        lent.open.remove(key)
