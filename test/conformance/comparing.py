"""How a compiled model is compared with the reference and with itself."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy

import torch
from random_models import StackModel, heaviside
from torch import nn

# How far a value may be from the reference's: |expected| times the first, plus the second.
TOLERANCES = {torch.float32: (1e-4, 1e-5), torch.float64: (1e-9, 1e-10)}
# What an exponential or a tangent may be off by, in units in the last place (test_accuracy.py).
UNITS = 5.0
BOUNDARY = 1e-5  # how near to where it jumps a value may fall on either side
MAX_DIFFERENT = 0.02  # of the elements, running freely with hard events


def is_close(found: torch.Tensor, expected: torch.Tensor, slack: float = 0.0) -> torch.Tensor:
    """Which elements are close; `slack` is added to the absolute tolerance."""
    rtol, atol = TOLERANCES[found.dtype]
    return torch.isclose(found, expected, rtol=rtol, atol=atol + slack, equal_nan=True)


def error_in_tolerances(found: torch.Tensor, exact: torch.Tensor, slack: float = 0.0) -> float:
    """The largest error of an element, in units of what it may be; `exact` is in float64.

    Values that are both NaN, or the same infinity, have no error.
    """
    assert found.shape == exact.shape, f"{found.shape} is not {exact.shape}"
    rtol, atol = TOLERANCES[found.dtype]
    found = found.double()
    same = (found == exact) | (found.isnan() & exact.isnan())
    error = (found - exact).abs() / (rtol * exact.abs() + atol + slack)
    error = torch.where(same, 0.0, error).nan_to_num(nan=torch.inf)
    return error.max().item()


def error_of(found: torch.Tensor, expected: torch.Tensor, truth: torch.Tensor) -> float:
    """The largest error in tolerances, where `truth` is the reference in double precision.

    In single precision the reference is itself off, by what the model makes of rounding. Its
    exponentials and tangents are good to a unit in the last place, ttc's to five: where a model
    magnifies that, `found` may be five times as far off.
    """
    assert found.dtype == expected.dtype, f"{found.dtype} is not {expected.dtype}"
    slack = 0.0
    if found.dtype == torch.float32:
        slack = UNITS * (expected - truth).abs().nan_to_num(0.0, 0.0).max().item()
    return error_in_tolerances(found, truth, slack)


def assert_close(
    found: torch.Tensor,
    expected: torch.Tensor,
    what: str,
    ignored: torch.Tensor | None = None,
    slack: float = 0.0,
) -> None:
    assert found.shape == expected.shape, f"{what}: {found.shape} is not {expected.shape}"
    good = is_close(found, expected, slack)
    if ignored is not None:
        good |= ignored
    if not good.all():
        where = tuple((~good).nonzero()[0].tolist())
        raise AssertionError(
            f"{what}: {(~good).sum().item()} of {good.numel()} elements differ, the first at "
            f"{where}: {found[where].item()!r}, expected {expected[where].item()!r}"
        )


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether all bits are the same."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(
        a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8)
    )


def assert_same_bits(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], what: str) -> None:
    assert a.keys() == b.keys()
    for key in a:
        assert same_bits(a[key], b[key]), f"{what}: '{key}' has other bits"


class Boundaries:
    """Which rows and elements of a step came near to where a hard layer's output jumps."""

    def __init__(self, model: nn.Module):
        self._near: list[torch.Tensor] = []  # a mask a call, in the layer's shape
        for layer in model.modules():
            if not hasattr(layer, "spike_fn"):
                continue
            if layer.spike_fn is heaviside:
                layer.spike_fn = self._watch(layer, layer.spike_fn, 0.0, None)
            if not isinstance(layer.quant_fn, nn.Identity):
                step = layer.quant_fn.__closure__[0].cell_contents
                layer.quant_fn = self._watch(layer, layer.quant_fn, step / 2, step)

    def _watch(self, layer, function, jump: float, period: float | None):
        """The function, noting which values are near `jump`, or that and whole periods."""

        def watched(v: torch.Tensor) -> torch.Tensor:
            distance = (v - jump).abs()
            if period is not None:
                distance = distance.remainder(period)
                distance = torch.minimum(distance, period - distance)
            self._near.append((distance < BOUNDARY).movedim(-1, layer.dim))
            return function(v)

        return watched

    def elements(self, shape: torch.Size) -> torch.Tensor:
        """For a model of one neuron: which elements were near in the last step."""
        mask = torch.zeros(shape, dtype=torch.bool)
        for near in self._near:
            mask |= near
        self._near.clear()
        return mask

    def rows(self, batch: torch.Size) -> torch.Tensor:
        """For a stack: which rows had any near element, in any layer, in the last step."""
        mask = torch.zeros(batch, dtype=torch.bool)
        for near in self._near:
            mask |= near.flatten(len(batch)).any(-1)
        self._near.clear()
        return mask[..., None]


def check_smooth(model: StackModel, compiled, inputs: torch.Tensor) -> None:
    """Every output and state of every step against the reference; run against steps.

    Where large terms cancel, the reference itself is off by more than the tolerance: as far as it
    is from its own run in double precision, the compiled model may be from it.
    """
    model.zero_states()
    double = copy.deepcopy(model).double()
    compiled.zero_states()
    steps = []
    for t, x in enumerate(inputs):
        with torch.no_grad():
            expected, exact = {"output": model(x)}, {"output": double(x.double())}
        expected, exact = expected | model.states(), exact | double.states()
        found = {"output": compiled(x)} | compiled.save_states()
        assert found.keys() == expected.keys()
        for key, tensor in found.items():
            slack = (expected[key] - exact[key]).abs().max().item()
            assert_close(tensor, expected[key], f"'{key}' after step {t}", slack=slack)
        steps.append(found["output"])
    model.zero_states()
    check_run(compiled, inputs, torch.stack(steps))


def check_hard(model: StackModel, compiled, inputs: torch.Tensor, one_neuron: bool) -> None:
    """Single steps from the reference's own states, then a free run."""
    boundaries = Boundaries(model)
    model.zero_states()
    compiled.zero_states()
    expected = []
    with torch.no_grad():
        for t, x in enumerate(inputs):
            compiled.load_states(model.states())
            found = compiled(x)
            expected.append(model(x))
            if one_neuron:
                ignored = boundaries.elements(x.shape)
            else:
                ignored = boundaries.rows(x.shape[:-1])
            assert_close(found, expected[t], f"output of step {t}", ignored)
            states = model.states()
            for key, state in compiled.save_states().items():
                assert_close(state, states[key], f"'{key}' after step {t}", ignored)
    model.zero_states()

    compiled.zero_states()
    steps = torch.stack([compiled(x) for x in inputs])
    different = (~is_close(steps, torch.stack(expected))).float().mean().item()
    assert different <= MAX_DIFFERENT, f"running freely, {different:.2%} of the elements differ"
    check_run(compiled, inputs, steps)


def check_run(compiled, inputs: torch.Tensor, steps: torch.Tensor) -> None:
    """A run, whole or in two parts, has the bits of the steps that were just made."""
    states = compiled.save_states()
    for cut in (len(inputs), len(inputs) // 3):
        compiled.zero_states()
        parts = [compiled.run(part) for part in (inputs[:cut], inputs[cut:])]
        assert same_bits(torch.cat(parts), steps), f"a run cut at {cut} has other bits than steps"
        assert_same_bits(compiled.save_states(), states, f"after a run cut at {cut}")
    assert compiled.timestep == len(inputs)


def check_batch(compiled, inputs: torch.Tensor) -> None:
    """Each row of a batch has the bits that it has alone."""
    compiled.zero_states()
    together = compiled.run(inputs)
    states = compiled.save_states()
    for row in range(inputs.shape[1]):
        compiled.zero_states()
        alone = compiled.run(inputs[:, row:row + 1])
        assert same_bits(alone, together[:, row:row + 1]), f"row {row} has other bits alone"
        expected = {key: state[row:row + 1] for key, state in states.items()}
        assert_same_bits(compiled.save_states(), expected, f"row {row} alone")
