"""Layers that a user of the reference package might write, by its recipe for them."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class AdaptiveLIB(tt.snn.Layer):
    """A neuron whose threshold grows with what it fired lately."""

    def __init__(self, num_neurons: int, dim: int = -1):
        super().__init__(num_neurons, dim)
        self._initialize_state("mem")
        self._initialize_state("adapt")
        self._register_decay("beta", 0.5 + 0.4 * torch.rand(num_neurons), 1, True)
        self._register_decay("rho", 0.9, 0, False)
        self._register_threshold("threshold", 0.5 + torch.rand(num_neurons), 1, True)
        self._register_threshold("kappa", 0.3, 0, True)

    def forward(self, x):
        self._ensure_states(x)
        x = self._to_working_dim(x)
        mem, adapt = self._to_working_dim(self.mem), self._to_working_dim(self.adapt)
        mem = mem * self.beta + x
        spikes = tt.functional.sigmoid4x(mem - self.threshold - self.kappa * adapt)
        self.mem = self._from_working_dim(mem - spikes * self.threshold)
        self.adapt = self._from_working_dim(adapt * self.rho + spikes * (1 - self.rho))
        return self._from_working_dim(spikes)


class MinimalGRU(tt.Layer):
    """A recurrent layer with one gate, of ordinary linear layers."""

    def __init__(self, in_features: int, out_features: int, dim: int = -1):
        super().__init__(out_features, dim)
        self._initialize_state("H")
        self.gate = nn.Linear(in_features + out_features, out_features)
        self.candidate = nn.Linear(in_features + out_features, out_features, bias=False)

    def forward(self, x):
        self._ensure_states(x)
        x, H = self._to_working_dim(x), self._to_working_dim(self.H)
        gate = torch.sigmoid(self.gate(torch.cat([H, x], dim=-1)))
        candidate = torch.tanh(self.candidate(torch.cat([H * gate, x], dim=-1)))
        H = (1 - gate) * H + gate * candidate
        self.H = self._from_working_dim(H)
        return self.H


class Resonator(tt.Layer):
    """A damped oscillation: two states that turn each other."""

    def __init__(self, num_neurons: int, dim: int = -1):
        super().__init__(num_neurons, dim)
        self._initialize_state("re")
        self._initialize_state("im")
        self._register_parameter(
            "damping", 0.8 + 0.1 * torch.rand(num_neurons), 1, True,
            init_fn=torch.logit, inverse_fn=torch.logit, activation_fn=torch.sigmoid,
        )
        self._register_parameter("angle", torch.rand(num_neurons), 1, True)

    def forward(self, x):
        self._ensure_states(x)
        x = self._to_working_dim(x)
        re, im = self._to_working_dim(self.re), self._to_working_dim(self.im)
        cos, sin = torch.cos(self.angle), torch.sin(self.angle)
        new_re = self.damping * (re * cos - im * sin) + x
        new_im = self.damping * (re * sin + im * cos)
        self.re, self.im = self._from_working_dim(new_re), self._from_working_dim(new_im)
        return self._from_working_dim(torch.sqrt(new_re * new_re + new_im * new_im + 1e-6))
