"""A model's parameters by key, and how raw and effective values become each other."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch

from .errors import Error, Place
from .recording import Node, Recorder

aten = torch.ops.aten


class Activation(enum.IntEnum):
    """What turns a raw value into the effective one; the numbers are those of ttc/model.h."""

    IDENTITY = 0
    SIGMOID = 1
    SOFTPLUS = 2
    ARCSINH = 3


@dataclass(frozen=True)
class Functions:
    """An activation that only Python knows: a user's own, and its inverse."""

    activate: Callable[[torch.Tensor], torch.Tensor]
    deactivate: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Constrained:
    """A parameter with two spellings: `net.1.raw_beta` and, activated, `net.1.beta`."""

    raw_key: str
    key: str
    activation: Activation | Functions


def recognise(function: Callable[[torch.Tensor], torch.Tensor]) -> Activation | None:
    """Which activation a function is; None for any other."""
    probe = torch.linspace(-2.0, 2.0, 5)
    recorder = Recorder(lambda operation: True)
    node = recorder.add("input", "raw", probe, place=Place())
    try:
        with recorder.running():
            result = recorder.argument(function(probe))
    except Exception:  # whatever the user's function raises: it is not one of these
        return None
    if result is node:
        return Activation.IDENTITY
    if not isinstance(result, Node) or result.kind != "call" or result.args[0] is not node:
        return None
    options = (*result.args[1:], *result.kwargs.values())
    if result.target is aten.sigmoid.default:
        return Activation.SIGMOID
    if result.target is aten.softplus.default and options in ((), (1,), (1, 20)):
        return Activation.SOFTPLUS
    if result.target is aten.asinh.default:
        return Activation.ARCSINH
    return None


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


def activate(activation: Activation | Functions, raw: torch.Tensor) -> torch.Tensor:
    """The effective value of `raw`, of the same shape and dtype.

    Computed in double precision and rounded once, so that a large raw value survives.
    """
    wide = raw.detach().double()
    if isinstance(activation, Functions):
        return activation.activate(wide).to(raw.dtype)
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
    raw, good, expected = _inverse(param.activation, value.detach())
    if not bool(good.all()):
        found = value[~good].flatten()[0].item()
        raise Error(
            f"'{param.key}' cannot be decompiled: it holds {found!r}, but only a value {expected} "
            f"has a raw value; keep the model compiled, or change that value"
        )
    return raw.to(value.dtype)


def _inverse(
    activation: Activation | Functions, value: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, str]:
    """Raw values in double precision, which of them are finite, and what a value must be."""
    wide = value.double()
    if isinstance(activation, Functions):
        try:
            raw = activation.deactivate(wide)
        except AssertionError:  # how the reference's inverse functions refuse a whole tensor
            if wide.ndim > 0:
                parts = [_inverse(activation, v)[0] for v in wide.flatten()]
                raw = torch.stack(parts).reshape(wide.shape)
            else:
                raw = torch.full_like(wide, torch.nan)
        return raw, raw.isfinite(), "in the range of its activation"
    if activation is Activation.SIGMOID:
        good = (wide > 0) & (wide < 1)
        return torch.log(wide) - torch.log1p(-wide), good, "strictly between 0 and 1"
    if activation is Activation.SOFTPLUS:
        # log(e^v - 1), which would overflow as it is written.
        raw = wide + torch.log(-torch.expm1(-wide))
        return raw, (wide > 0) & wide.isfinite(), "above 0 and finite"
    if activation is Activation.ARCSINH:
        raw = torch.sinh(wide)
        good = raw.abs() <= torch.finfo(value.dtype).max
        return raw, good, "small enough that its sinh is finite"
    return wide, torch.ones_like(wide, dtype=torch.bool), "of any size"


def losses(
    params: Iterable[Constrained], tensors: Mapping[str, torch.Tensor], raw: bool
) -> list[str]:
    """What a conversion of these parameters loses, as sentences: none where all comes back.

    raw: whether the raw values are given up for the effective ones, or the other way round.
    Says for each parameter which values cannot return, and the largest relative error of those
    that return differently by more than 1e-6.
    """
    sentences = []
    for param in params:
        key = param.raw_key if raw else param.key
        if key not in tensors:
            continue
        given = tensors[key].detach()
        effective = activate(param.activation, given) if raw else given
        inverse, good, _ = _inverse(param.activation, effective)
        back = inverse if raw else activate(param.activation, inverse.to(given.dtype))
        if not bool(good.all()):
            value = float(given[~good].flatten()[0])
            sentences.append(
                f"'{key}': {int((~good).sum())} of {given.numel()} values cannot return, such as "
                f"{value!r}"
            )
        size = given.abs().clamp(min=torch.finfo(given.dtype).tiny)
        errors = ((back.to(given.dtype) - given).abs() / size)[good]
        if errors.numel() and float(errors.max()) > 1e-6:
            sentences.append(
                f"'{key}': what returns differs by up to {float(errors.max()):.1e} of the value, "
                f"because {'an effective' if raw else 'a raw'} value of "
                f"{str(given.dtype).removeprefix('torch.')} does not tell it apart"
            )
    return sentences


@dataclass
class Parameters:
    """The parameters of a model by key, as the module that it came from spells them."""

    tensors: OrderedDict[str, torch.Tensor]
    constrained: list[Constrained] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)  # the code's key -> the module's own

    def spellings(self) -> dict[str, Constrained]:
        """Both keys of each constrained parameter."""
        both = {param.raw_key: param for param in self.constrained}
        return both | {param.key: param for param in self.constrained}
