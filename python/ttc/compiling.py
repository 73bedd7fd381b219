"""How a module, or a library that the compiler made, becomes a compiled model."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.utils import _pytree as pytree

from . import devices, native, toolchain
from .compiled import CompiledModel
from .errors import Error, Place, UnsupportedError
from .exporting import Examples, check_batch, converted, export_model, write_file
from .params import Parameters
from .subject import FLOATS
from .tensors import as_tensors

_STORAGE = {torch.bfloat16: "bf16", torch.float16: "f16"}
_WEIGHTS_STORAGE = {torch.float32: "f32", **_STORAGE, torch.int8: "int8"}
_PRODUCTS = {torch.float32: "f32", torch.bfloat16: "bf16", "tf32": "tf32"}


def compile(
    model: nn.Module,
    example_input: Examples,
    target: str = "cpu",
    batch: int | None = None,
    dtype: torch.dtype | None = None,
    weights_dtype: torch.dtype | None = None,
    products_dtype: torch.dtype | str | None = None,
    schedule: str | None = None,
    threads: int = 1,
    gpu_arch: str | None = None,
) -> CompiledModel:
    """Compiles a module for this machine.

    model, example_input, batch: as for `ttc.export`; the model is left as it is, and the compiled
        one starts without states.
    target: "cpu"; "cuda" for NVIDIA's GPUs; or "cpu,cuda" for both, in one file. The states begin
        on the first that is named; `to` and `load_states` move them.
    gpu_arch: what the code for GPUs is for, such as "sm_90", or several separated by commas; by
        default the GPU of this machine, or else the compiler's choice.
    dtype: torch.float32 or torch.float64 to compute in, the model and the examples converted; by
        default the model's own. torch.bfloat16 or torch.float16: computed in float32, with the
        states and the weights of matrices kept in that; inputs and outputs stay float32.
    schedule: "key=value,key=value" to lay the timestep out otherwise than the compiler would
        choose for the CPU of this machine; docs/schedule.md has the keys.
    threads: how many threads make a timestep together. The bits are those of one; it pays where
        the weights are more than the cache of one core holds, or the batch is large. `set_threads`
        changes it, up to this number.
    weights_dtype: torch.bfloat16, torch.float16 or torch.int8 to keep the weights of matrices
        alone in that, torch.float32 to leave them as they are where dtype narrows the states.
        With torch.int8 each output feature has a scale, 1/127 of its largest weight. The states
        stay what they are, so that they can move between models that differ in this alone.
    products_dtype: torch.bfloat16 to round what products with matrices multiply, inputs and
        weights, and to sum in float32. Faster on a CPU only where it multiplies pairs of bf16
        (AVX-512 BF16): up to twice as fast (docs/narrow.md, docs/schedule.md). On a GPU they are
        multiplied by its matrix units, and with "tf32", rounded to ten bits of the fraction
        instead of seven, too (docs/gpu.md); a CPU stays with float32 then.

    A model that runs a torch.nn.RNN, LSTM or GRU over a sequence is compiled for one timestep:
    `c(x)` takes one without the time axis, `c.run(xs)` takes (T, ...). The initial states are the
    session's (load_states), not inputs, and the final ones (save_states) not outputs.

    Raises UnsupportedError, naming the module, for a model that ttc cannot compile (ttc.check
    lists every reason), and Error for wrong arguments.
    """
    options = devices.target_options(target, gpu_arch)
    if dtype not in (None, *FLOATS, *_STORAGE):
        raise UnsupportedError(
            f"the dtype {dtype} is not supported; use torch.float32 or torch.float64, or "
            f"torch.bfloat16 or torch.float16 to store states and weights in"
        )
    if weights_dtype not in (None, *_WEIGHTS_STORAGE):
        raise UnsupportedError(
            f"the weights_dtype {weights_dtype} is not supported; use torch.float32, "
            f"torch.bfloat16, torch.float16 or torch.int8"
        )
    if dtype is not None:
        model, example_input = converted(
            model, example_input, dtype if dtype in FLOATS else torch.float32
        )
    if dtype in _STORAGE:
        options.append(f"--storage={_STORAGE[dtype]}")
    if schedule is not None:
        options.append(f"--schedule={schedule}")
    if threads < 1:
        raise Error(f"the number of threads is {threads}, expected at least 1")
    if threads > 1:
        options.append(f"--threads={threads}")
    if weights_dtype is not None:
        options.append(f"--weights-storage={_WEIGHTS_STORAGE[weights_dtype]}")
    if products_dtype not in (None, *_PRODUCTS):
        raise UnsupportedError(
            f"the products_dtype {products_dtype} is not supported; use torch.float32, "
            f"torch.bfloat16 or 'tf32'"
        )
    if products_dtype is not None:
        options.append(f"--products={_PRODUCTS[products_dtype]}")
    exported = export_model(model, example_input, "model")
    # Fixed by the compiler and not in the model IR: the same model has the same fingerprint.
    if batch is not None and check_batch(exported.inputs, batch):
        options.append(f"--batch={batch}")
    parameters = Parameters(
        exported.state_dict, list(exported.constrained), dict(exported.aliases),
        dict(exported.renamed),
    )
    weights = native.Weights.lend(exported.weights)
    compiled = _compiled(
        exported.text, parameters, weights, options, exported.output, exported.booleans,
        exported.place_of, devices.first_device(target),
    )
    compiled.set_threads(threads)
    return compiled


def compile_text(
    text: str,
    weights: OrderedDict[str, torch.Tensor],
    options: Sequence[str] = (),
    device: str = "cpu",
) -> CompiledModel:
    """Compiles model IR with its weights for this machine. Raises Error where either is wrong."""
    return _compiled(
        text, Parameters(weights), native.Weights.lend(weights), options, device=device
    )


class _Folder:
    """A temporary folder, there as long as this object.

    load_state_dict opens the library again, in whichever stream on the same weights is left last.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ttc-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _compiled(
    text: str,
    parameters: Parameters,
    weights: native.Weights,
    options: Sequence[str],
    structure: pytree.TreeSpec | None = None,
    booleans: Sequence[int] = (),
    place_of: Callable[[int], Place] = lambda line: Place(),
    device: str = "cpu",
) -> CompiledModel:
    folder = _Folder()
    source, library = folder.path / "model.mlir", folder.path / "libmodel.so"
    write_file(source, text.encode())
    toolchain.run_driver(source, library, options, place_of)
    return CompiledModel(
        library, parameters, weights, structure=structure, booleans=booleans, folder=folder,
        device=device,
    )


def load(
    library: str | os.PathLike,
    weights: str | os.PathLike | Mapping[str, torch.Tensor] | None = None,
    strict: bool = True,
    threads: int = 1,
    device: str | torch.device | None = None,
) -> CompiledModel:
    """Loads a shared library that the compiler made.

    weights: a weights file (safetensors, what torch.save wrote, or the index.json of a checkpoint
        in several files), or tensors by key; None if the library was compiled with weights.
    strict: whether a key that the model does not have is an error; a missing one always is.
    threads: how many threads make a timestep together, at most as many as `ttc --threads=N` said.
    device: where the states are: "cpu", "cuda" or "cuda:0" and so on, for which the library must
        have been compiled; by default the CPU.

    Raises Error, naming the file and key, if either is not what it should be.
    """
    path = Path(library).absolute()
    on = devices.device_name("cpu" if device is None else device)
    parameters = lent = None
    if isinstance(weights, Mapping):
        tensors = as_tensors(weights, "weights")
        given = OrderedDict((key, tensor.clone()) for key, tensor in tensors.items())
        parameters, lent = Parameters(given), native.Weights.lend(given)
    elif weights is not None:
        lent = native.Weights.open(weights)
        parameters = Parameters(OrderedDict(lent.read()))
    compiled = CompiledModel(path, parameters, lent, strict, device=on)
    compiled.set_threads(threads)
    return compiled
