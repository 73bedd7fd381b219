"""How fast can a timestep be on this machine at best?

The bound of a setting is the larger of two times: its multiplications and additions at the rate of
fused multiply-adds, and its bytes (weights, states, inputs, outputs) at the speed of the level of
memory in which they can stay. Where a product's input is zero its column need not be read: events
count as far as they are active. A sequence need read weights and states once. All this is what no
code can avoid; sigmoids, exponentials and calls come on top.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch
import ttc
from torch import nn
from ttc import toolchain

from engines.setting import Setting

_PRODUCTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class Level:
    name: str
    bytes: int  # 0 for memory
    read_gbs: float


@dataclass(frozen=True)
class Machine:
    """What ttc-roofline measured on one core."""

    fma_gflops: float
    pair_gflops: float  # of pairs of bf16; 0 where the CPU multiplies none
    indirect_call_ns: float
    levels: list[Level]

    def of_cores(self, cores: int) -> Machine:
        """What so many such cores can do together at best."""
        levels = [
            Level(level.name, cores * level.bytes, cores * level.read_gbs) for level in self.levels
        ]
        return Machine(
            cores * self.fma_gflops, cores * self.pair_gflops, self.indirect_call_ns, levels
        )

    def seconds_to_read(self, count: float) -> float:
        """Each byte from the nearest level in which there is room for it."""
        seconds = 0.0
        for level in self.levels:
            here = min(count, level.bytes) if level.bytes else count
            seconds += here / (level.read_gbs * 1e9)
            count -= here
        return seconds


def roofline_path() -> Path:
    """The program of roofline.cpp: the environment variable TTC_ROOFLINE, or the built one."""
    named = os.environ.get("TTC_ROOFLINE")
    return Path(named) if named else toolchain.home() / "build/bin/ttc-roofline"


def measure_machine(core: int) -> Machine:
    """Raises ttc.Error if the program is not there or fails."""
    command = [str(roofline_path()), "--core", str(core)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ttc.Error(f"'{command[0]}' cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise ttc.Error(f"'{command[0]}' failed: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    levels = [Level(**level) for level in told["levels"]]
    return Machine(told["fma_gflops"], told["pair_gflops"], told["indirect_call_ns"], levels)


@dataclass(frozen=True)
class Work:
    """What a call cannot do without."""

    steps: int
    flops: float
    weight_bytes: float  # in f32
    other_bytes: float
    activity: list[float]  # the part of each product's inputs that is not zero

    def bound_us(self, machine: Machine, stored: float = 1, pairs: bool = False) -> float:
        """Microseconds a timestep, with so much of the weights' bytes, and products by pairs."""
        gflops = machine.pair_gflops if pairs and machine.pair_gflops else machine.fma_gflops
        arithmetic = self.flops / (gflops * 1e9)
        reading = machine.seconds_to_read(self.weight_bytes * stored + self.other_bytes)
        return max(arithmetic, reading) * 1e6 / self.steps


def measure_work(setting: Setting) -> Work:
    """Runs the reference on the checked inputs and counts."""
    model = setting.case.model()
    active: dict[nn.Module, list[float]] = {}
    multiplications: dict[nn.Module, int] = {}

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonzero = (inputs[0] != 0).float().mean().item()
        active.setdefault(layer, []).append(nonzero)
        # Each element of the output has the weights of a feature or a channel.
        multiplications[layer] = output.numel() * layer.weight[0].numel()

    with torch.inference_mode():
        # States begin as zeros: those of the first timestep are not the stream's.
        model(setting.checked[0])
        for layer in model.modules():
            if isinstance(layer, _PRODUCTS):
                layer.register_forward_hook(count)
        for x in setting.checked[1:]:
            y = model(x)
    activity = {layer: sum(parts) / len(parts) for layer, parts in active.items()}
    flops = sum(2.0 * multiplications[layer] * part for layer, part in activity.items())
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    # A channel of a convolution has many inputs: some are active nearly always.
    skipped = sum(
        layer.weight.nbytes * (1 - part)
        for layer, part in activity.items()
        if isinstance(layer, nn.Linear)
    )
    # The reference names each state several times: the tensors are told apart by where they are.
    states = {
        id(getattr(layer, name)): getattr(layer, name).nbytes
        for layer in model.modules()
        for name in getattr(layer, "_state_names", ())
    }
    streamed = (setting.checked[0].nbytes + y.nbytes) * setting.steps
    return Work(
        setting.steps,
        flops * setting.steps,
        weights - skipped,
        sum(states.values()) + streamed,
        list(activity.values()),
    )
