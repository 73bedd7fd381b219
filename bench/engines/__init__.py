"""Which engines are there? One file each; the results name them as here."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from . import (
    aotinductor,
    iree,
    jax_scan,
    onnxruntime,
    openvino,
    plain_linalg,
    reference,
    reference_ttcompiled,
    torch_compile,
    torchscript,
    ttc_call,
    ttc_python,
    ttc_two_threads,
)

# What only hard events tell from another engine.
FOR_EVENTS = ("ttc-dense",)
# Whose compilers take long, the first time.
SLOW_TO_OPEN = ("torch.compile", "aotinductor")
# In the order of the tables. `ttc` is what the others are compared with, `reference` what the
# outputs are.
ENGINES = {
    "ttc": ttc_call.open_engine,
    "ttc-2-threads": ttc_two_threads.open_engine,
    "ttc-python": ttc_python.open_engine,
    "ttc-dense": ttc_call.open_dense,
    "ttc-bf16": ttc_call.open_bf16,
    "ttc-bf16-products": ttc_call.open_bf16_products,
    "ttc-int8": ttc_call.open_int8,
    "reference": reference.open_engine,
    "reference-ttcompiled": reference_ttcompiled.open_engine,
    "torchscript": torchscript.open_engine,
    "onnxruntime": onnxruntime.open_engine,
    "openvino": openvino.open_engine,
    "iree": iree.open_engine,
    "jax": jax_scan.open_engine,
    "torch.compile": torch_compile.open_engine,
    "aotinductor": aotinductor.open_engine,
    "plain-linalg": plain_linalg.open_engine,
}

# Those whose outputs are not those of f32: they are timed when they are asked for. How much of a
# matrix's bytes they read.
NARROW = {"ttc-bf16": 1 / 2, "ttc-bf16-products": 1 / 2, "ttc-int8": 1 / 4}
# Those whose products are of pairs of bf16, where the CPU multiplies such.
IN_PAIRS = ("ttc-bf16-products",)
