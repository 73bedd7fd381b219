"""Does a model give on the GPU what it gives on the CPU, and what PyTorch gave?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import ttc
from torch.utils import _pytree as pytree

RTOL, ATOL = 1e-4, 1e-5  # ATOL of the largest output, or of 1
MAX_DIFFERENT = 0.02  # of the elements, with hard events
FRACTION_BITS = {"tf32": 10, "bf16": 7}
NARROW_BATCH, NARROW_STEPS = 33, 4


def check_layer(folder: Path, layer: dict, device: str, batches: list, steps: list) -> dict:
    """The largest error in tolerances (or share of elements, with hard events), and findings."""
    path = folder / layer["library"]
    worst, findings = 0.0, []
    compared = []
    if "golden" in layer:
        golden = torch.load(folder / layer["golden"])
        found = _single(ttc.load(path, device=device).run(golden["inputs"]))
        compared.append(("PyTorch", found, golden["outputs"]))
    for batch in batches:
        for count in steps:
            compared.append((f"the CPU, batch {batch}, {count} timesteps",
                             *_both(path, device, batch, count)))
    batch, count = batches[0], steps[-1]
    compared.append(("the GPU's going on, resumed on the CPU", *_resumed(path, device, batch, count)))
    for what, found, expected in compared:
        error = _error(found, expected, layer["hard"])
        worst = max(worst, error)
        if not error <= 1:
            findings.append(f"differs from {what}: {error:.3g} of what is allowed")
    return {"name": layer["name"], "section": layer["section"], "worst": worst,
            "findings": findings}


def check_narrow(folder: Path, entry: dict, device: str) -> list[dict]:
    """How far products by matrix units are from those in float32, of the largest output."""
    found = []
    for products, library in entry["narrow"].items():
        narrow, exact = (
            ttc.load(folder / path, device=device) for path in (library, entry["library"])
        )
        outputs = []
        for model in (narrow, exact):
            inputs = draw_inputs(model, NARROW_BATCH, NARROW_STEPS)
            outputs.append(_single(model.run(*inputs)).double())
        largest = outputs[1].abs().max().clamp(min=torch.finfo(torch.float32).tiny)
        error = ((outputs[0] - outputs[1]).abs().max() / largest).item()
        # An event that falls the other way is as large as an output.
        allowed = float("inf") if entry["hard"] else 16 * 2.0 ** -FRACTION_BITS[products]
        found.append({"case": entry["name"], "products": products, "error": error,
                      "allowed": allowed, "agrees": error <= allowed})
    return found


def draw_inputs(model: ttc.CompiledModel, batch: int, steps: int) -> list[torch.Tensor]:
    """Timesteps for the inputs of a model, the same every time."""
    generator = torch.Generator().manual_seed(batch * 1000 + steps)
    inputs = []
    native = model._live.model
    for spec, limit in zip(native.inputs, native.limits):
        shape = (steps, *(batch if size == -1 else size for size in spec.shape))
        if spec.dtype.is_floating_point:
            inputs.append(torch.randn(shape, generator=generator, dtype=spec.dtype))
        else:
            inputs.append(torch.randint(limit or 2, shape, generator=generator).to(spec.dtype))
    return inputs


def _both(path: Path, device: str, batch: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs and states on the GPU and on the CPU, as one row each."""
    sides = []
    for where in (device, "cpu"):
        model = ttc.load(path, device=where)
        inputs = draw_inputs(model, batch, steps)
        if steps == 1:
            outputs = model(*[x[0] for x in inputs])
        else:
            outputs = model.run(*inputs)
        sides.append(_flat([*pytree.tree_leaves(outputs), *model.save_states().values()]))
    return sides[0], sides[1]


def _resumed(path: Path, device: str, batch: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Timesteps after a save on the GPU: made by the CPU from the file, and by the GPU."""
    model, resumed = ttc.load(path, device=device), ttc.load(path)
    inputs = draw_inputs(model, batch, steps)
    model.run(*inputs)
    with tempfile.TemporaryDirectory() as folder:
        model.save_states_file(Path(folder) / "states")
        resumed.load_states_file(Path(folder) / "states")
    return _single(resumed.run(*inputs)), _single(model.run(*inputs))


def _single(outputs: object) -> torch.Tensor:
    (output,) = pytree.tree_leaves(outputs)[:1]
    return output


def _flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.reshape(-1).double() for tensor in tensors])


def _error(found: torch.Tensor, expected: torch.Tensor, hard: bool) -> float:
    """In units of what is allowed: more than 1 is wrong."""
    found, expected = found.reshape(-1).double(), expected.reshape(-1).double()
    if found.shape != expected.shape or not expected.numel():
        return 0.0 if found.shape == expected.shape else float("inf")
    finite = expected[expected.isfinite()].abs()
    largest = max(1.0, finite.max().item() if finite.numel() else 0.0)
    same = (found == expected) | (found.isnan() & expected.isnan())
    error = (found - expected).abs() / (RTOL * expected.abs() + ATOL * largest)
    error = torch.where(same, 0.0, error).nan_to_num(nan=torch.inf)
    if hard:
        return (error > 1).double().mean().item() / MAX_DIFFERENT
    return error.max().item()
