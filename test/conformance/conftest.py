"""What the conformance tests share: compiled libraries, and how much is tested.

TTC_CONFORMANCE_FULL=1 tests every layout of every neuron and ten times as many stacks.
TTC_CONFORMANCE_SEED (an int, default 0) moves all seeds.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
torch.set_num_threads(1)

import ttc  # noqa: E402  (found through the path above)
from ttc import toolchain  # noqa: E402
from ttc.exporting import export_model, write_file  # noqa: E402

FULL = os.environ.get("TTC_CONFORMANCE_FULL") == "1"
SEED = int(os.environ.get("TTC_CONFORMANCE_SEED", "0"))


def pytest_report_header(config):
    return f"conformance: base seed {SEED}, {'all' if FULL else 'a sample of the'} cases"


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
