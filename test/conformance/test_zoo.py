"""Whether the networks of examples/zoo compile, how long that takes, and what they compute."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import importlib
import time
from pathlib import Path

import pytest
import torch
import tracetorch as tt
import ttc
from checking import follow
from conftest import SEED
from random_models import seeded
from torch import nn
from ttc import toolchain

ZOO = Path(__file__).resolve().parents[2] / "examples" / "zoo"
SEQUENCES = {"torch_lstm": 1}  # models that take sequences, and where those have the time
STEPS = 20
EXPORT_SECONDS = 20  # for 100 layers; it takes two or three


def timed(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compile_timed(model: nn.Module, example: torch.Tensor, folder: Path):
    exporting = timed(ttc.export, model, example, folder / "net")
    compiling = timed(toolchain.run_driver, folder / "net.mlir", folder / "libnet.so")
    compiled = ttc.load(folder / "libnet.so", weights=folder / "net.safetensors")
    return compiled, {"export": exporting, "compile": compiling}


@pytest.mark.parametrize("name", sorted(path.stem for path in ZOO.glob("*.py")))
def test_zoo(name: str, tmp_path: Path, record_row, monkeypatch):
    monkeypatch.syspath_prepend(ZOO)
    zoo = importlib.import_module(name)
    record_row(section="Zoo", name=f"examples/zoo/{name}.py", what=zoo.__doc__.splitlines()[0])
    seeded(SEED, "zoo", name)
    model, example = zoo.model(), zoo.example()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    compiled, seconds = compile_timed(model, example, tmp_path)
    record_row(parameters=parameters, **seconds)
    if name in SEQUENCES:
        inputs = example[:, :STEPS].movedim(SEQUENCES[name], 0).contiguous()
    else:
        inputs = torch.stack([zoo.example() for _ in range(STEPS)])
    follow(compiled, model, (inputs,), SEQUENCES.get(name))


def test_every_example_is_described():
    described = (ZOO / "README.md").read_text()
    for path in ZOO.glob("*.py"):
        assert f"`{path.name}`" in described


def test_a_hundred_layers(tmp_path: Path, record_row):
    """Export takes seconds, and nothing in it grows with the square of the layers."""
    layers: list[nn.Module] = []
    for number in range(50):
        kind = ["LIB", "SLIT", "RLITS", "DSLI"][number % 4]
        layers += [nn.Linear(32, 32), getattr(tt.snn, kind)(32)]
    seeded(SEED, "a hundred layers")
    model = nn.Sequential(*layers).eval()
    record_row(section="Zoo", name="100 layers", what="50 pairs of Linear(32, 32) and a neuron")
    compiled, seconds = compile_timed(model, torch.randn(4, 32), tmp_path)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    record_row(parameters=parameters, **seconds)
    assert seconds["export"] < EXPORT_SECONDS
    follow(compiled, model, (torch.randn(5, 4, 32),))

