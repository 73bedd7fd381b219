"""ttc: a compiler for stateful neural networks, from Python.

    ttc.export(model, example_input, "net")     # net.mlir and net.safetensors
    c = ttc.compile(model, example_input)       # a drop-in module
    c = ttc.load("libnet.so", weights="net.safetensors")
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from .compiled import CompiledModel, compile, load
from .errors import Error, UnsupportedError
from .exporting import export

__version__ = "0.1.0"

__all__ = ["CompiledModel", "Error", "UnsupportedError", "compile", "export", "load"]
