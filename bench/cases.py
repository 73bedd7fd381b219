"""Which models are timed, on which inputs?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import copy
import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
import tracetorch as tt
from torch import nn

NEURONS = [name for name in tt.snn.__all__ if name != "Layer"]
ACTIVITIES = (1, 5, 10, 20, 50)  # % of the inputs that are events
IMAGE = (3, 32, 32)
QUICK_NEURONS = ("LIB", "DSRLITS", "LI", "DSLI")
# Compiling each of 32 neurons takes the compiling engines of PyTorch an hour; and the code that
# they make is the same for each activity.
NEURONS_COMPILED_BY_TORCH = ("LIB", "DSRLITS")
ACTIVITIES_COMPILED_BY_TORCH = (5, 10)
NEURON_SIZE = 1024
SILENT_STEPS = 5000
CHECKED, TIMED = "checked", "timed"

# The range that a neuron's effective parameter is drawn from, by the end of its name.
_RANGES = {
    "alpha": (0.3, 0.9),
    "beta": (0.7, 0.95),
    "gamma": (0.3, 0.9),
    "threshold": (0.5, 1.5),
    "bias": (-0.2, 0.2),
    "scale": (0.5, 1.5),
    "rec_weight": (-0.5, 0.5),
}


class Stack(tt.Model):
    """Layers one after the other."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


@dataclass(frozen=True)
class Case:
    """A model and the stream that it is timed on."""

    name: str  # as in the results: `a`, `b*:5`, `h:LIB`
    description: str
    make: Callable[[], nn.Module]
    # One timestep: (batch, ...) of a generator.
    draw: Callable[[int, torch.Generator], torch.Tensor]
    # Whether its events are hard: rounding makes all of a small difference.
    hard: bool = False
    compiled_by_torch: bool = True
    quick: bool = True
    # Whether silence follows: zeros, for so long that what decays has become subnormal.
    silent: bool = False

    def model(self) -> nn.Module:
        """A model of its own, the same every time."""
        return copy.deepcopy(_model(self))

    # Whoever asks first: a tensor of inference mode is another kind to compiled code.
    @torch.inference_mode(False)
    def inputs(self, steps: int, batch: int, what: str) -> torch.Tensor:
        """`steps` timesteps to be CHECKED or TIMED; the same for the same arguments."""
        generator = torch.Generator().manual_seed(_seed(self.name, what))
        inputs = torch.stack([self.draw(batch, generator) for _ in range(steps)])
        if self.silent:
            inputs[1 if what == CHECKED else 0:] = 0.0
        return inputs


@functools.cache
def _model(case: Case) -> nn.Module:
    torch.manual_seed(_seed(case.name, "weights"))
    return case.make().eval().requires_grad_(False)


def _seed(*parts: str) -> int:
    return zlib.crc32("/".join(parts).encode())


# Inputs.


def _uniform(*features: int):
    return lambda batch, generator: torch.rand(batch, *features, generator=generator)


def _normal(*features: int):
    return lambda batch, generator: torch.randn(batch, *features, generator=generator)


def _events(percent: int, *features: int):
    return lambda batch, generator: (
        torch.rand(batch, *features, generator=generator) < percent / 100
    ).float()


# Models.


def _make_a() -> nn.Module:
    return Stack(nn.Linear(784, 128), tt.snn.LIB(128), nn.Linear(128, 10), tt.snn.LI(10))


def _make_b() -> nn.Module:
    return Stack(
        nn.Linear(700, 256), tt.snn.LIB(256), nn.Linear(256, 256), tt.snn.LIB(256),
        nn.Linear(256, 20),
    )


def _make_hard_b(percent: int) -> nn.Module:
    """As b, with events: each layer fires as often as the inputs do."""
    activity = percent / 100
    stream = _calibration_stream("b*", percent, 700)
    layers: list[nn.Module] = []
    for before, after in ((700, 256), (256, 256)):
        stack, stream = _firing_as_often(
            nn.Linear(before, after), functools.partial(_hard, tt.snn.LIB, after), stream, activity
        )
        layers += stack
    return Stack(*layers, nn.Linear(256, 20))


def _make_c() -> nn.Module:
    return Stack(
        nn.Linear(700, 256), tt.rnn.GRU(256, 256), tt.rnn.GRU(256, 256), nn.Linear(256, 20)
    )


def _make_d(layer_type: type[nn.Module], size: int) -> nn.Module:
    return Stack(layer_type(1, size), nn.Linear(size, 1))


def _make_e() -> nn.Module:
    return Stack(
        nn.Linear(700, 256), tt.ssm.S6(256, 16), tt.ssm.S6(256, 16), nn.Linear(256, 20)
    )


def _make_f() -> nn.Module:
    return Stack(*[tt.ssm.Mamba(256) for _ in range(4)])


def _make_g() -> nn.Module:
    return Stack(
        nn.Conv2d(3, 16, 3), tt.snn.LIB(16, dim=-3), nn.Flatten(), nn.Linear(14400, 128),
        tt.snn.RLIB(128), nn.Linear(128, 10), tt.snn.LI(10),
    )


def _make_hard_g(percent: int) -> nn.Module:
    """As g, with events: each layer fires as often as the inputs do."""
    activity = percent / 100
    stream = _calibration_stream("g*", percent, *IMAGE)
    channels, stream = _firing_as_often(
        nn.Conv2d(3, 16, 3), functools.partial(_hard, tt.snn.LIB, 16, dim=-3), stream, activity
    )
    features, _ = _firing_as_often(
        nn.Linear(14400, 128), functools.partial(_hard, tt.snn.RLIB, 128), stream.flatten(2),
        activity,
    )
    return Stack(*channels, nn.Flatten(), *features, nn.Linear(128, 10), tt.snn.LI(10))


def _calibration_stream(name: str, percent: int, *features: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(_seed(name, "calibration", str(percent)))
    draw = _events(percent, *features)
    return torch.stack([draw(4, generator) for _ in range(60)])


def _firing_as_often(
    product: nn.Module,
    make_neurons: Callable[[float], nn.Module],
    stream: torch.Tensor,
    activity: float,
) -> tuple[list[nn.Module], torch.Tensor]:
    """A product, neurons of a threshold such that so many of them fire, and their events."""
    # However few inputs are active, a current has a deviation of about 1.
    nn.init.normal_(product.weight, std=(product.weight[0].numel() * activity) ** -0.5)
    with torch.no_grad():
        current = torch.stack([product(x) for x in stream])
        low, high = 1e-3, 20.0
        for _ in range(16):
            threshold = (low * high) ** 0.5
            events = _fire(make_neurons(threshold), current)
            low, high = (threshold, high) if events.mean() > activity else (low, threshold)
    return [product, make_neurons(threshold)], events


def _hard(layer_type: type[nn.Module], size: int, threshold: float, **options) -> nn.Module:
    quantizer = tt.functional.round_ste()
    return layer_type(size, threshold=threshold, quant_fn=quantizer, **options)


def _fire(layer: nn.Module, current: torch.Tensor) -> torch.Tensor:
    return torch.stack([layer(x) for x in current])


def _make_neuron(kind: str) -> nn.Module:
    layer_type = getattr(tt.snn, kind)
    options = {}
    for name in layer_type(1)._dynamic_params:
        low, high = next(r for end, r in _RANGES.items() if name.endswith(end))
        options[name] = low + (high - low) * torch.rand(NEURON_SIZE)
    return Stack(layer_type(NEURON_SIZE, **options))


# The groups that --cases names.
GROUPS: dict[str, list[Case]] = {
    "a": [Case("a", "Linear(784,128) LIB Linear(128,10) LI", _make_a, _uniform(784))],
    "b": [
        Case("b", "Linear(700,256) LIB Linear(256,256) LIB Linear(256,20)", _make_b,
             _uniform(700))
    ],
    "b*": [
        Case(f"b*:{percent}", f"as b, rounding quantizer, {percent} % of the inputs are events",
             functools.partial(_make_hard_b, percent), _events(percent, 700), hard=True,
             compiled_by_torch=percent in ACTIVITIES_COMPILED_BY_TORCH,
             quick=percent in (5, 50))
        for percent in ACTIVITIES
    ],
    "c": [
        Case("c", "Linear(700,256) GRU(256,256) GRU(256,256) Linear(256,20)", _make_c,
             _uniform(700))
    ],
    "d": [
        Case(f"d:{layer_type.__name__}{size}", f"{layer_type.__name__}(1,{size}) Linear({size},1)",
             functools.partial(_make_d, layer_type, size), _normal(1), quick=size in (20, 32))
        for layer_type, sizes in ((tt.rnn.LSTM, (20, 64)), (tt.rnn.GRU, (16, 32, 64)))
        for size in sizes
    ],
    "e": [
        Case("e", "Linear(700,256) S6(256,16) S6(256,16) Linear(256,20)", _make_e, _uniform(700))
    ],
    "f": [Case("f", "4 x Mamba(256)", _make_f, _normal(256))],
    "g": [
        Case("g", "Conv2d(3,16,3) LIB(16,dim=-3) Flatten Linear(14400,128) RLIB Linear(128,10) LI",
             _make_g, _uniform(*IMAGE))
    ],
    "g*": [
        Case(f"g*:{percent}", f"as g, rounding quantizer, {percent} % of the inputs are events",
             functools.partial(_make_hard_g, percent), _events(percent, *IMAGE), hard=True,
             compiled_by_torch=percent in ACTIVITIES_COMPILED_BY_TORCH, quick=percent == 5)
        for percent in ACTIVITIES
    ],
    "h": [
        Case(f"h:{kind}", f"{kind} alone, {NEURON_SIZE} neurons",
             functools.partial(_make_neuron, kind), _normal(NEURON_SIZE),
             compiled_by_torch=kind in NEURONS_COMPILED_BY_TORCH, quick=kind in QUICK_NEURONS)
        for kind in NEURONS
    ],
    "silent": [
        Case("silent:DSLI", f"DSLI alone, {NEURON_SIZE} neurons, after {SILENT_STEPS} silent steps",
             functools.partial(_make_neuron, "DSLI"), _normal(NEURON_SIZE),
             compiled_by_torch=False, silent=True)
    ],
}
