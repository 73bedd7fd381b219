"""Compiles the models that scripts/torture.sh kills and resumes: torture_models.py FOLDER [--quick]

Every layer with states of the conformance table is in one of them, and the networks of
examples/zoo; --quick leaves it at three. Prints the libraries, one a line.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import importlib
import sys
from pathlib import Path

import torch
import ttc
from random_models import seeded
from references import time_axis
from rows import DTYPES, EVENTS, OWN, RNN, SPIKING, SSM, TORCH_RECURRENT, Case
from test_table import side_by_side
from torch import nn
from ttc import toolchain

ZOO = Path(__file__).resolve().parents[2] / "examples" / "zoo"
BATCH = 3
# PyTorch's own take sequences, with the time where each wants it: one a model.
LAYERS_A_MODEL = {"torch": 1}
LAYERS_A_MODEL_OF_OTHERS = 12
QUICK = ("spiking0", "ssm0", "zoo_gru_stack")


def table_model(name: str, cases: list[Case]) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    rng = seeded(7, "torture", name)
    layers, examples = [], []
    for case in cases:
        layer = case.make(rng, case.layouts[0])
        example = case.inputs(rng, (BATCH, *case.layouts[0].shape), DTYPES["f32"])
        is_sequence = isinstance(layer, nn.RNNBase)
        layers.append(layer)
        examples.append(example[:2].movedim(0, time_axis(layer)) if is_sequence else example[0])
    return side_by_side(layers), tuple(examples)


def zoo_model(name: str) -> tuple[nn.Module, torch.Tensor]:
    seeded(7, "torture", name)
    module = importlib.import_module(name)
    return module.model().eval(), module.example()


def every_model() -> dict:
    makers = {}
    sections = {"spiking": SPIKING, "events": EVENTS, "rnn": RNN, "ssm": SSM, "own": OWN,
                "torch": TORCH_RECURRENT}
    for section, cases in sections.items():
        count = LAYERS_A_MODEL.get(section, LAYERS_A_MODEL_OF_OTHERS)
        for number, first in enumerate(range(0, len(cases), count)):
            name = f"{section}{number}"
            part = cases[first:first + count]
            makers[name] = lambda name=name, part=part: table_model(name, part)
    for path in sorted(ZOO.glob("*.py")):
        makers[f"zoo_{path.stem}"] = lambda name=path.stem: zoo_model(name)
    return makers


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(ZOO))
    for name, make in every_model().items():
        if "--quick" in sys.argv and name not in QUICK:
            continue
        library = folder / f"{name}.so"
        # Again where the compiler is newer.
        if not library.exists() or library.stat().st_mtime < toolchain.driver().stat().st_mtime:
            ttc.export(*make(), folder / name)
            toolchain.run_driver(folder / f"{name}.mlir", library)
        print(library, flush=True)


if __name__ == "__main__":
    main()
