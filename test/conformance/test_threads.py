"""Whether several threads that share a timestep give the bits of one."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import importlib
import random
import zlib

import pytest
import torch
import tracetorch as tt
import ttc
from conftest import FULL, SEED
from random_models import make_inputs, seeded
from rows import CASES, EVENTS
from teams import Bare, check_teams
from test_zoo import SEQUENCES, ZOO
from torch import nn

BATCHES = (1, 2, 3, 16, 33)
WORKERS = (2, 3)
STEPS = 7


def compile_for_teams(model: nn.Module, example, **options) -> Bare:
    compiled = ttc.compile(model.eval(), example, threads=max(WORKERS), **options)
    return Bare(compiled._live.model)


def hard() -> dict:
    return {"quant_fn": tt.functional.round_ste()}


# Layers wide enough for every worker to have columns, and one that is not.
WIDE = {
    "spiking": lambda: nn.Sequential(
        nn.Linear(70, 100), tt.snn.DSRLITS(100), nn.Linear(100, 130), tt.snn.LIB(130),
        nn.Linear(130, 7), tt.snn.LI(7),
    ),
    "events": lambda: nn.Sequential(
        nn.Linear(70, 100), tt.snn.LIB(100, **hard()), nn.Linear(100, 90),
        tt.snn.SRLITS(90, **hard()), nn.Linear(90, 33), nn.ReLU(), nn.Linear(33, 9),
    ),
    "stochastic": lambda: nn.Sequential(
        nn.Linear(70, 100), tt.snn.LIB(100, quant_fn=tt.functional.probabilistic_ste()),
        nn.Linear(100, 40), tt.snn.RLIB(40, quant_fn=tt.functional.probabilistic_ste()),
    ),
    "gru": lambda: nn.Sequential(
        nn.Linear(70, 80), tt.rnn.GRU(80, 100), tt.rnn.GRU(100, 90), nn.Linear(90, 20)
    ),
    "lstm": lambda: nn.Sequential(tt.rnn.LSTM(70, 100), tt.rnn.SimpleRNN(100, 64)),
    "s6": lambda: nn.Sequential(nn.Linear(70, 64), tt.ssm.S6(64, 16), tt.ssm.S4(64), tt.ssm.S5(64)),
    "mamba": lambda: nn.Sequential(nn.Linear(70, 64), tt.ssm.Mamba(64), tt.ssm.Mamba(64)),
    "norms": lambda: nn.Sequential(
        nn.Linear(70, 100), nn.LayerNorm(100), nn.GELU(), nn.Linear(100, 96), nn.Softmax(-1)
    ),
}


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_wide_models(name, dtype):
    if dtype != torch.float32 and name not in ("spiking", "gru") and not FULL:
        pytest.skip("another dtype of this model is one of those that only --full tests")
    seeded(SEED, "threads", name)
    model = WIDE[name]()
    bare = compile_for_teams(model, torch.zeros(2, 70), dtype=dtype)
    assert bare.max_workers == max(WORKERS)
    real = torch.float32 if dtype == torch.bfloat16 else dtype
    # Enough zeros for the products over active inputs.
    check_teams(
        bare, lambda batch: [torch.randn(STEPS, batch, 70, dtype=real).relu()], BATCHES, WORKERS
    )


def test_a_fixed_batch():
    seeded(SEED, "threads", "fixed")
    for batch in (1, 24):
        bare = compile_for_teams(WIDE["spiking"](), torch.zeros(batch, 70), batch=batch)
        check_teams(bare, lambda batch: [torch.randn(STEPS, batch, 70)], [batch], WORKERS)


def test_images():
    seeded(SEED, "threads", "images")
    model = nn.Sequential(
        nn.Conv2d(3, 20, 3), tt.snn.LIB(20, dim=-3), nn.MaxPool2d(2), nn.Conv2d(20, 5, 3),
        nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5 * 4 * 4, 70), tt.snn.RLIB(70),
        nn.Linear(70, 10),
    )
    bare = compile_for_teams(model, torch.zeros(2, 3, 14, 14))
    check_teams(bare, lambda batch: [torch.randn(3, batch, 3, 14, 14)], (1, 2, 5), WORKERS)


@pytest.mark.parametrize("name", sorted(path.stem for path in ZOO.glob("*.py")))
def test_zoo(name, monkeypatch):
    monkeypatch.syspath_prepend(ZOO)
    zoo = importlib.import_module(name)
    seeded(SEED, "threads", name)
    bare = compile_for_teams(zoo.model(), zoo.example())

    def inputs(batch: int) -> list[torch.Tensor]:
        example = zoo.example()
        if name in SEQUENCES:
            example = example[:, :3].movedim(SEQUENCES[name], 0)
        else:
            example = torch.stack([zoo.example() for _ in range(3)])
        rows = example[:, [i % example.shape[1] for i in range(batch)]]
        if rows.is_floating_point():
            return [rows + 0.1 * torch.randn_like(rows)]
        return [rows.flip(2) if batch % 2 else rows]

    check_teams(bare, inputs, (1, 2, 17), WORKERS)


def _sampled(case) -> bool:
    """A fifth of the cases, others for another seed; all of them with --full."""
    return FULL or zlib.crc32(f"{case} {SEED}".encode()) % 5 == 0


@pytest.mark.parametrize("case", [c for c in (*CASES, *EVENTS) if _sampled(c)], ids=str)
def test_layers(case):
    rng: random.Random = seeded(SEED, "threads", str(case))
    layout = case.layouts[0]
    model = case.make(rng, layout)
    example = case.inputs(rng, (2, *layout.shape), torch.float32)
    if isinstance(model, nn.RNNBase):  # takes sequences
        example = example.movedim(0, 1) if model.batch_first else example
    else:
        example = example[0]
    bare = compile_for_teams(model, example)

    def inputs(batch: int) -> list[torch.Tensor]:
        return [case.inputs(rng, (batch, *layout.shape), torch.float32)[:STEPS]]

    check_teams(bare, inputs, (1, 3, 20), WORKERS)


def test_sessions():
    """Through the runtime's own threads: several streams at once, threads set between calls."""
    seeded(SEED, "threads", "sessions")
    one = ttc.compile(WIDE["gru"]().eval(), torch.zeros(2, 70), threads=max(WORKERS))
    many = one.session()
    one.set_threads(1)
    for batch in (1, 2, 3, 16, 64, 65):
        xs = torch.randn(200, batch, 70)
        for stream in (one, many):
            stream.zero_states()
        for t, x in enumerate(xs):
            if t % 20 == 0:
                many.set_threads(1 + t // 20 % max(WORKERS))
                saved = many.save_states()
                many.zero_states()
                many.load_states(saved)
            assert torch.equal(many(x), one(x)), (batch, t)
        assert torch.equal(many.run(xs), one.run(xs)), batch
        found, expected = many.save_states(), one.save_states()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)
