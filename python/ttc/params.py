"""How a constrained parameter's raw value and its effective value become each other."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch

from .errors import Error


class Activation(enum.IntEnum):
    """What turns a raw value into the effective one; the numbers are those of ttc/model.h."""

    IDENTITY = 0
    SIGMOID = 1
    SOFTPLUS = 2
    ARCSINH = 3


@dataclass(frozen=True)
class Constrained:
    """A parameter with two spellings: `net.1.raw_beta` and, activated, `net.1.beta`."""

    raw_key: str
    key: str
    activation: Activation


def activation_of(name: str) -> Activation:
    """The activation of a neuron's parameter, read from its name (`pos_alpha`, `bias`, ...)."""
    base = name.removeprefix("pos_").removeprefix("neg_")
    if base in ("alpha", "beta", "gamma"):
        return Activation.SIGMOID
    if base == "threshold":
        return Activation.SOFTPLUS
    if base == "bias":
        return Activation.ARCSINH
    return Activation.IDENTITY


def activate(activation: Activation, raw: torch.Tensor) -> torch.Tensor:
    """The effective value of `raw`, of the same shape and dtype.

    Computed in double precision and rounded once, so that a large raw value survives.
    """
    wide = raw.detach().double()
    if activation is Activation.SIGMOID:
        wide = torch.sigmoid(wide)
    elif activation is Activation.SOFTPLUS:
        # log(1 + e^x), which would overflow as it is written.
        wide = wide.clamp(min=0) + torch.log1p(torch.exp(-wide.abs()))
    elif activation is Activation.ARCSINH:
        wide = torch.asinh(wide)
    return wide.to(raw.dtype)


def deactivate(param: Constrained, value: torch.Tensor) -> torch.Tensor:
    """The raw value whose effective value is `value`, of the same shape and dtype.

    Raises Error, naming the key, for a value that no finite raw value has.
    """
    wide = value.detach().double()
    if param.activation is Activation.SIGMOID:
        _check(param, value, (wide > 0) & (wide < 1), "strictly between 0 and 1")
        raw = torch.log(wide) - torch.log1p(-wide)
    elif param.activation is Activation.SOFTPLUS:
        _check(param, value, (wide > 0) & wide.isfinite(), "above 0 and finite")
        # log(e^v - 1), which would overflow as it is written.
        raw = wide + torch.log(-torch.expm1(-wide))
    elif param.activation is Activation.ARCSINH:
        raw = torch.sinh(wide)
        limit = torch.finfo(value.dtype).max
        _check(param, value, raw.abs() <= limit, "small enough that its sinh is finite")
    else:
        raw = wide
    return raw.to(value.dtype)


def _check(param: Constrained, value: torch.Tensor, good: torch.Tensor, expected: str) -> None:
    if not bool(good.all()):
        found = value[~good].flatten()[0].item()
        raise Error(
            f"'{param.key}' cannot be decompiled: it holds {found!r}, but only a value {expected} "
            f"has a raw value; keep the model compiled, or change that value"
        )
