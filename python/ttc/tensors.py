"""What is taken for a tensor: those of PyTorch, and arrays of others."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from .errors import Error

if TYPE_CHECKING:
    import numpy


def _from_array(array: numpy.ndarray, who: str) -> torch.Tensor:
    # PyTorch has no negative strides, and warns of what is read-only, though nobody writes here.
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    try:
        return torch.from_numpy(array)
    except (TypeError, ValueError) as error:  # ValueError: the other order of bytes
        raise Error(
            f"{who} is an array of {array.dtype}, which PyTorch does not have: convert it with "
            f".astype"
        ) from error


def as_tensor(value: Any, who: str) -> torch.Tensor:
    """The value as a tensor on the CPU, without a copy where it lies there.

    value: a tensor of PyTorch, or an array of NumPy or of whatever makes one (`__array__`).
    who: how errors call it.
    """
    if not isinstance(value, torch.Tensor):
        if not hasattr(value, "__array__"):
            raise Error(
                f"{who} is a {type(value).__name__}, expected a tensor of PyTorch or an array of "
                f"NumPy"
            )
        value = _from_array(value.__array__(), who)
    if value.layout is not torch.strided or value.is_meta or value.is_quantized:
        raise Error(
            f"{who} is a {value.dtype} tensor of the layout {value.layout} on {value.device}, "
            f"expected a dense one that has data"
        )
    return value.detach().cpu()


def as_tensors(values: Mapping[str, Any], what: str) -> dict[str, torch.Tensor]:
    """Tensors on the CPU by name. Raises Error for whatever else is in there."""
    if not isinstance(values, Mapping):
        raise Error(f"the {what} are a {type(values).__name__}, expected a dict of tensors")
    for key, value in values.items():
        is_tensor = isinstance(value, torch.Tensor) or hasattr(value, "__array__")
        if not isinstance(key, str) or not is_tensor:
            raise Error(
                f"{key!r} of the {what} is a {type(value).__name__}, expected tensors by name"
            )
    return {key: as_tensor(value, f"'{key}' of the {what}") for key, value in values.items()}


def same_bytes(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors have the same shape, dtype and bits: a NaN equals itself."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    a, b = (t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b))
    return torch.equal(a, b)
