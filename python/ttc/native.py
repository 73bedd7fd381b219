"""The C API of the runtime (ttc/runtime.h), as Python sees it."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import functools
import math
import os
import warnings
import weakref
from collections.abc import Mapping, Sequence
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_int, c_int32, c_int64, c_size_t
from ctypes import c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import devices, toolchain
from .errors import Error
from .params import Activation

if TYPE_CHECKING:
    import numpy

BATCH = -1  # TTC_BATCH
LOAD_STRICT = 0
LOAD_LENIENT = 1
LOAD_OTHER_MODEL = 2
LOAD_UNVERIFIED = 4
LOAD_REFUSE_NONFINITE = 8

DTYPES = {
    torch.float32: 1,
    torch.float64: 2,
    torch.float16: 3,
    torch.bfloat16: 4,
    torch.int32: 5,
    torch.int64: 6,
    torch.uint8: 7,
    torch.bool: 8,
}
_TORCH_DTYPES = {number: dtype for dtype, number in DTYPES.items()}


class CError(Structure):
    _fields_ = [("code", c_int), ("message", c_char * 1024)]


class CBytes(Structure):
    _fields_ = [("fixed", c_uint64), ("per_batch", c_uint64)]


class CTensor(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("data", c_void_p),
    ]


class CTensorSpec(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
    ]


class CParamSpec(Structure):
    _fields_ = [
        ("tensor", CTensorSpec),
        ("raw_name", c_char_p),
        ("activation", c_int32),
        ("reserved", c_int32),
    ]


class CStateSpec(Structure):
    _fields_ = [("tensor", CTensorSpec), ("offset", CBytes)]


class CDescriptor(Structure):
    """ttc_model_descriptor; what is added to it in later versions comes after."""

    _fields_ = [
        ("abi_version", c_uint32),
        ("descriptor_size", c_uint32),
        ("name", c_char_p),
        ("schema_fingerprint", c_char_p),
        ("model_fingerprint", c_char_p),
        ("target_triple", c_char_p),
        ("cpu_features", c_char_p),
        ("batch", c_int64),
        ("num_inputs", c_uint32),
        ("num_outputs", c_uint32),
        ("num_params", c_uint32),
        ("num_states", c_uint32),
        ("inputs", POINTER(CTensorSpec)),
        ("outputs", POINTER(CTensorSpec)),
        ("params", POINTER(CParamSpec)),
        ("states", POINTER(CStateSpec)),
        ("prepared_size", c_uint64),
        ("states_size", CBytes),
        ("scratch_size", CBytes),
        ("prepared", c_void_p),
        ("prepared_checksum", c_char_p),
        ("prepare", c_void_p),
        ("step", c_void_p),
        ("run", c_void_p),
        ("input_limits", POINTER(c_int64)),
        ("has_generator", c_uint32),
        ("reserved", c_uint32),
        ("alternative", c_void_p),
        ("max_workers", c_uint32),
        ("reserved2", c_uint32),
        ("shared_step", c_void_p),
        ("shared_run", c_void_p),
        ("device", c_void_p),
    ]


@functools.cache
def library() -> ctypes.CDLL:
    """The runtime. Raises Error where it is not built."""
    path = toolchain.runtime()
    try:
        runtime = ctypes.CDLL(str(path))
    except OSError as error:
        raise Error(f"the runtime '{path}' cannot be loaded: {error}") from error
    for name, restype, *argtypes in (
        ("ttc_version", c_char_p),
        ("ttc_status_name", c_char_p, c_int),
        ("ttc_weights_open", c_int, c_char_p, c_void_p, c_void_p),
        ("ttc_weights_from_tensors", c_int, c_void_p, c_size_t, c_void_p, c_void_p),
        ("ttc_weights_close", None, c_void_p),
        ("ttc_weights_count", c_size_t, c_void_p),
        ("ttc_weights_at", c_int, c_void_p, c_size_t, c_void_p, c_void_p),
        ("ttc_weights_dtype", c_char_p, c_void_p, c_size_t),
        ("ttc_weights_save", c_int, c_void_p, c_char_p, c_void_p),
        ("ttc_model_open_with", c_int, c_char_p, c_void_p, c_int, c_void_p, c_void_p),
        ("ttc_model_close", None, c_void_p),
        ("ttc_model_get_descriptor", POINTER(CDescriptor), c_void_p),
        ("ttc_model_session_bytes", c_int, c_void_p, c_int64, c_void_p, c_void_p, c_void_p),
        ("ttc_model_set_budget", c_int, c_void_p, c_uint64, c_void_p),
        ("ttc_session_create_on", c_int, c_void_p, c_char_p, c_void_p, c_void_p),
        ("ttc_session_device", c_char_p, c_void_p),
        ("ttc_session_set_stream", c_int, c_void_p, c_void_p, c_void_p),
        ("ttc_session_synchronize", c_int, c_void_p, c_void_p),
        ("ttc_session_fork", c_int, c_void_p, c_void_p, c_void_p),
        ("ttc_session_close", None, c_void_p),
        ("ttc_session_set_threads", c_int, c_void_p, c_int64, c_void_p),
        ("ttc_session_threads", c_int64, c_void_p),
        ("ttc_session_zero", c_int, c_void_p, c_void_p),
        ("ttc_session_zero_state", c_int, c_void_p, c_char_p, c_void_p),
        ("ttc_session_zero_rows", c_int, c_void_p, c_void_p, c_size_t, c_void_p),
        ("ttc_session_detach", c_int, c_void_p, c_void_p),
        ("ttc_session_seed", c_int, c_void_p, c_uint64, c_void_p),
        ("ttc_session_set_generator", c_int, c_void_p, c_uint64, c_uint64, c_void_p),
        ("ttc_session_generator", c_int, c_void_p, c_void_p, c_void_p, c_void_p),
        ("ttc_session_timestep", c_uint64, c_void_p),
        ("ttc_session_batch", c_int64, c_void_p),
        ("ttc_session_state", c_int, c_void_p, c_size_t, c_void_p, c_void_p),
        ("ttc_session_get_state", c_int, c_void_p, c_char_p, c_void_p, c_size_t, c_void_p),
        ("ttc_session_set_state", c_int, c_void_p, c_void_p, c_void_p),
        ("ttc_session_set_states", c_int, c_void_p, c_void_p, c_size_t, c_int, c_uint64, c_void_p),
        ("ttc_session_save", c_int, c_void_p, c_char_p, c_void_p),
        ("ttc_session_load", c_int, c_void_p, c_char_p, c_int, c_void_p),
    ):
        function = getattr(runtime, name)
        function.restype, function.argtypes = restype, argtypes
    # The two that are called once a timestep take ctypes values as they are: that costs less than
    # having arguments converted.
    for name in ("ttc_session_step_raw", "ttc_session_run_raw"):
        getattr(runtime, name).restype = c_int
    return runtime


def check(status: int, error: CError) -> None:
    """Raises Error with the runtime's sentence, unless the status is TTC_OK."""
    if status != 0:
        sentence = error.message.decode("utf-8", "replace")
        raise Error(sentence or library().ttc_status_name(status).decode())


def call(name: str, *arguments: object) -> str:
    """Calls a function of the runtime that takes an error last. Raises Error if it fails.

    Returns what the function says when it succeeds: those that load or set states or open weights
    say what was not verified or is odd, the others nothing.
    """
    error = CError()
    check(getattr(library(), name)(*arguments, byref(error)), error)
    return error.message.decode("utf-8", "replace")


class _Owned:
    """A pointer from the runtime, closed when nothing refers to it any more."""

    def __init__(self, pointer: c_void_p, close: str):
        self.pointer = pointer
        weakref.finalize(self, getattr(library(), close), pointer)


@dataclass(frozen=True)
class Spec:
    """A tensor of a model; a size of BATCH is the batch."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @classmethod
    def read(cls, spec: CTensorSpec) -> Spec:
        shape = tuple(spec.shape[i] for i in range(spec.rank))
        return cls(spec.name.decode(), _TORCH_DTYPES[spec.dtype], shape)


@dataclass(frozen=True)
class ParamSpec:
    """A parameter of a model; `raw_key` is None for one that has no raw form."""

    key: str
    raw_key: str | None
    activation: Activation
    dtype: torch.dtype
    shape: tuple[int, ...]


class Weights(_Owned):
    """Named tensors: of a file, or lent by Python."""

    def __init__(self, pointer: c_void_p, lent: object = None):
        super().__init__(pointer, "ttc_weights_close")
        self._lent = lent

    @classmethod
    def open(cls, path: str | os.PathLike) -> Weights:
        """A safetensors file, what torch.save wrote, or the index of a sharded checkpoint."""
        pointer = c_void_p()
        note = call("ttc_weights_open", os.fsencode(path), byref(pointer))
        if note:
            warnings.warn(note, stacklevel=3)
        return cls(pointer)

    @classmethod
    def lend(cls, tensors: Mapping[str, torch.Tensor]) -> Weights:
        array, lent = lend_tensors(tensors)
        pointer = c_void_p()
        call("ttc_weights_from_tensors", array, len(tensors), byref(pointer))
        return cls(pointer, lent)

    def read(self) -> dict[str, torch.Tensor]:
        """Copies of all tensors, by key."""
        tensors = {}
        for index in range(library().ttc_weights_count(self.pointer)):
            tensor = CTensor()
            call("ttc_weights_at", self.pointer, index, byref(tensor))
            if tensor.dtype not in _TORCH_DTYPES:
                dtype = library().ttc_weights_dtype(self.pointer, index).decode()
                raise Error(
                    f"'{tensor.name.decode()}' has the dtype {dtype}, with which ttc does not "
                    f"compute; convert it to F32"
                )
            tensors[tensor.name.decode()] = copy_tensor(tensor)
        return tensors

    def save(self, path: str | os.PathLike) -> None:
        """Writes the tensors to a safetensors file; a crash leaves the old file or the new one."""
        call("ttc_weights_save", self.pointer, os.fsencode(path))


class Model(_Owned):
    """The code and the prepared weights of a model."""

    def __init__(self, path: Path, weights: Weights | None, strict: bool):
        pointer = c_void_p()
        lent = weights.pointer if weights else None
        call("ttc_model_open_with", os.fsencode(path), lent, int(strict), byref(pointer))
        super().__init__(pointer, "ttc_model_close")
        descriptor = library().ttc_model_get_descriptor(pointer).contents
        self.name = descriptor.name.decode()
        self.batch = descriptor.batch
        self.inputs = [Spec.read(descriptor.inputs[i]) for i in range(descriptor.num_inputs)]
        self.outputs = [Spec.read(descriptor.outputs[i]) for i in range(descriptor.num_outputs)]
        self.states = [
            Spec.read(descriptor.states[i].tensor) for i in range(descriptor.num_states)
        ]
        self.params = [self._param(descriptor.params[i]) for i in range(descriptor.num_params)]
        # How many values each input may take, 0 <= x < limit; 0 for any.
        self.limits = [
            descriptor.input_limits[i] if descriptor.input_limits else 0
            for i in range(descriptor.num_inputs)
        ]
        self.has_generator = bool(descriptor.has_generator)
        # The kinds of devices that it was compiled for.
        self.targets = ["cpu"] * bool(descriptor.step) + ["cuda"] * bool(descriptor.device)

    def state(self, key: str) -> Spec:
        """The state of that key. Raises Error where there is none."""
        for spec in self.states:
            if spec.name == key:
                return spec
        known = ", ".join(f"'{spec.name}'" for spec in self.states) or "none"
        raise Error(f"'{key}' is no state of the model '{self.name}', which has {known}")

    def session_bytes(self, batch: int) -> tuple[int, int]:
        """Bytes of states and of scratch memory that a session of this batch needs."""
        states, scratch = c_uint64(), c_uint64()
        call("ttc_model_session_bytes", self.pointer, batch, byref(states), byref(scratch))
        return states.value, scratch.value

    def set_budget(self, size: int) -> None:
        """The most bytes of states, or of scratch memory, a session; 0 for no budget."""
        if not 0 <= size < 2**64:
            raise Error(f"the budget is {size} bytes, expected 0 to 2**64-1")
        call("ttc_model_set_budget", self.pointer, size)

    @staticmethod
    def _param(spec: CParamSpec) -> ParamSpec:
        tensor = Spec.read(spec.tensor)
        raw_key = spec.raw_name.decode() if spec.raw_name else None
        activation = Activation(spec.activation)
        return ParamSpec(tensor.name, raw_key, activation, tensor.dtype, tensor.shape)


class Session(_Owned):
    """One stream through a model: its states."""

    def __init__(self, model: Model, device: str = "cpu", forked: Session | None = None):
        """device: "cpu" or "cuda:0" and so on; a fork is where the session is."""
        pointer = c_void_p()
        if forked is None:
            call("ttc_session_create_on", model.pointer, device.encode(), byref(pointer))
        else:
            call("ttc_session_fork", forked.pointer, byref(pointer))
        super().__init__(pointer, "ttc_session_close")
        self._model = model
        self._stream = None if forked is None else forked._stream
        self.device = library().ttc_session_device(pointer).decode()

    def fork(self) -> Session:
        """Another stream that goes on from this one's states, on its own."""
        return Session(self._model, forked=self)

    def use_stream(self, stream: int) -> None:
        """Orders all that comes in this CUstream."""
        if stream != self._stream:
            call("ttc_session_set_stream", self.pointer, stream)
            self._stream = stream

    def synchronize(self) -> None:
        """Returns when all steps are done."""
        call("ttc_session_synchronize", self.pointer)

    @property
    def timestep(self) -> int:
        return library().ttc_session_timestep(self.pointer)

    @property
    def batch(self) -> int:
        """The batch of the states; -1 while there are none."""
        return library().ttc_session_batch(self.pointer)

    @property
    def threads(self) -> int:
        """How many threads may make a step together."""
        return library().ttc_session_threads(self.pointer)

    @threads.setter
    def threads(self, threads: int) -> None:
        if not -(2**63) <= threads < 2**63:
            raise Error(f"the number of threads is {threads}, expected a small one")
        call("ttc_session_set_threads", self.pointer, threads)

    def zero(self) -> None:
        """Back to no states; the generator goes on where it is."""
        call("ttc_session_zero", self.pointer)

    def seed(self, seed: int) -> None:
        """Begins other random numbers, from position 0."""
        self.generator = (seed, 0)

    @property
    def generator(self) -> tuple[int, int]:
        """Seed and position of the random numbers; each below 2**64."""
        seed, position = c_uint64(), c_uint64()
        call("ttc_session_generator", self.pointer, byref(seed), byref(position))
        return seed.value, position.value

    @generator.setter
    def generator(self, generator: tuple[int, int]) -> None:
        for what, number in zip(("seed", "position"), generator):
            if not 0 <= number < 2**64:
                raise Error(f"the {what} of the random numbers is {number}, expected 0 to 2**64-1")
        call("ttc_session_set_generator", self.pointer, *generator)

    def states(self, device: str = "cpu") -> dict[str, torch.Tensor]:
        """Copies of the states, by key, on a device; empty while they do not exist."""
        states = {}
        for index, spec in enumerate(self._model.states):
            tensor = CTensor()
            call("ttc_session_state", self.pointer, index, byref(tensor))
            if tensor.data:
                states[spec.name] = self.state(spec.name, device)
        return states

    def state(self, key: str, device: str = "cpu") -> torch.Tensor:
        """A copy of one state, on a device."""
        spec = self._model.state(key)
        batch = max(self.batch, 0)  # without states the runtime says that there are none
        shape = [batch if size == BATCH else size for size in spec.shape]
        # Straight from the session's device to itself or the host; to another one by way of that.
        there = device if device == self.device else "cpu"
        tensor = torch.empty(shape, dtype=spec.dtype, device=there)
        if tensor.is_cuda:
            # Its memory may still be in use by what is ordered there.
            self.use_stream(devices.current_stream(tensor.device))
        size = tensor.numel() * tensor.element_size()
        call("ttc_session_get_state", self.pointer, key.encode(), tensor.data_ptr(), size)
        return tensor.to(device)

    def view(self, key: str) -> tuple[numpy.ndarray, weakref.ref]:
        """An array over a state's own memory, and a reference that dies with all parts of it.

        The session lives as long as they do.
        """
        if self.device != "cpu":
            raise Error(
                f"the state '{key}' is on {self.device}, whose memory NumPy cannot look at: use "
                f"state()"
            )
        index = self._model.states.index(self._model.state(key))
        tensor = CTensor()
        call("ttc_session_state", self.pointer, index, byref(tensor))
        if not tensor.data:
            raise Error(f"the state '{key}' does not exist yet: there is no memory to look at")
        dtype, shape = _TORCH_DTYPES[tensor.dtype], [tensor.shape[i] for i in range(tensor.rank)]
        if dtype is torch.bfloat16:
            raise Error(f"the state '{key}' is bfloat16, which NumPy does not have: use state()")
        size = math.prod(shape) * dtype.itemsize
        memory = (c_char * size).from_address(tensor.data)
        memory.session = self  # frees the memory
        array = torch.frombuffer(memory, dtype=dtype).reshape(shape).numpy()
        return array, weakref.ref(memory)

    def set_state(self, key: str, value: torch.Tensor) -> str:
        """As set_states."""
        array, _lent = lend_tensors({key: value})
        return call("ttc_session_set_state", self.pointer, array)

    def zero_state(self, key: str) -> None:
        call("ttc_session_zero_state", self.pointer, key.encode())

    def zero_rows(self, rows: torch.Tensor) -> None:
        """Zeroes the rows of the batch for which the mask, one bool a row, is true."""
        rows = rows.contiguous()
        call("ttc_session_zero_rows", self.pointer, rows.data_ptr(), len(rows))

    def detach(self) -> None:
        call("ttc_session_detach", self.pointer)

    def set_states(self, tensors: Mapping[str, torch.Tensor], flags: int, timestep: int) -> str:
        """Returns sentences on what is odd, such as a NaN, or ""."""
        array, _lent = lend_tensors(tensors)
        return call("ttc_session_set_states", self.pointer, array, len(tensors), flags, timestep)

    def save(self, path: str | os.PathLike) -> None:
        call("ttc_session_save", self.pointer, os.fsencode(path))

    def load(self, path: str | os.PathLike, flags: int) -> str:
        """Returns sentences on what was not verified, or "" where all was."""
        return call("ttc_session_load", self.pointer, os.fsencode(path), flags)


def lend_tensors(tensors: Mapping[str, torch.Tensor]) -> tuple[ctypes.Array, Sequence[object]]:
    """An array of ttc_tensor, and what must live as long as it is used."""
    array = (CTensor * len(tensors))()
    lent: list[object] = []
    for element, (key, tensor) in zip(array, tensors.items()):
        if tensor.dtype not in DTYPES:
            found = str(tensor.dtype).removeprefix("torch.")
            expected = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
            raise Error(f"'{key}' has the dtype {found}, expected one of {expected}")
        tensor = tensor.detach().contiguous()
        shape = (c_int64 * tensor.ndim)(*tensor.shape)
        lent += [tensor, shape]
        element.name = key.encode()
        element.dtype = DTYPES[tensor.dtype]
        element.rank = tensor.ndim
        element.shape = ctypes.cast(shape, POINTER(c_int64))
        element.data = tensor.data_ptr()
    return array, lent


def copy_tensor(tensor: CTensor) -> torch.Tensor:
    """A PyTorch tensor with a copy of the data."""
    shape = [tensor.shape[i] for i in range(tensor.rank)]
    copied = torch.empty(shape, dtype=_TORCH_DTYPES[tensor.dtype])
    ctypes.memmove(copied.data_ptr(), tensor.data, copied.numel() * copied.element_size())
    return copied
