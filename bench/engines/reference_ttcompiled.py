"""The reference package after TTcompile(): eager, its parameters activated beforehand."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from .reference import run_eagerly
from .setting import PythonEngine, Setting


def open_engine(setting: Setting) -> PythonEngine:
    model = setting.case.model()
    model.TTcompile()
    return run_eagerly(setting, model)
