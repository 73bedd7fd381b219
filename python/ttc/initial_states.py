"""Which states of a compiled model is what another framework's layers gave back?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from . import native
from .compiled import CompiledModel
from .errors import Error
from .tensors import as_tensor


@dataclass(frozen=True)
class _Layer:
    """A recurrent layer of the compiled model."""

    path: str
    h: native.Spec
    c: native.Spec | None  # of an LSTM


def states_from_torch(
    compiled: CompiledModel, hidden: Mapping[str, Any] | Any
) -> dict[str, torch.Tensor]:
    """States for `load_states`, from what torch.nn's recurrent modules returned.

    hidden: by the path of each layer, (h, c) of an LSTM or an LSTMCell, h of the others; for a
        model with one recurrent layer, that alone. h and c are as PyTorch gives them: (layers,
        batch, size) whatever batch_first says, (batch, size) of a cell. One layer of a stack of
        one and a cell are taken for each other. The compiled layer may be torch.nn's, one of
        traceTorch, or an operator of ONNX.

    Raises Error, naming the layer, where one of them is no such layer or the number of tensors is
    another. Sizes and dtypes are checked by `load_states`.
    """
    return _states(compiled, hidden, _of_torch)


def states_from_keras(
    compiled: CompiledModel, hidden: Mapping[str, Any] | Any
) -> dict[str, torch.Tensor]:
    """States for `load_states`, from the states of Keras's recurrent layers.

    hidden: by the path of each layer, what Keras gives behind the output with return_state=True,
        or as `layer.states`: [h, c] of an LSTM, [h] or h of a GRU or SimpleRNN, each (batch,
        units). For a torch.nn module with several layers, a list of those, the first layer first.
        For a model with one recurrent layer, that alone.

    Raises Error as `states_from_torch` does.
    """
    return _states(compiled, hidden, _of_keras)


def _states(
    compiled: CompiledModel,
    hidden: Mapping[str, Any] | Any,
    tensors_of: Callable[[_Layer, Any], list[torch.Tensor]],
) -> dict[str, torch.Tensor]:
    layers = _layers(compiled._live.model)
    known = ", ".join(f"'{path}'" for path in layers) or "none"
    if not isinstance(hidden, Mapping):
        if len(layers) != 1:
            raise Error(
                f"the model has {len(layers)} recurrent layers ({known}): give a dict, of what "
                f"each of them starts from by its path"
            )
        hidden = {next(iter(layers)): hidden}
    states: dict[str, torch.Tensor] = {}
    for path, value in hidden.items():
        layer = layers.get(path)
        if layer is None:
            raise Error(f"'{path}' is no recurrent layer of the model, which has {known}")
        specs = [layer.h] if layer.c is None else [layer.h, layer.c]
        for spec, tensor in zip(specs, tensors_of(layer, value)):
            states[spec.name] = _fitted(spec, tensor)
    return states


def _layers(model: native.Model) -> dict[str, _Layer]:
    """The layers whose states are called as those of recurrent layers are, by path."""
    states: dict[str, dict[str, native.Spec]] = {}
    for spec in model.states:
        path, _, name = spec.name.rpartition(".")
        states.setdefault(path, {})[name] = spec
    return {
        path: _Layer(path, of[h], of.get(c))
        for path, of in states.items()
        for h, c in (("h", "c"), ("H", "C"))  # torch.nn and ONNX; traceTorch
        if h in of and set(of) <= {h, c}
    }


def _of_torch(layer: _Layer, value: Any) -> list[torch.Tensor]:
    if layer.c is None:
        if isinstance(value, Sequence):
            raise Error(
                f"'{layer.path}' has one hidden state, h, found {_described(value)}; only an LSTM "
                f"has two"
            )
        return [as_tensor(value, f"h of '{layer.path}'")]
    if not isinstance(value, Sequence) or len(value) != 2:
        raise Error(
            f"'{layer.path}' is an LSTM, whose hidden state is (h, c), found {_described(value)}"
        )
    return [as_tensor(v, f"{name} of '{layer.path}'") for name, v in zip("hc", value)]


def _of_keras(layer: _Layer, value: Any) -> list[torch.Tensor]:
    names = "h" if layer.c is None else "hc"
    if not isinstance(value, Sequence):
        value = [value]
    if len(names) == 1:
        value = [each if isinstance(each, Sequence) else [each] for each in value]
    elif not all(isinstance(each, Sequence) for each in value):
        value = [value]
    for each in value:
        if len(each) != len(names):
            raise Error(
                f"'{layer.path}' has the states [{', '.join(names)}], found {_described(each)}"
            )
    if not value:
        raise Error(f"'{layer.path}' has the states [{', '.join(names)}], found none")
    tensors = []
    for number, name in enumerate(names):
        parts = [as_tensor(each[number], f"{name} of '{layer.path}'") for each in value]
        if any(part.shape != parts[0].shape or part.dtype != parts[0].dtype for part in parts):
            shapes = ", ".join(str(tuple(part.shape)) for part in parts)
            raise Error(
                f"the layers of '{layer.path}' differ in the shape or the dtype of {name} "
                f"({shapes}): a stack of torch.nn has one size"
            )
        tensors.append(torch.stack(parts) if len(parts) > 1 else parts[0])
    return tensors


def _fitted(spec: native.Spec, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with the axis of a stack of one layer where the state has it, or without."""
    if tensor.ndim == len(spec.shape) + 1 and tensor.shape[0] == 1:
        return tensor[0]
    if tensor.ndim == len(spec.shape) - 1 and spec.shape[0] == 1:
        return tensor[None]
    return tensor


def _described(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
