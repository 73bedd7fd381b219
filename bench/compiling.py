"""How long does it take to compile a model: those of the zoo, and the case a?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import importlib.util
import resource
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import ttc
from torch import nn
from ttc import toolchain

from cases import CHECKED, GROUPS

ZOO = Path(__file__).resolve().parents[1] / "examples" / "zoo"
# What ttc may take, without the export.
CASE_SECONDS, ZOO_SECONDS = 1.0, 5.0


@dataclass(frozen=True)
class Compiled:
    """The best seconds of several attempts, on the clock of the processes."""

    model: str
    export: float
    compile: float
    most: float  # that the compilation may take


def measure(attempts: int, say: Callable[[str], None]) -> list[Compiled]:
    """Exports and compiles every model so many times."""
    found = []
    for name, model, example, most in _models():
        say(f"compiling {name}")
        with tempfile.TemporaryDirectory(prefix="ttc-bench-") as folder:
            net = Path(folder) / "net"
            export = _best(attempts, lambda: ttc.export(model, example, net))
            library = net.with_name("libnet.so")
            compiling = _best(
                attempts, lambda: toolchain.run_driver(net.with_suffix(".mlir"), library)
            )
        found.append(Compiled(name, export, compiling, most))
    return found


def _models() -> Iterator[tuple[str, nn.Module, torch.Tensor, float]]:
    (case,) = GROUPS["a"]
    yield case.name, case.model(), case.inputs(1, 1, CHECKED)[0], CASE_SECONDS
    for path in sorted(ZOO.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"zoo_{path.stem}", path)
        zoo = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(zoo)
        torch.manual_seed(0)
        yield f"zoo/{path.stem}", zoo.model(), zoo.example(), ZOO_SECONDS


def _best(attempts: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(attempts):
        start = _seconds()
        work()
        times.append(_seconds() - start)
    return min(times)


def _seconds() -> float:
    """What this process and those that it has waited for have had of the processor."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
