"""The parameters of a compiled model: read, spelled in another way, replaced."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import dataclasses
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from . import native
from .errors import Error
from .live import Live
from .params import Constrained, Functions, Parameters, activate, deactivate, losses
from .paths import canonical_key
from .tensors import as_tensors, same_bytes


class LoadedKeys(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class WithParameters:
    """The methods of a compiled model that concern its parameters."""

    def TTcompile(self) -> list[str]:
        """Spells every constrained parameter by its effective value: `net.1.beta`.

        The compiled code has used that value all along: outputs do not change. Returns what is
        lost by it, as sentences: the raw values that TTdecompile cannot give back, or gives back
        differently by more than 1e-6 of the value.
        """
        return self._convert(lambda param, raw: (param.key, activate(param.activation, raw)), True)

    def TTdecompile(self) -> list[str]:
        """Spells every constrained parameter by its raw value: `net.1.raw_beta`.

        Returns what is lost by it, as TTcompile does. Raises Error, naming the key, for a value
        that no finite raw value has; nothing has changed then.
        """
        return self._convert(lambda param, value: (param.raw_key, deactivate(param, value)), False)

    def _convert(
        self, convert: Callable[[Constrained, torch.Tensor], tuple[str, torch.Tensor]], raw: bool
    ) -> list[str]:
        with self._lock:
            parameters = self._own_parameters()
            known = {param.raw_key if raw else param.key: param for param in parameters.constrained}
            lost = losses(parameters.constrained, parameters.tensors, raw)
            parameters.tensors = OrderedDict(
                convert(known[key], tensor) if key in known else (key, tensor)
                for key, tensor in parameters.tensors.items()
            )
            return lost

    def state_dict(
        self,
        *,
        destination: dict[str, torch.Tensor] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, torch.Tensor]:
        """Copies of the parameters, under the keys of the module that the model came from."""
        destination = OrderedDict() if destination is None else destination
        for key, tensor in self._own_parameters().tensors.items():
            destination[prefix + key] = tensor.clone()
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any] | str | os.PathLike, strict: bool = True
    ) -> LoadedKeys:
        """Replaces the parameters by copies and keeps the states, all or nothing.

        state_dict: tensors, or arrays of NumPy, by key; or the path of a weights file: safetensors,
            what torch.save wrote, or the index.json of a checkpoint in several files.
        Each constrained parameter may be given raw or activated, not both.
        strict: whether missing and unknown keys are errors.
        Raises Error, listing all keys that are wrong.
        """
        if isinstance(state_dict, (str, os.PathLike)):
            state_dict = native.Weights.open(state_dict).read()
        new = as_tensors(state_dict, "parameters")
        with self._lock:
            present = self._own_parameters()
            spellings = present.spellings()
            given, unexpected = self._match(present.tensors, new, spellings)
            missing = [key for key in present.tensors if key not in given]
            wrong = []
            if strict:
                wrong += [f"'{key}' is missing" for key in missing]
                wrong += [f"'{key}' is unknown" for key in unexpected]
            for key, name in given.items():
                wrong += _differences(name, present.tensors[key], new[name])
            if wrong:
                raise Error(f"the parameters do not fit the model: {'; '.join(wrong)}")
            tensors = OrderedDict(
                (given[key], new[given[key]].clone()) if key in given else (key, tensor)
                for key, tensor in present.tensors.items()
            )
            self._prepare(dataclasses.replace(present, tensors=tensors))
        return LoadedKeys(missing, unexpected)

    @staticmethod
    def _match(
        present: Mapping[str, torch.Tensor],
        state_dict: Mapping[str, torch.Tensor],
        spellings: Mapping[str, Constrained],
    ) -> tuple[dict[str, str], list[str]]:
        """Which given key stands for which present one, and those that stand for none."""

        def effective(key: str) -> str:
            return spellings[key].key if key in spellings else key

        slots = {effective(key): key for key in present}
        given: dict[str, str] = {}
        unexpected = []
        for key in state_dict:
            slot = slots.get(effective(key))
            if slot is None:
                unexpected.append(key)
            elif slot in given:
                raise Error(
                    f"'{given[slot]}' and '{key}' are the same parameter, raw and activated; give "
                    f"one of them"
                )
            else:
                given[slot] = key
        return given, unexpected

    def _prepare(self, parameters: Parameters) -> None:
        """Makes a model of other parameters and moves the states to it."""
        weights = self._lend(parameters, {p.key for p in self._live.model.params})
        model = native.Model(self._library, weights, True)
        live = Live(model, native.Session(model, self._live.device))
        live.session.generator = self._live.session.generator
        live.session.threads = self._live.session.threads
        states = self._live.session.states()
        if states:
            live.session.set_states(states, native.LOAD_STRICT, self._live.session.timestep)
        self._live, self._params = live, parameters

    @staticmethod
    def _lend(parameters: Parameters, keys: set[str]) -> native.Weights:
        """The weights with these effective keys: not those of layers that the code never calls."""
        spellings = parameters.spellings()
        used: dict[str, torch.Tensor] = {}
        origin: dict[str, str] = {}
        for key, tensor in parameters.tensors.items():
            canonical = canonical_key(key, parameters.aliases)
            if canonical in used and not same_bytes(used[canonical], tensor):
                raise Error(
                    f"'{origin[canonical]}' and '{key}' are one parameter of a module that is used "
                    f"twice, but their values differ; remove one"
                )
            used[canonical] = tensor
            origin.setdefault(canonical, key)
        lent: dict[str, torch.Tensor] = {}
        for key, tensor in used.items():
            param = spellings.get(key)
            if param is not None and isinstance(param.activation, Functions):
                # The code knows only the form that it was compiled from.
                if key == param.key and param.raw_key in keys:
                    key, tensor = param.raw_key, deactivate(param, tensor)
                elif key == param.raw_key and param.key in keys:
                    key, tensor = param.key, activate(param.activation, tensor)
            if key in keys or (param is not None and param.key in keys):
                lent[key] = tensor
        for key, own in parameters.renamed.items():
            lent[key] = used[canonical_key(own, parameters.aliases)]
        return native.Weights.lend(lent)

    def _own_parameters(self) -> Parameters:
        if self._params is None:
            raise Error(
                f"'{self._library}' was compiled with its weights and loaded without others: their "
                f"original form is not in it; load it with weights=..."
            )
        return self._params


def _differences(key: str, expected: torch.Tensor, found: torch.Tensor) -> list[str]:
    """Sentences on what keeps `found` from taking the place of `expected`."""
    wrong = []
    if expected.shape != found.shape:
        wrong.append(f"'{key}' has shape {tuple(found.shape)}, expected {tuple(expected.shape)}")
    if expected.dtype != found.dtype:
        names = [str(t.dtype).removeprefix("torch.") for t in (found, expected)]
        wrong.append(f"'{key}' is {names[0]}, expected {names[1]}")
    return wrong
