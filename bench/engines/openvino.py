"""OpenVINO: a functional step as an ONNX model whose states are its own."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import torch

from .functional_step import FunctionalStep
from .onnx_step import names, write_onnx
from .setting import PythonEngine, Setting, Unavailable, step_by_step

# The chosen precision would be bfloat16 on processors that have it.
_OPTIONS = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
}


def open_engine(setting: Setting) -> PythonEngine:
    try:
        import openvino
        import openvino.passes
    except ImportError as error:
        raise Unavailable("openvino is not installed") from error
    step = FunctionalStep(setting)
    core = openvino.Core()
    model = core.read_model(str(write_onnx(step, setting)))
    inputs, outputs = names(len(step.state_shapes))
    # Else each call would copy the states in and out.
    stateful = openvino.passes.Manager()
    stateful.register_pass(
        openvino.passes.MakeStateful(dict(zip(inputs[1:], outputs[1:], strict=True)))
    )
    stateful.run_passes(model)
    request = core.compile_model(model, "CPU", _OPTIONS).create_infer_request()
    y = setting.case.model()(setting.checked[0]).clone()
    request.set_output_tensor(0, openvino.Tensor(y.numpy(), shared_memory=True))

    def call(x: torch.Tensor) -> torch.Tensor:
        """The output's buffer, which the next step overwrites."""
        request.set_input_tensor(0, openvino.Tensor(x.numpy(), shared_memory=True))
        request.infer()
        return y

    if setting.steps > 1:
        one, call = call, step_by_step(lambda x: one(x).clone())
    return PythonEngine(setting, request.reset_state, call, "its own states, latency hint, float32")
