"""ttc as a C program runs it: the runtime's calls on bare pointers, timed by a loop in C."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import functools
import os
import time
from ctypes import byref, c_double, c_int32, c_int64, c_void_p
from pathlib import Path

import torch
import ttc
from ttc import native, toolchain

from .setting import Setting


@functools.cache
def timer() -> ctypes.CDLL:
    """StepTimer.cpp. Raises ttc.Error where it is not built."""
    native.library()  # the runtime that it calls is the one that ttc has found
    path = timer_path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ttc.Error(f"the timer '{path}' cannot be loaded: {error}") from error
    for name, *argtypes in (
        ("ttc_bench_steps", c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_int64, c_int64,
         c_int32, c_void_p),
        ("ttc_bench_runs", c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_int64, c_int64,
         c_int64, c_int32, c_void_p),
        ("ttc_bench_empty", c_int64, c_void_p),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = c_double, argtypes
    return library


def timer_path() -> Path:
    """The library of StepTimer.cpp: what TTC_BENCH_LIBRARY names, or the built one."""
    named = os.environ.get("TTC_BENCH_LIBRARY")
    return Path(named) if named else toolchain.home() / "build/lib/libttc_bench.so"


def call_timer(name: str, *arguments: object) -> float:
    """Nanoseconds a call. Raises ttc.Error with the runtime's sentence."""
    error = native.CError()
    nanoseconds = getattr(timer(), name)(*arguments, byref(error))
    if nanoseconds < 0:
        native.check(error.code, error)
    return nanoseconds


class _Buffers:
    """Tensors as the C API takes them: for each call, an array of one pointer."""

    def __init__(self, tensors: list[torch.Tensor]):
        self._tensors = tensors
        self._pointers = [(c_void_p * 1)(t.data_ptr()) for t in tensors]
        self.count = len(tensors)
        self.sets = (c_void_p * self.count)(*[ctypes.addressof(p) for p in self._pointers])


class CallEngine:
    """A model compiled with `options`, timed by that clock of clock_gettime.

    batch: as `ttc --batch` takes it; default: the setting's.
    """

    note = ""
    cores = 1
    clock = time.CLOCK_PROCESS_CPUTIME_ID

    def __init__(self, setting: Setting, *options: str, batch: str | None = None):
        self._setting = setting
        source = setting.folder / "model"
        ttc.export(setting.case.model(), setting.checked[0], source)
        # Of one path the loader would take what another engine has loaded.
        library = setting.folder / f"libmodel{''.join(options)}.so"
        given = ["--weights", f"{source}.safetensors", f"--batch={batch or setting.batch}"]
        toolchain.run_driver(source.with_suffix(".mlir"), library, [*given, *options])
        self._model = native.Model(library, None, True)
        self.session = native.Session(self._model)
        calls = setting.timed.shape[0]
        self._timed = _Buffers(list(setting.timed)), _Buffers(self._new_outputs(calls)[:1])

    def _new_outputs(self, calls: int) -> list[torch.Tensor]:
        setting = self._setting
        _, *features = self._model.outputs[0].shape
        return list(torch.empty(calls, setting.steps, setting.batch, *features))

    def outputs(self) -> torch.Tensor:
        setting = self._setting
        self.session.zero()
        inputs = list(setting.checked.unflatten(0, (-1, setting.steps)))
        outputs = self._new_outputs(len(inputs))
        self._call(_Buffers(inputs), _Buffers(outputs), len(inputs))
        return torch.cat(outputs)

    def time(self, calls: int) -> float:
        return self._call(*self._timed, calls)

    def _call(self, inputs: _Buffers, outputs: _Buffers, calls: int) -> float:
        setting = self._setting
        arguments = [
            self.session.pointer, inputs.sets, inputs.count, outputs.sets, outputs.count,
            setting.batch,
        ]
        if setting.steps == 1:
            return call_timer("ttc_bench_steps", *arguments, calls, self.clock)
        return call_timer("ttc_bench_runs", *arguments, setting.steps, calls, self.clock)


def open_engine(setting: Setting) -> CallEngine:
    return CallEngine(setting)


def open_dense(setting: Setting) -> CallEngine:
    """The same without lists of active inputs."""
    return CallEngine(setting, "--schedule=events=off")


def open_bf16(setting: Setting) -> CallEngine:
    return CallEngine(setting, "--weights-storage=bf16")


def open_bf16_products(setting: Setting) -> CallEngine:
    return CallEngine(setting, "--products=bf16")


def open_int8(setting: Setting) -> CallEngine:
    return CallEngine(setting, "--weights-storage=int8")
