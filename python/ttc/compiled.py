"""A compiled model in Python: the same calls and the same methods as the module it came from."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from ctypes import byref, c_int64
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from . import devices, native
from .errors import Error, UnsupportedError
from .live import Live, Plan
from .params import Constrained, Parameters
from .states import WithStates
from .weights import WithParameters

_MAX_PLANS = 256


class _ThreadError(threading.local):
    """Where the runtime writes why a call failed: one a thread."""

    def __init__(self) -> None:
        self.value = native.CError()
        self.reference = byref(self.value)


_error = _ThreadError()


class CompiledModel(WithStates, WithParameters, nn.Module):
    """A compiled model and one stream of states through it.

    Made by `ttc.compile` and `ttc.load`; `fork` and `session` make further streams, on the same
    weights. As the C API, it belongs to one thread at a time: a call
    while another thread is inside raises Error.
    """

    def __init__(
        self,
        library: Path,
        parameters: Parameters | None,
        weights: native.Weights | None,
        strict: bool = True,
        structure: pytree.TreeSpec | None = None,
        booleans: Sequence[int] = (),
        folder: object = None,
        device: str = "cpu",
    ):
        """folder: what must live as long as the library is to be there.

        device: where the states are, as the runtime calls it.
        """
        super().__init__()
        runtime = native.library()
        self._step, self._run = runtime.ttc_session_step_raw, runtime.ttc_session_run_raw
        self._library, self._folder = library, folder
        self._params = parameters
        self._lock = threading.Lock()
        self.training = False
        model = native.Model(library, weights, strict)
        self._live = Live(model, native.Session(model, device))
        self._structure = structure or _named_outputs(self._live.model)
        self._booleans = tuple(booleans)
        if parameters is not None:
            known = parameters.spellings()
            parameters.constrained += [
                Constrained(param.raw_key, param.key, param.activation)
                for param in self._live.model.params
                if param.raw_key is not None and param.key not in known
            ]

    # Running.

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """One timestep: inputs of the example's shapes; the batch is that of the states, if any.

        Returns the output, or several as the module returns them. Contiguous tensors are not
        copied, but for those on the CPU of a model on a GPU: they are copied there, and the outputs
        back. With tensors on the GPU the step is ordered in PyTorch's current stream there, and
        returns before it is done.
        Raises Error for another rank, size, dtype or device, and for a tensor that requires a
        gradient while grad mode is on.
        """
        live = self._live
        if len(inputs) == 1:
            # The common case, without the lists of the general one: a step may take a microsecond.
            (x,) = inputs
            plan = live.plans.get(x.shape) if isinstance(x, torch.Tensor) else None
            if plan is not None and plan.single is x.dtype and _is_ready(x, plan.single):
                y = x.new_empty(plan.outputs[0])
                status = self._step(
                    live.session.pointer,
                    live.inputs(x.data_ptr()),
                    live.outputs(y.data_ptr()),
                    plan.batch,
                    _error.reference,
                )
                if status:
                    native.check(status, _error.value)
                return y
            key = getattr(x, "shape", None)
        else:
            key = tuple(getattr(x, "shape", None) for x in inputs)
        plan = live.plans.get(key)
        if plan is None:
            plan = self._make_plan(live, inputs, False)
            _remember(live.plans, key, plan)
        return self._enter(live, plan, inputs, self._step)

    def run(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """T timesteps: inputs and outputs have the time as one more dimension in front.

        The same bits, in outputs and states, as T calls.
        """
        live = self._live
        key = tuple(getattr(x, "shape", None) for x in inputs)
        plan = live.run_plans.get(key)
        if plan is None:
            plan = self._make_plan(live, inputs, True)
            _remember(live.run_plans, key, plan)
        return self._enter(live, plan, inputs, self._run, plan.steps)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """As calling the model."""
        return self(*inputs)

    def _enter(
        self,
        live: Live,
        plan: Plan,
        inputs: Sequence[torch.Tensor],
        function: Callable,
        *steps: c_int64,
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        # The tensors stay referenced until the call is over.
        model = live.model
        tensors = [
            x if _is_ready(x, spec.dtype) else self._ready(x, spec)
            for x, spec in zip(inputs, model.inputs)
        ]
        device = _follow_stream(live, tensors) if live.on_gpu else None
        outputs = [
            torch.empty(shape, dtype=spec.dtype, device=device)
            for shape, spec in zip(plan.outputs, model.outputs)
        ]
        if not plan.is_empty:
            status = function(
                live.session.pointer,
                live.inputs(*[x.data_ptr() for x in tensors]),
                live.outputs(*[y.data_ptr() for y in outputs]),
                plan.batch,
                *steps,
                _error.reference,
            )
            if status:
                native.check(status, _error.value)
        for index in self._booleans:
            outputs[index] = outputs[index].bool()
        if self._structure is not None:
            return pytree.tree_unflatten(outputs, self._structure)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _ready(self, x: torch.Tensor, spec: native.Spec) -> torch.Tensor:
        name = spec.name
        if x.dtype is not spec.dtype:
            found, expected = (str(d).removeprefix("torch.") for d in (x.dtype, spec.dtype))
            raise Error(
                f"input '{name}' is {found}, expected {expected}: convert it with "
                f".{_CONVERSIONS[spec.dtype]}()"
            )
        own = self._live.device
        if x.layout is not torch.strided or not (x.is_cpu or str(x.device) == own):
            expected = "the CPU" if own == "cpu" else f"{own} or the CPU"
            raise Error(
                f"input '{name}' is a {x.layout} tensor on {x.device}, expected a dense one on "
                f"{expected}"
            )
        if x.requires_grad and torch.is_grad_enabled():
            raise Error(
                f"input '{name}' requires a gradient, which a compiled model does not give: "
                f"detach it, or call the model under torch.no_grad()"
            )
        return x.contiguous()

    def _make_plan(self, live: Live, inputs: Sequence[torch.Tensor], over_time: bool) -> Plan:
        specs = live.model.inputs
        if len(inputs) != len(specs):
            names = ", ".join(spec.name for spec in specs)
            raise Error(f"the model takes {len(specs)} inputs ({names}), found {len(inputs)}")
        batches, steps = {}, {}
        for spec, x in zip(specs, inputs):
            if not isinstance(x, torch.Tensor):
                raise Error(
                    f"input '{spec.name}' is a {type(x).__name__}, expected a torch.Tensor"
                )
            shape = tuple(x.shape)
            expected = (native.BATCH,) * over_time + spec.shape
            fits = len(shape) == len(expected) and all(
                size in (found, native.BATCH) for size, found in zip(expected, shape)
            )
            if not fits:
                text = ", ".join("batch" if n == native.BATCH else str(n) for n in spec.shape)
                text = f"steps, {text}" if over_time else text
                comma = "," if len(expected) == 1 else ""
                raise Error(
                    f"input '{spec.name}' has shape {shape}, expected ({text}{comma})"
                )
            if over_time:
                steps[spec.name], shape = shape[0], shape[1:]
            if spec.shape[0] == native.BATCH:
                batches[spec.name] = shape[0]
        for what, sizes in (("batch", batches), ("number of steps", steps)):
            if len(set(sizes.values())) > 1:
                raise Error(f"the inputs differ in their {what}: {sizes}; it must be one")
        if 0 in batches.values():
            raise Error("the inputs have a batch of 0, expected at least 1")
        batch = next(iter(batches.values()), max(live.model.batch, 1))
        time = tuple(steps.values())[:1]
        outputs = [
            time + tuple(batch if n == native.BATCH else n for n in spec.shape)
            for spec in live.model.outputs
        ]
        single = None
        if len(specs) == len(outputs) == 1 and self._structure is None and not self._booleans:
            if specs[0].dtype is live.model.outputs[0].dtype:
                single = specs[0].dtype
        return Plan(outputs, c_int64(batch), c_int64(*time), single, time == (0,))

    # Threads.

    @property
    def threads(self) -> int:
        """How many threads may make a timestep together; see set_threads."""
        return self._live.threads

    def set_threads(self, threads: int) -> None:
        """From now on so many threads may make a timestep of this stream together.

        The bits are those of one thread. Raises Error for a number above that which the model was
        compiled for (`ttc.compile(..., threads=N)`, `ttc --threads=N`), and below 1.
        """
        self._live.session.threads = threads

    # Streams.

    def fork(self) -> CompiledModel:
        """Another stream on the same weights that goes on from this one's states.

        It has copies of the states, the timestep and the random numbers' position, as many
        threads, and is independent from then on; so are its parameters, which are shared until one of the two
        loads others. It may be used in another thread.
        """
        return self._another(self._live.session.fork())

    def session(self, device: str | torch.device | None = None) -> CompiledModel:
        """Another stream on the same weights, without states; otherwise as `fork`.

        device: where it is; by default where this one is.
        """
        name = self._live.device if device is None else devices.device_name(device)
        session = native.Session(self._live.model, name)
        session.threads = self.threads
        return self._another(session)

    @property
    def device(self) -> torch.device:
        """Where the states are."""
        return torch.device(self._live.device)

    def synchronize(self) -> None:
        """Returns when all steps are done: at once, on the CPU."""
        self._live.session.synchronize()

    def _move(self, device: str) -> None:
        """Goes on from the same states on another device."""
        live = self._live
        if device == live.device:
            return
        session = native.Session(live.model, device)
        session.threads = live.session.threads
        session.generator = live.session.generator
        states = live.session.states()
        if states:
            session.set_states(states, native.LOAD_STRICT, live.session.timestep)
        self._live = Live(live.model, session)

    def _another(self, session: native.Session) -> CompiledModel:
        other = CompiledModel.__new__(CompiledModel)
        nn.Module.__init__(other)
        for name in ("_step", "_run", "_library", "_folder", "_structure", "_booleans"):
            setattr(other, name, getattr(self, name))
        with self._lock:
            params = self._params
            if params is not None:
                params = dataclasses.replace(params, tensors=OrderedDict(params.tensors))
        other._params = params
        other._lock = threading.Lock()
        other.training = False
        other._live = Live(self._live.model, session)
        return other

    # What nn.Module does with its parameters.

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        floats = [s.dtype for s in (*self._live.model.inputs, *self._live.model.outputs)]
        dtype = next(d for d in floats if d.is_floating_point)
        moved = fn(torch.zeros(1, dtype=dtype, device=self._live.device))
        targets = self._live.model.targets
        if moved.dtype not in floats or moved.device.type not in targets:
            raise UnsupportedError(
                f"a compiled model cannot be moved to {moved.dtype} on {moved.device}, as it was "
                f"compiled for {' and '.join(targets)} and its dtypes alone: move the module, and "
                f"compile that"
            )
        self._move(devices.device_name(moved.device))
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise Error(
            "a compiled model cannot be pickled or copied: fork() makes another stream here; for "
            "elsewhere save state_dict() and save_states(), and compile or load it again"
        )

    def extra_repr(self) -> str:
        model = self._live.model
        return f"{model.name}: {_describe(model.inputs)} -> {_describe(model.outputs)}"


def _describe(specs: Iterable[native.Spec]) -> str:
    return ", ".join(
        f"{spec.name}({', '.join('batch' if n == native.BATCH else str(n) for n in spec.shape)})"
        for spec in specs
    )


_CONVERSIONS = {
    torch.float32: "float",
    torch.float64: "double",
    torch.int64: "long",
    torch.int32: "int",
}


def _named_outputs(model: native.Model) -> pytree.TreeSpec | None:
    """A dict by name, for a model whose outputs have names of their own."""
    names = [spec.name for spec in model.outputs]
    if any(name == f"output{index}" for index, name in enumerate(names)):
        return None
    return pytree.tree_structure(dict.fromkeys(names, 0))


def _follow_stream(live: Live, tensors: Sequence[torch.Tensor]) -> torch.device | None:
    """The GPU that the tensors are on, in whose stream the step will be; None on the CPU."""
    device = next((x.device for x in tensors if not x.is_cpu), None)
    if device is not None:
        live.session.use_stream(devices.current_stream(device))
    return device


def _is_ready(x: torch.Tensor, dtype: torch.dtype) -> bool:
    return (
        x.dtype is dtype
        and not x.requires_grad
        and x.is_cpu
        and x.layout is torch.strided
        and x.is_contiguous()
    )


def _remember(plans: dict[Any, Plan], key: Any, plan: Plan) -> None:
    if len(plans) >= _MAX_PLANS:
        plans.clear()
    plans[key] = plan
