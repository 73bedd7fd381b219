"""What it costs to keep states and weights in fewer bits: a section of docs/conformance.md.

The unit is the type's epsilon, 2^-7 for bf16 and 2^-10 for f16, of the largest value of the tensor;
for weights in 8 bits 1/127.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy

import pytest
import torch
import ttc
from rows import ORDINARY, OWN, RNN, SPIKING, SSM, TORCH_RECURRENT, Case
from comparing import same_bits
from conftest import SEED
from random_models import seeded
from references import Reference, time_axis
from test_table import side_by_side
from torch import nn

SECTION = "States and weights in fewer bits"
STEPS = 50
# In one step from given states. In 8 bits that has the error of the weights in it.
STEP_LIMIT = {"bf16": 2.0, "f16": 2.0, "int8": 4.0}
RUN_LIMIT = 16.0  # in all steps, each from the rounded states of the one before
TYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "int8": torch.int8}
LINEAR = ("Linear(7, 12)", "Conv2d(3, 5, 3, padding=1)")
CASES = [
    *SPIKING, *RNN, *SSM, *OWN, *TORCH_RECURRENT,
    *(case for case in ORDINARY if case.name in LINEAR),
]


def rounded(layer: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy whose matrices have the values that the type can have.

    In 8 bits that depends on the scales: what they cost is a part of the error.
    """
    layer = copy.deepcopy(layer)
    if dtype is torch.int8:
        return layer
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.to(dtype))
    return layer


def error(found: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> float:
    assert found.shape == expected.shape
    scale = expected.abs().max().item() or 1.0
    unit = 1 / 127 if dtype is torch.int8 else torch.finfo(dtype).eps
    return ((found.float() - expected).abs().max() / (unit * scale)).item()


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_narrow(case: Case, name: str, record_row):
    record_row(section=SECTION, name=case.name, dtype=name)
    dtype = TYPES[name]
    rng = seeded(SEED, "narrow", str(case), name)
    layout = case.layouts[0]
    layer = case.make(rng, layout).eval()
    inputs = case.inputs(rng, (4, *layout.shape), torch.float32)
    is_sequence = isinstance(layer, nn.RNNBase)
    time = time_axis(layer) if is_sequence else None
    example = inputs[:2].movedim(0, time) if is_sequence else inputs[0]
    # Of 8 bits are the weights alone.
    stored = torch.float32 if dtype is torch.int8 else dtype
    compiled = ttc.compile(
        side_by_side([layer]), example, dtype=stored, weights_dtype=dtype
    )

    # Each step from the states that the one before left, which are of the narrow type.
    worst, worst_state = 0.0, 0.0
    reference = Reference(rounded(layer, dtype), time)
    steps = []
    for x in inputs:
        (expected,) = reference.step(x)
        (found,) = compiled(x)
        assert found.dtype == torch.float32
        steps.append(found)
        worst = max(worst, error(found, expected, dtype))
        states = compiled.save_states()
        for key, state in reference.states().items():
            found = states[f"layers.0.{key}"]
            assert found.dtype == stored
            worst_state = max(worst_state, error(found, state, dtype))
            state.copy_(found)
    steps = torch.stack(steps)
    compiled.zero_states()
    assert same_bits(*compiled.run(inputs), steps), "a run has other bits than its steps"

    # All steps, against the reference in f32 throughout.
    reference = Reference(layer, time)
    exact = torch.stack([reference.step(x)[0] for x in inputs])
    drift = error(steps, exact, dtype)
    record_row(step=max(worst, worst_state), run=drift, limits=[STEP_LIMIT[name], RUN_LIMIT])
    assert max(worst, worst_state) <= STEP_LIMIT[name]
    assert drift <= RUN_LIMIT
