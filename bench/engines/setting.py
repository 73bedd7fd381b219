"""What is an engine given, and what does it give back?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Protocol

import torch

from cases import CHECKED, TIMED, Case

CHECKED_STEPS = 20
# The rotating inputs of a step stay in the nearest caches, as a stream's do, but are enough of
# them that no branch predictor knows them by heart.
ROTATION_BYTES = 64 << 10
ROTATION = (4, 16)


class Unavailable(Exception):
    """Why an engine does not run a setting: a phrase for the table."""


@dataclass(frozen=True)
class Setting:
    """A case at a batch, one timestep a call or a sequence of several."""

    case: Case
    batch: int
    steps: int
    folder: Path  # for files of this run; gone after it
    cache: Path  # for what took long to compile; kept

    @functools.cached_property
    def checked(self) -> torch.Tensor:
        """The timesteps that outputs are compared on: (timesteps, batch, features)."""
        steps = CHECKED_STEPS if self.steps == 1 else self.steps
        return self.case.inputs(steps, self.batch, CHECKED)

    @functools.cached_property
    def timed(self) -> torch.Tensor:
        """What the timed calls take in turn: (calls, steps, batch, features)."""
        step_bytes = self.checked[0].nbytes
        if self.steps > 1:
            calls = 2 if self.batch == 1 else 1
        else:
            calls = min(max(ROTATION_BYTES // step_bytes, ROTATION[0]), ROTATION[1])
        inputs = self.case.inputs(calls * self.steps, self.batch, TIMED)
        return inputs.unflatten(0, (calls, self.steps))


class Engine(Protocol):
    """A model that is ready to run. A function of a Setting opens it, or raises Unavailable."""

    note: str  # what a reader must know of how it was run; may be empty
    cores: int  # that it runs on

    def outputs(self) -> torch.Tensor:
        """From zero states, the outputs of all `checked` timesteps."""

    def time(self, calls: int) -> float:
        """Makes calls on the `timed` inputs, in turn. Returns nanoseconds a call."""


@dataclass
class PythonEngine:
    """An engine that is called from Python, a timestep or a sequence a call."""

    setting: Setting
    zero: Callable[[], None]
    call: Callable[[torch.Tensor], torch.Tensor]
    note: str = ""
    _: KW_ONLY
    cores: int = 1
    # Entered around whatever runs the model.
    context: Callable = torch.inference_mode
    _timed: list[torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        # One timestep a call has no axis of time.
        timed = self.setting.timed
        self._timed = [x[0] if self.setting.steps == 1 else x for x in timed]

    def outputs(self) -> torch.Tensor:
        self.zero()
        with self.context():
            if self.setting.steps > 1:
                return self.call(self.setting.checked).clone()
            return torch.stack([self.call(x).clone() for x in self.setting.checked])

    def time(self, calls: int) -> float:
        call = self.call
        inputs = itertools.islice(itertools.cycle(self._timed), calls)
        with self.context():
            # The clock of the process, as in StepTimer.cpp.
            start = time.process_time_ns()
            for x in inputs:
                call(x)
            return (time.process_time_ns() - start) / calls


def step_by_step(step: Callable[[torch.Tensor], torch.Tensor]) -> Callable:
    """A sequence as calls of a timestep."""
    return lambda xs: torch.stack([step(x) for x in xs.unbind()])
