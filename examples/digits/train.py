"""How the digits models are trained and where their files come from.

    .venv/bin/python examples/digits/train.py

Trains two spiking classifiers of handwritten digits, one with smooth and one with hard events,
and writes them, the test set and the reference's outputs into this folder. Needs about a minute.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import tracetorch as tt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import ttc

STEPS = 32  # timesteps an image is shown for
TEST_IMAGES = 360
SEED = 0
REQUIRED_ACCURACY = 0.95


class DigitsModel(tt.Model):
    """64 pixels' events in, 10 membranes out, a timestep a call: (…, 64) -> (…, 10)."""

    def __init__(self, quant_fn: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64, 128),
            tt.snn.LIB(128, quant_fn=quant_fn),
            nn.Linear(128, 10),
            tt.snn.LI(10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def encode(images: np.ndarray) -> np.ndarray:
    """Events of images with intensities 0..16: (n, 64) -> (STEPS, n, 64), each 0 or 1.

    Each pixel carries its intensity / 16 over from step to step and fires when it has gathered a
    whole 1: after t steps it has fired floor(t * intensity / 16) times. No randomness is in it.
    """
    gathered = np.arange(STEPS + 1)[:, None, None] * images.astype(np.int64) // 16
    return np.diff(gathered, axis=0).astype(np.uint8)


def show(model: DigitsModel, events: torch.Tensor) -> torch.Tensor:
    """The outputs for a sequence from no states: (STEPS, n, 64) -> (STEPS, n, 10)."""
    model.zero_states()
    return torch.stack([model(x) for x in events])


def accuracy(outputs: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of images whose largest output, summed over time, is that of their label."""
    return (outputs.sum(0).argmax(-1) == labels).float().mean().item()


def train(model: DigitsModel, events: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    order = torch.Generator().manual_seed(SEED)
    for epoch in range(epochs):
        for batch in torch.randperm(len(labels), generator=order).split(64):
            logits = show(model, events[:, batch]).mean(0)
            loss = nn.functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"  epoch {epoch + 1:2}: loss {loss.item():.4f}", flush=True)
    model.zero_states()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="the folder")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()

    digits = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        digits.data.astype(np.uint8), digits.target, test_size=TEST_IMAGES, random_state=SEED,
        stratify=digits.target,
    )
    train_events = torch.from_numpy(encode(train_images)).float()
    test_events = encode(test_images)
    np.save(options.out / "test_events.npy", test_events)
    np.save(options.out / "test_labels.npy", test_labels.astype(np.int64))

    # One thread adds in one order: the same run gives the same bytes.
    torch.set_num_threads(1)
    quantizers = {"smooth": nn.Identity(), "hard": tt.functional.round_ste()}
    for name, quant_fn in quantizers.items():
        print(f"{name}:")
        start = time.perf_counter()
        torch.manual_seed(SEED)
        model = DigitsModel(quant_fn)
        train(model, train_events, torch.from_numpy(train_labels), options.epochs)
        model.eval()
        with torch.no_grad():
            outputs = show(model, torch.from_numpy(test_events).float())
        model.zero_states()
        found = accuracy(outputs, torch.from_numpy(test_labels))
        print(f"  accuracy {found:.2%} on {TEST_IMAGES} images, "
              f"{time.perf_counter() - start:.0f} s")
        if found < REQUIRED_ACCURACY:
            raise SystemExit(f"{name}: an accuracy of {found:.2%} is below {REQUIRED_ACCURACY:.0%}")
        np.save(options.out / f"{name}_outputs.npy", outputs.numpy())
        ttc.export(model, torch.from_numpy(test_events[0]).float(), options.out / name)


if __name__ == "__main__":
    main()
