"""ttc as ttc_call.py runs it, with two threads that share each timestep, on two cores."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import time

from .setting import Setting, Unavailable
from .ttc_call import CallEngine


class _TwoThreads(CallEngine):
    cores = 2
    # The process's own would count what the two do at the same time twice.
    clock = time.CLOCK_MONOTONIC

    def __init__(self, setting: Setting):
        # The engine is timed on one core like the others: what it may use was known before.
        self._cores = os.sched_getaffinity(0)
        if len(self._cores) < 2:
            raise Unavailable("there is one core")
        # Many rows are divided, without barriers, where their number is not fixed.
        batch = None if setting.batch == 1 else "dynamic"
        super().__init__(setting, "--threads=2", batch=batch)
        self.session.threads = 2

    def time(self, calls: int) -> float:
        pinned = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores)
        try:
            return super().time(calls)
        finally:
            os.sched_setaffinity(0, pinned)


def open_engine(setting: Setting) -> CallEngine:
    return _TwoThreads(setting)
