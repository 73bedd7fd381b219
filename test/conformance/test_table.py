"""Whether every layer computes what the reference computes: the rows of docs/conformance.md."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import inspect

import pytest
import torch
import tracetorch as tt
import ttc
from rows import BATCHES, CASES, DTYPES, EVENTS, Case
from comparing import Boundaries, error_in_tolerances, error_of, same_bits
from conftest import SEED
from random_models import ALL_NEURONS, seeded
from references import Reference, time_axis
from torch import nn

STEPS = 50


def side_by_side(layers: list[nn.Module]) -> tt.Model:
    """A model of layers that each have an input and an output of their own."""
    # An exported forward names its inputs, so it is written out.
    names = [f"x{number}" for number in range(len(layers))]
    calls = []
    for number, (name, layer) in enumerate(zip(names, layers)):
        is_tuple = isinstance(layer, (nn.RNNBase, nn.LSTMCell))
        calls.append(f"self.layers[{number}]({name}){'[0]' * is_tuple}")
    written: dict = {}
    exec(f"def forward(self, {', '.join(names)}):\n    return {', '.join(calls)},\n", written)
    model = type("SideBySide", (tt.Model,), {"forward": written["forward"]})()
    model.layers = nn.ModuleList(layers)
    return model.eval()


def examples_of(layers: list[nn.Module], inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What `side_by_side` is exported with: of each sequence the first timestep, or two."""
    return tuple(
        x[:2].movedim(0, time_axis(layer)) if isinstance(layer, nn.RNNBase) else x[0]
        for layer, x in zip(layers, inputs)
    )


class Compiled:
    """The compiled layers of one case, all shapes of it in one library."""

    def __init__(self, layers: list[nn.Module], inputs: list[torch.Tensor], **options):
        self.model = ttc.compile(side_by_side(layers), examples_of(layers, inputs), **options)

    def steps(self, inputs: list[torch.Tensor]) -> tuple[list, list]:
        """From no states: the outputs and the states after every step."""
        self.model.zero_states()
        outputs, states = [], []
        for t in range(len(inputs[0])):
            found = self.model(*(x[t] for x in inputs))
            outputs.append(found if isinstance(found, tuple) else (found,))
            states.append(self.model.save_states())
        return outputs, states

    def run(self, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        self.model.zero_states()
        found = self.model.run(*inputs)
        return found if isinstance(found, tuple) else (found,)


def references(layer: nn.Module) -> tuple[Reference, Reference]:
    """The layer itself, and in double precision."""
    time = time_axis(layer) if isinstance(layer, nn.RNNBase) else None
    return Reference(layer, time), Reference(layer, time, double=True)


def measure(layer, number, x, outputs, states) -> tuple[float, float | None]:
    """The worst errors of the outputs and of the states of one layer over all steps."""
    reference, exact = references(layer)
    worst, worst_state = 0.0, None
    for t, found in enumerate(outputs):
        (expected,), (truth,) = (
            reference.step(x[t]), exact.step(x[t].double() if x.is_floating_point() else x[t])
        )
        worst = max(worst, error_of(found[number], expected, truth))
        expected_states, true_states = reference.states(), exact.states()
        prefix = f"layers.{number}."
        own = {k.removeprefix(prefix): s for k, s in states[t].items() if k.startswith(prefix)}
        assert own.keys() == expected_states.keys(), "the states have other names"
        for key, state in own.items():
            error = error_of(state, expected_states[key], true_states[key])
            worst_state = max(worst_state or 0.0, error)
    return worst, worst_state


def check_rows(compiled: Compiled, layers, inputs, outputs, states) -> None:
    """Each row of a batch has the bits that it has alone."""
    for row in (0, len(inputs[0][0]) - 1):
        alone, alone_states = compiled.steps([x[:, row:row + 1].contiguous() for x in inputs])
        for t, (one, all_rows) in enumerate(zip(alone, outputs)):
            for a, b in zip(one, all_rows):
                assert same_bits(a, b[row:row + 1]), f"row {row} has other bits alone, step {t}"
        for key, state in alone_states[-1].items():
            # The states of a stack of layers have the layers in front of the batch.
            batch = 1 if isinstance(layers[int(key.split(".")[1])], nn.RNNBase) else 0
            together = states[-1][key].narrow(batch, row, 1)
            assert same_bits(state, together), f"'{key}' of row {row} has other bits alone"


class Layers:
    """The layers of one case in all their shapes."""

    def __init__(self, case: Case, dtype: str):
        self._case, self._dtype = case, DTYPES[dtype]
        self._rng = seeded(SEED, str(case), dtype)
        extras = ((),) if case.only_one_batch else ((), (3,))
        self.layouts = [(layout, extra) for layout in case.layouts for extra in extras]
        self.layers = [
            case.make(self._rng, layout).to(self._dtype).eval() for layout, _ in self.layouts
        ]

    def inputs(self, batch: int) -> list[torch.Tensor]:
        """A sequence a layer."""
        shapes = [(batch, *extra, *layout.shape) for layout, extra in self.layouts]
        return [self._case.inputs(self._rng, shape, self._dtype) for shape in shapes]

    def measured(self, batch: int) -> list[int]:
        """The layers that count with this batch: those of batch (2, 3), or the others."""
        return [n for n, (_, extra) in enumerate(self.layouts) if bool(extra) == (batch == 2)]


class Rows(Layers):
    """The layers of one case, and the worst errors found so far."""

    def __init__(self, case: Case, dtype: str, record_row):
        super().__init__(case, dtype)
        record_row(section=case.section, name=case.name, dtype=dtype, steps=STEPS)
        self._record = record_row
        self._errors: dict[tuple, list[tuple[float, float | None]]] = {}

    def add(self, number: int, batch: int, outputs: float, states: float | None) -> None:
        key = self.layouts[number][0].dim, BATCHES[batch]
        self._errors.setdefault(key, []).append((outputs, states))

    def finish(self) -> None:
        """Records the table's cells, and fails for an error beyond the tolerance."""
        cells = [
            {
                "dim": dim,
                "batch": batch,
                "outputs": max(out for out, _ in errors),
                "states": max((s for _, s in errors if s is not None), default=None),
            }
            for (dim, batch), errors in self._errors.items()
        ]
        self._record(cells=cells, reason=self._case.only_one_batch)
        wrong = [cell for cell in cells if max(cell["outputs"], cell["states"] or 0.0) > 1.0]
        assert not wrong, f"errors beyond the tolerance, which is 1: {wrong}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_row(case: Case, dtype: str, record_row):
    rows = Rows(case, dtype, record_row)
    compiled = Compiled(rows.layers, rows.inputs(2))
    for batch in BATCHES:
        xs = rows.inputs(batch)
        outputs, states = compiled.steps(xs)
        for number in rows.measured(batch):
            errors = measure(rows.layers[number], number, xs[number], outputs, states)
            rows.add(number, batch, *errors)
        for number, found in enumerate(compiled.run(xs)):
            steps = torch.stack([output[number] for output in outputs])
            assert same_bits(found, steps), "a run has other bits than its steps"
        if batch == 4:
            check_rows(compiled, rows.layers, xs, outputs, states)
    rows.finish()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_events(case: Case, dtype: str, record_row):
    """Each step begins with the reference's states: an event that falls the other way changes
    all that follows. Elements that are near to where it would are left out, and counted."""
    rows = Rows(case, dtype, record_row)
    compiled = Compiled(rows.layers, rows.inputs(2))
    left_out = of = 0
    for batch in BATCHES:
        xs = rows.inputs(batch)
        references = [Reference(layer) for layer in rows.layers]
        boundaries = [Boundaries(reference.module) for reference in references]
        compiled.model.zero_states()
        for t in range(STEPS):
            compiled.model.load_states({
                f"layers.{number}.{key}": state
                for number, reference in enumerate(references)
                for key, state in reference.states().items()
            })
            outputs, states = compiled.model(*(x[t] for x in xs)), compiled.model.save_states()
            for number, reference in enumerate(references):
                (expected,) = reference.step(xs[number][t])
                kept = ~boundaries[number].elements(expected.shape)
                left_out, of = left_out + (~kept).sum().item(), of + kept.numel()
                if number not in rows.measured(batch):
                    continue
                errors = {"outputs": error_where(kept, outputs[number], expected)}
                for key, state in reference.states().items():
                    error = error_where(kept, states[f"layers.{number}.{key}"], state)
                    errors["states"] = max(errors.get("states", 0.0), error)
                rows.add(number, batch, **errors)
    record_row(left_out=left_out / of)
    assert left_out < 0.001 * of
    rows.finish()


def error_where(kept: torch.Tensor, found: torch.Tensor, expected: torch.Tensor) -> float:
    assert found.shape == expected.shape == kept.shape
    return error_in_tolerances(found[kept], expected[kept].double())


def test_nothing_is_missing():
    """Every layer of the reference package, and every module that is exported, has a row."""
    from ttc.layers import LAYERS

    rows = " ".join(case.name for case in CASES)
    wanted = set(ALL_NEURONS)
    for family in (tt.rnn, tt.ssm):
        wanted |= {n for n, layer in vars(family).items() if inspect.isclass(layer)} - {"Layer"}
    wanted |= {layer.__name__ for layer in LAYERS}
    same = {"Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"}
    missing = {name for name in wanted - same if not _names(name, rows)}
    assert not missing, f"no row tests {sorted(missing)}"


def _names(name: str, rows: str) -> bool:
    return f" {name} " in f" {rows} " or f"{name}(" in rows
