"""How the reference runs a model one timestep at a time, and what its states are."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy
from typing import Any

import torch
from torch import nn


class Reference:
    """A copy of a module, without states at first.

    The reference package's layers own their states. PyTorch's recurrent layers and cells leave
    them to the caller: here they are kept, and handed back to the next call. `time` is where the
    inputs of a module that takes sequences have the time; it is given sequences of one step.
    """

    def __init__(self, module: nn.Module, time: int | None = None, double: bool = False):
        self.module = copy.deepcopy(module)
        if double:
            self.module.double()
        self._time, self._double = time, double
        self._kept: dict[str, tuple[torch.Tensor, ...]] = {}
        for path, layer in self.module.named_modules():
            if hasattr(layer, "_state_names"):
                layer.zero_states()
            if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
                self._keep(path, layer)

    def _keep(self, path: str, layer: nn.Module) -> None:
        def before(_: nn.Module, inputs: tuple) -> tuple:
            kept = self._kept.get(path)
            if kept is None:
                return inputs
            return (*inputs, kept if isinstance(layer, (nn.LSTM, nn.LSTMCell)) else kept[0])

        def after(_: nn.Module, inputs: tuple, result: Any) -> None:
            states = result[1] if isinstance(layer, nn.RNNBase) else result
            self._kept[path] = states if isinstance(states, tuple) else (states,)

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)

    def take_states(self, other: "Reference") -> None:
        """Those of another reference to the same module, in this one's precision."""

        def own(tensor: torch.Tensor | None) -> torch.Tensor | None:
            return tensor.double() if self._double and tensor is not None else tensor

        for path, layer in self.module.named_modules():
            for name in getattr(layer, "_state_names", ()):
                setattr(layer, name, own(getattr(other.module.get_submodule(path), name)))
        self._kept = {path: tuple(map(own, kept)) for path, kept in other._kept.items()}

    def step(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The outputs of one timestep."""
        if self._time is not None:
            inputs = tuple(x.unsqueeze(self._time) for x in inputs)
        with torch.no_grad():
            outputs = self.module(*inputs)
        # A layer that is alone here returns its states behind its output.
        if isinstance(self.module, (nn.RNNBase, nn.LSTMCell)):
            outputs = outputs[:1]
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        # An output of the last timestep alone has no time to remove.
        if self._time is not None:
            outputs = tuple(y.squeeze(self._time) for y in outputs)
        return outputs

    def states(self) -> dict[str, torch.Tensor]:
        """By canonical key."""
        found = {}
        for path, layer in self.module.named_modules():
            prefix = f"{path}." if path else ""
            for name in getattr(layer, "_state_names", ()):
                if getattr(layer, name) is not None:
                    found[prefix + name] = getattr(layer, name)
            if path in self._kept:
                found |= {prefix + name: t for name, t in zip("hc", self._kept[path])}
        return found

    def batch_of_states(self) -> dict[str, int]:
        """Which dimension of each state is the batch, by its key."""
        found = {}
        for key in self.states():
            layer = self.module.get_submodule(key.rpartition(".")[0])
            # The states of a stack of layers have the layers in front.
            found[key] = 1 if isinstance(layer, nn.RNNBase) else 0
        return found


def time_axis(layer: nn.RNNBase) -> int:
    """Where the time is in a sequence of batches."""
    return 1 if layer.batch_first else 0
