"""A functional step as an ONNX model: what the engines that read ONNX are given."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import torch

from .functional_step import FunctionalStep, trace_step
from .setting import Setting

OPSET = 17


def names(count: int) -> tuple[list[str], list[str]]:
    """What the inputs and the outputs of a step with `count` states are called."""
    before = [f"state{i}" for i in range(count)]
    return ["x", *before], ["y", *[f"{name}_after" for name in before]]


def write_onnx(step: FunctionalStep, setting: Setting) -> Path:
    """Writes the step into the setting's folder."""
    path = setting.folder / "step.onnx"
    states = step.zero_states()
    inputs, outputs = names(len(states))
    graph = trace_step(step, setting.checked[0]).eval()
    # It has only to say how old it is.
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(
            graph, (setting.checked[0], *states), str(path), dynamo=False, opset_version=OPSET,
            input_names=inputs, output_names=outputs,
        )
    return path
