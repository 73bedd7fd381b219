"""How the models of the conformance tests are made, from a seed."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random

import torch
import tracetorch as tt
from torch import nn

ALL_NEURONS = [name for name in tt.snn.__all__ if name != "Layer"]
STEPS = 50

# The range that a parameter's effective value is drawn from, by the end of its name.
RANGES = {
    "alpha": (0.2, 0.95),
    "beta": (0.3, 0.95),
    "gamma": (0.2, 0.95),
    "threshold": (0.3, 1.5),
    "bias": (-0.3, 0.3),
    "scale": (0.5, 2.0),
    "rec_weight": (-0.5, 0.5),
}


class StackModel(tt.Model):
    """Layers one after the other."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)

    def states(self) -> dict[str, torch.Tensor]:
        """The states under their canonical keys: the reference saves each under several."""
        return {key: t for key, t in self.save_states().items() if "_modules" not in key}


def heaviside(v: torch.Tensor) -> torch.Tensor:
    return (v >= 0).to(v.dtype)


SPIKES = {"sigmoid4x": tt.functional.sigmoid4x, "sigmoid": torch.sigmoid, "heaviside": heaviside}


def make_neuron(
    rng: random.Random, kind: str, size: int, dim: int, spike: str, step: float | None
) -> tt.Layer:
    """A neuron with random parameters of random rank; `step` None is the identity quantizer."""
    layer_type = getattr(tt.snn, kind)
    options = {}
    for name in layer_type(1)._dynamic_params:
        low, high = next(r for end, r in RANGES.items() if name.endswith(end))
        shape = () if rng.random() < 0.3 else (size,)
        options[name] = low + (high - low) * torch.rand(shape)
    if "threshold" in options or "pos_threshold" in options:
        options["spike_fn"] = SPIKES[spike]
        options["quant_fn"] = nn.Identity() if step is None else tt.functional.round_ste(step)
    layer = layer_type(size, dim=dim, **options)
    layer.hard = "spike_fn" in options and (step is not None or spike == "heaviside")
    return layer


def make_stack(rng: random.Random, hard: bool) -> tuple[StackModel, int]:
    """1 to 5 random neurons with Linear between them, and the number of inputs."""
    sizes = [rng.randint(1, 40) for _ in range(rng.randint(1, 5) + 1)]
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:]):
        layers.append(nn.Linear(before, after, bias=rng.random() < 0.7))
        nn.init.normal_(layers[-1].weight, std=1.5 / before**0.5)
        spike = rng.choice(["sigmoid4x", "sigmoid"] + ["heaviside"] * hard)
        step = rng.choice([1.0, 0.5, 0.25]) if hard else None
        layers.append(make_neuron(rng, rng.choice(ALL_NEURONS), after, -1, spike, step))
    return StackModel(*layers), sizes[0]


def make_inputs(
    rng: random.Random, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """STEPS inputs of a shape, some of their elements zeros of either sign."""
    inputs = torch.randn(STEPS, *shape, dtype=dtype) * rng.choice([0.3, 1.0])
    inputs[torch.rand(inputs.shape) < 0.1] = 0.0
    inputs[torch.rand(inputs.shape) < 0.1] = -0.0
    return inputs


def seeded(*parts: object) -> random.Random:
    """A generator for the case that `parts` names; seeds PyTorch's as well."""
    rng = random.Random(repr(parts))
    torch.manual_seed(rng.getrandbits(32))
    return rng
