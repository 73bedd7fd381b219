"""Whether a row has the same bits in batches of every size: tiles of several sizes, and what they leave."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from checking import follow
from comparing import same_bits
from conftest import SEED
from random_models import StackModel, make_neuron, seeded
from torch import nn

# Two tiles of twelve, and every number of rows behind them.
LARGEST, STEPS = 36, 3
MODELS = {
    # Panels of two registers, several passes, and padding.
    "recurrent": lambda rng: [nn.Linear(40, 150), tt.rnn.GRU(150, 70), tt.rnn.LSTM(70, 20)],
    # An input that may be events, and is not; then hard events.
    "spiking": lambda rng: [
        nn.Linear(40, 200), make_neuron(rng, "SRLIB", 200, -1, "sigmoid4x", 1.0),
        nn.Linear(200, 90), make_neuron(rng, "DLIT", 90, -1, "sigmoid4x", None), nn.Linear(90, 7),
    ],
}


@pytest.mark.parametrize(
    "name, dtype, schedule",
    [
        ("recurrent", torch.float32, ""),
        ("spiking", torch.float32, ""),
        ("spiking", torch.float32, "panel=1"),
        ("spiking", torch.float32, "tile=28,panel=4"),
        ("recurrent", torch.float64, ""),
    ],
)
def test_every_batch(name, dtype, schedule):
    rng = seeded(SEED, "batches", name)
    model = StackModel(*MODELS[name](rng)).eval()
    inputs = torch.randn(STEPS, LARGEST, 40, dtype=dtype)
    compiled = ttc.compile(model, inputs[0], dtype=dtype, schedule=schedule or None)
    if dtype == torch.float32:
        follow(compiled, model, (inputs[:, :3],))

    def steps_of(rows: torch.Tensor) -> torch.Tensor:
        compiled.zero_states()
        return torch.stack([compiled(x) for x in rows])

    alone = torch.cat([steps_of(inputs[:, i : i + 1]) for i in range(LARGEST)], dim=1)
    for batch in range(2, LARGEST + 1):
        assert same_bits(steps_of(inputs[:, :batch].contiguous()), alone[:, :batch]), batch


@pytest.mark.parametrize("batch", [3, 14])
def test_fixed_batches(batch):
    rng = seeded(SEED, "batches", "spiking")
    model = StackModel(*MODELS["spiking"](rng)).eval()
    inputs = torch.randn(STEPS, batch, 40)
    fixed, dynamic = (ttc.compile(model, inputs[0], batch=b) for b in (batch, None))
    assert same_bits(*(torch.stack([c(x) for x in inputs]) for c in (fixed, dynamic)))
