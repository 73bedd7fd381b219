"""A convolutional spiking network for frames of 28 x 28: neurons along the channels."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class Frames(tt.Model):
    """One call a frame; 10 classes out."""

    def __init__(self):
        super().__init__()
        fire = tt.functional.round_ste()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            tt.snn.LIB(16, dim=-3, quant_fn=fire),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            tt.snn.SLIB(32, dim=-3, quant_fn=fire),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 10),
            tt.snn.LI(10),
        )

    def forward(self, x):
        return self.net(x)


def model() -> nn.Module:
    return Frames().eval()


def example() -> torch.Tensor:
    return torch.rand(4, 1, 28, 28)
