"""How tests come by code for GPUs: on the emulator, and through CUDA's assembler."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

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


def assemble(model: nn.Module, example, architecture: str, folder: Path) -> str:
    """What ptxas says of a model's kernels."""
    ptxas = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")
    if ptxas is None:
        pytest.skip("there is no ptxas: CUDA's toolkit is not installed")
    ttc.export(model, example, folder / "net")
    ptx = folder / "net.ptx"
    options = ["--target=nvptx", f"--gpu-arch={architecture}", "--emit=ptx"]
    toolchain.run_driver(folder / "net.mlir", ptx, options)
    command = [ptxas, "-v", f"-arch={architecture}", "-o", folder / "net.cubin", ptx]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr
