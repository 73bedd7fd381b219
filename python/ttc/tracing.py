"""What a model's forward does: a graph of layers and operations, with every value's shape."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from .errors import Error, UnsupportedError
from .paths import ModulePaths, find_modules, is_leaf, is_stateful


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: its shape on the example, and whether its first size is the batch."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    dynamic: bool


@dataclass(frozen=True)
class Traced:
    """A model's forward. `values` has a Value for every node that makes a tensor."""

    model: nn.Module  # a private copy, in eval mode and without states
    paths: ModulePaths
    nodes: tuple[fx.Node, ...]  # in order, without those that nothing needs
    inputs: tuple[fx.Node, ...]  # in the order of the call
    output: fx.Node
    values: Mapping[fx.Node, Any]
    was_training: bool


def where(path: str, module: nn.Module) -> str:
    """How an error names a module: `'net.1' (LIB)`."""
    return f"'{path}' ({type(module).__name__})" if path else f"the model ({type(module).__name__})"


def trace(
    model: nn.Module,
    examples: Sequence[torch.Tensor],
    batch: int | None,
    check_layer: Callable[[str, nn.Module], None],
) -> Traced:
    """Traces the model on one timestep's inputs, without touching the model.

    The leading dimension of a value is the batch if the value grows with it: the model runs on
    the examples and once more on inputs with one row more. With an int for `batch`, or where
    that cannot be (rank 1, or a layer's own dimension), every size is fixed. `check_layer` may
    refuse a layer, by its path, where the forward calls it.

    Raises Error for inputs that the model does not take, UnsupportedError for a forward that
    cannot be traced.
    """
    originals = find_modules(model)
    was_training = _is_training(model, originals.modules.values())
    model = _private_copy(model, originals.modules.values())
    root = _OneLayer(model) if is_leaf(model) else model
    paths = find_modules(root)
    if root is not model:
        paths.aliases[""] = _OneLayer.PATH
    for path, module in paths.modules.items():
        _prepare(path, module)
    _check_examples(examples)

    bound, defaults = _bind(model, root, examples)
    graph = _trace_graph(root, _Tracer(paths, check_layer), defaults)
    _check_no_hidden_state(paths)
    placeholders = {node.target: node for node in graph.nodes if node.op == "placeholder"}
    inputs = tuple(placeholders[name] for name in bound)
    output = next(node for node in graph.nodes if node.op == "output")
    nodes = _needed(graph, output, paths)

    def run(tensors: Sequence[torch.Tensor]) -> dict[fx.Node, Any]:
        return _run(nodes, dict(zip(inputs, tensors)), paths, root)

    small = run(examples)
    large = None
    if batch is None and _may_grow(examples, nodes, small, paths):
        try:
            large = run([torch.cat([t, t[:1]]) if t.ndim > 1 else t for t in examples])
        except Error:
            pass  # the leading dimension cannot change: it is not a batch
    return Traced(model, paths, nodes, inputs, output, _values(small, large), was_training)


def _is_training(model: nn.Module, modules: Iterable[nn.Module]) -> bool:
    """Whether a layer is in training mode and model.eval() would change that, or anything."""
    registered = {id(module) for module in model.modules()}
    return any(
        module.training
        and (id(module) in registered or isinstance(module, nn.modules.dropout._DropoutNd))
        for module in modules
    )


def _private_copy(model: nn.Module, modules: Iterable[nn.Module]) -> nn.Module:
    # Tensors that carry a history, as states after a training step do, refuse to be copied.
    memo: dict[int, Any] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise UnsupportedError(
            f"the model ({type(model).__name__}) cannot be copied with copy.deepcopy, and ttc "
            f"exports a copy so that the model stays as it is: {error}"
        ) from error


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


def _check_examples(examples: Sequence[torch.Tensor]) -> None:
    for index, example in enumerate(examples):
        if not isinstance(example, torch.Tensor):
            raise Error(
                f"example input {index} is a {type(example).__name__}, expected a torch.Tensor "
                f"(several inputs: a tuple of tensors)"
            )
        if example.dtype != torch.float32:
            raise Error(
                f"example input {index} is {_name(example.dtype)}, expected float32: convert it "
                f"with .float()"
            )
        if example.ndim == 0 or example.numel() == 0:
            raise Error(
                f"example input {index} has shape {tuple(example.shape)}, expected at least one "
                f"dimension and no size of 0"
            )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _bind(
    model: nn.Module, root: nn.Module, examples: Sequence[torch.Tensor]
) -> tuple[list[str], dict[str, Any]]:
    """The forward's parameters that the examples go to, and the defaults of the others."""
    signature = inspect.signature(root.forward)
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UnsupportedError(
                f"{where('', model)} has a forward that takes {parameter}; give its inputs names"
            )
    try:
        bound = signature.bind(*examples)
    except TypeError as error:
        raise Error(
            f"{where('', model)} cannot be called with {len(examples)} example inputs: {error}"
        ) from error
    given = list(bound.arguments)
    bound.apply_defaults()
    defaults = {name: bound.arguments[name] for name in bound.arguments if name not in given}
    return given, defaults


class _Tracer(fx.Tracer):
    """Traces by canonical path, so that layers in plain Python lists are found too."""

    def __init__(self, paths: ModulePaths, check_layer: Callable[[str, nn.Module], None]):
        super().__init__()
        self._module_paths = paths
        self._check_layer = check_layer

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_leaf(m)

    def call_module(self, m: nn.Module, forward: Callable, args: Any, kwargs: Any) -> Any:
        if is_leaf(m):
            self._check_layer(self.path_of_module(m), m)
        return super().call_module(m, forward, args, kwargs)

    def path_of_module(self, mod: nn.Module) -> str:
        path = self._module_paths.path_of(mod)
        if path is None:
            raise UnsupportedError(
                f"the forward calls a {type(mod).__name__} that is no attribute of the model; "
                f"make it in __init__ and keep it in an attribute"
            )
        return path


class _OneLayer(nn.Module):
    """Calls a model that is itself one layer, which has no path of its own."""

    PATH = "layer"

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer
        self.eval()

    def forward(self, x):
        return self.layer(x)


def _trace_graph(root: nn.Module, tracer: _Tracer, defaults: dict[str, Any]) -> fx.Graph:
    try:
        return tracer.trace(root, defaults or None)
    except Error:
        raise
    except Exception as error:
        raise UnsupportedError(
            f"the forward of {where('', root)} cannot be traced: {error}. A forward takes one "
            f"timestep and does the same for every input; choices that depend on the data, and "
            f"loops over time, are not supported"
        ) from error


def _check_no_hidden_state(paths: ModulePaths) -> None:
    for path, module in paths.modules.items():
        for name, value in vars(module).items():
            elements = value if isinstance(value, (list, tuple)) else [value]
            if isinstance(value, dict):
                elements = list(value.values())
            if any(isinstance(element, fx.Proxy) for element in elements):
                raise UnsupportedError(
                    f"{where(path, module)} keeps a value of its forward in the attribute "
                    f"'{name}'; only the states of layers that ttc knows live on from one timestep "
                    f"to the next: use such a layer, or return the value"
                )


def _needed(graph: fx.Graph, output: fx.Node, paths: ModulePaths) -> tuple[fx.Node, ...]:
    """The nodes that the output needs, and all stateful layers: their states change anyway."""
    needed: set[fx.Node] = set()
    pending = [output]
    for node in graph.nodes:
        if node.op == "call_module" and is_stateful(paths.modules[node.target]):
            pending.append(node)
    while pending:
        node = pending.pop()
        if node not in needed:
            needed.add(node)
            pending.extend(node.all_input_nodes)
    return tuple(node for node in graph.nodes if node in needed)


def _run(
    nodes: Sequence[fx.Node],
    inputs: dict[fx.Node, torch.Tensor],
    paths: ModulePaths,
    root: nn.Module,
) -> dict[fx.Node, Any]:
    """Every node's value for one step from no states; leaves no states."""
    # A copy, since a forward may change its input in place.
    values: dict[fx.Node, Any] = {node: tensor.clone() for node, tensor in inputs.items()}
    try:
        with torch.no_grad():
            for node in nodes:
                if node.op not in ("placeholder", "output"):
                    values[node] = _run_node(node, values, paths, root)
                elif node.op == "placeholder" and node not in values:
                    raise UnsupportedError(
                        f"the forward computes with its parameter '{node.target}', which has only "
                        f"its default; give an example input for it"
                    )
    finally:
        for module in paths.modules.values():
            if is_stateful(module):
                module.zero_states()
    return values


def _run_node(
    node: fx.Node, values: dict[fx.Node, Any], paths: ModulePaths, root: nn.Module
) -> Any:
    args = fx.node.map_arg(node.args, lambda n: values[n])
    kwargs = fx.node.map_arg(node.kwargs, lambda n: values[n])
    try:
        if node.op == "call_module":
            return paths.modules[node.target](*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        if node.op == "call_function":
            return node.target(*args, **kwargs)
    except Exception as error:
        doing = f"'{node.target}'"
        if node.op == "call_module":
            doing = where(node.target, paths.modules[node.target])
        shapes = [tuple(a.shape) for a in args if isinstance(a, torch.Tensor)]
        raise Error(
            f"{doing} does not take the example: for inputs of shapes {shapes} it says: {error}"
        ) from error
    value: Any = root
    for part in node.target.split("."):
        value = getattr(value, part)
    return value


def _may_grow(
    examples: Sequence[torch.Tensor],
    nodes: Sequence[fx.Node],
    values: Mapping[fx.Node, Any],
    paths: ModulePaths,
) -> bool:
    if len({example.shape[0] for example in examples if example.ndim > 1}) != 1:
        return False
    for node in nodes:
        if node.op == "call_module":
            layer, (operand, *_) = paths.modules[node.target], node.all_input_nodes
            rank = values[operand].ndim
            if rank > 1 and is_stateful(layer) and layer.dim % rank == 0:
                return False
    return True


def _values(
    small: Mapping[fx.Node, Any], large: Mapping[fx.Node, Any] | None
) -> dict[fx.Node, Any]:
    """Each tensor as a Value, with the batch as its leading dimension if that is so for all."""

    def shapes(dynamic: bool) -> dict[fx.Node, Any]:
        result: dict[fx.Node, Any] = {}
        for node, value in small.items():
            if isinstance(value, torch.Tensor):
                grows = dynamic and value.shape != large[node].shape
                value = Value(tuple(value.shape), value.dtype, grows)
            result[node] = value
        return result

    def only_the_batch_grew(a: Any, b: Any) -> bool:
        if not isinstance(a, torch.Tensor) or a.shape == b.shape:
            return True
        return a.ndim > 1 and a.shape[1:] == b.shape[1:] and b.shape[0] == a.shape[0] + 1

    dynamic = large is not None and all(
        only_the_batch_grew(value, large[node]) for node, value in small.items()
    )
    return shapes(dynamic)
