"""A small model, and what tests of its states ask."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re

import pytest
import torch
import tracetorch as tt
import ttc
from torch import nn

KEYS = ["net.1.mem", "net.1.prev_output", "net.1.rec", "net.1.syn", "net.3.mem"]


class Net(tt.Model):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), tt.snn.SRLIB(4), nn.Linear(4, 2), tt.snn.LI(2))

    def forward(self, x):
        return self.net(x)


def compiled_net():
    torch.manual_seed(1)
    return ttc.compile(Net().eval(), torch.zeros(2, 3))


def refuses(*words):
    """Expects an Error whose sentence has these words in that order."""
    return pytest.raises(ttc.Error, match=".*".join(re.escape(word) for word in words))


def same(a, b):
    """Whether two sets of states have the same keys and bits."""
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
