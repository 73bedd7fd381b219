"""A stack of Mamba blocks over tokens: a small language model, one call a token."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import torch
import tracetorch as tt
from torch import nn


class TokenModel(tt.Model):
    """Token numbers of shape (batch, 1) in, logits over the vocabulary out."""

    def __init__(self, tokens: int = 96, blocks: int = 4, features: int = 64):
        super().__init__()
        self.embed = nn.Embedding(tokens, features)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.LayerNorm(features), tt.ssm.Mamba(features, d_state=16))
                for _ in range(blocks)
            )
        )
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, tokens, bias=False)

    def forward(self, token):
        return self.head(self.norm(self.blocks(self.embed(token))))


def model() -> nn.Module:
    return TokenModel().eval()


def example() -> torch.Tensor:
    return torch.randint(96, (4, 1))
