"""A compiled model in Python: the same calls and the same methods as the module it came from."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import dataclasses
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils import _pytree as pytree

from . import native
from .errors import Error, UnsupportedError
from .params import Constrained, Functions, Parameters, activate, deactivate, losses
from .paths import canonical_key

_MAX_PLANS = 256


class LoadedKeys(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def check_tensors(tensors: Mapping[str, torch.Tensor], what: str) -> None:
    if not isinstance(tensors, Mapping):
        raise Error(f"the {what} are a {type(tensors).__name__}, expected a dict of tensors")
    for key, tensor in tensors.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise Error(
                f"{key!r} of the {what} is a {type(tensor).__name__}, expected tensors by name"
            )


@dataclass(frozen=True)
class _Plan:
    """What a call with inputs of certain shapes comes to."""

    outputs: list[tuple[int, ...]]
    batch: c_int64
    steps: c_int64
    single: torch.dtype | None  # that of the one input and the one output, if they are so
    is_empty: bool  # no timesteps


class _Live:
    """A prepared model and the one session that runs it; replaced as a whole."""

    def __init__(self, model: native.Model):
        self.model = model
        self.session = native.Session(model)
        self.plans: dict[Any, _Plan] = {}
        self.run_plans: dict[Any, _Plan] = {}
        self.inputs = c_void_p * len(model.inputs)
        self.outputs = c_void_p * len(model.outputs)


class _ThreadError(threading.local):
    """Where the runtime writes why a call failed: one a thread."""

    def __init__(self) -> None:
        self.value = native.CError()
        self.reference = byref(self.value)


_error = _ThreadError()


class CompiledModel(nn.Module):
    """A compiled model and one stream of states through it.

    Made by `ttc.compile` and `ttc.load`. As the C API, it belongs to one thread at a time: a call
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
    ):
        super().__init__()
        runtime = native.library()
        self._step, self._run = runtime.ttc_session_step_raw, runtime.ttc_session_run_raw
        self._library = library
        self._params = parameters
        self._lock = threading.Lock()
        self.training = False
        self._live = _Live(native.Model(library, weights, strict))
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
        copied.
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
        live: _Live,
        plan: _Plan,
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
        outputs = [
            torch.empty(shape, dtype=spec.dtype)
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
        if not x.is_cpu or x.layout is not torch.strided:
            raise Error(
                f"input '{name}' is a {x.layout} tensor on {x.device}, expected a dense one on the "
                f"CPU"
            )
        if x.requires_grad and torch.is_grad_enabled():
            raise Error(
                f"input '{name}' requires a gradient, which a compiled model does not give: "
                f"detach it, or call the model under torch.no_grad()"
            )
        return x.contiguous()

    def _make_plan(self, live: _Live, inputs: Sequence[torch.Tensor], over_time: bool) -> _Plan:
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
        return _Plan(outputs, c_int64(batch), c_int64(*time), single, time == (0,))

    # States.

    @property
    def timestep(self) -> int:
        """Timesteps since the states were last zeroed, kept through save and load."""
        return self._live.session.timestep

    def zero_states(self) -> None:
        """Back to no states; the next call may bring another batch."""
        self._live.session.zero()

    def seed(self, seed: int) -> None:
        """Begins other random numbers, for a model with stochastic quantizers.

        seed: 0 to 2**64 - 1; a new compiled model has 0. The same seed, states and inputs give
        the same bits; zero_states leaves the random numbers where they are.
        """
        self._live.session.seed(seed)

    def detach_states(self) -> None:
        """States carry no gradient: there is nothing to detach."""

    def save_states(self) -> dict[str, torch.Tensor]:
        """Copies of the states by canonical key, such as `net.1.mem`; {} before the first step."""
        return self._live.session.states()

    def load_states(
        self,
        states: Mapping[str, torch.Tensor],
        strict: bool = True,
        device: str | torch.device | None = None,
    ) -> None:
        """Replaces the states by copies, all or nothing.

        states: as from `save_states`, of this model or of the reference package's.
        strict: whether missing and unknown keys are errors; if not, missing states keep their
            value, unknown keys are passed over.
        device: None or "cpu".

        Raises Error, naming each key, for wrong keys, shapes (both are named) and dtypes.
        """
        if device is not None and torch.device(device).type != "cpu":
            raise UnsupportedError(f"states on the device '{device}' are not supported; use 'cpu'")
        check_tensors(states, "states")
        aliases = self._params.aliases if self._params else {}
        tensors: dict[str, torch.Tensor] = {}
        origin: dict[str, str] = {}
        for key, tensor in states.items():
            canonical, tensor = canonical_key(key, aliases), tensor.detach().cpu()
            if canonical in tensors and not _same_bytes(tensors[canonical], tensor):
                raise Error(
                    f"'{origin[canonical]}' and '{key}' are two names of the state '{canonical}', "
                    f"but their values differ; remove one"
                )
            tensors[canonical] = tensor
            origin.setdefault(canonical, key)
        session = self._live.session
        flags = native.LOAD_STRICT if strict else native.LOAD_LENIENT
        session.set_states(tensors, flags, session.timestep if tensors or not strict else 0)

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
    ) -> None:
        """Verifies a states file, then replaces the states, all or nothing.

        strict: as for `load_states`.
        other_model: take the states of a model with the same states but another fingerprint.
        unverified: take a file without checksums and fingerprints, made by others.
        """
        flags = native.LOAD_STRICT if strict else native.LOAD_LENIENT
        flags |= native.LOAD_OTHER_MODEL if other_model else 0
        flags |= native.LOAD_UNVERIFIED if unverified else 0
        unverified_parts = self._live.session.load(path, flags)
        if unverified_parts and not unverified:
            warnings.warn(unverified_parts, stacklevel=2)

    # Parameters.

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
        self, state_dict: Mapping[str, torch.Tensor], strict: bool = True
    ) -> LoadedKeys:
        """Replaces the parameters by copies and keeps the states, all or nothing.

        Each constrained parameter may be given raw or activated, not both.
        strict: whether missing and unknown keys are errors.
        Raises Error, listing all keys that are wrong.
        """
        check_tensors(state_dict, "parameters")
        with self._lock:
            present = self._own_parameters()
            spellings = present.spellings()
            given, unexpected = self._match(present.tensors, state_dict, spellings)
            missing = [key for key in present.tensors if key not in given]
            wrong = []
            if strict:
                wrong += [f"'{key}' is missing" for key in missing]
                wrong += [f"'{key}' is unknown" for key in unexpected]
            for key, name in given.items():
                wrong += _differences(name, present.tensors[key], state_dict[name])
            if wrong:
                raise Error(f"the parameters do not fit the model: {'; '.join(wrong)}")
            tensors = OrderedDict(
                (given[key], state_dict[given[key]].detach().cpu().clone())
                if key in given else (key, tensor)
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
        live = _Live(native.Model(self._library, weights, True))
        live.session.generator = self._live.session.generator
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
            if canonical in used and not _same_bytes(used[canonical], tensor):
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

    # What nn.Module does with its parameters.

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        floats = [s.dtype for s in (*self._live.model.inputs, *self._live.model.outputs)]
        moved = fn(torch.zeros(1, dtype=next(d for d in floats if d.is_floating_point)))
        if moved.dtype not in floats or not moved.is_cpu:
            raise UnsupportedError(
                f"a compiled model cannot be moved to {moved.dtype} on {moved.device}: move the "
                f"module, and compile that"
            )
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise Error(
            "a compiled model cannot be pickled or copied: save state_dict() and save_states(), "
            "and compile or load it again"
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


def _is_ready(x: torch.Tensor, dtype: torch.dtype) -> bool:
    return (
        x.dtype is dtype
        and not x.requires_grad
        and x.is_cpu
        and x.layout is torch.strided
        and x.is_contiguous()
    )


def _remember(plans: dict[Any, _Plan], key: Any, plan: _Plan) -> None:
    if len(plans) >= _MAX_PLANS:
        plans.clear()
    plans[key] = plan


def _same_bytes(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    a, b = (t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b))
    return torch.equal(a, b)


def _differences(key: str, expected: torch.Tensor, found: torch.Tensor) -> list[str]:
    """Sentences on what keeps `found` from taking the place of `expected`."""
    wrong = []
    if expected.shape != found.shape:
        wrong.append(f"'{key}' has shape {tuple(found.shape)}, expected {tuple(expected.shape)}")
    if expected.dtype != found.dtype:
        names = [str(t.dtype).removeprefix("torch.") for t in (found, expected)]
        wrong.append(f"'{key}' is {names[0]}, expected {names[1]}")
    return wrong
