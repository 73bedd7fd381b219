"""Three gated recurrent layers with residual connections: a model of a multivariate series."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class SeriesModel(tt.Model):
    """One call a timestep: 24 measurements in, the forecast of the next 24 out."""

    def __init__(self, layers: int = 3, features: int = 128):
        super().__init__()
        self.embed = nn.Linear(24, features)
        self.layers = nn.ModuleList(tt.rnn.GRU(features, features) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in range(layers))
        self.head = nn.Linear(features, 24)

    def forward(self, x):
        h = self.embed(x)
        for layer, norm in zip(self.layers, self.norms):
            h = h + layer(norm(h))
        return x + self.head(h)


def model() -> nn.Module:
    return SeriesModel().eval()


def example() -> torch.Tensor:
    return torch.randn(8, 24)
