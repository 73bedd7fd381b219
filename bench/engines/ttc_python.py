"""ttc from Python: a compiled module called on tensors."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ttc

from .setting import PythonEngine, Setting


def open_engine(setting: Setting) -> PythonEngine:
    compiled = ttc.compile(setting.case.model(), setting.checked[0], batch=setting.batch)
    call = compiled if setting.steps == 1 else compiled.run
    return PythonEngine(setting, compiled.zero_states, call)
