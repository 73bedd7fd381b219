"""Whether each of the 32 neurons computes what the reference package computes."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
from comparing import assert_close, check_batch, check_hard, check_smooth
from conftest import FULL, SEED
from random_models import ALL_NEURONS, SPIKES, StackModel, make_inputs, make_neuron, seeded

# Shapes of one timestep, and the neurons' dimension in them.
LAYOUTS = [
    ((1, 37), -1),
    ((4, 16), -1),
    ((2, 3, 19), -1),
    ((2, 3, 19), 2),
    ((4, 9, 5), -2),
    ((4, 9, 5), 1),
    ((2, 5, 3, 4), -3),
    ((2, 5, 3, 4), 1),
    ((2, 3, 5, 17), -2),
    ((21,), -1),
    ((21,), 0),
    ((6, 4), 0),
    ((6, 4), -2),
]
FIRING = [kind for kind in ALL_NEURONS if kind.endswith(("B", "T", "TS"))]


def layouts(*case):
    """All layouts, or three of them: one with the features last, two others."""
    if FULL:
        return LAYOUTS
    rng = seeded(SEED, "layouts", *case)
    return [rng.choice(LAYOUTS[:3]), *rng.sample(LAYOUTS[3:], 2)]


def has_batch(shape, dim):
    return len(shape) > 1 and dim % len(shape) != 0


@pytest.mark.parametrize("kind", ALL_NEURONS)
def test_smooth(libraries, kind):
    for shape, dim in layouts("smooth", kind):
        rng = seeded(SEED, "smooth", kind, shape, dim)
        spike = rng.choice(["sigmoid4x", "sigmoid"])
        model = StackModel(make_neuron(rng, kind, shape[dim], dim, spike, None))
        inputs = make_inputs(rng, shape)
        compiled = libraries.compile(model, inputs[0])
        check_smooth(model, compiled, inputs)
        if has_batch(shape, dim):
            check_batch(compiled, inputs)


@pytest.mark.parametrize("kind", FIRING)
def test_hard(libraries, kind):
    for shape, dim in layouts("hard", kind):
        rng = seeded(SEED, "hard", kind, shape, dim)
        spike, step = rng.choice(list(SPIKES)), rng.choice([1.0, 0.5, 0.3])
        model = StackModel(make_neuron(rng, kind, shape[dim], dim, spike, step))
        inputs = make_inputs(rng, shape)
        compiled = libraries.compile(model, inputs[0])
        check_hard(model, compiled, inputs, one_neuron=True)
        if has_batch(shape, dim):
            check_batch(compiled, inputs)


@pytest.mark.parametrize("kind", ["LIB", "DSRLITS"])
@pytest.mark.parametrize("spike", SPIKES)
def test_every_spike_function_without_a_quantizer(libraries, kind, spike):
    rng = seeded(SEED, "spike", kind, spike)
    model = StackModel(make_neuron(rng, kind, 33, -1, spike, None))
    inputs = make_inputs(rng, (4, 33))
    compiled = libraries.compile(model, inputs[0])
    if spike == "heaviside":
        check_hard(model, compiled, inputs, one_neuron=True)
    else:
        check_smooth(model, compiled, inputs)


@pytest.mark.parametrize("kind", ["LI", "DLI", "DSLI", "LIB", "DLIB", "DSRLITS"])
def test_special_inputs(libraries, kind):
    """NaN and infinities go where the reference lets them go."""
    rng = seeded(SEED, "special", kind)
    model = StackModel(make_neuron(rng, kind, 8, -1, "sigmoid4x", None))
    values = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e30, -1e30, 1.0]
    inputs = [torch.tensor([values]), torch.ones(1, 8)]
    compiled = libraries.compile(model, inputs[0])
    with torch.no_grad():
        for t, x in enumerate(inputs):
            assert_close(compiled(x), model(x), f"output of step {t}")
            for key, state in compiled.save_states().items():
                assert_close(state, model.states()[key], f"'{key}' after step {t}")


@pytest.mark.parametrize("kind", ["LIB", "DSLIT", "SRLITS"])
def test_compiled_parameters(libraries, kind):
    """Weights after TTcompile() give what they gave before."""
    rng = seeded(SEED, "TTcompile", kind)
    model = StackModel(make_neuron(rng, kind, 24, -1, "sigmoid4x", None))
    inputs = make_inputs(rng, (4, 24))
    model.TTcompile()
    check_smooth(model, libraries.compile(model, inputs[0]), inputs)
