"""What ttc raises, and what it finds wrong with a model."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path


class Error(ValueError):
    """Something that was given to ttc is not what it should be.

    The message is a sentence: what was found where, what was expected, what to do.
    Whatever raised it has changed nothing.
    """


class UnsupportedError(Error):
    """A model that ttc cannot export; the message names the module by its path."""


@dataclass(frozen=True)
class Place:
    """Where in the user's code an operation stands."""

    path: str = ""  # of the innermost module whose forward runs; empty for the model
    file: str = ""  # empty where no code of the user's is on the way
    line: int = 0

    @property
    def spelling(self) -> str:
        """`net.py:12: y = x.cumsum(1)`; empty for an unknown place."""
        if not self.file:
            return ""
        source = linecache.getline(self.file, self.line).strip()
        return f"{Path(self.file).name}:{self.line}: {source}".removesuffix(": ")

    def __str__(self) -> str:
        inside = f"the forward of '{self.path}'" if self.path else "the forward"
        return f"{inside} ({self.spelling})" if self.file else inside


@dataclass(frozen=True)
class Finding:
    """One reason why a model cannot be exported."""

    sentence: str
    place: Place

    @classmethod
    def at(cls, place: Place, what: str) -> Finding:
        """Something that the user's code does."""
        return cls(f"in {place}, {what}", place)

    @classmethod
    def of_layer(cls, place: Place, path: str, sentence: str) -> Finding:
        """Something about the layer `path`, which `sentence` names."""
        if place.file:
            sentence += f" [{place.spelling}]"
        return cls(sentence, Place(path, place.file, place.line))
