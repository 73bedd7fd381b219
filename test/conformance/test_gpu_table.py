"""Whether every layer of the table computes on a GPU what the reference does.

Each layer goes with all its layouts as one model, on the emulator; and CUDA's assembler takes its
kernels.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import zlib

import pytest
import torch
from comparing import same_bits
from conftest import FULL, SEED
from gpus import EMULATED, assemble
from rows import CASES, Case
from test_table import Compiled, Layers, check_rows, examples_of, measure, side_by_side

STEPS = 5


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer(case: Case):
    made = Layers(case, "f32")
    xs = [x[:STEPS] for x in made.inputs(4)]
    compiled = Compiled(made.layers, xs, **EMULATED)
    outputs, states = compiled.steps(xs)
    for number in made.measured(4):
        errors = measure(made.layers[number], number, xs[number], outputs, states)
        assert max(error or 0.0 for error in errors) <= 1.0, "an error beyond the tolerance"
    for number, found in enumerate(compiled.run(xs)):
        steps = torch.stack([output[number] for output in outputs])
        assert same_bits(found, steps), "a run has other bits than its steps"
    check_rows(compiled, made.layers, xs, outputs, states)


def assembled() -> list[tuple[Case, str, str]]:
    """Every layer once; all of its forms with --full."""
    forms = [("sm_80", "f32"), ("sm_80", "f64"), ("sm_90", "f32"), ("sm_90", "f64")]
    return [
        (case, *form)
        for case in CASES
        for number, form in enumerate(forms)
        if FULL or number == zlib.crc32(f"{case} {SEED}".encode()) % len(forms)
    ]


@pytest.mark.parametrize("case, architecture, dtype", assembled(), ids=str)
def test_layer_is_assembled(case: Case, architecture: str, dtype: str, tmp_path):
    made = Layers(case, dtype)
    examples = examples_of(made.layers, made.inputs(2))
    assemble(side_by_side(made.layers), examples, architecture, tmp_path)
