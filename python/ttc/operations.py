"""How each operation of a forward is written as model IR: functions and tensor methods."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx
from torch.nn import functional as F

from .emitting import Emitter, Operand, number, tensor_type
from .errors import UnsupportedError
from .paths import is_stateful

Arguments = Mapping[str, Any]


def emit_operation(emitter: Emitter, node: fx.Node) -> None:
    """Writes a call of a function or method. Raises UnsupportedError for one that is not known."""
    user = f"'{spelling(node)}' in the forward"
    if node.target in _RESHAPES:
        _reshape(emitter, node, user)
        return
    table = METHODS if node.op == "call_method" else FUNCTIONS
    found = table.get(node.target)
    if found is None:
        raise UnsupportedError(
            f"{user} is not supported; the operations of a forward are + - * / of tensors of one "
            f"shape, flatten, and the activations relu, leaky_relu, elu, gelu, silu, tanh, "
            f"sigmoid, softplus, hardtanh and softmax"
        )
    names, emit = found
    arguments = dict(zip(names, node.args)) | dict(node.kwargs)
    unknown = sorted(set(arguments) - set(names))
    if unknown or len(node.args) > len(names):
        raise UnsupportedError(
            f"{user} is called with {', '.join(unknown) or 'too many arguments'}, which is not "
            f"supported"
        )
    for name, argument in arguments.items():
        # Sizes computed from shapes are known once the model has run.
        if isinstance(argument, fx.Node) and not _is_tensor(emitter, argument):
            arguments[name] = emitter.traced.values[argument]
    emit(emitter, node, arguments, user)


def spelling(node: fx.Node) -> str:
    """How an error names a function, a method or a tensor of the forward."""
    if node.op == "call_method":
        return f"Tensor.{node.target}"
    return getattr(node.target, "__name__", str(node.target))


def _is_tensor(emitter: Emitter, node: fx.Node) -> bool:
    return hasattr(emitter.traced.values[node], "dynamic")


# What layers and operations share.


def activation(
    emitter: Emitter,
    node: fx.Node,
    kind: str,
    x: Operand,
    options: Arguments,
    in_place: bool,
    user: str,
) -> None:
    """Writes an activation; `options` are named as in PyTorch."""
    if in_place:
        _check_in_place(emitter, node, user)
    alpha = options.get("negative_slope" if kind == "leaky_relu" else "alpha")
    suffix = "" if alpha is None else f" alpha({number(alpha)})"
    if options.get("approximate") == "tanh":
        kind += "_tanh"
    required: dict[str, Any] = {"softplus": {"beta": 1, "threshold": 20}}.get(kind, {})
    if kind == "hardtanh":
        required = {"min_val": -1, "max_val": 1}
    for name, expected in required.items():
        if options[name] != expected:
            raise UnsupportedError(
                f"{user} has {name}={options[name]}, and only {name}={expected} is supported"
            )
    if kind == "softmax" and options["dim"] not in (-1, len(x.shape) - 1):
        raise UnsupportedError(
            f"{user} works over dim {options['dim']} of shape {x.shape}, and only the last one is "
            f"supported"
        )
    # Softmax is no elementwise function, and an op of its own.
    operation = "ttc.softmax" if kind == "softmax" else f"ttc.activation {kind}"
    emitter.result(node, f"{operation} ({x.name}){suffix}")


def flatten(
    emitter: Emitter, node: fx.Node, x: Operand, start: int, end: int, user: str
) -> None:
    """Writes a flattening of the dimensions start..end, both included."""
    result = emitter.traced.values[node]
    if result.shape == x.shape:
        emitter.same(node, x)
        return
    operation = f"ttc.flatten ({x.name}) dims({start}, {end})"
    emitter.result(node, operation, f"{x.type} -> {tensor_type(result)}")


def _check_in_place(emitter: Emitter, node: fx.Node, user: str) -> None:
    """Refuses a change in place that anything else would see."""
    modules = emitter.traced.paths.modules
    source = node.all_input_nodes[0]
    while True:
        if len(source.users) > 1:
            raise UnsupportedError(
                f"{user} changes a tensor in place that the forward uses elsewhere too; use the "
                f"form that makes a new tensor"
            )
        if source.op == "call_module" and is_stateful(modules[source.target]):
            raise UnsupportedError(
                f"{user} changes the output of '{source.target}' in place, which may be the "
                f"layer's own state; use the form that makes a new tensor"
            )
        # A value that an identity or a flattening made shares its memory with what it was made of.
        maker = modules[source.target] if source.op == "call_module" else source.target
        is_view = type(maker).__name__ in _VIEWS or getattr(maker, "__name__", maker) in _VIEWS
        if not is_view or not source.all_input_nodes:
            return
        source = source.all_input_nodes[0]


_VIEWS = frozenset(
    "Identity Flatten Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout "
    "flatten view reshape contiguous detach float dropout".split()
)


# The entries.


def _arith(name: str) -> Callable[[Emitter, fx.Node, Arguments, str], None]:
    def emit(emitter: Emitter, node: fx.Node, arguments: Arguments, user: str) -> None:
        if arguments.get("alpha", 1) != 1 or arguments.get("rounding_mode") is not None:
            raise UnsupportedError(f"{user} has options, which are not supported")
        operands = [emitter.operand(arguments[name], user) for name in ("input", "other")]
        a, b = operands
        if a.type != b.type:
            raise UnsupportedError(
                f"{user} combines tensors of shapes {a.shape} and {b.shape}; only tensors of the "
                f"same shape are supported"
            )
        emitter.result(node, f"arith.{name} {a.name}, {b.name}")

    return emit


def _activation(
    kind: str, in_place: bool = False, **defaults: Any
) -> Callable[[Emitter, fx.Node, Arguments, str], None]:
    def emit(emitter: Emitter, node: fx.Node, arguments: Arguments, user: str) -> None:
        x = emitter.operand(arguments["input"], user)
        if arguments.get("dtype") not in (None, torch.float32):
            raise UnsupportedError(f"{user} converts to {arguments['dtype']}; use float32")
        options = {name: arguments.get(name, default) for name, default in defaults.items()}
        changes = in_place or arguments.get("inplace", False)
        activation(emitter, node, kind, x, options, changes, user)

    return emit


def _flatten(emitter: Emitter, node: fx.Node, arguments: Arguments, user: str) -> None:
    x = emitter.operand(arguments["input"], user)
    start, end = arguments.get("start_dim", 0), arguments.get("end_dim", -1)
    flatten(emitter, node, x, start, end, user)


def _reshape(emitter: Emitter, node: fx.Node, user: str) -> None:
    """A reshape that only merges neighbouring dimensions is a flattening."""
    x = emitter.operand(node.args[0], user)
    before, after = x.shape, emitter.traced.values[node].shape
    if before == after:
        emitter.same(node, x)
        return
    for first in range(len(after) - 1, -1, -1):
        last = first + len(before) - len(after)
        merged = torch.Size(before[first:last + 1]).numel()
        if first < last and before[:first] + (merged,) + before[last + 1:] == after:
            flatten(emitter, node, x, first, last, user)
            return
    raise UnsupportedError(
        f"{user} makes shape {after} of {before}; only merging neighbouring dimensions into one is "
        f"supported"
    )


def _same(emitter: Emitter, node: fx.Node, arguments: Arguments, user: str) -> None:
    emitter.same(node, emitter.operand(arguments["input"], user))


def _dropout(emitter: Emitter, node: fx.Node, arguments: Arguments, user: str) -> None:
    if arguments.get("training", True):
        raise UnsupportedError(
            f"{user} is active in eval mode too; pass training=self.training, or use nn.Dropout"
        )
    _same(emitter, node, arguments, user)


_ADD = (("input", "other", "alpha"), _arith("addf"))
_SUB = (("input", "other", "alpha"), _arith("subf"))
_MUL = (("input", "other"), _arith("mulf"))
_DIV = (("input", "other", "rounding_mode"), _arith("divf"))
_RELU = (("input", "inplace"), _activation("relu"))
_RELU_ = (("input",), _activation("relu", in_place=True))
_LEAKY_RELU = (
    ("input", "negative_slope", "inplace"),
    _activation("leaky_relu", negative_slope=0.01),
)
_ELU = (("input", "alpha", "inplace"), _activation("elu", alpha=1.0))
_GELU = (("input", "approximate"), _activation("gelu", approximate="none"))
_SILU = (("input", "inplace"), _activation("silu"))
_TANH = (("input",), _activation("tanh"))
_SIGMOID = (("input",), _activation("sigmoid"))
_SOFTPLUS = (("input", "beta", "threshold"), _activation("softplus", beta=1, threshold=20))
_HARDTANH = (
    ("input", "min_val", "max_val", "inplace"),
    _activation("hardtanh", min_val=-1.0, max_val=1.0),
)
_SOFTMAX = (("input", "dim", "dtype"), _activation("softmax", dim=None))
_F_SOFTMAX = (("input", "dim", "_stacklevel", "dtype"), _activation("softmax", dim=None))
_FLATTEN = (("input", "start_dim", "end_dim"), _flatten)
_SAME = (("input",), _same)
_DROPOUT = (("input", "p", "training", "inplace"), _dropout)

# By function: the names of its parameters in order, and what writes it.
FUNCTIONS: dict[Callable, tuple[tuple[str, ...], Callable]] = {
    operator.add: _ADD,
    operator.sub: _SUB,
    operator.mul: _MUL,
    operator.truediv: _DIV,
    torch.add: _ADD,
    torch.sub: _SUB,
    torch.mul: _MUL,
    torch.div: _DIV,
    torch.true_divide: _DIV,
    torch.relu: _RELU,
    torch.relu_: _RELU_,
    F.relu: _RELU,
    F.relu_: _RELU_,
    F.leaky_relu: _LEAKY_RELU,
    F.elu: _ELU,
    F.gelu: _GELU,
    F.silu: _SILU,
    F.softplus: _SOFTPLUS,
    F.hardtanh: _HARDTANH,
    torch.tanh: _TANH,
    F.tanh: _TANH,
    torch.sigmoid: _SIGMOID,
    torch.special.expit: _SIGMOID,
    F.sigmoid: _SIGMOID,
    torch.softmax: _SOFTMAX,
    F.softmax: _F_SOFTMAX,
    torch.flatten: _FLATTEN,
    torch.clone: _SAME,
    F.dropout: _DROPOUT,
}
METHODS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "add": _ADD,
    "sub": _SUB,
    "mul": _MUL,
    "div": _DIV,
    "relu": _RELU,
    "relu_": _RELU_,
    "tanh": _TANH,
    "sigmoid": _SIGMOID,
    "softmax": _SOFTMAX,
    "flatten": _FLATTEN,
    "clone": _SAME,
    "contiguous": _SAME,
    "detach": _SAME,
    "float": _SAME,
}
_RESHAPES = frozenset({"view", "reshape", torch.reshape})
