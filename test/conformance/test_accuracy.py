"""How accurate are the functions that a step computes on vectors, without a call of libm?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import ttc
from comparing import UNITS
from schedules import SCHEDULES, compiled_with
from torch import nn

FUNCTIONS = {  # and where their arguments lie
    "exp": (torch.exp, -80.0, 80.0),
    "expm1": (torch.expm1, -20.0, 20.0),
    "log": (torch.log, 1e-20, 1e3),
    "log1p": (torch.log1p, -0.9, 50.0),
    "sin": (torch.sin, -20.0, 20.0),
    "cos": (torch.cos, -20.0, 20.0),
    "sin, many turns": (torch.sin, -1e4, 1e4),
    "cos, many turns": (torch.cos, -1e4, 1e4),
    "sigmoid": (torch.sigmoid, -20.0, 20.0),
    "tanh": (torch.tanh, -9.0, 9.0),
    "erf": (torch.erf, -3.0, 3.0),
    "softplus": (nn.functional.softplus, -15.0, 25.0),
}


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def units_of(found: torch.Tensor, exact: torch.Tensor, least: float) -> float:
    """The largest error, in units in the last place of an f32 of the exact size, or of `least`."""
    unit = 2.0 ** (torch.floor(torch.log2(exact.abs().clamp(min=least))) - 23)
    return ((found.double() - exact).abs() / unit).max().item()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_units_in_the_last_place(name):
    function, low, high = FUNCTIONS[name]
    points = torch.linspace(low, high, 400_000)
    x = torch.cat([points, torch.linspace(-1.0, 1.0, 100_000).clamp(low, high)])
    compiled = ttc.compile(Apply(function), x)
    # Near its zeros a sine is no better than elsewhere: it is taken as a number around 1.
    is_periodic = function in (torch.sin, torch.cos)
    least = 1.0 if is_periodic else 1e-37
    error = units_of(compiled(x), function(x.double()), least)
    own = units_of(function(x), function(x.double()), least)
    print(f"{name}: {error:.2f} units, PyTorch's {own:.2f}")
    assert error <= (1.0 if is_periodic else UNITS)
    assert own <= 2.5


@pytest.mark.parametrize("function", [torch.sin, torch.cos])
def test_arguments_beyond_all_turns(function):
    """A huge argument has no meaningful sine, but one between -1 and 1; an infinite one has none."""
    x = torch.tensor([1e6, -3e7, 1e10, -1e20, 3e38, torch.inf, -torch.inf, torch.nan])
    found = ttc.compile(Apply(function), x)(x)
    assert (found[:5].abs() <= 1.0).all()
    assert found[5:].isnan().all()


@pytest.mark.parametrize("options", SCHEDULES.values(), ids=list(SCHEDULES))
def test_exponentials_end_where_numbers_do(options):
    """By vectors of every width, and instructions of every CPU: a subnormal counts as zero."""
    last, first = 88.72283, 88.7229  # the greatest that has an exponential, about, and beyond
    normal, subnormal = -87.33, -87.4
    x = torch.tensor([last, first, 1e30, torch.inf, normal, subnormal, -1e30, -torch.inf, torch.nan])
    x = torch.cat([x, torch.linspace(88.3, last, 1000), torch.linspace(normal, -86.0, 1000)])
    with compiled_with(options):
        found = ttc.compile(Apply(torch.exp).eval(), x)(x)
    assert (found[1:4] == torch.inf).all() and (found[5:8] == 0).all() and found[8].isnan()
    numbers = torch.cat([found[:1], found[4:5], found[9:]])
    exact = torch.exp(torch.cat([x[:1], x[4:5], x[9:]]).double())
    # Without AVX-512 the last power has a polynomial of twice the width.
    assert units_of(numbers, exact, 1e-38) <= UNITS + 1
