"""A stateful module as a pure function: what the compilers of PyTorch are given.

They can compile the module as it is, too, but states that are attributes cost guards and writes on
every call: as arguments and results they are faster.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import torch
import tracetorch as tt
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from .setting import Setting


class FunctionalStep(nn.Module):
    """(input, states) -> (output, states), one timestep."""

    def __init__(self, setting: Setting):
        super().__init__()
        self.model = setting.case.model()
        self.model.TTcompile()
        self._slots = [
            (layer, name)
            for layer in self.model.modules()
            if isinstance(layer, tt.Layer)
            for name in sorted(layer._state_names)
        ]
        with torch.no_grad():
            self.model(setting.checked[0])
        self.state_shapes = [getattr(layer, name).shape for layer, name in self._slots]
        self.model.zero_states()

    def zero_states(self) -> list[torch.Tensor]:
        return [torch.zeros(shape) for shape in self.state_shapes]

    def forward(self, x: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        for (layer, name), state in zip(self._slots, states):
            setattr(layer, name, state)
        y = self.model(x)
        after = [getattr(layer, name) for layer, name in self._slots]
        # A trace must leave nothing behind.
        for layer, name in self._slots:
            setattr(layer, name, None)
        return y, *after


def trace_steps(step: FunctionalStep, example: torch.Tensor) -> torch.fx.GraphModule:
    """A graph of `len(example)` timesteps, unrolled: (inputs, states) -> (outputs, states)."""

    def steps(xs: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ys = []
        for x in xs.unbind():
            y, *states = step(x, *states)
            ys.append(y)
        return torch.stack(ys), *states

    with torch.no_grad():
        return make_fx(steps)(example, *step.zero_states())


def trace_step(step: FunctionalStep, example: torch.Tensor) -> torch.fx.GraphModule:
    """A graph of one timestep: (input, states) -> (output, states)."""
    with torch.no_grad():
        return make_fx(step)(example, *step.zero_states())
