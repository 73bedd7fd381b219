"""The user's model, run without being touched: its forward written down, and played again."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import contextlib
import copy
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .errors import Error, Finding, Place, UnsupportedError
from .hidden import Attributes
from .params import recognise
from .paths import ModulePaths, find_modules, is_stateful
from .recording import Node, Recorder, in_users_code, run_forward

FLOATS = (torch.float32, torch.float64)
INTEGERS = (torch.int64, torch.int32)


def where(path: str, module: nn.Module) -> str:
    """How an error names a module: `'net.1' (LIB)`."""
    return f"'{path}' ({type(module).__name__})" if path else f"the model ({type(module).__name__})"


def join(path: str, name: str) -> str:
    """A key: the layer's path, a dot, the name; a model that is one layer has no path."""
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class Example:
    """The example of a call: its tensors, and how the forward's arguments hold them."""

    names: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]
    spec: pytree.TreeSpec
    defaults: Mapping[str, Any]

    def arguments(self, tensors: Sequence[torch.Tensor]) -> dict[str, Any]:
        """The forward's arguments, with these tensors in the example's place."""
        return {**self.defaults, **pytree.tree_unflatten(list(tensors), self.spec)}


@dataclass(frozen=True)
class Recording:
    """A forward that was written down."""

    root: nn.Module
    paths: ModulePaths
    nodes: list[Node]
    inputs: list[Node]
    output: Any  # as the forward returns it, with nodes for tensors
    writes: dict[str, Node]  # what a user's own layers leave in their states
    findings: list[Finding]
    attributes: Attributes

    def stateful_roots(self) -> list[Node]:
        """What has an effect: the outputs, the states that are written, calls of layers."""
        roots = [n for n in pytree.tree_leaves(self.output) if isinstance(n, Node)]
        roots += self.writes.values()
        for node in self.nodes:
            if node.kind == "layer" and keeps_states(self.paths.modules[node.target]):
                roots.append(node)
        return roots


def keeps_states(module: nn.Module) -> bool:
    """Whether a layer keeps anything from one timestep to the next."""
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return True
    return is_stateful(module)


class Subject:
    """A private copy of the user's model, of which any number of fresh ones are made."""

    def __init__(
        self, model: nn.Module, is_layer: Callable[[nn.Module], bool], known: Callable[[Any], bool]
    ):
        self._is_layer, self._known = is_layer, known
        for path, module in model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                raise UnsupportedError(
                    f"{where(path, module)} is TorchScript, which has no layers to recognise; give "
                    f"the module that it was made from"
                )
        originals = find_modules(model, is_layer)
        self.was_training = _is_training(model, originals.modules.values())
        for path, module in originals.modules.items():
            _check_kind(path, module)
        self.model = private_copy(model)
        if any(t.device.type != "cpu" for t in (*model.parameters(), *model.buffers())):
            self.model.cpu()
        for path, module in find_modules(self.model, is_layer).modules.items():
            _prepare(path, module)
        self.is_one_layer = is_layer(model) or is_stateful(model)

    def fresh(self) -> tuple[nn.Module, ModulePaths]:
        """A model that has not run yet; its parameters and buffers are the private copy's own."""
        memo = {id(t): t for t in (*self.model.parameters(), *self.model.buffers())}
        model = copy.deepcopy(self.model, memo)
        root = OneLayer(model) if self.is_one_layer else model
        paths = find_modules(root, self._is_layer)
        if root is not model:
            paths.aliases[""] = OneLayer.PATH
        return root, paths

    def bind(self, examples: Sequence[Any]) -> Example:
        """Gives the examples to the forward's parameters, by position."""
        signature = inspect.signature(
            OneLayer.forward.__get__(self.model) if self.is_one_layer else self.model.forward
        )
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise UnsupportedError(
                    f"{where('', self.model)} has a forward that takes {parameter}; give its "
                    f"inputs names"
                )
        try:
            bound = signature.bind(*examples)
        except TypeError as error:
            raise Error(
                f"{where('', self.model)} cannot be called with {len(examples)} example inputs: "
                f"{error}"
            ) from error
        given = dict(bound.arguments)
        bound.apply_defaults()
        defaults = {n: v for n, v in bound.arguments.items() if n not in given}
        leaves, spec = pytree.tree_flatten_with_path(given)
        dtypes = {tensor.dtype for tensor in floats_of(self.model)}
        names, tensors = [], []
        for path, leaf in leaves:
            names.append(
                "_".join(str(getattr(key, "key", getattr(key, "idx", ""))) for key in path)
            )
            tensors.append(_checked(leaf, len(names) - 1, dtypes))
        return Example(tuple(names), tuple(tensors), spec, defaults)

    def run(self, root: nn.Module, arguments: Mapping[str, Any]) -> Any:
        """Runs a model as PyTorch does. Raises Error where the model does not take the example."""
        try:
            with torch.no_grad():
                return run_forward(root, **arguments)
        except Error:
            raise
        except Exception as error:
            shapes = [
                tuple(t.shape) for t in pytree.tree_leaves(dict(arguments))
                if isinstance(t, torch.Tensor)
            ]
            at = ""
            for frame, line in traceback.walk_tb(error.__traceback__):
                if in_users_code(frame):
                    at = f", {Place('', frame.f_code.co_filename, line).spelling}"
            raise Error(
                f"{where('', self.model)} does not take the example: for inputs of shapes "
                f"{shapes}{at}, it says: {error}"
            ) from error

    def record(self, example: Example, tensors: Sequence[torch.Tensor]) -> Recording:
        """Writes down what the forward computes from these tensors."""
        root, paths = self.fresh()
        arguments = example.arguments([t.clone() for t in tensors])
        recorder = Recorder(self._known)
        attributes = Attributes(paths, recorder, self._is_layer)
        with _layers_answer(paths, self._is_layer):
            self.run(root, arguments)  # now states have shapes, and what is made once is made
        _lend_parameters(paths, recorder)
        attributes.begin()
        states = _begin_states(paths, recorder, self._is_layer)
        _watch(paths, recorder, self._is_layer)
        _constrain(paths, recorder, self._is_layer)
        inputs = [
            recorder.add("input", name, tensor.clone(), place=Place())
            for name, tensor in zip(example.names, tensors)
        ]
        arguments = example.arguments([node.result for node in inputs])
        with recorder.running():
            output = self.run(root, arguments)
        output = recorder.argument(output)
        writes = {
            key: recorder.argument(getattr(module, name))
            for key, (module, name) in states.items() if getattr(module, name) is not None
        }
        attributes.finish()
        return Recording(
            root, paths, recorder.nodes, inputs, output, writes, recorder.findings, attributes
        )


class OneLayer(nn.Module):
    """Calls a model that is itself one layer, which has no path of its own."""

    PATH = "layer"

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer
        self.eval()

    def forward(self, x, hx=None):
        return self.layer(x) if hx is None else self.layer(x, hx)


def _is_training(model: nn.Module, modules: Iterable[nn.Module]) -> bool:
    """Whether a layer is in training mode and model.eval() would change that, or anything."""
    registered = {id(module) for module in model.modules()}
    return any(
        module.training
        and (id(module) in registered or isinstance(module, nn.modules.dropout._DropoutNd))
        for module in modules
    )


def private_copy(model: nn.Module) -> nn.Module:
    """A deep copy. Raises UnsupportedError where that cannot be made."""
    # Tensors that carry a history, as states after a training step do, refuse to be copied.
    memo: dict[int, Any] = {}
    for module in find_modules(model, lambda module: False).modules.values():
        for value in pytree.tree_leaves(list(vars(module).values())):
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise UnsupportedError(
            f"the model ({type(model).__name__}) cannot be copied with copy.deepcopy, and ttc "
            f"exports a copy so that the model stays as it is: {error}"
        ) from error


def floats_of(model: nn.Module) -> list[torch.Tensor]:
    """The parameters and buffers of floats."""
    return [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]


_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module",
             "DistributedDataParallel": "module"}


def _check_kind(path: str, module: nn.Module) -> None:
    """Refuses modules that are no modules of Python's with data."""
    name = type(module).__name__
    if name in _WRAPPERS and type(module).__module__.startswith("torch."):
        raise UnsupportedError(
            f"{where(path, module)} wraps another module; give that one, which is its attribute "
            f"'{_WRAPPERS[name]}'"
        )
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    for key, tensor in own:
        if isinstance(tensor, nn.parameter.UninitializedTensorMixin) or tensor.is_meta:
            raise UnsupportedError(
                f"'{join(path, key)}' of {where(path, module)} has no values yet: call the model "
                f"once, or load its weights"
            )


def _prepare(path: str, module: nn.Module) -> None:
    if "forward" in vars(module):
        raise UnsupportedError(
            f"{where(path, module)} has a forward that was assigned to the instance; define it in "
            f"a class"
        )
    module.training = False
    module._forward_hooks.clear()
    module._forward_pre_hooks.clear()
    if is_stateful(module):
        module.zero_states()


def _checked(example: Any, index: int, dtypes: set[torch.dtype]) -> torch.Tensor:
    if not isinstance(example, torch.Tensor):
        raise Error(
            f"example input {index} is a {type(example).__name__}, expected a torch.Tensor "
            f"(several inputs: a tuple of tensors)"
        )
    if example.dtype not in (*FLOATS, *INTEGERS):
        found = str(example.dtype).removeprefix("torch.")
        raise Error(
            f"example input {index} is {found}, expected float32 (or float64; int64 or int32 where "
            f"it indexes an embedding): convert it with .float()"
        )
    if example.dtype in FLOATS and len(dtypes) == 1 and example.dtype not in dtypes:
        found, expected = (
            str(dtype).removeprefix("torch.") for dtype in (example.dtype, *dtypes)
        )
        advice = f"convert it with .{'float' if expected == 'float32' else 'double'}()"
        if not dtypes & set(FLOATS):
            advice = (
                f"convert the model with .float(), and compile it with dtype=torch.{expected} to "
                f"store its weights and states so"
            )
        raise Error(
            f"example input {index} is {found}, expected {expected} as the model's parameters: "
            f"{advice}"
        )
    if example.ndim == 0 or example.numel() == 0:
        raise Error(
            f"example input {index} has shape {tuple(example.shape)}, expected at least one "
            f"dimension and no size of 0"
        )
    return example.detach().cpu()


@contextlib.contextmanager
def _layers_answer(
    paths: ModulePaths, is_layer: Callable[[nn.Module], bool]
) -> Iterator[None]:
    """Inside, each layer says by name what it does not take."""
    layers = [(path, module) for path, module in paths.modules.items() if is_layer(module)]
    for path, module in layers:
        module.forward = _guarded(path, module, module.forward)
    try:
        yield
    finally:
        for _, module in layers:
            del module.forward


def _guarded(path: str, module: nn.Module, forward: Callable) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return forward(*args, **kwargs)
        except Exception as error:
            shapes = [
                tuple(t.shape) for t in pytree.tree_leaves((args, kwargs))
                if isinstance(t, torch.Tensor)
            ]
            raise Error(
                f"{where(path, module)} does not take the example: for inputs of shapes {shapes} "
                f"it says: {error}"
            ) from error

    return call


def _lend_parameters(paths: ModulePaths, recorder: Recorder) -> None:
    """Every parameter and buffer becomes a node once it is used, under its key."""
    for path, module in paths.modules.items():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if not recorder.is_tracked(tensor):
                recorder.lend(tensor, "param", join(path, name), None)


def _begin_states(
    paths: ModulePaths, recorder: Recorder, is_layer: Callable[[nn.Module], bool]
) -> dict[str, tuple[nn.Module, str]]:
    """Zeros for the states of users' own layers, of the shapes that they have after a step."""
    states = {}
    for path, module in paths.modules.items():
        if not is_stateful(module):
            continue
        if is_layer(module):
            module.zero_states()
            continue
        for name in sorted(module._state_names):
            state = getattr(module, name)
            if isinstance(state, torch.Tensor):
                zeros = torch.zeros_like(state)
                setattr(module, name, zeros)
                recorder.add("state", join(path, name), zeros, place=Place(path))
                states[join(path, name)] = module, name
    return states


def _watch(
    paths: ModulePaths, recorder: Recorder, is_layer: Callable[[nn.Module], bool]
) -> None:
    """Lets the recorder see each module's forward; a layer is one node."""

    def layer(path: str, module: nn.Module, forward: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            if recorder.is_paused:
                return forward(*args, **kwargs)
            with recorder.paused():
                result = forward(*args, **kwargs)
            states = [getattr(module, name) for name in getattr(module, "_state_names", ())]
            recorder.layer(path, args, kwargs, result, states)
            return result

        return call

    def inner(path: str, forward: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            recorder.stack.append(path)
            try:
                return forward(*args, **kwargs)
            finally:
                recorder.stack.pop()

        return call

    for path, module in paths.modules.items():
        if is_layer(module):
            module.forward = layer(path, module, module.forward)
        elif path:
            module.forward = inner(path, module.forward)


def _constrain(
    paths: ModulePaths, recorder: Recorder, is_layer: Callable[[nn.Module], bool]
) -> None:
    """Constrained parameters of users' own layers: one node each, activated."""

    def activated(node: Node, function: Callable) -> Callable:
        def call(raw: torch.Tensor) -> torch.Tensor:
            if recorder.is_paused:
                return function(raw)
            with recorder.paused():
                value = function(raw)
                # A tensor of its own, also where the function gives back what it was given.
                value = value.clone() if value is raw else value
            node.result = value
            if node not in recorder.nodes:
                recorder.nodes.append(node)
            recorder.bind(value, node)
            return value

        return call

    for path, module in paths.modules.items():
        if is_layer(module) or not is_stateful(module):
            continue
        functions = dict(getattr(module, "_dynamic_params", {}))
        for name, function in functions.items():
            activation = recognise(function)
            if activation is None:
                continue
            buffers = dict(module.named_buffers(recurse=False))
            key = join(path, name)
            if name in buffers:  # after TTcompile()
                recorder.lend(buffers[name], "param", key, activation)
            else:
                node = Node("param", key, (activation,), {}, None, Place(path))
                functions[name] = activated(node, function)
        if functions:
            module._dynamic_params = functions


class Replay:
    """Runs what was recorded, one timestep after the other."""

    def __init__(self, recording: Recording):
        self._recording = recording
        self._states: dict[str, torch.Tensor] = {}
        self._hidden: dict[str, Any] = {}
        for module in recording.paths.modules.values():
            if is_stateful(module):
                module.zero_states()

    def step(
        self, inputs: Sequence[torch.Tensor], nodes: Sequence[Node] | None = None
    ) -> dict[Node, Any]:
        """The value of each node for these inputs."""
        recording = self._recording
        values: dict[Node, Any] = dict(zip(recording.inputs, inputs))
        with torch.no_grad():
            for node in recording.nodes if nodes is None else nodes:
                if node.kind != "input":
                    values[node] = self._value(node, values)
        self._states = {key: values[node] for key, node in recording.writes.items()}
        return values

    def _value(self, node: Node, values: Mapping[Node, Any]) -> Any:
        if node.kind in ("param", "constant", "attribute"):
            return node.result
        if node.kind == "state":
            return self._states.get(node.target, torch.zeros_like(node.result))

        def get(leaf: Any) -> Any:
            return values[leaf] if isinstance(leaf, Node) else leaf

        args, kwargs = pytree.tree_map(get, (node.args, node.kwargs))
        if node.kind == "item":
            return args[0][node.target]
        if node.kind == "layer":
            module = self._recording.paths.modules[node.target]
            if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
                x = args[0] if args else kwargs["input"]
                result = module(x, self._hidden.get(node.target))
                is_cell = isinstance(module, nn.RNNCellBase)
                self._hidden[node.target] = result if is_cell else result[1]
                return result
            return module(*args, **kwargs)
        return node.function(*args, **kwargs)
