"""Has a product over the active inputs the bits of the product over all of them?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from torch import nn

# Enough rows for tiles, which take no notice of events, and one row more.
ROWS = 25


class Network(tt.Model):
    """Hard events and a rectifier feed matrices of several shapes, one of them summed in chains."""

    def __init__(self, inputs, dtype):
        super().__init__()
        hard = tt.functional.round_ste()
        self.net = nn.Sequential(
            nn.Linear(inputs, 100),
            tt.snn.LIB(100, quant_fn=hard),
            nn.Linear(100, 40),
            tt.snn.SRLITS(40, quant_fn=hard),
            nn.Linear(40, 33),
            nn.ReLU(),
            nn.Linear(33, 7),
        ).to(dtype)

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("inputs", [32, 67, 300])
def test_bits(inputs, dtype):
    torch.manual_seed(inputs)
    compiled = ttc.compile(Network(inputs, dtype).eval(), torch.zeros(2, inputs, dtype=dtype))
    for activity in (0.0, 0.05, 0.3, 0.74, 0.76, 1.0):
        active = torch.rand(6, ROWS, inputs) < activity
        xs = torch.randn(6, ROWS, inputs, dtype=dtype) * active
        compiled.zero_states()
        together = torch.stack([compiled(x) for x in xs])
        for row in (0, ROWS // 2, ROWS - 1):
            compiled.zero_states()
            alone = torch.stack([compiled(x[row : row + 1]) for x in xs])
            assert torch.equal(alone[:, 0], together[:, row]), (activity, row)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_weights_that_are_not_finite(value):
    """0 times infinity is NaN: such weights are multiplied with every input."""
    linear = nn.Linear(64, 20)
    with torch.no_grad():
        linear.weight[3, 60] = value
    compiled = ttc.compile(linear.eval(), torch.zeros(1, 64))
    x = torch.zeros(1, 64)
    x[0, 1] = 1.0
    assert torch.equal(compiled(x).isnan(), linear(x).isnan())


def test_a_nan_is_an_event():
    linear = nn.Linear(64, 20).eval()
    compiled = ttc.compile(linear, torch.zeros(1, 64))
    x = torch.zeros(1, 64)
    x[0, 63] = float("nan")
    assert compiled(x).isnan().all()
