"""Whether a user's own layers are exported as any layer is: no code of theirs in ttc."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from agreement import compared
from torch import nn
from ttc.exporting import export_model


class Adaptive(tt.snn.Layer):
    """A neuron whose threshold rises with what it has fired."""

    def __init__(self, size, dim=-1, rank=1, spike=lambda v: torch.sigmoid(4 * v)):
        super().__init__(size, dim)
        self._initialize_state("mem")
        self._initialize_state("fatigue")
        self._register_decay("beta", 0.9, rank, True)
        self._register_threshold("threshold", 1.0, rank, True)
        self._register_bias("bias", 0.1, rank, False)
        self._register_parameter("gain", 1.5, rank, True)
        self.spike = spike

    def forward(self, x):
        self._ensure_states(x)
        x, mem = self._to_working_dim(x), self._to_working_dim(self.mem)
        fatigue = self._to_working_dim(self.fatigue)
        mem = mem * self.beta + x * self.gain
        spikes = self.spike(mem - self.threshold - fatigue + self.bias)
        self.mem = self._from_working_dim(mem - spikes * self.threshold)
        self.fatigue = self._from_working_dim(fatigue * 0.9 + spikes * 0.1)
        return self._from_working_dim(spikes)


class Gated(tt.Layer):
    """A layer with modules and layers inside, and a parameter in log space."""

    def __init__(self, inputs, size):
        super().__init__(size)
        self._initialize_state("h")
        self.linear, self.inner = nn.Linear(inputs + size, size), tt.snn.LI(size)
        self._register_parameter("scale", 2.0, 1, True, torch.log, torch.log, torch.exp)

    def forward(self, x):
        self._ensure_states(x)
        self.h = torch.tanh(self.linear(torch.cat([x, self.h], -1))) * self.scale
        return self.inner(self.h)


class Delay(tt.Layer):
    """A state of another shape than the input's."""

    def __init__(self, size, steps):
        super().__init__(size)
        self.steps = steps
        self._initialize_state("line")

    def _ensure_state(self, name, x):
        if self.line is None:
            self.line = torch.zeros(x.shape[0], self.steps, x.shape[-1], dtype=x.dtype)

    def forward(self, x):
        self._ensure_states(x)
        y = self.line[:, -1]
        self.line = torch.cat([x[:, None], self.line[:, :-1]], 1)
        return y


class Leaky(tt.Layer):
    """A state that is changed in place."""

    def __init__(self, size):
        super().__init__(size)
        self._initialize_state("m")

    def forward(self, x):
        self._ensure_states(x)
        self.m.mul_(0.5).add_(x)
        return self.m * 1.0


class Louder(tt.snn.DSRLITS):
    """A layer of the package's own, with something around it."""

    def forward(self, x):
        return super().forward(x * 2) + 1


@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda: Adaptive(6), (3, 6)),
        (lambda: Adaptive(6, rank=0), (3, 6)),
        (lambda: Adaptive(4, -2), (3, 4, 6)),
        (lambda: Adaptive(4, 1), (2, 4, 3, 3)),
        (lambda: Adaptive(3, 0), (3, 6)),
        (lambda: Adaptive(6), (6,)),
        (lambda: Gated(6, 5), (3, 6)),
        (lambda: Delay(6, 3), (3, 6)),
        (lambda: Leaky(6), (3, 6)),
        (lambda: Louder(6, quant_fn=tt.functional.round_ste()), (3, 6)),
    ],
)
def test_own_layers(make, shape):
    layer = make()
    compiled = compared(nn.Sequential(layer), torch.randn(shape), steps=5)
    names = {f"0.{name}" for name in layer._state_names}
    names |= {"0.inner.mem"} if isinstance(layer, Gated) else set()
    assert set(compiled.save_states()) == names


def test_text():
    text = export_model(nn.Sequential(Adaptive(6, rank=0)).eval(), torch.zeros(2, 6), "net").text
    declarations = text.splitlines()[:6]
    assert declarations == [
        'ttc.state @"0.fatigue" : tensor<?x6xf32>',
        'ttc.state @"0.mem" : tensor<?x6xf32>',
        'ttc.param @"0.beta" : tensor<f32> activated(sigmoid)',
        'ttc.param @"0.gain" : tensor<f32> activated(identity)',
        'ttc.param @"0.threshold" : tensor<f32> activated(softplus)',
        'ttc.param @"0.bias" : tensor<f32> activated(arcsinh)',
    ]
    assert '  ttc.write %' in text and text.count("ttc.read") == 2


def test_a_layer_used_twice_in_a_timestep():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Adaptive(6)

        def forward(self, x):
            return self.layer(self.layer(x))

    compared(Twice(), torch.randn(3, 6), steps=5)


@pytest.mark.parametrize("first", [False, True])
def test_TTcompile(first):
    """Raw, compiled and mixed forms load, also where the activation is the user's own."""
    class Model(tt.Model):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(Adaptive(4), Gated(4, 4))

        def forward(self, x):
            return self.net(x)

    model = Model().eval()
    if first:
        model.TTcompile()
    compiled, x = ttc.compile(model, torch.zeros(3, 4)), torch.randn(3, 4)
    before = compiled(x)
    compiled.zero_states()
    assert set(compiled.state_dict()) == set(model.state_dict())
    for convert in ("TTdecompile", "TTcompile", "TTdecompile"):
        getattr(compiled, convert)()
        getattr(model, convert)()
        assert set(compiled.state_dict()) == set(model.state_dict())
        for key, value in model.state_dict().items():
            torch.testing.assert_close(compiled.state_dict()[key], value, rtol=1e-6, atol=1e-6)
        compiled.load_state_dict(compiled.state_dict())
        torch.testing.assert_close(compiled(x), before, rtol=1e-6, atol=1e-6)
        compiled.zero_states()
    mixed = compiled.state_dict()
    mixed["net.0.beta"] = mixed.pop("net.0.raw_beta").sigmoid()
    mixed["net.1.scale"] = mixed.pop("net.1.raw_scale").exp()
    compiled.load_state_dict(mixed)
    torch.testing.assert_close(compiled(x), before, rtol=1e-6, atol=1e-6)
