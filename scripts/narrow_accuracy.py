#!/usr/bin/env python3
"""What do weights and states in fewer bits cost? Measures it, and writes docs/narrow.md.

    .venv/bin/python scripts/narrow_accuracy.py [--markdown docs/narrow.md] [--steps 4000]

Needs what scripts/setup.sh and scripts/build.sh make, and about three minutes.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import tracetorch as tt  # noqa: E402
import ttc  # noqa: E402
from torch import nn  # noqa: E402
from ttc import toolchain  # noqa: E402

# By what the tables call them: the driver's options.
STORAGES = {
    "weights bf16": ["--weights-storage=bf16"],
    "weights f16": ["--weights-storage=f16"],
    "weights int8": ["--weights-storage=int8"],
    "products bf16": ["--products=bf16"],
    "all bf16": ["--storage=bf16"],
    "all f16": ["--storage=f16"],
}
DIGITS = ROOT / "examples/digits"
SIZE, BATCH, SEED = 128, 8, 0
WINDOWS = (10, 100, 1000)  # timesteps at which a part of the table ends; and the last

INTRODUCTION = """\
# Weights and states in fewer bits: what they cost

Made by `scripts/narrow_accuracy.py`, which measures all of it. `weights` are `--weights-storage`
(`weights_dtype` in Python): the matrices of products alone; `products` is `--products`
(`products_dtype`): what products multiply, weights and inputs; `all` is `--storage` (`dtype`):
states and weights. Everything is compared with the same model in f32, compiled by ttc as well.

    ttc net.mlir --weights-storage=int8 --weights net.safetensors --report

prints the first table for any model.
"""


class Stack(tt.Model):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def _gru() -> nn.Module:
    return Stack(tt.rnn.GRU(SIZE, SIZE), tt.rnn.GRU(SIZE, SIZE), nn.Linear(SIZE, 20))


def _lib(quantizer: nn.Module | None = None) -> nn.Module:
    options = {} if quantizer is None else {"quant_fn": quantizer}
    layers = []
    for _ in range(2):
        layers += [nn.Linear(SIZE, SIZE), tt.snn.LIB(SIZE, **options)]
    model = Stack(*layers, nn.Linear(SIZE, 20))
    # Currents of a deviation of about 1, so that neurons fire now and then.
    for layer in model.net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=2 * SIZE**-0.5)
    return model


def _mamba() -> nn.Module:
    return Stack(*(tt.ssm.Mamba(SIZE) for _ in range(4)))


STACKS: dict[str, Callable[[], nn.Module]] = {
    "GRU": _gru,
    "LIB": _lib,
    "LIB, hard events": lambda: _lib(tt.functional.round_ste()),
    "Mamba": _mamba,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", type=Path, default=ROOT / "docs/narrow.md")
    parser.add_argument("--steps", type=int, default=4000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ttc-narrow-") as folder:
        text = INTRODUCTION + matrices(Path(folder)) + digits(Path(folder))
        text += sequences(Path(folder), options.steps)
    options.markdown.write_text(text)
    print(f"wrote {options.markdown}")


def load(model: Path, folder: Path, options: list[str]) -> ttc.CompiledModel:
    library = folder / f"lib{model.name}{''.join(options)}.so"
    toolchain.run_driver(model.with_suffix(".mlir"), library, options)
    return ttc.load(library, model.with_suffix(".safetensors"))


# The matrices.


def matrices(folder: Path) -> str:
    text = "\n## The weights of the digits\n" + paragraph(
        "Of each matrix of examples/digits the largest relative error of a row (an output feature's "
        "weights, by Euclidean norms), and the signal-to-noise ratio of all."
    )
    names = [name for name in STORAGES if name.startswith("weights")]
    text += line(["model, matrix", *names]) + line(["---", *["--:"] * len(names)])
    for model in ("smooth", "hard"):
        cells: dict[str, list[str]] = {}
        for name in names:
            for matrix in report(DIGITS / model, folder, STORAGES[name])["stored_weights"]:
                cells.setdefault(matrix["matrix"], []).append(
                    f"{matrix['worst_row']:.3%}, {matrix['snr_db']:.1f} dB"
                )
        for matrix, values in cells.items():
            text += line([f"{model}, `{matrix}`", *values])
    return text


def report(model: Path, folder: Path, options: list[str]) -> dict:
    command = [
        toolchain.driver(), model.with_suffix(".mlir"), "--report=json", *options,
        "--weights", model.with_suffix(".safetensors"), "-o", folder / "libreport.so",
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


# The digits.


def digits(folder: Path) -> str:
    events = torch.from_numpy(np.load(DIGITS / "test_events.npy")).float()
    labels = torch.from_numpy(np.load(DIGITS / "test_labels.npy"))
    text = "\n## Digits\n" + paragraph(
        f"The {len(labels)} test images of examples/digits, {len(events)} timesteps each. An image "
        "is what its largest output, summed over time, says. Errors of all outputs, relative to "
        "the root mean square of those of f32."
    )
    text += line(["model", "stored", "accuracy", "images that change", "rms error", "worst error"])
    text += line(["---", "---", *["--:"] * 4])
    for model in ("smooth", "hard"):
        exact = load(DIGITS / model, folder, []).run(events)
        guessed = exact.sum(0).argmax(-1)
        for name, options in {"f32": [], **STORAGES}.items():
            found = load(DIGITS / model, folder, options).run(events)
            guesses = found.sum(0).argmax(-1)
            text += line([
                model, name, f"{(guesses == labels).float().mean().item():.2%}",
                str((guesses != guessed).sum().item()), *errors(found, exact),
            ])
    return text


# Sequences.


def sequences(folder: Path, steps: int) -> str:
    ends = [end for end in WINDOWS if end < steps] + [steps]
    text = "\n## Long sequences\n" + paragraph(
        f"Random weights, {steps:,} timesteps of {BATCH} streams of normal "
        f"inputs, {SIZE} wide: two layers of GRU or of LIB with a matrix in front of each, four of "
        "Mamba. In each part of the sequence the rms error, and in brackets the worst, relative to "
        "the root mean square of the outputs of f32: where it is the same in all parts, it does "
        "not grow. Hard events make all of a small difference: from the first one that differs the "
        "two networks fire at other times."
    )
    begins = [1] + [end + 1 for end in ends[:-1]]
    text += line(["stack", "stored", *(f"steps {a:,} to {b:,}" for a, b in zip(begins, ends))])
    text += line(["---", "---", *["--:"] * len(ends)])
    xs = torch.randn(steps, BATCH, SIZE, generator=torch.Generator().manual_seed(SEED))
    for number, (stack, make) in enumerate(STACKS.items()):
        torch.manual_seed(SEED)
        model = folder / f"stack{number}"
        ttc.export(make().eval(), xs[0], model)
        exact = load(model, folder, []).run(xs)
        for name, options in STORAGES.items():
            found = load(model, folder, options).run(xs)
            cells = []
            for first, end in zip(begins, ends):
                part = slice(first - 1, end)
                rms, worst = errors(found[part], exact[part], exact)
                cells.append(f"{rms} ({worst})")
            text += line([stack, name, *cells])
    return text


def errors(
    found: torch.Tensor, exact: torch.Tensor, scale: torch.Tensor | None = None
) -> tuple[str, str]:
    """The root mean square and the largest of the differences, in percent of that of `scale`."""
    unit = (exact if scale is None else scale).double().square().mean().sqrt()
    difference = (found.double() - exact.double()).abs() / unit
    return percent(difference.square().mean().sqrt()), percent(difference.max())


def percent(value: torch.Tensor) -> str:
    """Two significant digits."""
    text = f"{100 * value.item():.2g}"
    return f"{100 * value.item():.0f} %" if "e+" in text else f"{text} %"


def paragraph(text: str) -> str:
    return "\n" + textwrap.fill(text, 100, break_on_hyphens=False) + "\n\n"


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main()
