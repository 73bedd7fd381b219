"""ONNX Runtime: a functional step as an ONNX model, on bound buffers."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence

import torch

from .functional_step import FunctionalStep
from .onnx_step import names, write_onnx
from .setting import PythonEngine, Setting, Unavailable, step_by_step


def open_engine(setting: Setting) -> PythonEngine:
    try:
        import onnxruntime
    except ImportError as error:
        raise Unavailable("onnxruntime is not installed") from error
    step = FunctionalStep(setting)
    model = write_onnx(step, setting)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"]
    )
    runner = _Runner(session, setting, step)
    call = runner.step
    if setting.steps > 1:
        call = step_by_step(lambda x: runner.step(x).clone())
    return PythonEngine(setting, runner.zero, call, "states in bound buffers")


class _Runner:
    """A session that writes the states of a step where the next one reads them.

    Two sets of states take turns: what a step reads it must not write.
    """

    def __init__(self, session, setting: Setting, step: FunctionalStep):
        self._session = session
        self._sets = [step.zero_states() for _ in range(2)]
        self._y = setting.case.model()(setting.checked[0]).clone()
        self._turn = 0
        self._bindings = [self._bind(*self._sets), self._bind(*reversed(self._sets))]

    def _bind(self, before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]):
        binding = self._session.io_binding()
        inputs, outputs = names(len(before))
        for name, tensor in zip(inputs[1:], before):
            binding.bind_input(name, *_place(tensor))
        for name, tensor in zip(outputs, [self._y, *after]):
            binding.bind_output(name, *_place(tensor))
        return binding

    def zero(self) -> None:
        for states in self._sets:
            for state in states:
                state.zero_()

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """The output's buffer, which the next step overwrites."""
        binding = self._bindings[self._turn]
        self._turn = 1 - self._turn
        binding.bind_input("x", *_place(x))
        self._session.run_with_iobinding(binding)
        return self._y


def _place(tensor: torch.Tensor) -> tuple:
    return "cpu", 0, "float32", tuple(tensor.shape), tensor.data_ptr()
