"""Whether a compiled model keeps what the reference package promises of its own models.

Three of the promises have tests of the package's own, in its source distribution. They run here
as they are, with compiled models in the place of the package's, where
build/reference/tests/test_core.py is: scripts/conformance.sh --full fetches it.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import importlib.util
import types

import pytest
import torch
import tracetorch as tt
import ttc
from conftest import SEED
from random_models import seeded
from torch import nn
from ttc import toolchain

ITS_TESTS = toolchain.home() / "build" / "reference" / "tests" / "test_core.py"
STEPS = 10


class Classifier(tt.Model):
    """A convolution and three kinds of neurons."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.spikes = tt.snn.SLIB(8, dim=-3)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(8 * 4 * 4, 12), tt.snn.RLITS(12))
        self.out = tt.snn.LI(12)

    def forward(self, x):
        return self.out(self.hidden(self.spikes(self.conv(x))))


@pytest.fixture
def frames() -> torch.Tensor:
    seeded(SEED, "promises")
    return torch.rand(STEPS, 2, 3, 6, 6)


def test_weights_compile_and_decompile(frames):
    """TTcompile and TTdecompile change the keys of the weights, as in the package; no output."""
    model = Classifier().eval()
    compiled = ttc.compile(model, frames[0])
    before = compiled.run(frames)
    for convert in ("TTcompile", "TTdecompile"):
        getattr(model, convert)()
        getattr(compiled, convert)()
        assert compiled.state_dict().keys() == model.state_dict().keys()
        for key, tensor in compiled.state_dict().items():
            torch.testing.assert_close(tensor, model.state_dict()[key], rtol=1e-6, atol=1e-6)
        compiled.load_state_dict(compiled.state_dict())
        compiled.zero_states()
        torch.testing.assert_close(compiled.run(frames), before, rtol=1e-5, atol=1e-6)
        model.zero_states()
        with torch.no_grad():
            torch.testing.assert_close(torch.stack([model(x) for x in frames]), before)


def test_states_save_and_load(frames):
    """States saved by one model, the package's or a compiled one, go on in another of either."""
    model = Classifier().eval()
    compiled, other = (ttc.compile(model, frames[0]) for _ in range(2))
    with torch.no_grad():
        for x in frames[:5]:
            model(x)
            compiled(x)
        other.load_states(model.save_states())
        expected = model(frames[5])
        torch.testing.assert_close(other(frames[5]), expected)
        states = compiled.save_states()
        assert states.keys() == {
            "spikes.syn", "spikes.mem", "hidden.2.rec", "hidden.2.mem", "hidden.2.prev_output",
            "out.mem",
        }
        model.zero_states()
        model.load_states(states, strict=False)
        torch.testing.assert_close(model(frames[5]), expected)
        other.zero_states()
        other.load_states(states)
        assert torch.equal(other(frames[5]), compiled(frames[5]))


def test_states_detach(frames):
    """What comes out has no history, however long the model runs."""
    compiled = ttc.compile(Classifier().eval(), frames[0])
    for x in frames:
        output = compiled(x)
        before = compiled.save_states()
        compiled.detach_states()
        after = compiled.save_states()
        assert output.grad_fn is None and not output.requires_grad
        assert all(torch.equal(before[key], after[key]) for key in before)
        assert not any(state.requires_grad for state in after.values())


@pytest.mark.parametrize("kind", [k for k in tt.snn.__all__ if k.startswith(("S", "DS"))])
def test_synapses_remember(kind):
    """A synapse moves half the way to a constant input in each step, if its decay is a half."""
    alphas = ("pos_alpha", "neg_alpha") if kind.startswith("D") else ("alpha",)
    layer = getattr(tt.snn, kind)(4, **{alpha: 0.5 for alpha in alphas})
    compiled = ttc.compile(layer.eval(), torch.ones(2, 4))
    name = "layer.pos_syn" if kind.startswith("D") else "layer.syn"
    for expected in (0.5, 0.75, 0.875):
        compiled(torch.ones(2, 4))
        found = compiled.save_states()[name]
        torch.testing.assert_close(found, torch.full((2, 4), expected))


# The package's own tests.


class CompiledLayer(nn.Module):
    """A compiled layer whose states can be read as those of the package's are."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.compiled = ttc.compile(layer.eval(), torch.ones(2, layer.num_neurons))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.compiled(x)

    def zero_states(self) -> None:
        self.compiled.zero_states()

    @property
    def syn(self) -> torch.Tensor:
        return self.compiled.save_states()["layer.syn"]


def load_its_tests() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("its_tests", ITS_TESTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.device = "cpu"
    return module


def its_tests() -> types.ModuleType:
    """Its test module, with compiled models in it."""
    its_model, module = load_its_tests().SimpleSNN, load_its_tests()
    module.SimpleSNN = lambda c, labels: ttc.compile(
        its_model(c, labels).eval(), torch.rand(2, c, 10, 10)
    )
    module.snn = types.SimpleNamespace(**{
        kind: lambda *args, kind=kind, **options: CompiledLayer(
            getattr(tt.snn, kind)(*args, **options)
        )
        for kind in tt.snn.__all__ if kind != "Layer"
    })
    return module


@pytest.mark.skipif(not ITS_TESTS.is_file(), reason="scripts/conformance.sh --full fetches them")
def test_its_own_tests(record_row):
    module = its_tests()
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    record_row(section="The reference's own tests", name=", ".join(sorted(tests)))
    assert len(tests) == 3
    for test in tests.values():
        test()
