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
QUICK_NEURONS = ("LIB", "DSRLITS", "LI")
# Compiling each of 32 neurons takes the compiling engines of PyTorch an hour.
NEURONS_COMPILED_BY_TORCH = ("LIB", "DSRLITS")
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
    # One timestep: (batch, features) of a generator.
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


def _uniform(features: int):
    return lambda batch, generator: torch.rand(batch, features, generator=generator)


def _normal(features: int):
    return lambda batch, generator: torch.randn(batch, features, generator=generator)


def _events(features: int, percent: int):
    return lambda batch, generator: (
        torch.rand(batch, features, generator=generator) < percent / 100
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
    generator = torch.Generator().manual_seed(_seed("b*", "calibration", str(percent)))
    stream = torch.stack([_events(700, percent)(4, generator) for _ in range(60)])
    layers: list[nn.Module] = []
    for before, after in ((700, 256), (256, 256)):
        linear = nn.Linear(before, after)
        # However few inputs are active, a current has a deviation of about 1.
        nn.init.normal_(linear.weight, std=(before * activity) ** -0.5)
        with torch.no_grad():
            current = linear(stream)
            low, high = 1e-3, 20.0
            for _ in range(16):
                threshold = (low * high) ** 0.5
                stream = _fire(_hard_lib(after, threshold), current)
                low, high = (threshold, high) if stream.mean() > activity else (low, threshold)
        layers += [linear, _hard_lib(after, threshold)]
    return Stack(*layers, nn.Linear(256, 20))


def _hard_lib(size: int, threshold: float) -> nn.Module:
    return tt.snn.LIB(size, threshold=threshold, quant_fn=tt.functional.round_ste())


def _fire(layer: nn.Module, current: torch.Tensor) -> torch.Tensor:
    return torch.stack([layer(x) for x in current])


def _make_neuron(kind: str) -> nn.Module:
    layer_type = getattr(tt.snn, kind)
    options = {}
    for name in layer_type(1)._dynamic_params:
        low, high = next(r for end, r in _RANGES.items() if name.endswith(end))
        options[name] = low + (high - low) * torch.rand(NEURON_SIZE)
    return Stack(layer_type(NEURON_SIZE, **options))


# The groups that --cases names. A case of a later group is one entry more.
GROUPS: dict[str, list[Case]] = {
    "a": [Case("a", "Linear(784,128) LIB Linear(128,10) LI", _make_a, _uniform(784))],
    "b": [
        Case("b", "Linear(700,256) LIB Linear(256,256) LIB Linear(256,20)", _make_b,
             _uniform(700))
    ],
    "b*": [
        Case(f"b*:{percent}", f"as b, rounding quantizer, {percent} % of the inputs are events",
             functools.partial(_make_hard_b, percent), _events(700, percent), hard=True,
             quick=percent in (5, 20))
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
