"""IREE: a functional step, by way of ONNX, compiled for this CPU and called from Python."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from .functional_step import FunctionalStep
from .onnx_step import OPSET, write_onnx
from .setting import PythonEngine, Setting, Unavailable

_OPTIONS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
)


def open_engine(setting: Setting) -> PythonEngine:
    if importlib.util.find_spec("iree") is None:
        raise Unavailable("iree-base-compiler and iree-base-runtime are not installed")
    return _IreeEngine(setting)


class _IreeEngine(PythonEngine):
    """Takes and returns buffers of IREE: conversions are not part of the times."""

    def __init__(self, setting: Setting):
        import iree.runtime

        step = FunctionalStep(setting)
        binary = _compile(write_onnx(step, setting))
        # Runs in the thread that calls.
        config = iree.runtime.Config("local-sync")
        module = iree.runtime.load_vm_module(
            iree.runtime.VmModule.copy_buffer(config.vm_instance, binary.read_bytes()), config
        )
        self._device = config.device
        self._step = module.main_graph
        self._shapes = step.zero_states()
        self._states: list = []
        super().__init__(setting, self._zero, self._call, "llvm-cpu, local-sync")
        self._timed = [
            [self._place(x) for x in (xs if setting.steps > 1 else [xs])] for xs in self._timed
        ]

    def _place(self, tensor: torch.Tensor) -> Any:
        import iree.runtime

        return iree.runtime.asdevicearray(self._device, tensor.numpy())

    def _zero(self) -> None:
        self._states = [self._place(state) for state in self._shapes]

    def _call(self, x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            steps = x.unbind() if self.setting.steps > 1 else [x]
            ys = [torch.from_numpy(self._call([self._place(x)])[0].to_host()) for x in steps]
            return torch.stack(ys) if self.setting.steps > 1 else ys[0]
        ys = []
        for timestep in x:
            y, *self._states = self._step(timestep, *self._states)
            ys.append(y)
        return ys

    def time(self, calls: int) -> float:
        if not self._states:
            self._zero()
        return super().time(calls)


def _compile(model: Path) -> Path:
    """The step for this CPU, as code for IREE's runtime."""
    imported, binary = model.with_suffix(".iree.mlir"), model.with_suffix(".vmfb")
    programs = Path(sys.executable).parent
    _run(programs / "iree-import-onnx", model, "--opset-version", OPSET, "-o", imported)
    _run(programs / "iree-compile", imported, *_OPTIONS, "-o", binary)
    return binary


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise Unavailable(f"{Path(str(command[0])).name} failed: {reason}")
