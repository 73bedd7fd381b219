"""torch.compile of a functional step: the fastest of several ways of calling it."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch._inductor.config

from .functional_step import FunctionalStep, trace_step, trace_steps
from .setting import PythonEngine, Setting, Unavailable

# Timesteps that are unrolled in one graph of a sequence: more take minutes to compile and were
# not faster.
UNROLLED = 8
_SECONDS_TO_CHOOSE = 0.2


@dataclass(frozen=True)
class _Way:
    note: str
    mode: str
    freezing: bool = False
    unrolled: int = 1


_ONE_STEP = [
    _Way("default mode", "default"),
    _Way("max-autotune, frozen weights", "max-autotune", freezing=True),
]
_UNROLLED = _Way(f"default mode, {UNROLLED} timesteps unrolled", "default", unrolled=UNROLLED)


@contextlib.contextmanager
def _without_guards() -> Iterator[None]:
    """Inputs are always of the same shapes here: to check that again would only cost time."""
    with torch.inference_mode(), torch.compiler.set_stance(skip_guard_eval_unsafe=True):
        yield


def open_engine(setting: Setting) -> PythonEngine:
    if not setting.case.compiled_by_torch:
        raise Unavailable("not run for this case: it takes too long to compile")
    ways = list(_ONE_STEP)
    # With a batch the calls themselves cost little: unrolling does not pay.
    if setting.steps > 1 and setting.batch == 1:
        ways.append(_UNROLLED)
    engines = [_compile(setting, way) for way in ways]
    return min(engines, key=_typical_time)


def _compile(setting: Setting, way: _Way) -> PythonEngine:
    step = FunctionalStep(setting)
    if way.unrolled == 1:
        example = setting.checked[0]
        graph = trace_step(step, example)
    else:
        example = setting.checked[:way.unrolled]
        graph = trace_steps(step, example)
    # The method, whose code is its own: all graph modules share the code of their calls, and with
    # it the guards that tell them apart.
    compiled = torch.compile(graph.forward, mode=way.mode)
    states: list[torch.Tensor] = []

    def zero() -> None:
        with torch.inference_mode():
            states[:] = step.zero_states()

    zero()
    with torch.inference_mode(), torch._inductor.config.patch(freezing=way.freezing):
        for _ in range(3):  # later calls get states that the earlier ones made
            _, *states[:] = compiled(example, *states)
    return PythonEngine(setting, zero, _caller(setting, way, compiled, states), way.note,
                        context=_without_guards)


def _caller(setting: Setting, way: _Way, compiled: Callable, states: list) -> Callable:
    def call_step(x: torch.Tensor) -> torch.Tensor:
        y, *states[:] = compiled(x, *states)
        return y

    if setting.steps == 1:
        return call_step
    if way.unrolled == 1:
        return lambda xs: torch.stack([call_step(x) for x in xs.unbind()])
    return lambda xs: torch.cat([call_step(part) for part in xs.split(way.unrolled)])


def _typical_time(engine: PythonEngine) -> float:
    calls = max(1, int(_SECONDS_TO_CHOOSE / 5 / (engine.time(1) * 1e-9)))
    return min(engine.time(calls) for _ in range(5))
