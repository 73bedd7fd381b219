"""Whether the stochastic quantizers draw what they say, independently, and again on resuming.

The neurons here have a decay of almost nothing and get one input all the time, so that each
fires with a probability of its own in every step. With a given seed a test always does the same;
its limits are for p-values that a fair generator gives once in a hundred thousand seeds.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from comparing import same_bits
from conftest import SEED
from random_models import StackModel, seeded
from scipy import stats
from torch import nn

RARE = 1e-5
DTYPES = [torch.float32, torch.float64]
QUANTIZERS = {
    "stochastic_round": tt.functional.stochastic_round_ste(1.0),
    "probabilistic": tt.functional.probabilistic_ste(),
}


def neurons(quantizer, size: int, kind: str = "LIB", **options) -> nn.Module:
    """Without memory: the membrane is the input, to a millionth."""
    return getattr(tt.snn, kind)(size, beta=1e-6, quant_fn=quantizer, **options)


def compiled_neurons(quantizer, size: int, dtype=torch.float32, batch: int = 4):
    model = StackModel(neurons(quantizer, size)).to(dtype).eval()
    compiled = ttc.compile(model, torch.zeros(batch, size, dtype=dtype))
    compiled.seed(SEED + 1)
    return compiled


def inputs_for(probabilities: torch.Tensor) -> torch.Tensor:
    """What the neurons, with their threshold of 1, fire at these probabilities for."""
    return 1.0 + torch.logit(probabilities) / 4


def is_plausible(p_value: float) -> bool:
    """Neither too far from what was expected nor too near."""
    return RARE < p_value < 1 - RARE


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", QUANTIZERS)
def test_distribution_of_events(name, dtype):
    """Counts of events in windows of 8 steps are binomial, for probabilities from 2 to 98 %."""
    steps, batch, size, window = 400, 8, 97, 8
    probability = torch.linspace(0.02, 0.98, size, dtype=torch.float64)
    compiled = compiled_neurons(QUANTIZERS[name], size, dtype, batch)
    x = inputs_for(probability).to(dtype).expand(steps, batch, size).contiguous()
    outputs = compiled.run(x)
    fired = outputs != 0
    # An event is 1, or the probability itself.
    value = torch.ones(size) if name == "stochastic_round" else probability
    expected = torch.where(fired, value.to(dtype), 0.0)
    torch.testing.assert_close(outputs, expected.to(dtype), rtol=1e-4, atol=1e-5)

    # The counts of each neuron, one by one: a wrong mean anywhere shows.
    of = steps * batch
    counts = fired.sum((0, 1)).double()
    z = (counts - of * probability) / (of * probability * (1 - probability)).sqrt()
    assert is_plausible(stats.chi2.sf(z.square().sum().item(), size)), "the means are off"

    # The distribution in windows: a dependence between steps shows.
    windows = fired.view(steps // window, window, batch, size).sum(1).flatten(0, 1)
    chi2 = degrees = 0.0
    for neuron in range(size):
        shares = stats.binom.pmf(range(window + 1), window, probability[neuron].item())
        found = torch.bincount(windows[:, neuron], minlength=window + 1).double().numpy()
        wanted = shares * windows.shape[0]
        often = wanted >= 5
        found = [*found[often], found[~often].sum()]
        wanted = [*wanted[often], wanted[~often].sum()]
        chi2 += sum((f - w) ** 2 / w for f, w in zip(found, wanted) if w > 0.5)
        degrees += sum(w > 0.5 for w in wanted) - 1
    assert is_plausible(stats.chi2.sf(chi2, degrees)), f"chi-square {chi2:.0f} of {degrees:.0f}"


def test_rounding_to_steps():
    """Between two multiples of the step: the upper one with the probability of the rest."""
    step, steps, batch, size = 0.25, 400, 8, 99
    value = torch.linspace(0.01, 0.99, size, dtype=torch.float64)
    compiled = compiled_neurons(tt.functional.stochastic_round_ste(step), size, batch=batch)
    outputs = compiled.run(inputs_for(value).float().expand(steps, batch, size).contiguous())
    lower = (value / step).floor() * step
    share = (value - lower) / step
    assert torch.isin(outputs, torch.arange(5) * step).all()
    upper = (outputs - lower).abs() > step / 2
    assert ((outputs - lower - step * upper).abs() < 1e-6).all()
    of = steps * batch
    # At a multiple itself, rounding errors alone decide.
    inner = (share > 0.01) & (share < 0.99)
    z = (upper.sum((0, 1)) - of * share) / (of * share * (1 - share)).sqrt()
    assert is_plausible(stats.chi2.sf(z[inner].square().sum().item(), int(inner.sum())))


def test_certain_events():
    """A probability of 1 always fires, one of 0 never."""
    for quantizer in QUANTIZERS.values():
        compiled = compiled_neurons(quantizer, 40)
        x = torch.tensor([1e3, -1e3]).repeat(20).expand(200, 4, 40).contiguous()
        assert torch.equal(compiled.run(x), (x > 0).float())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_independence(dtype):
    """Neighbours, rows and steps know nothing of each other, nor two layers, nor two models."""
    steps, batch, size = 300, 8, 64
    quantizer = QUANTIZERS["stochastic_round"]
    model = SideBySide(neurons(quantizer, size), neurons(quantizer, size)).to(dtype).eval()
    x = inputs_for(torch.full((steps, batch, size), 0.5)).to(dtype)
    compiled = ttc.compile(model, x[0])
    compiled.seed(SEED + 1)
    fired, beside = (output == 1 for output in compiled.run(x))
    compiled.zero_states()
    compiled.seed(SEED + 2)
    with_other_seed = compiled.run(x)[0] == 1

    pairs = {
        "two layers": (fired, beside),
        "two seeds": (fired, with_other_seed),
        "a step later": (fired[1:], beside[:-1]),
    }
    for dim, what in enumerate(("steps", "rows", "neurons")):
        for distance in (1, 2, 3, 4, 5, 8, 16, 32):
            length = fired.shape[dim] - distance
            if length > 0:
                a, b = fired.narrow(dim, 0, length), fired.narrow(dim, distance, length)
                pairs[f"{what} {distance} apart"] = a, b
    for what, (a, b) in pairs.items():
        # Of two fair coins, all four results are equally likely.
        found = torch.bincount((2 * a.long() + b.long()).flatten(), minlength=4).double()
        chi2 = ((found - found.sum() / 4).square() / (found.sum() / 4)).sum().item()
        assert is_plausible(stats.chi2.sf(chi2, 3)), f"{what}: {found.tolist()}"

    # Patterns of 8 along each dimension: what pairs do not show.
    powers = 2 ** torch.arange(8)
    for dim, what in enumerate(("steps", "rows", "neurons")):
        pattern = (fired.unfold(dim, 8, 8).long() * powers).sum(-1).flatten()
        found = torch.bincount(pattern, minlength=256).double()
        expected = pattern.numel() / 256
        chi2 = ((found - expected).square() / expected).sum().item()
        assert is_plausible(stats.chi2.sf(chi2, 255)), f"patterns along the {what}"


class SideBySide(tt.Model):
    """Two layers with the same input."""

    def __init__(self, a: nn.Module, b: nn.Module):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x):
        return self.a(x), self.b(x)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("kind", ["LIB", "DSRLITS"])
def test_a_step_follows_its_events(name, kind):
    """Whatever was drawn, outputs and states are those of the reference for that draw."""
    seeded(SEED, "drawn", name, kind)
    layer = getattr(tt.snn, kind)(24, quant_fn=QUANTIZERS[name]).eval()
    compiled = ttc.compile(layer, torch.randn(4, 24))
    compiled.seed(SEED + 1)
    events: list[torch.Tensor] = []
    layer.quant_fn = lambda v: events.pop(0)
    for _ in range(50):
        before, x = compiled.save_states(), torch.randn(4, 24)
        found = compiled(x)
        for key, state in before.items():
            setattr(layer, key.removeprefix("layer."), state.clone())
        # What each quantizer must have given, from the sign and size of the output.
        with torch.no_grad():
            events += drawn(layer, kind, found)
            torch.testing.assert_close(found, layer(x), rtol=1e-5, atol=1e-6)
        for key, state in compiled.save_states().items():
            expected = getattr(layer, key.removeprefix("layer."))
            torch.testing.assert_close(state, expected, rtol=1e-4, atol=1e-5)


def drawn(layer: nn.Module, kind: str, output: torch.Tensor) -> list[torch.Tensor]:
    """What the quantizers gave, if no neuron fired both ways at once."""
    if kind == "LIB":
        return [output]
    return [
        torch.where(output > 0, output / layer.pos_scale, 0.0),
        torch.where(output < 0, -output / layer.neg_scale, 0.0),
    ]


@pytest.mark.parametrize("name", QUANTIZERS)
def test_resumed_and_seeded_runs(name, tmp_path):
    """A seed says what is drawn; a resumed run repeats the one that was not interrupted."""
    compiled = compiled_neurons(QUANTIZERS[name], 33)
    x = torch.rand(60, 4, 33) + 0.5
    compiled.seed(7)
    outputs = torch.stack([compiled(step) for step in x])
    compiled.zero_states()
    compiled.seed(7)
    assert same_bits(compiled.run(x), outputs), "a run draws as its steps do"
    compiled.zero_states()
    compiled.seed(8)
    assert not same_bits(compiled.run(x), outputs), "another seed draws the same"

    compiled.zero_states()
    compiled.seed(7)
    compiled.run(x[:23])
    compiled.save_states_file(tmp_path / "states.safetensors")
    compiled.run(x[:5])
    compiled.load_states_file(tmp_path / "states.safetensors")
    assert same_bits(compiled.run(x[23:]), outputs[23:]), "resumed from a file"
    other = compiled_neurons(QUANTIZERS[name], 33)
    with pytest.raises(ttc.Error):
        other.load_states_file(tmp_path / "missing.safetensors")
    other.load_states_file(tmp_path / "states.safetensors", other_model=True)
    assert same_bits(other.run(x[23:]), outputs[23:]), "resumed in another model"


def test_a_longer_run_does_not_repeat():
    """No step of a thousand draws what another drew."""
    compiled = compiled_neurons(QUANTIZERS["stochastic_round"], 64)
    fired = compiled.run(inputs_for(torch.full((1000, 4, 64), 0.5)))
    assert torch.unique(fired.flatten(1), dim=0).shape[0] == 1000
