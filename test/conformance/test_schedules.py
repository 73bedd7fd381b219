"""Whether models compute the same by whatever schedule they are compiled, and keep their promises.

scripts/conformance.sh --full compiles all models by all schedules, and compares the table's rows by
each of them; random models are compiled by one that is drawn.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import functools

import pytest
import torch
import tracetorch as tt
import ttc
from checking import follow
from comparing import assert_same_bits, check_batch, check_run, same_bits
from conftest import FULL, SEED
from random_models import StackModel, make_inputs, make_neuron, seeded
from rows import randomise
from schedules import OTHER_SUMS, SAME_SUMS, SCHEDULES, compiled_with
from torch import nn

# A tile of rows, and one row more; with one row, blocks of a sequence are whole.
BATCH = 13


def _neurons(hard: bool, *sizes_and_kinds) -> list[nn.Module]:
    """Neurons of these kinds, a matrix in front of each."""
    rng = seeded(SEED, "schedules", hard)
    layers: list[nn.Module] = []
    for before, after, kind in sizes_and_kinds:
        layers.append(nn.Linear(before, after))
        nn.init.normal_(layers[-1].weight, std=1.5 / before**0.5)
        layers.append(make_neuron(rng, kind, after, -1, "sigmoid4x", 1.0 if hard else None))
    return layers


# Sizes that make panels of both widths, several passes, every number of chains, and padding.
_SPIKING = ((67, 300, "LIB"), (300, 100, "SRLITS"), (100, 40, "DSLI"), (40, 7, "RLIT"))
MODELS = {
    "spiking layers": ((67,), lambda: _neurons(False, *_SPIKING)),
    "spiking layers that fire whole events": ((67,), lambda: _neurons(True, *_SPIKING)),
    "recurrent layers": (
        (33,),
        lambda: [
            nn.Linear(33, 70), tt.rnn.LSTM(70, 40), tt.rnn.GRU(40, 150), nn.ReLU(),
            tt.rnn.SimpleRNN(150, 20), nn.GRUCell(20, 18),
        ],
    ),
    "state-space layers": (
        (20,),
        lambda: [
            nn.Linear(20, 48), tt.ssm.S4(48), tt.ssm.S5(48, d_state=5), tt.ssm.S6(48),
            tt.ssm.Mamba(48, d_state=5), nn.Linear(48, 5),
        ],
    ),
    "images": (
        (3, 9, 8),
        lambda: [
            nn.Conv2d(3, 17, 3, padding=1), randomise(nn.BatchNorm2d(17)), tt.snn.LIB(17, dim=-3),
            nn.Conv2d(17, 6, 3), nn.GELU(), nn.MaxPool2d(2), randomise(nn.GroupNorm(2, 6)),
            nn.Flatten(), nn.Linear(54, 40), randomise(nn.LayerNorm(40)), nn.GLU(),
            tt.snn.RLIB(20), nn.Linear(20, 33), nn.Softmax(-1),
        ],
    ),
}


@functools.cache
def make(name: str) -> tuple[StackModel, torch.Tensor]:
    """A model, and a sequence for it."""
    shape, layers = MODELS[name]
    rng = seeded(SEED, "schedules", name)
    model = StackModel(*layers()).eval()
    return model, make_inputs(rng, (BATCH, *shape))


@functools.cache
def chosen(name: str) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What the model computes by the schedule that the compiler chooses."""
    model, inputs = make(name)
    compiled = ttc.compile(model, inputs[0])
    follow(compiled, model, (inputs[:20],))
    return _steps(compiled, inputs), compiled.save_states()


def _steps(compiled: ttc.CompiledModel, inputs: torch.Tensor) -> torch.Tensor:
    compiled.zero_states()
    return torch.stack([compiled(x) for x in inputs])


def _pairs() -> list[tuple[str, str]]:
    """Every model by every schedule; or each schedule with events and one other model."""
    hard, *others = sorted(MODELS, key=lambda name: "events" not in name)
    return [
        (name, schedule)
        for number, schedule in enumerate(SCHEDULES)
        for name in ([hard, *others] if FULL else [hard, others[number % len(others)]])
    ]


@pytest.mark.parametrize("name, schedule", _pairs())
def test_schedule(name: str, schedule: str):
    model, inputs = make(name)
    outputs, states = chosen(name)
    with compiled_with(SCHEDULES[schedule]):
        compiled = ttc.compile(model, inputs[0])
    steps = _steps(compiled, inputs)
    if schedule in SAME_SUMS:
        assert same_bits(steps, outputs), "the outputs have other bits than by the chosen schedule"
        assert_same_bits(compiled.save_states(), states, "by the chosen schedule")
    check_run(compiled, inputs, steps)
    check_batch(compiled, inputs)
    if schedule in OTHER_SUMS:
        follow(compiled, model, (inputs[:20],))


TYPES = {
    "f64": {"dtype": torch.float64},
    "bf16": {"dtype": torch.bfloat16},
    "products in bf16": {"products_dtype": torch.bfloat16},
}


@pytest.mark.parametrize("schedule", list(SAME_SUMS)[:: 1 if FULL else 3])
@pytest.mark.parametrize("types", TYPES)
def test_other_types(types: str, schedule: str):
    """Other widths of elements and of weights: the bits are those of the chosen schedule."""
    model, inputs = make("spiking layers that fire whole events")
    inputs = inputs.to(torch.float64 if types == "f64" else torch.float32)
    usual, other = (
        ttc.compile(model, inputs[0], **TYPES[types]),
        ttc.compile(model, inputs[0], **TYPES[types], schedule=_text(schedule)),
    )
    assert same_bits(other.run(inputs), usual.run(inputs))
    assert_same_bits(other.save_states(), usual.save_states(), "by the chosen schedule")


def _text(schedule: str) -> str:
    (option,) = SAME_SUMS[schedule]
    return option.removeprefix("--schedule=")
