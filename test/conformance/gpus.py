"""How tests come by code for GPUs: on the emulator, and through CUDA's assembler."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import ttc
from torch import nn
from ttc import toolchain

EMULATOR = toolchain.home() / "build/emulator/libcuda.so.1"
# What a model is compiled with to run there.
EMULATED = {"target": "cuda", "gpu_arch": "emulated"}


def load_emulator() -> ctypes.CDLL:
    """From then on whoever looks for a driver gets it."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: scripts/gpu-check.sh compares models on it")
    assert EMULATOR.is_file(), f"the emulator is not at '{EMULATOR}': run scripts/build.sh"
    return ctypes.CDLL(str(EMULATOR))


class Emulated(ctypes.Structure):
    """What the emulator has done: TtcEmulator in test/emulator/Emulator.h."""

    _fields_ = [
        ("failing", ctypes.c_char_p),
        *((name, ctypes.c_int) for name in (
            "error", "blocks", "pinned", "modules", "streams", "graphs", "contexts",
            "kernels", "graph_launches", "copies")),
        *((name, ctypes.c_uint32) for name in (
            "grid_x", "grid_y", "block_threads", "cluster_blocks", "shared_bytes",
            "shared_uses")),
        ("stream", ctypes.c_void_p),
    ]

    @classmethod
    def of(cls, driver: ctypes.CDLL) -> Emulated:
        return cls.in_dll(driver, "ttc_emulator")


class DeviceMemory:
    """Memory of the first device, as a caller has it who passes pointers; freed at the end."""

    def __init__(self, driver: ctypes.CDLL):
        self._driver = driver
        self._blocks: list[ctypes.c_uint64] = []

    def __enter__(self) -> DeviceMemory:
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self._call("cuCtxPushCurrent_v2", context)
        return self

    def __exit__(self, *_) -> None:
        for block in self._blocks:
            self._call("cuMemFree_v2", block)
        self._call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))
        self._call("cuDevicePrimaryCtxRelease_v2", 0)

    def copy_of(self, x: torch.Tensor, shift: int = 0) -> int:
        """The address of a copy, which lies `shift` bytes behind where a block begins."""
        block, size = ctypes.c_uint64(), x.numel() * x.element_size()
        self._call("cuMemAlloc_v2", ctypes.byref(block), ctypes.c_size_t(size + shift))
        self._blocks.append(block)
        there = block.value + shift
        source = ctypes.c_void_p(x.data_ptr())
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(there), source, ctypes.c_size_t(size))
        return there

    def read(self, there: int, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        x = torch.empty(shape, dtype=dtype)
        size = ctypes.c_size_t(x.numel() * x.element_size())
        target = ctypes.c_void_p(x.data_ptr())
        self._call("cuMemcpyDtoH_v2", target, ctypes.c_uint64(there), size)
        return x

    def _call(self, name: str, *arguments) -> None:
        error = getattr(self._driver, name)(*arguments)
        assert error == 0, f"{name} returned {error}"


def assemble(
    model: nn.Module, example, architecture: str, folder: Path, *options: str
) -> str:
    """What ptxas says of a model's kernels, compiled with the driver's `options`."""
    ptxas = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")
    if ptxas is None:
        pytest.skip("there is no ptxas: CUDA's toolkit is not installed")
    known = subprocess.run([ptxas, "--help"], capture_output=True, text=True, check=True).stdout
    if f"'{architecture}'" not in known:
        pytest.skip(f"the ptxas at '{ptxas}' does not know {architecture}: it is of another CUDA")
    ttc.export(model, example, folder / "net")
    ptx = folder / "net.ptx"
    target = ["--target=nvptx", f"--gpu-arch={architecture}", "--emit=ptx"]
    toolchain.run_driver(folder / "net.mlir", ptx, [*target, *options])
    command = [ptxas, "-v", f"-arch={architecture}", "-o", folder / "net.cubin", ptx]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr
