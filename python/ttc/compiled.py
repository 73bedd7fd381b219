"""A compiled model in Python: the same calls and the same methods as the module it came from."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from . import native, toolchain
from .errors import Error, UnsupportedError
from .exporting import Examples, check_batch, export_model, write_file
from .params import Constrained, activate, deactivate
from .paths import canonical_key

_MAX_PLANS = 256


class LoadedKeys(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def compile(
    model: nn.Module,
    example_input: Examples,
    target: str = "cpu",
    batch: int | None = None,
    dtype: torch.dtype | None = None,
) -> CompiledModel:
    """Compiles a module for this machine.

    model, example_input, batch: as for `ttc.export`; the model is left as it is, and the compiled
        one starts without states.
    target: "cpu".
    dtype: None or torch.float32.

    Raises UnsupportedError, naming the module, for a model that ttc cannot compile, and Error for
    wrong arguments.
    """
    if target != "cpu":
        raise UnsupportedError(f"the target {target!r} is not supported; use target='cpu'")
    if dtype not in (None, torch.float32):
        raise UnsupportedError(f"the dtype {dtype} is not supported; use torch.float32")
    exported = export_model(model, example_input, "model")
    options = []
    # Fixed by the compiler and not in the model IR: the same model has the same fingerprint.
    if batch is not None and check_batch(exported.inputs, batch):
        options.append(f"--batch={batch}")
    parameters = _Parameters(
        exported.state_dict, list(exported.constrained), dict(exported.aliases)
    )
    # load_state_dict opens the library again: its folder lives as long as the compiled model.
    directory = tempfile.mkdtemp(prefix="ttc-")
    try:
        source, library = Path(directory, "model.mlir"), Path(directory, "libmodel.so")
        write_file(source, exported.text.encode())
        toolchain.run_driver(source, library, options)
        compiled = CompiledModel(library, parameters, native.Weights.lend(exported.weights))
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    weakref.finalize(compiled, shutil.rmtree, directory, ignore_errors=True)
    return compiled


def load(
    library: str | os.PathLike,
    weights: str | os.PathLike | Mapping[str, torch.Tensor] | None = None,
    strict: bool = True,
) -> CompiledModel:
    """Loads a shared library that the compiler made.

    weights: a safetensors file, or tensors by key; None if the library was compiled with weights.
    strict: whether a key that the model does not have is an error; a missing one always is.

    Raises Error, naming the file and key, if either is not what it should be.
    """
    path = Path(library).absolute()
    if weights is None:
        return CompiledModel(path, None, None)
    if isinstance(weights, Mapping):
        _check_tensors(weights, "weights")
        given = OrderedDict((key, tensor.detach().cpu().clone()) for key, tensor in weights.items())
        return CompiledModel(path, _Parameters(given), native.Weights.lend(given), strict)
    opened = native.Weights.open(weights)
    return CompiledModel(path, _Parameters(OrderedDict(opened.read())), opened, strict)


def _check_tensors(tensors: Mapping[str, torch.Tensor], what: str) -> None:
    if not isinstance(tensors, Mapping):
        raise Error(f"the {what} are a {type(tensors).__name__}, expected a dict of tensors")
    for key, tensor in tensors.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise Error(
                f"{key!r} of the {what} is a {type(tensor).__name__}, expected tensors by name"
            )


@dataclass
class _Parameters:
    """The parameters of a model by key, as the module that it came from spells them."""

    tensors: OrderedDict[str, torch.Tensor]
    constrained: list[Constrained] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def spellings(self) -> dict[str, Constrained]:
        """Both keys of each constrained parameter."""
        both = {param.raw_key: param for param in self.constrained}
        return both | {param.key: param for param in self.constrained}


@dataclass(frozen=True)
class _Plan:
    """What a call with inputs of certain shapes comes to."""

    outputs: list[tuple[int, ...]]
    batch: c_int64
    steps: c_int64
    is_single: bool  # one input and one output
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
        parameters: _Parameters | None,
        weights: native.Weights | None,
        strict: bool = True,
    ):
        super().__init__()
        runtime = native.library()
        self._step, self._run = runtime.ttc_session_step_raw, runtime.ttc_session_run_raw
        self._library = library
        self._params = parameters
        self._lock = threading.Lock()
        self.training = False
        self._live = _Live(native.Model(library, weights, strict))
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

        Returns the output, or a tuple of several. Contiguous float32 tensors are not copied.
        Raises Error for another rank, size, dtype or device, and for a tensor that requires a
        gradient while grad mode is on.
        """
        live = self._live
        if len(inputs) == 1:
            # The common case, without the lists of the general one: a step may take a microsecond.
            (x,) = inputs
            plan = live.plans.get(x.shape) if isinstance(x, torch.Tensor) else None
            if plan is not None and plan.is_single and _is_ready(x):
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
        tensors = [x if _is_ready(x) else self._ready(x, i) for i, x in enumerate(inputs)]
        outputs = [tensors[0].new_empty(shape) for shape in plan.outputs]
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
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _ready(self, x: torch.Tensor, index: int) -> torch.Tensor:
        name = self._live.model.inputs[index].name
        if x.dtype is not torch.float32:
            found = str(x.dtype).removeprefix("torch.")
            raise Error(f"input '{name}' is {found}, expected float32: convert it with .float()")
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
        is_single = len(inputs) == len(outputs) == 1
        return _Plan(outputs, c_int64(batch), c_int64(*time), is_single, time == (0,))

    # States.

    @property
    def timestep(self) -> int:
        """Timesteps since the states were last zeroed, kept through save and load."""
        return self._live.session.timestep

    def zero_states(self) -> None:
        """Back to no states; the next call may bring another batch."""
        self._live.session.zero()

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
        _check_tensors(states, "states")
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
        self._live.session.load(path, flags)

    # Parameters.

    def TTcompile(self) -> None:
        """Spells every constrained parameter by its effective value: `net.1.beta`.

        The compiled code has used that value all along: outputs do not change.
        """
        self._convert(lambda param, raw: (param.key, activate(param.activation, raw)), True)

    def TTdecompile(self) -> None:
        """Spells every constrained parameter by its raw value: `net.1.raw_beta`.

        Raises Error, naming the key, for a value that no finite raw value has; nothing has
        changed then.
        """
        self._convert(lambda param, value: (param.raw_key, deactivate(param, value)), False)

    def _convert(
        self, convert: Callable[[Constrained, torch.Tensor], tuple[str, torch.Tensor]], raw: bool
    ) -> None:
        with self._lock:
            parameters = self._own_parameters()
            known = {param.raw_key if raw else param.key: param for param in parameters.constrained}
            parameters.tensors = OrderedDict(
                convert(known[key], tensor) if key in known else (key, tensor)
                for key, tensor in parameters.tensors.items()
            )

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
        _check_tensors(state_dict, "parameters")
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
            self._prepare(_Parameters(tensors, present.constrained, present.aliases))
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

    def _prepare(self, parameters: _Parameters) -> None:
        """Makes a model of other parameters and moves the states to it."""
        weights = self._lend(parameters, {p.key for p in self._live.model.params})
        live = _Live(native.Model(self._library, weights, True))
        states = self._live.session.states()
        if states:
            live.session.set_states(states, native.LOAD_STRICT, self._live.session.timestep)
        self._live, self._params = live, parameters

    @staticmethod
    def _lend(parameters: _Parameters, keys: set[str]) -> native.Weights:
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
        return native.Weights.lend({
            key: tensor for key, tensor in used.items()
            if (spellings[key].key if key in spellings else key) in keys
        })

    def _own_parameters(self) -> _Parameters:
        if self._params is None:
            raise Error(
                f"'{self._library}' was compiled with its weights and loaded without others: their "
                f"original form is not in it; load it with weights=..."
            )
        return self._params

    # What nn.Module does with its parameters.

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        moved = fn(torch.zeros(1))
        if moved.dtype is not torch.float32 or not moved.is_cpu:
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


def _is_ready(x: torch.Tensor) -> bool:
    return (
        x.dtype is torch.float32
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
