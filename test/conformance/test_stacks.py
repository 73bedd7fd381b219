"""Whether random stacks of neurons, with Linear between them, compute what the reference does."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
from comparing import assert_same_bits, check_batch, check_hard, check_smooth, same_bits
from conftest import FULL, SEED
from random_models import make_inputs, make_stack, seeded

STACKS = 240 if FULL else 24
BATCHES = [(1,), (4,), (2, 3)]


@pytest.mark.parametrize("number", range(STACKS))
@pytest.mark.parametrize("hard", [False, True], ids=["smooth", "hard"])
def test_stack(libraries, number, hard):
    rng = seeded(SEED, "stack", number, hard)
    model, features = make_stack(rng, hard)
    shape = (*BATCHES[number % len(BATCHES)], features)
    inputs = make_inputs(rng, shape)
    compiled = libraries.compile(model, inputs[0])
    # Every fourth is specialised for its batch as well, and must keep the bits.
    special = libraries.compile(model, inputs[0], shape[0]) if number % 4 == 3 else None
    if hard:
        check_hard(model, compiled, inputs, one_neuron=False)
    else:
        check_smooth(model, compiled, inputs)
    if shape[0] > 1:
        check_batch(compiled, inputs)
    if special is not None:
        compiled.zero_states()
        assert same_bits(special.run(inputs), compiled.run(inputs))
        assert_same_bits(special.save_states(), compiled.save_states(), "with a fixed batch")
