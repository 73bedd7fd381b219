"""The reference package as it is: eager, its parameters raw."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from torch import nn

from .setting import PythonEngine, Setting, step_by_step


def open_engine(setting: Setting) -> PythonEngine:
    return run_eagerly(setting, setting.case.model())


def run_eagerly(setting: Setting, model: nn.Module) -> PythonEngine:
    # The module itself, not its forward: that is what its users call.
    call = model if setting.steps == 1 else step_by_step(model)
    return PythonEngine(setting, model.zero_states, call)
