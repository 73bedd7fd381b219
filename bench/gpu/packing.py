"""Packs what checks and times models on a GPU: for a machine with a driver and PyTorch alone.

The folder has the compiled models, each for the CPU and for GPUs, with their weights inside; what
PyTorch gives for some inputs; the runtime, the Python package, the reference package and the
programs that run it all.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import shutil
import sys
import warnings
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
for folder in ("python", "bench", "test/conformance"):
    sys.path.insert(0, str(HOME / folder))

import torch  # noqa: E402
import ttc  # noqa: E402
from ttc import toolchain  # noqa: E402

import rows  # noqa: E402
from bounds import measure_work  # noqa: E402
from cases import GROUPS  # noqa: E402
from engines.setting import Setting  # noqa: E402

TIMED_GROUPS = ("a", "b", "c", "d", "e", "f", "g", "h")
# What matrix units multiply in, of the groups with products of 32 inputs or more.
NARROW_PRODUCTS = ("tf32", "bf16")
NARROW_GROUPS = ("a", "b", "c", "e", "f", "g")
QUICK_ROWS = ("LIB", "tt.rnn.GRU(6, 9, dim)", "LayerNorm(16)")
GOLDEN_BATCH, GOLDEN_STEPS = 4, 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/gpu-check.sh pack", description=__doc__)
    parser.add_argument("folder", type=Path, help="is made; must not be there")
    parser.add_argument("--gpu-arch", default="sm_80,sm_90",
                        help="as of ttc; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="three layers and one case")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    try:
        _pack(options)
    except (ttc.Error, FileExistsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _pack(options: argparse.Namespace) -> None:
    folder = options.folder
    (folder / "models").mkdir(parents=True)
    layers = [case for case in rows.CASES if not options.quick or case.name in QUICK_ROWS]
    groups = ("d",) if options.quick else TIMED_GROUPS
    timed = [
        (group, case) for group in groups for case in GROUPS[group]
        if case.quick or not options.quick
    ]
    packed: dict[str, list] = {"layers": [], "cases": []}
    for number, row in enumerate(layers):
        _progress(f"[{number + 1}/{len(layers)}] {row}")
        packed["layers"].append(_pack_layer(folder, number, row, options.gpu_arch))
    for group, case in timed[:1] if options.quick else timed:
        _progress(f"case {case.name}")
        # The quick case stands for all, though its products are too short.
        narrow = NARROW_PRODUCTS if group in NARROW_GROUPS or options.quick else ()
        packed["cases"].append(_pack_case(folder, case, narrow, options.gpu_arch))
    (folder / "models.json").write_text(json.dumps(packed, indent=1))
    _pack_programs(folder)
    print(f"packed {len(packed['layers'])} layers and {len(packed['cases'])} cases in '{folder}'")


def _pack_layer(folder: Path, number: int, row: rows.Case, gpu_arch: str) -> dict:
    torch.manual_seed(number)
    layout = row.layouts[0]
    module = row.make(random.Random(number), layout).eval().requires_grad_(False)
    shape = (GOLDEN_BATCH, *layout.shape)
    inputs = row.inputs(random.Random(number), shape, torch.float32)[:GOLDEN_STEPS]
    entry = {"name": row.name, "section": row.section, "library": f"models/layer{number}.so",
             "hard": "whole events" in row.section}
    # PyTorch's recurrent modules take sequences.
    if row.section != "PyTorch's recurrent layers":
        golden = {"inputs": inputs, "outputs": torch.stack([module(x).clone() for x in inputs])}
        entry["golden"] = f"models/layer{number}.pt"
        torch.save(golden, folder / entry["golden"])
    for layer in module.modules():
        if hasattr(layer, "zero_states"):
            layer.zero_states()
    _compile(module, inputs[0], folder / entry["library"], gpu_arch)
    return entry


def _pack_case(folder: Path, case, narrow: tuple[str, ...], gpu_arch: str) -> dict:
    name = case.name.replace(":", "-").replace("*", "x")
    model = case.model()
    entry = {"name": case.name, "description": case.description, "hard": case.hard,
             "library": f"models/case-{name}.so", "weights": f"models/case-{name}.pt"}
    torch.save(model.state_dict(), folder / entry["weights"])
    setting = Setting(case, 1, 1, folder, folder)
    entry["flops"] = measure_work(setting).flops  # of a row and a timestep
    entry["narrow"] = {products: f"models/case-{name}.{products}.so" for products in narrow}
    libraries = {products: folder / library for products, library in entry["narrow"].items()}
    _compile(case.model(), setting.checked[0], folder / entry["library"], gpu_arch, libraries)
    return entry


def _compile(module: torch.nn.Module, example: torch.Tensor, library: Path, gpu_arch: str,
             narrow: dict[str, Path] | None = None) -> None:
    stem = library.with_suffix("")
    ttc.export(module, example, str(stem))
    options = [f"--weights={stem.with_suffix('.safetensors')}", f"--gpu-arch={gpu_arch}"]
    # Any x86-64 may be beside the GPU.
    toolchain.run_driver(stem.with_suffix(".mlir"), library,
                         [*options, "--target=cpu,nvptx", "--mcpu=v4,v3,v2"])
    for products, path in (narrow or {}).items():
        toolchain.run_driver(stem.with_suffix(".mlir"), path,
                             [*options, "--target=nvptx", "--mcpu=v2", f"--products={products}"])


def _pack_programs(folder: Path) -> None:
    shutil.copytree(HOME / "python", folder / "python", ignore=_UNUSED)
    shutil.copytree(HOME / "bench", folder / "bench", ignore=_UNUSED)
    (folder / "build/lib").mkdir(parents=True)
    shutil.copy(toolchain.runtime(), folder / "build/lib")
    (folder / "scripts").mkdir()
    for script in ("gpu-check.sh", "say.sh"):
        shutil.copy(HOME / "scripts" / script, folder / "scripts")
    reference = Path(importlib.util.find_spec("tracetorch").origin).parent
    shutil.copytree(reference, folder / "packages/tracetorch", ignore=_UNUSED)


_UNUSED = shutil.ignore_patterns("__pycache__")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="" if text else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
