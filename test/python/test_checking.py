"""Whether ttc.check finds everything at once, and says where."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
from pathlib import Path

import pytest
import torch
import tracetorch as tt
import ttc
from torch import nn


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.lib = tt.snn.LIB(6, spike_fn=torch.relu)

    def forward(self, x):
        return self.lib(x).cumsum(1)


class Bad(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.norm = Inner(), nn.BatchNorm1d(6, track_running_stats=False)
        self.good = nn.Linear(6, 6)

    def forward(self, x):
        x = self.inner(self.good(x))
        if x.sum() > 0:
            x = x + 1
        x = self.norm(x)
        return self.good(x).sort(1).values


def line(text):
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, found in enumerate(lines, 1) if text in found)


def test_every_finding_at_once():
    report = ttc.check(Bad(), torch.randn(2, 6))
    places = [(f.place.path, f.place.line) for f in report.findings]
    assert places == [
        ("", line("if x.sum() > 0")),
        ("inner.lib", line("return self.lib(x)")),
        ("inner", line("return self.lib(x)")),
        ("norm", line("x = self.norm(x)")),
        ("", line("return self.good(x).sort")),
    ]
    assert report == [f.sentence for f in report.findings]
    assert all("test_checking.py:" in sentence for sentence in report)
    assert "'inner.lib' (LIB)" in report[1] and "'norm' (BatchNorm1d)" in report[3]
    assert str(report).count("\n") == 4
    found = json.loads(report.json())
    assert [(f["module"], f["line"]) for f in found] == places
    assert all(f["file"] == __file__ and f["sentence"] in report for f in found)


def test_export_raises_the_first_and_says_how_many_there_are():
    with pytest.raises(ttc.UnsupportedError) as caught:
        ttc.compile(Bad(), torch.randn(2, 6))
    report = ttc.check(Bad(), torch.randn(2, 6))
    assert str(caught.value) == f"{report[0]} (4 more: ttc.check lists them)"


def test_a_model_without_findings():
    model = nn.Sequential(nn.Linear(3, 3), tt.snn.LIB(3))
    report = ttc.check(model, torch.zeros(2, 3))
    assert report == [] and json.loads(report.json()) == []
    assert str(report) == "the model can be exported"
    assert model.training  # and nothing was changed


def test_inputs_that_the_model_does_not_take():
    report = ttc.check(nn.Sequential(nn.Linear(3, 3)), torch.zeros(2, 4))
    assert len(report) == 1 and report[0].startswith("'0' (Linear) does not take the example")
    with pytest.raises(ttc.Error, match="the model is a int"):
        ttc.check(3, torch.zeros(2, 4))
