"""What the conformance tests share: compiled libraries, how much is tested, what was found.

TTC_CONFORMANCE_FULL=1 tests every layout of every neuron and ten times as many stacks.
TTC_CONFORMANCE_SEED (an int, default 0) moves all seeds. TTC_CONFORMANCE_SCHEDULE, one of the
names in schedules.py, compiles everything by that schedule. What the tests measured by the chosen
schedule goes to build/conformance.json, from which scripts/conformance_table.py makes
docs/conformance.md.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import os
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
torch.set_num_threads(1)

import ttc  # noqa: E402  (found through the path above)
from ttc import toolchain  # noqa: E402
from ttc.exporting import export_model, write_file  # noqa: E402

from gpus import load_emulator  # noqa: E402
from schedules import SCHEDULES, compiled_with  # noqa: E402

FULL = os.environ.get("TTC_CONFORMANCE_FULL") == "1"
SEED = int(os.environ.get("TTC_CONFORMANCE_SEED", "0"))
SCHEDULE = os.environ.get("TTC_CONFORMANCE_SCHEDULE")


def _random_models() -> range:
    """The seeds of the random models: `first,count`, or 100 that are new every day."""
    given = os.environ.get("TTC_CONFORMANCE_MODELS")
    first, count = given.split(",") if given else (date.today().toordinal() * 100, 100)
    return range(int(first), int(first) + int(count))


MODELS = _random_models()


def pytest_report_header(config):
    return (
        f"conformance: base seed {SEED}, {'all' if FULL else 'a sample of the'} cases, random "
        f"models TTC_CONFORMANCE_MODELS={MODELS.start},{len(MODELS)}"
        + (f", schedule: {SCHEDULE}" if SCHEDULE else "")
    )


@pytest.fixture(scope="session", autouse=True)
def schedule():
    """The schedule that all models are compiled by, if one is named."""
    with compiled_with(SCHEDULES[SCHEDULE] if SCHEDULE else []):
        yield


@pytest.fixture(scope="session")
def emulator():
    """A driver for GPUs that need not be there."""
    return load_emulator()


class Libraries:
    """Compiles each text of model IR once; models that differ in their weights share a library."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._paths: dict[tuple[str, int | None], Path] = {}

    def compile(
        self, model: torch.nn.Module, example: torch.Tensor, batch: int | None = None
    ) -> ttc.CompiledModel:
        exported = export_model(model.eval(), example, "net")
        library = self._paths.get((exported.text, batch))
        if library is None:
            number = len(self._paths)
            source, library = (self._folder / f"{p}net{number}.{s}" for p, s in
                               (("", "mlir"), ("lib", "so")))
            write_file(source, exported.text.encode())
            options = [] if batch is None else [f"--batch={batch}"]
            toolchain.run_driver(source, library, options)
            self._paths[exported.text, batch] = library
        return ttc.load(library, weights=exported.weights)


@pytest.fixture(scope="session")
def libraries(tmp_path_factory) -> Libraries:
    return Libraries(tmp_path_factory.mktemp("libraries"))


# What the tests measured: each test adds to its own rows, the one process that reports writes.


@pytest.fixture
def record_row(record_property):
    """Adds to what the table says of this test."""
    row: dict = {}
    record_property("conformance", row)
    return row.update


_rows: list[dict] = []


def pytest_runtest_logreport(report):
    if report.when != "call":
        return
    for name, row in report.user_properties:
        if name == "conformance":
            error = None
            if report.failed:
                error = str(getattr(report.longrepr, "reprcrash", report.longrepr)).strip()
            _rows.append(row | {"test": report.nodeid, "error": error})


def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput") or not _rows or SCHEDULE:
        return
    from rows import CASES, EVENTS

    sections: dict[str, list[str]] = {}
    for case in [*CASES, *EVENTS]:
        sections.setdefault(case.section, []).append(case.name)
    found = {
        "date": date.today().isoformat(),
        "seed": SEED,
        "versions": {name: version(name) for name in ("tracetorch", "torch")},
        "sections": sections,  # all that there are; the rows are what was run of them
        "rows": sorted(_rows, key=lambda row: row["test"]),
    }
    build = toolchain.home() / "build"
    build.mkdir(exist_ok=True)
    (build / "conformance.json").write_text(json.dumps(found, indent=1))


def pytest_terminal_summary(terminalreporter):
    for row in _rows:
        if "compile" in row:
            terminalreporter.write_line(
                f"{row['name']}: exported in {row['export']:.1f} s, compiled in "
                f"{row['compile']:.1f} s"
            )
