"""Whether the layers and operations between the neurons compute what PyTorch computes."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
from comparing import assert_close, check_batch, check_run, check_smooth
from conftest import SEED
from random_models import STEPS, StackModel, make_inputs, make_neuron, seeded
from torch import nn

ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(), nn.ELU(), nn.ELU(0.5), nn.GELU(),
    nn.GELU("tanh"), nn.SiLU(), nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.Hardtanh(),
    nn.Softmax(-1),
]
# Where activations bend, saturate or overflow.
SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-6, -1e-6, 20.0, -20.0, 90.0, -90.0, 500.0, -500.0, 1e30, -1e30]


class Calls(tt.Model):
    """A model whose forward is the given function of its layers and inputs."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.function(self, x)


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("shape", [(4, 37), (2, 3, 16), (5,)], ids=str)
def test_activations(libraries, layer, shape):
    seeded(SEED, "activation", repr(layer), shape)
    inputs = 4 * torch.randn(STEPS, *shape)
    inputs.view(-1)[:len(SPECIAL)] = torch.tensor(SPECIAL)
    compiled = libraries.compile(nn.Sequential(layer), inputs[0])
    found = torch.stack([compiled(x) for x in inputs])
    assert_close(found, torch.stack([layer(x) for x in inputs]), repr(layer))
    check_run(compiled, inputs, found)


@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: m.a(x) + m.b(x),
        lambda m, x: m.a(x) - m.b(x),
        lambda m, x: m.a(x) * torch.sigmoid(m.b(x)),
        lambda m, x: m.a(x) / torch.nn.functional.softplus(m.b(x)),
        lambda m, x: x + m.lib(x),
        lambda m, x: m.lib(m.lib(x)),
        lambda m, x: torch.relu(m.lib(x) + m.b(m.lib(m.a(x)))),
    ],
    ids=["add", "sub", "gate", "div", "residual", "twice", "shared"],
)
def test_forwards(libraries, function):
    """Branches that meet again, and a layer whose states a step changes twice."""
    rng = seeded(SEED, "forward")
    layer = make_neuron(rng, "DSRLITS", 12, -1, "sigmoid4x", None)
    model = Calls(function, a=nn.Linear(12, 12), b=nn.Linear(12, 12), lib=layer)
    inputs = make_inputs(rng, (3, 12))
    compiled = libraries.compile(model, inputs[0])
    with torch.no_grad():
        expected = torch.stack([model(x) for x in inputs])
    found = torch.stack([compiled(x) for x in inputs])
    assert_close(found, expected, "the outputs")
    check_run(compiled, inputs, found)
    check_batch(compiled, inputs)


def test_channels_then_features(libraries):
    """Neurons along the channels of an image, then along the features of its flattening."""
    rng = seeded(SEED, "channels")
    model = StackModel(
        make_neuron(rng, "LIB", 3, -3, "sigmoid4x", None),
        nn.Flatten(),
        nn.Linear(3 * 5 * 7, 20),
        make_neuron(rng, "RLIB", 20, -1, "sigmoid4x", None),
        nn.Linear(20, 10, bias=False),
        make_neuron(rng, "LI", 10, -1, "sigmoid4x", None),
    )
    inputs = make_inputs(rng, (4, 3, 5, 7))
    compiled = libraries.compile(model, inputs[0])
    check_smooth(model, compiled, inputs)
    check_batch(compiled, inputs)


@pytest.mark.parametrize("features", [(1, 1), (1, 7), (7, 1), (63, 65), (130, 33), (300, 17)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(libraries, features, bias):
    """Sizes around those of vectors and panels."""
    seeded(SEED, "linear", features, bias)
    model = nn.Sequential(nn.Linear(*features, bias=bias))
    inputs = torch.randn(STEPS, 5, features[0])
    compiled = libraries.compile(model, inputs[0])
    found = torch.stack([compiled(x) for x in inputs])
    with torch.no_grad():
        assert_close(found, model(inputs), f"Linear{features}")
    check_run(compiled, inputs, found)
    check_batch(compiled, inputs)
