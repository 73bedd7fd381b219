"""Selective state-space layers between normalised, gated branches: a model of sensor streams."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class Block(nn.Module):
    """x + out(ssm(a) * silu(b)), with a and b the halves of a projection of the normalised x."""

    def __init__(self, features: int):
        super().__init__()
        self.norm = nn.RMSNorm(features)
        self.project = nn.Linear(features, 2 * features)
        self.ssm = tt.ssm.S6(features, d_state=16)
        self.out = nn.Linear(features, features)

    def forward(self, x):
        a, b = self.project(self.norm(x)).chunk(2, dim=-1)
        return x + self.out(self.ssm(a) * nn.functional.silu(b))


class SensorModel(tt.Model):
    """One call a sample of 6 sensors; 5 classes out."""

    def __init__(self, blocks: int = 4, features: int = 64):
        super().__init__()
        self.embed = nn.Linear(6, features)
        self.blocks = nn.Sequential(*(Block(features) for _ in range(blocks)))
        self.head = nn.Linear(features, 5)

    def forward(self, x):
        return self.head(self.blocks(self.embed(x)))


def model() -> nn.Module:
    return SensorModel().eval()


def example() -> torch.Tensor:
    return torch.randn(4, 6)
