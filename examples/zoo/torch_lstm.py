"""A classifier of sequences in plain PyTorch: an LSTM of two layers, and its last output."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
from torch import nn


class SequenceClassifier(nn.Module):
    """A whole sequence (batch, time, 40) in, 12 classes out.

    Compiled, it takes one timestep a call and says what it would say if that were the last.
    """

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(40, 96, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(96)
        self.head = nn.Linear(96, 12)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(self.norm(out[:, -1]))


def model() -> nn.Module:
    return SequenceClassifier().eval()


def example() -> torch.Tensor:
    """With its time axis, as the model takes it."""
    return torch.randn(4, 30, 40)
