"""Where the compiler and the runtime are, and how the compiler is called."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import Error, Place
from .progress import progress


def home() -> Path:
    """The repository: the environment variable TTC_HOME, or the one that this package lies in."""
    named = os.environ.get("TTC_HOME")
    return Path(named) if named else Path(__file__).resolve().parents[2]


def driver() -> Path:
    """The compiler `ttc`."""
    return _built("build/bin/ttc", "the compiler")


def runtime() -> Path:
    """The shared library of the runtime."""
    return _built("build/lib/libttc_runtime.so", "the runtime")


def _built(relative: str, what: str) -> Path:
    path = home() / relative
    if not path.is_file():
        raise Error(
            f"{what} is not at '{path}': run scripts/setup.sh and build the project, or set the "
            f"environment variable TTC_HOME to a repository that is built"
        )
    return path


def run_driver(
    source: Path,
    output: Path,
    options: Sequence[str] = (),
    place_of: Callable[[int], Place] = lambda line: Place(),
) -> None:
    """Compiles model IR to a shared library. Raises Error with the compiler's diagnostics.

    place_of: where the user's code does what stands in a line of the model IR; the error says so.
    """
    command = [str(driver()), str(source), "-o", str(output), *options]
    with progress(f"compiling '{source.name}'"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        diagnostics = done.stderr.strip() or f"it ended with the exit code {done.returncode}"
        found = re.search(rf"{re.escape(source.name)}:(\d+):", diagnostics)
        place = place_of(int(found[1])) if found else Place()
        where = f", for what is done in {place}" if place.path or place.file else ""
        raise Error(f"the compiler refused '{source.name}'{where}: {diagnostics}")
