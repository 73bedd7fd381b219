"""Whether random models of all families agree with the reference, however they are run.

A model that fails is made smaller for as long as it fails in the same way, and printed as code.
The seeds rotate: TTC_CONFORMANCE_MODELS=first,count says which are tested.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from checking import Check, OtherProcess
from conftest import MODELS
from programs import Program, is_input, shrink
from random_programs import random_program


@pytest.fixture(scope="session")
def other():
    process = OtherProcess()
    yield process
    process.end()


@pytest.mark.parametrize("seed", MODELS)
def test_model(seed: int, tmp_path: Path, other: OtherProcess, record_row):
    program = random_program(random.Random(seed))
    record_row(
        section="Random models", seed=seed, layers=_families(program), dtype=program.dtype,
        nodes=sum(not is_input(node) for node in program.nodes),
    )
    error = _failure(program, seed, tmp_path, other)
    if error is None:
        return

    def fails(smaller: Program) -> bool:
        found = _failure(smaller, seed, tmp_path, other)
        return found is not None and type(found) is type(error)

    smallest = shrink(program, fails)
    error = _failure(smallest, seed, tmp_path, other) or error
    pytest.fail(
        f"{type(error).__name__}: {error}\n"
        f"with seed {seed}, {smallest.dtype}, batch dimensions (…{smallest.extra}), "
        f"time axis {smallest.time}; the model, made as small as it still fails:\n\n"
        f"{smallest.code()}",
        pytrace=False,
    )


def _families(program: Program) -> list[str]:
    """Where the program's layers come from: nn, tt.snn, tt.rnn, tt.ssm."""
    used = {node.layer for node in program.nodes}
    codes = [layer.code for number, layer in program.layers.items() if number in used]
    found = {".".join(code.removeprefix("randomise(").split(".")[:-1]) for code in
             (code.removeprefix("randomise(").partition("(")[0] for code in codes)}
    return sorted(found)


def _failure(program: Program, seed: int, folder: Path, other: OtherProcess) -> Exception | None:
    # A library that is open must not be written over: each attempt has a folder of its own.
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        Check(program, seed, own, other).run()
    except Exception as error:  # whatever it is, it is the finding
        return error
    shutil.rmtree(own)  # a thousand models take room
    return None


def test_a_failing_model_is_made_smaller():
    """The shrinking itself, with a failure that needs two of the layers."""
    seed = next(
        seed for seed in range(1000)
        if all(kind in random_program(random.Random(seed)).code()
               for kind in ("tt.rnn.LSTM", "tt.ssm.S4", "nn.Linear"))
    )

    def fails(program: Program) -> bool:
        program.build()
        return "tt.rnn.LSTM" in program.code()

    smallest = shrink(random_program(random.Random(seed)), fails)
    assert sum(not is_input(node) for node in smallest.nodes) == 1
