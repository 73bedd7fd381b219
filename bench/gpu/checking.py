"""Checks and times the packed models on the GPU at hand, and writes what came of it."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]
os.environ.setdefault("TTC_HOME", str(FOLDER))
for part in ("python", "bench", "bench/gpu", "packages"):
    sys.path.insert(0, str(FOLDER / part))

import torch  # noqa: E402
import ttc  # noqa: E402

import pages  # noqa: E402
import timing  # noqa: E402
from conformance import check_layer, check_narrow  # noqa: E402

CHECKED_BATCHES, CHECKED_STEPS = (1, 64, 1000), (1, 128)
TIMED_BATCHES, TIMED_STEPS = (1, 64, 1024, 16384), (1, 128)
QUICK_BATCHES, QUICK_STEPS = (1, 5), (1, 7)


def main() -> int:
    parser = argparse.ArgumentParser(prog="gpu-check.sh run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches and short sequences")
    parser.add_argument("--no-times", action="store_true", help="check only")
    parser.add_argument("--device", default="cuda:0", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, default=FOLDER / "performance-gpu.md",
                        metavar="FILE", help="default: %(default)s; .json is written beside it")
    options = parser.parse_args()
    packed = json.loads((FOLDER / "models.json").read_text())
    torch.set_num_threads(1)
    layers = _check(packed["layers"], options)
    wrong = [layer for layer in layers if layer["findings"]]
    for layer in wrong:
        for finding in layer["findings"]:
            print(f"error: {layer['section']}: {layer['name']}: {finding}", file=sys.stderr)
    print(f"conformance: {len(layers) - len(wrong)} of {len(layers)} layers agree")
    narrow, failures = _check_narrow(packed["cases"], options)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    gpu, times = None, []
    if not options.no_times:
        gpu = timing.measure_gpu() if torch.cuda.is_available() else None
        times = _time(packed["cases"], gpu, options)
    found = {"date": time.strftime("%Y-%m-%d"), "gpu": gpu and vars(gpu), "layers": layers,
             "narrow": narrow, "times": times, "torch": torch.__version__}
    options.markdown.write_text(pages.markdown(found))
    options.markdown.with_suffix(".json").write_text(json.dumps(found, indent=1))
    print(f"wrote '{options.markdown}' and '{options.markdown.with_suffix('.json').name}' beside it")
    return 1 if wrong or failures else 0


def _check(packed: list, options: argparse.Namespace) -> list:
    batches = QUICK_BATCHES if options.quick else CHECKED_BATCHES
    steps = QUICK_STEPS if options.quick else CHECKED_STEPS
    layers = []
    for number, layer in enumerate(packed):
        _progress(f"[{number + 1}/{len(packed)}] {layer['section']}: {layer['name']}")
        try:
            layers.append(check_layer(FOLDER, layer, options.device, batches, steps))
        except ttc.Error as error:
            layers.append({"name": layer["name"], "section": layer["section"], "worst": None,
                           "findings": [str(error)]})
    _progress("")
    return layers


def _check_narrow(packed: list, options: argparse.Namespace) -> tuple[list, list[str]]:
    """What was found of each case, and what is wrong with it, in a sentence."""
    found, failures = [], []
    for entry in packed:
        _progress(f"case {entry['name']}: products by matrix units")
        try:
            found += check_narrow(FOLDER, entry, options.device)
        except ttc.Error as error:
            failures.append(f"case {entry['name']}: {error}")
    _progress("")
    failures += [
        f"case {one['case']}: products in {one['products']} differ from float32 by "
        f"{one['error']:.3g}, {one['allowed']:.3g} is allowed"
        for one in found if not one["agrees"]
    ]
    return found, failures


def _time(packed: list, gpu: timing.Gpu | None, options: argparse.Namespace) -> list:
    from cases import GROUPS

    cases = {case.name: case for group in GROUPS.values() for case in group}
    times = []
    for entry in packed:
        for batch in QUICK_BATCHES if options.quick else TIMED_BATCHES:
            for steps in QUICK_STEPS if options.quick else TIMED_STEPS:
                _progress(f"case {entry['name']}, batch {batch}, {steps} timesteps")
                times.append(_time_setting(cases[entry["name"]], entry, batch, steps, gpu,
                                           options.device))
    _progress("")
    return times


def _time_setting(case, entry: dict, batch: int, steps: int, gpu: timing.Gpu | None,
                  device: str) -> dict:
    library = FOLDER / entry["library"]
    weights = torch.load(FOLDER / entry["weights"])
    entry["weight_bytes"] = sum(tensor.nbytes for tensor in weights.values())
    there = device if gpu else "cpu"
    engines = {
        "ttc": lambda: timing.time_ttc(library, device, batch, steps),
        "ttc on the CPU": lambda: timing.time_ttc(library, "cpu", batch, steps),
        "reference": lambda: timing.time_reference(case, weights, batch, steps, there),
    }
    for products, path in entry["narrow"].items():
        engines[f"ttc {products}"] = \
            lambda path=FOLDER / path: timing.time_ttc(path, device, batch, steps)
    if gpu:
        engines |= {
            "CUDA graph": lambda: timing.time_graph(case, weights, batch, steps, False),
            "torch.compile": lambda: timing.time_graph(case, weights, batch, steps, True),
            "cuDNN": lambda: timing.time_cudnn(case, batch, steps),
        }
    setting = {"case": entry["name"], "description": entry["description"], "batch": batch,
               "steps": steps, "us": {}, "failed": {}, "bound_us": None}
    for name, run in engines.items():
        try:
            setting["us"][name] = run()
        except Exception as error:  # whatever a peer does, the others have their times
            setting["failed"][name] = f"{type(error).__name__}: {error}"[:300]
    if gpu and "ttc" in setting["us"]:
        model = ttc.load(library)
        setting["bound_us"] = timing.bound_us(gpu, entry, model, batch, steps)
    return setting


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
