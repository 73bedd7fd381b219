"""The states of a compiled model: read, set, zeroed, saved, given to another."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from . import devices, native
from .errors import Error, UnsupportedError
from .paths import canonical_key
from .tensors import as_tensor, as_tensors, same_bytes
from .views import state_view

if TYPE_CHECKING:
    import numpy


class SessionBytes(NamedTuple):
    """What one stream of states needs, in bytes."""

    states: int
    scratch: int  # while a step runs; streams that take turns share it


class WithStates:
    """The methods of a compiled model that concern its states.

    A state has one key, such as `net.1.mem`; the reference package's other names of it
    (`net._modules[1].mem`) are understood as well. An array is a tensor of PyTorch or an array of
    NumPy, of the state's shape and dtype: nothing is converted. Whatever raises Error has changed
    nothing.
    """

    @property
    def timestep(self) -> int:
        """Timesteps since the states were last zeroed, kept through save and load."""
        return self._live.session.timestep

    def zero_states(
        self, name: str | None = None, *, rows: torch.Tensor | Sequence[bool] | None = None
    ) -> None:
        """Back to no states; the next call may bring another batch.

        name: only the state of this key becomes zero; batch and timestep stay.
        rows: a mask of one bool a row of the batch: only these rows become zero, in every state
            that has a batch; the timestep stays.
        """
        session = self._live.session
        if name is not None and rows is not None:
            raise Error("zero_states takes a name or rows, not both: call it twice")
        if name is not None:
            session.zero_state(self._key(name))
        elif rows is not None:
            session.zero_rows(_row_mask(rows))
        else:
            session.zero()

    def seed(self, seed: int) -> None:
        """Begins other random numbers, for a model with stochastic quantizers.

        seed: 0 to 2**64 - 1; a new compiled model has 0. The same seed, states and inputs give
        the same bits; zero_states leaves the random numbers where they are.
        """
        self._live.session.seed(seed)

    def detach_states(self) -> None:
        """States carry no gradient: there is nothing to detach."""
        self._live.session.detach()

    def state(self, name: str) -> torch.Tensor:
        """A copy of one state. Raises Error for an unknown key, and before the first step."""
        return self._live.session.state(self._key(name))

    def set_state(self, name: str, value: Any) -> None:
        """Replaces one state by a copy of an array; the others stay as they are.

        Where no states exist yet, the others become zero, at the batch of this one.
        """
        tensor = as_tensor(value, f"the state '{name}'")
        _warn(self._live.session.set_state(self._key(name), tensor))

    def state_view(self, name: str) -> AbstractContextManager[numpy.ndarray]:
        """A NumPy array over the state's own memory, for the length of a `with` block.

            with c.state_view("net.1.mem") as mem:
                mem[mem > 1] = 1

        What is written to it is the state. Within the block the model cannot be used (Error), but
        for views of other states. Nothing is copied, unless something still refers to the array
        when the model is used again: it keeps what it showed, read-only, and the model goes on in
        a copy.
        """
        return state_view(self, self._key(name))

    def session_bytes(self, batch: int = 1) -> SessionBytes:
        """What a stream of this batch needs; known before the first step."""
        return SessionBytes(*self._live.model.session_bytes(batch))

    def set_memory_budget(self, size: int | None) -> None:
        """The most bytes that the states, or the scratch memory, of one stream may take.

        A step or a load beyond it raises Error before anything is allocated. It holds for every
        stream on the same weights (`session`, `fork`). None: no budget; before the first call it is
        the machine's memory.
        """
        self._live.model.set_budget(0 if size is None else size)

    def save_states(self, device: str | torch.device = "cpu") -> dict[str, torch.Tensor]:
        """Copies of the states by canonical key, such as `net.1.mem`; {} before the first step.

        device: where the copies are.
        """
        return self._live.session.states(devices.device_name(device))

    def load_states(
        self,
        states: Mapping[str, Any],
        strict: bool = True,
        device: str | torch.device | None = None,
        refuse_nonfinite: bool = False,
    ) -> None:
        """Replaces the states by copies, all or nothing.

        states: arrays by key, as from `save_states`, of this model or of the reference package's;
            or as `ttc.states_from_torch` and `ttc.states_from_keras` make them.
        strict: whether missing and unknown keys are errors; if not, missing states keep their
            value (zero if there is none), unknown keys are passed over.
        device: where the states are from then on, "cpu" or "cuda", if the model was compiled for
            that; None for where they are.
        refuse_nonfinite: whether a NaN or an infinity is an error, not a warning that counts them.

        Raises Error, naming each key, for wrong keys, shapes (both are named) and dtypes.
        """
        if isinstance(states, (str, os.PathLike)):
            raise Error(
                f"load_states takes a dict of tensors, found the path '{os.fspath(states)}': use "
                f"load_states_file"
            )
        tensors: dict[str, torch.Tensor] = {}
        origin: dict[str, str] = {}
        for key, tensor in as_tensors(states, "states").items():
            canonical = self._key(key)
            if canonical in tensors and not same_bytes(tensors[canonical], tensor):
                raise Error(
                    f"'{origin[canonical]}' and '{key}' are two names of the state '{canonical}', "
                    f"but their values differ; remove one"
                )
            tensors[canonical] = tensor
            origin.setdefault(canonical, key)
        flags = _flags(strict, refuse_nonfinite)
        timestep = self._live.session.timestep if tensors or not strict else 0
        present = self._live
        if device is not None:
            self._move(self._device_for_states(device))
        try:
            note = self._live.session.set_states(tensors, flags, timestep)
        except Error:
            self._live = present
            raise
        _warn(note)

    def save_states_file(self, path: str | os.PathLike) -> None:
        """Writes the states to a file; a crash at any moment leaves the old file or the new one.

        The generation before is kept as `<path>.prev`.
        """
        self._live.session.save(path)

    def load_states_file(
        self,
        path: str | os.PathLike,
        strict: bool = True,
        other_model: bool = False,
        unverified: bool = False,
        refuse_nonfinite: bool = False,
    ) -> str:
        """Verifies a states file, then replaces the states, all or nothing.

        path: a file of `save_states_file`; or, with `unverified`, safetensors or what torch.save
            wrote of a dict of tensors, such as the reference package's `save_states`.
        strict, refuse_nonfinite: as for `load_states`.
        other_model: take the states of a model with the same states but another fingerprint.
        unverified: take a file without checksums and fingerprints, made by others.

        Returns sentences on what was not verified, "" where all was; unless `unverified` says that
        it is known, they are a warning too.
        """
        flags = _flags(strict, refuse_nonfinite)
        flags |= native.LOAD_OTHER_MODEL if other_model else 0
        flags |= native.LOAD_UNVERIFIED if unverified else 0
        note = self._live.session.load(path, flags)
        if not unverified:
            _warn(note)
        return note

    def _device_for_states(self, device: str | torch.device) -> str:
        targets = self._live.model.targets
        if torch.device(device).type not in targets:
            raise UnsupportedError(
                f"states on the device '{device}' are not supported: the model was compiled for "
                f"{' and '.join(targets)}"
            )
        return devices.device_name(device)

    def _key(self, name: str) -> str:
        """The canonical key of a state, whatever way to its layer a name goes."""
        if not isinstance(name, str):
            raise Error(f"a state is named by a string, found {name!r}")
        return canonical_key(name, self._params.aliases if self._params else {})


def _warn(note: str) -> None:
    """Warns the caller of a method."""
    if note:
        warnings.warn(note, stacklevel=3)


def _flags(strict: bool, refuse_nonfinite: bool) -> int:
    flags = native.LOAD_STRICT if strict else native.LOAD_LENIENT
    return flags | (native.LOAD_REFUSE_NONFINITE if refuse_nonfinite else 0)


def _row_mask(rows: Any) -> torch.Tensor:
    if isinstance(rows, (list, tuple)):
        for row in rows:
            if not isinstance(row, bool):
                raise Error(f"the mask of rows holds {row!r}, expected one bool a row of the batch")
        rows = torch.tensor(rows, dtype=torch.bool)
    mask = as_tensor(rows, "the mask of rows")
    if mask.dtype is not torch.bool or mask.ndim != 1:
        raise Error(
            f"the mask of rows has the dtype {str(mask.dtype).removeprefix('torch.')} and the "
            f"shape {tuple(mask.shape)}, expected one bool a row of the batch"
        )
    return mask
