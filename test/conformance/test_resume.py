"""Whether a model that another process takes over goes on as if nothing had happened."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import ttc
from comparing import same_bits
from conftest import SEED
from random_models import make_inputs, make_stack, seeded
from ttc import toolchain

MODELS = 6
CUTS = (1, 17, 49)

# What the other process runs: a folder, then cuts.
CONTINUE = """
import sys, torch, ttc
folder, inputs = sys.argv[1], torch.load(sys.argv[1] + "/inputs.pt")
compiled = ttc.load(folder + "/libnet.so", weights=folder + "/net.safetensors")
for cut in map(int, sys.argv[2:]):
    compiled.load_states_file(f"{folder}/states{cut}.safetensors")
    assert compiled.timestep == cut
    outputs = torch.stack([compiled(x) for x in inputs[cut:]])
    torch.save((outputs, compiled.save_states()), f"{folder}/continued{cut}.pt")
"""


@pytest.mark.parametrize("number", range(MODELS))
def test_continue_in_another_process(tmp_path, number):
    rng = seeded(SEED, "resume", number)
    model, features = make_stack(rng, hard=number % 2 == 1)
    inputs = make_inputs(rng, (3, features))
    ttc.export(model.eval(), inputs[0], tmp_path / "net")
    toolchain.run_driver(tmp_path / "net.mlir", tmp_path / "libnet.so")
    compiled = ttc.load(tmp_path / "libnet.so", weights=tmp_path / "net.safetensors")
    torch.save(inputs, tmp_path / "inputs.pt")

    outputs = []
    for t, x in enumerate(inputs):
        if t in CUTS:
            compiled.save_states_file(tmp_path / f"states{t}.safetensors")
        outputs.append(compiled(x))
    outputs, states = torch.stack(outputs), compiled.save_states()

    environment = os.environ | {"PYTHONPATH": str(Path(ttc.__file__).parents[1])}
    subprocess.run(
        [sys.executable, "-c", CONTINUE, str(tmp_path), *map(str, CUTS)],
        check=True, env=environment,
    )
    for cut in CUTS:
        continued, after = torch.load(tmp_path / f"continued{cut}.pt")
        assert same_bits(continued, outputs[cut:]), f"resumed at step {cut}"
        assert states.keys() == after.keys()
        assert all(same_bits(states[key], after[key]) for key in states), f"resumed at step {cut}"
