"""What runs a compiled model: the code with its weights, and one stream of states."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from ctypes import c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import torch

from . import native


@dataclass(frozen=True)
class Plan:
    """What a call with inputs of certain shapes comes to."""

    outputs: list[tuple[int, ...]]
    batch: c_int64
    steps: c_int64
    single: torch.dtype | None  # that of the one input and the one output, if they are so
    is_empty: bool  # no timesteps


class Live:
    """A prepared model and the one session that runs it; replaced as a whole."""

    def __init__(self, model: native.Model, session: native.Session):
        self.model = model
        self.session = session
        self.device = session.device
        self.on_gpu = session.device != "cpu"
        self.plans: dict[Any, Plan] = {}
        self.run_plans: dict[Any, Plan] = {}
        self.inputs = c_void_p * len(model.inputs)
        self.outputs = c_void_p * len(model.outputs)

    @property
    def threads(self) -> int:
        return self.session.threads
