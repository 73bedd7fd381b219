"""A recurrent spiking network for spoken digits: 700 cochlear channels in, 20 digits out."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class SpokenDigits(tt.Model):
    """The shape of a network for the Spiking Heidelberg Digits: one call a time bin."""

    def __init__(self):
        super().__init__()
        fire = tt.functional.round_ste()
        self.net = nn.Sequential(
            nn.Linear(700, 256),
            tt.snn.SRLITS(256, quant_fn=fire),
            nn.Linear(256, 128),
            tt.snn.RLIB(128, quant_fn=fire),
            nn.Linear(128, 20),
            tt.snn.LI(20),
        )

    def forward(self, x):
        return self.net(x)


def model() -> nn.Module:
    return SpokenDigits().eval()


def example() -> torch.Tensor:
    """Spike counts of one time bin: few are not zero."""
    return (torch.rand(16, 700) < 0.02).float()
