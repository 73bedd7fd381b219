"""By which schedules is a model compiled, other than by the one that the compiler chooses?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import contextlib
import platform
from collections.abc import Iterator, Sequence

from ttc import toolchain

# Whose sums are those of the chosen schedule, in the same order: the bits are the same.
SAME_SUMS = {
    "narrow panels": ["--schedule=panel=1,pass=2"],
    "wide panels": ["--schedule=panel=5"],
    "tiles of one row": ["--schedule=tile=1"],
    "tiles of four registers": ["--schedule=tile=4,update=0"],
    "updates in registers": ["--schedule=update=64"],
    "no events": ["--schedule=events=off"],
    "events always": ["--schedule=events=always"],
    "events rarely": ["--schedule=row-events=3,tile-events=1"],
    "blocks of 1 row": ["--schedule=block=1"],
    "blocks of 7 rows": ["--schedule=block=7,tile=6"],
    "blocks of 48 rows": ["--schedule=block=48,cache=65536"],
    "a function an operation": ["--schedule=longest=1"],
    "one function": ["--schedule=longest=1000"],
}
OTHER_SUMS = {
    "one chain": ["--schedule=chains=1"],
    "eight chains": ["--schedule=chains=8,inflight=32"],
    "4 lanes": ["--schedule=lanes=4,registers=16"],
}
if platform.machine() == "x86_64":
    OTHER_SUMS |= {"AVX2": ["--mcpu=x86-64-v3"], "SSE4": ["--mcpu=x86-64-v2"]}
SCHEDULES = SAME_SUMS | OTHER_SUMS


@contextlib.contextmanager
def compiled_with(options: Sequence[str]) -> Iterator[None]:
    """Whatever is compiled meanwhile is compiled with these options of the driver, too."""
    run_driver = toolchain.run_driver

    def run(source, output, own=(), *others, **named):
        run_driver(source, output, [*own, *options], *others, **named)

    toolchain.run_driver = run
    try:
        yield
    finally:
        toolchain.run_driver = run_driver
