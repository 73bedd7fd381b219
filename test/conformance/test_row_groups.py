"""Whether what goes through a batch row by row computes what whole batches do.

Rows of 256 elements and more go through the operations between two products one after the other
(codegen/RowGroups.h), if the batch is dynamic or too large for the cache.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from checking import follow
from comparing import assert_same_bits, check_batch, check_run, same_bits
from conftest import SEED
from random_models import StackModel, seeded
from rows import randomise
from torch import nn

BATCH, STEPS = 5, 6
# Every batch of 5 is too large for this cache, none for the other one.
ROW_BY_ROW, WHOLE = "cache=1", "cache=65536"


class Shifted(nn.Module):
    """Each row from the one before it and from the first: rows that need each other."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.tanh(x)
        return y + torch.cat([y[:1], y[:-1]]) * y[:1]


MODELS = {
    "a convolution that fires": (
        (3, 9, 10),
        lambda: [nn.Conv2d(3, 8, 3), tt.snn.DSRLITS(8, dim=-3), nn.Flatten(), nn.Linear(448, 7)],
    ),
    "selective layers": ((20,), lambda: [nn.Linear(20, 64), tt.ssm.S6(64), tt.ssm.Mamba(64)]),
    "selective layers along another dimension": (
        (64, 6), lambda: [tt.ssm.S6(64, dim=-2), tt.ssm.Mamba(64, dim=-2, conv_kernel=3)]
    ),
    "norms and gates": (
        (32, 40),
        lambda: [
            randomise(nn.GroupNorm(4, 32)), nn.GELU(), nn.Conv1d(32, 16, 3), nn.GLU(1), nn.Tanh(),
            nn.Flatten(), nn.Softmax(-1),
        ],
    ),
    "rows that need each other": ((300,), lambda: [nn.Sigmoid(), Shifted(), nn.Softplus()]),
}


@pytest.mark.parametrize("name", MODELS)
def test_row_by_row(name):
    shape, layers = MODELS[name]
    seeded(SEED, "row groups", name)
    model = StackModel(*layers()).eval()
    inputs = torch.randn(STEPS, BATCH, *shape)
    whole, rows = (
        ttc.compile(model, inputs[0], batch=BATCH, schedule=schedule)
        for schedule in (WHOLE, ROW_BY_ROW)
    )
    follow(rows, model, (inputs,))
    steps = torch.stack([whole(x) for x in inputs])
    states = whole.save_states()
    rows.zero_states()
    assert same_bits(torch.stack([rows(x) for x in inputs]), steps)
    assert_same_bits(rows.save_states(), states, "of the batch row by row")
    check_run(rows, inputs, steps)
    if name == "rows that need each other":
        return
    dynamic = ttc.compile(model, inputs[0])
    assert same_bits(torch.stack([dynamic(x) for x in inputs]), steps)
    assert_same_bits(dynamic.save_states(), states, "of a batch of any size")
    check_batch(dynamic, inputs)
