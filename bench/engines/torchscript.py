"""TorchScript: a functional step, traced and frozen."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import torch

from .functional_step import FunctionalStep, trace_step
from .setting import PythonEngine, Setting, step_by_step

# It optimizes what it has seen run a few times.
_WARM_UP_CALLS = 5


def open_engine(setting: Setting) -> PythonEngine:
    step = FunctionalStep(setting)
    example = setting.checked[0]
    graph = trace_step(step, example).eval()
    states: list[torch.Tensor] = []

    def zero() -> None:
        with torch.inference_mode():
            states[:] = step.zero_states()

    def call_step(x: torch.Tensor) -> torch.Tensor:
        y, *states[:] = traced(x, *states)
        return y

    zero()
    with torch.inference_mode():
        traced = torch.jit.trace(graph, (example, *states), check_trace=False)
        traced = torch.jit.freeze(traced)
        for _ in range(_WARM_UP_CALLS):
            call_step(example)
    call = call_step if setting.steps == 1 else step_by_step(call_step)
    return PythonEngine(setting, zero, call, "traced and frozen")
