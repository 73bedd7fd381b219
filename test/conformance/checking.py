"""Whether a compiled random model agrees with the reference, and with itself however it is run."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os
import random
import subprocess
import sys
from pathlib import Path

import torch
import tracetorch as tt
import ttc
from comparing import UNITS, Boundaries, assert_same_bits, error_in_tolerances, error_of, same_bits
from programs import Program
from random_models import heaviside
from references import Reference
from schedules import SCHEDULES
from teams import Bare, check_teams
from torch import nn
from ttc import toolchain

Tensors = tuple[torch.Tensor, ...]

STEPS = 20
# A model whose values have grown beyond this diverges: what it computes next is its rounding.
DIVERGED = 1e6
FORMS = ("raw", "compiled", "mixed")  # of the weights, as TTcompile() makes them

# What the other process runs: a folder a line; it answers when the continuation is written.
_SERVE = """
import sys, torch, ttc
torch.set_num_threads(1)
for folder in map(str.strip, sys.stdin):
    compiled = ttc.load(folder + "/libnet.so", weights=folder + "/net.safetensors")
    compiled.load_states_file(folder + "/states.safetensors")
    outputs = compiled.run(*torch.load(folder + "/inputs.pt"))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    torch.save((outputs, compiled.save_states()), folder + "/continued.pt")
    print("done", flush=True)
"""


class OtherProcess:
    """A process that takes models over from this one."""

    def __init__(self):
        self._process: subprocess.Popen | None = None

    def proceed(self, folder: Path) -> tuple[Tensors, dict[str, torch.Tensor]]:
        """The outputs and states of the model in a folder, after the inputs there."""
        if self._process is None or self._process.poll() is not None:
            package = Path(ttc.__file__).parents[1]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE], text=True,
                env=os.environ | {"PYTHONPATH": str(package)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "done\n":
            error = self._process.communicate()[1]
            raise AssertionError(f"the other process could not go on: {error.strip()}")
        return torch.load(folder / "continued.pt")

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.communicate()


def is_hard(model: nn.Module) -> bool:
    """Whether an arbitrarily small error can change an output by much."""
    return any(
        layer.spike_fn is heaviside or not isinstance(layer.quant_fn, nn.Identity)
        for layer in model.modules() if hasattr(layer, "spike_fn")
    )


def convert(rng: random.Random, model: nn.Module, form: str) -> nn.Module:
    """TTcompiles all layers, some of them, or none."""
    for layer in model.modules():
        if isinstance(layer, tt.Layer) and form != "raw":
            if form == "compiled" or rng.random() < 0.5:
                layer.TTcompile()
    return model


def follow(
    compiled: ttc.CompiledModel,
    model: nn.Module,
    inputs: Tensors,
    time: int | None = None,
    may_diverge: bool = False,
) -> None:
    """Every output and state of every step, from no states, against the reference.

    `time` is where a model that takes sequences has the time. A model that may diverge is followed
    until it does.
    """
    hard = is_hard(model)
    reference, exact = Reference(model, time), Reference(model, time, double=True)
    boundaries = Boundaries(reference.module) if hard else None
    compiled.zero_states()
    for t in range(len(inputs[0])):
        x = [sequence[t] for sequence in inputs]
        # An event that falls the other way changes what follows: each step begins anew.
        if hard:
            compiled.load_states(reference.states())
            exact.take_states(reference)
        found = _by_name(_tuple(compiled(*x))) | compiled.save_states()
        expected = _by_name(reference.step(*x)) | reference.states()
        assert found.keys() == expected.keys(), f"{sorted(found)} is not {sorted(expected)}"
        wide = [v.double() if v.is_floating_point() else v for v in x]
        truth = _by_name(exact.step(*wide)) | exact.states()
        if hard:
            near = boundaries.rows(x[0].shape[:1])
        elif may_diverge and any(
            tensor.double().abs().max() > DIVERGED for tensor in truth.values()
        ):
            return
        for key, tensor in found.items():
            what = f"'{key}' after step {t}"
            assert tensor.shape == expected[key].shape, (
                f"{what}: {tensor.shape} is not {expected[key].shape}"
            )
            if hard:
                error = _error_elsewhere(tensor, expected[key], truth[key], near)
            else:
                error = error_of(tensor, expected[key], truth[key])
            assert error <= 1.0, f"{what}: the error is {error:.3g} times the tolerance"


class Check:
    """One random model, compiled, and everything that is asked of it."""

    def __init__(self, program: Program, seed: int, folder: Path, other: OtherProcess):
        self._rng = random.Random(seed)
        self._program, self._folder, self._other = program, folder, other
        self._form = self._rng.choice(FORMS)
        self._model = convert(self._rng, program.build(), self._form)
        # The last has rows enough for tiles.
        self._batches = self._rng.sample([1, 2, 3, 4, 5, 25], 2)
        torch.manual_seed(seed)
        self._inputs = self._make_inputs(self._batches[0])
        examples = self._inputs
        if program.time is None:
            examples = tuple(x[0] for x in examples)
        else:
            examples = tuple(x.movedim(0, program.time) for x in examples)
        ttc.export(self._model, examples, folder / "net")
        schedule = self._rng.choice([None, *SCHEDULES])
        self._options = SCHEDULES.get(schedule, [])
        toolchain.run_driver(folder / "net.mlir", folder / "libnet.so", self._options)
        self._compiled = self._load()

    def _load(self, library: str = "libnet.so") -> ttc.CompiledModel:
        return ttc.load(self._folder / library, weights=self._folder / "net.safetensors")

    def _make_inputs(self, batch: int) -> Tensors:
        dtype = getattr(torch, self._program.dtype)
        inputs = []
        for node in self._program.inputs():
            shape = (STEPS, batch, *self._program.extra, *node.shape)
            inputs.append(
                torch.randint(node.tokens, shape) if node.tokens
                else torch.randn(shape, dtype=dtype)
            )
        return tuple(inputs)

    def run(self) -> None:
        """Everything. Raises AssertionError, or what the compiler and the runtime raise."""
        compiled, program = self._compiled, self._program
        follow(compiled, self._model, self._inputs, program.time, may_diverge=True)
        outputs, states = _steps(compiled, self._inputs)
        self._runs(outputs, states)
        self._resumes(outputs, states)
        if self._rng.random() < 0.15:
            batch = self._batches[0]
            special = self._folder / "libspecial.so"
            options = [f"--batch={batch}", *self._options]
            toolchain.run_driver(self._folder / "net.mlir", special, options)
            fixed = self._load(special.name)
            _compare(_steps(fixed, self._inputs), (outputs, states), "with a fixed batch")

        if self._rng.random() < 0.2:
            library = self._folder / "libthreads.so"
            toolchain.run_driver(self._folder / "net.mlir", library, ["--threads=3"])
            bare = Bare(self._load(library.name)._live.model)
            check_teams(bare, self._make_inputs, self._batches, [self._rng.choice([2, 3])])

        # A second batch size on the same compiled model, and each of its rows alone.
        compiled.zero_states()
        second = self._make_inputs(self._batches[1])
        follow(compiled, self._model, second, program.time, may_diverge=True)
        self._rows(second)

        # The weights once more, in another form.
        form = self._rng.choice(FORMS)
        again = convert(self._rng, self._program.build(), form)
        compiled.load_state_dict({
            key: tensor for key, tensor in again.state_dict().items()
            if _is_known(key, compiled.state_dict())
        })
        few = tuple(x[:4] for x in self._inputs)
        follow(compiled, again, few, program.time, may_diverge=True)

    def _runs(self, outputs: Tensors, states: dict[str, torch.Tensor]) -> None:
        """A run, in one piece or two, has the bits of the steps."""
        for cut in (STEPS, self._rng.randint(1, STEPS - 1)):
            self._compiled.zero_states()
            parts = [
                _tuple(self._compiled.run(*(x[piece] for x in self._inputs)))
                for piece in (slice(cut), slice(cut, None))
            ]
            found = tuple(map(torch.cat, zip(*parts)))
            after = self._compiled.save_states()
            _compare((found, after), (outputs, states), f"a run cut at {cut}")
            assert self._compiled.timestep == STEPS

    def _resumes(self, outputs: Tensors, states: dict[str, torch.Tensor]) -> None:
        """A model that is saved at a random step and loaded goes on as if nothing had been."""
        cut = self._rng.randint(1, STEPS - 1)
        before, after = (tuple(x[piece] for x in self._inputs)
                         for piece in (slice(cut), slice(cut, None)))
        expected = tuple(y[cut:] for y in outputs), states
        how = self._rng.choice(["dict", "file", "other object", "other process"])
        compiled = self._compiled
        compiled.zero_states()
        compiled.run(*before)
        if how == "dict":
            saved = compiled.save_states()
            compiled.run(*before)
            compiled.zero_states()
            compiled.load_states(saved)
        elif how == "other object":
            saved, compiled = compiled.save_states(), self._load()
            compiled.load_states(saved)
        else:
            compiled.save_states_file(self._folder / "states.safetensors")
            compiled = self._load()
        if how == "other process":
            torch.save(after, self._folder / "inputs.pt")
            found = self._other.proceed(self._folder)
        else:
            if how == "file":
                compiled.load_states_file(self._folder / "states.safetensors")
                assert compiled.timestep == cut
            found = _steps(compiled, after, zero=False)
        _compare(found, expected, f"resumed at step {cut} through {how}")

    def _rows(self, inputs: Tensors) -> None:
        """A row of a batch has the bits that it has alone."""
        together, states = _steps(self._compiled, inputs)
        row = self._rng.randrange(inputs[0].shape[1])
        alone, own = _steps(self._compiled, tuple(x[:, row:row + 1].contiguous() for x in inputs))
        for a, b in zip(alone, together):
            assert same_bits(a, b[:, row:row + 1]), f"row {row} has other bits alone"
        layers = Reference(self._model, self._program.time).module
        for key, state in states.items():
            # The states of a stack of layers have the layers in front of the batch.
            stacked = isinstance(layers.get_submodule(key.rpartition(".")[0]), nn.RNNBase)
            part = state.narrow(1 if stacked else 0, row, 1)
            assert same_bits(own[key], part), f"'{key}' of row {row} has other bits alone"


def _tuple(outputs) -> Tensors:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _by_name(outputs: Tensors) -> dict[str, torch.Tensor]:
    return {f"output {number}": output for number, output in enumerate(outputs)}


def _is_known(key: str, own: dict[str, torch.Tensor]) -> bool:
    return key.replace(".raw_", ".") in {k.replace(".raw_", ".") for k in own}


def _steps(compiled, inputs: Tensors, zero: bool = True) -> tuple[Tensors, dict]:
    """The outputs of single steps, stacked, and the states after them."""
    if zero:
        compiled.zero_states()
    steps = [_tuple(compiled(*(x[t] for x in inputs))) for t in range(len(inputs[0]))]
    return tuple(map(torch.stack, zip(*steps))), compiled.save_states()


def _compare(found, expected, what: str) -> None:
    for number, (a, b) in enumerate(zip(found[0], expected[0], strict=True)):
        assert same_bits(a, b), f"{what}: output {number} has other bits"
    assert_same_bits(found[1], expected[1], what)


def _error_elsewhere(
    found: torch.Tensor, expected: torch.Tensor, truth: torch.Tensor, near: torch.Tensor
) -> float:
    """The error in the rows that are not near a boundary.

    As in error_of, the reference's own error is allowed a few times, but no more than a hundredth
    of the largest value: in double precision an event may fall the other way after all.
    """
    kept = ~near.flatten()
    if not kept.any():
        return 0.0
    found, expected = found[kept], expected[kept].double()
    own = (expected - truth[kept]).abs().nan_to_num(0.0, 0.0).max()
    slack = torch.minimum(UNITS * own, expected.abs().nan_to_num(0.0, 0.0, 0.0).max() / 100)
    return error_in_tolerances(found, expected, slack.item())
