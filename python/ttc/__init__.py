"""ttc: a compiler for stateful neural networks, from Python.

    ttc.export(model, example_input, "net")     # net.mlir and net.safetensors
    c = ttc.compile(model, example_input)       # a drop-in module
    c.load_states(ttc.states_from_torch(c, {"lstm": (h_n, c_n)}))  # goes on where PyTorch stopped
    c = ttc.load("libnet.so", weights="net.safetensors")
    print(ttc.check(model, example_input))      # every reason why a model cannot be exported
    c = ttc.from_onnx("net.onnx").compile()     # recurrent operators of ONNX
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from .checking import Report, check
from .compiled import CompiledModel
from .compiling import compile, load
from .errors import Error, UnsupportedError
from .exporting import export
from .initial_states import states_from_keras, states_from_torch
from .onnx_models import ImportedModel, from_onnx

__version__ = "0.1.0"

__all__ = [
    "CompiledModel", "Error", "ImportedModel", "Report", "UnsupportedError", "check", "compile",
    "export", "from_onnx", "load", "states_from_keras", "states_from_torch",
]
