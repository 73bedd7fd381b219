"""AOTInductor: a functional step compiled ahead of time, called and timed from C++."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import functools
import hashlib
import io
import os
import subprocess
from ctypes import c_char_p, c_double, c_int64, c_void_p
from pathlib import Path

import torch
import torch._inductor
from torch.utils import cpp_extension

from .functional_step import FunctionalStep
from .setting import Setting, Unavailable

_SOURCE = Path(__file__).with_name("AotiTimer.cpp")
# Autotuning makes products of one row four times faster, packed weights those of a batch twice.
_OPTIONS = {"max_autotune": True, "freezing": True}


@functools.cache
def _timer(cache: Path) -> ctypes.CDLL:
    """AotiTimer.cpp, built against this PyTorch."""
    key = hashlib.sha256(_SOURCE.read_bytes() + torch.__version__.encode()).hexdigest()[:16]
    path = cache / f"libaoti-timer-{key}.so"
    if not path.exists():
        libraries = Path(torch.__file__).parent / "lib"
        temporary = path.with_suffix(f".{os.getpid()}.so")
        command = [
            "g++", "-std=c++20", "-O2", "-fPIC", "-shared", str(_SOURCE), "-o", str(temporary),
            *[f"-I{folder}" for folder in cpp_extension.include_paths()],
            f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}",
            f"-L{libraries}", "-ltorch", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{libraries}",
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Unavailable(f"g++ cannot be run: {error.strerror}") from error
        if done.returncode != 0:
            line = next((s for s in done.stderr.splitlines() if "error" in s), "no reason given")
            raise Unavailable(f"its timer does not compile: {line.strip()}")
        os.replace(temporary, path)
    library = ctypes.CDLL(str(path))
    library.ttc_aoti_open.restype = c_void_p
    library.ttc_aoti_open.argtypes = [c_char_p, c_char_p, c_int64]
    library.ttc_aoti_zero.argtypes = [c_void_p]
    library.ttc_aoti_add_state.argtypes = [c_void_p, c_void_p, c_int64]
    library.ttc_aoti_close.argtypes = [c_void_p]
    library.ttc_aoti_steps.restype = c_double
    library.ttc_aoti_steps.argtypes = [
        c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_void_p, c_int64, c_char_p, c_int64,
    ]
    return library


def _shape(sizes: torch.Size) -> ctypes.Array:
    return (c_int64 * len(sizes))(*sizes)


class _Engine:
    note = "max-autotune, frozen weights; called from C++"
    cores = 1

    def __init__(self, setting: Setting, package: Path, step: FunctionalStep):
        self._setting = setting
        self._timer = _timer(setting.cache)
        self._error = ctypes.create_string_buffer(1024)
        self._timed = setting.timed.flatten(0, 1).contiguous()
        self._pointer = self._timer.ttc_aoti_open(
            os.fsencode(package), self._error, len(self._error)
        )
        if not self._pointer:
            raise Unavailable(self._reason())
        for shape in step.state_shapes:
            self._timer.ttc_aoti_add_state(self._pointer, _shape(shape), len(shape))

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            self._timer.ttc_aoti_close(self._pointer)

    def outputs(self) -> torch.Tensor:
        inputs = self._setting.checked.contiguous()
        outputs = torch.empty(len(inputs), *self._setting.case.model()(inputs[0]).shape)
        self._timer.ttc_aoti_zero(self._pointer)
        self._steps(inputs, outputs, len(inputs))
        return outputs

    def time(self, calls: int) -> float:
        return self._steps(self._timed, None, calls * self._setting.steps) * self._setting.steps

    def _steps(self, inputs: torch.Tensor, outputs: torch.Tensor | None, steps: int) -> float:
        """Nanoseconds a timestep."""
        nanoseconds = self._timer.ttc_aoti_steps(
            self._pointer, inputs.data_ptr(), len(inputs), _shape(inputs.shape[1:]),
            inputs.ndim - 1, None if outputs is None else outputs.data_ptr(), steps, self._error,
            len(self._error),
        )
        if nanoseconds < 0:
            raise Unavailable(self._reason())
        return nanoseconds

    def _reason(self) -> str:
        return self._error.value.decode("utf-8", "replace").splitlines()[0]


def open_engine(setting: Setting) -> _Engine:
    if not setting.case.compiled_by_torch:
        raise Unavailable("not run for this case: it takes too long to compile")
    step = FunctionalStep(setting).eval()
    return _Engine(setting, _compile(setting, step), step)


def _compile(setting: Setting, step: FunctionalStep) -> Path:
    """The package of a step; made once for each graph and its weights."""
    arguments = (setting.checked[0], *step.zero_states())
    with torch.no_grad():
        program = torch.export.export(step, arguments, strict=False)
    weights = io.BytesIO()
    torch.save(program.state_dict | dict(program.constants), weights)
    told = [program.graph_module.code, [t.shape for t in arguments], _OPTIONS, torch.__version__]
    key = hashlib.sha256(repr(told).encode() + weights.getvalue()).hexdigest()[:24]
    package = setting.cache / f"aoti-{key}.pt2"
    if not package.exists():
        with torch.no_grad():
            torch._inductor.aoti_compile_and_package(
                program, package_path=str(package), inductor_configs=dict(_OPTIONS)
            )
    return package
