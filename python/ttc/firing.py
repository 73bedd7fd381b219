"""Which spike function and which quantizer a firing layer was given."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

SUPPORTED_SPIKES = "sigmoid4x, sigmoid, or a Heaviside step that is 1 at 0"
SUPPORTED_QUANTIZERS = (
    "the identity, torch.round, round_ste(step), stochastic_round_ste(step) or probabilistic_ste()"
)

# A traced function becomes nested tuples, ("sigmoid", ("mul", "v", 4.0)), which are compared.
_VARIABLE = "v"


def spike_kind(function: Callable) -> str | None:
    """`sigmoid4x`, `sigmoid` or `heaviside`; None for a function that is none of them."""
    if _is_reference(function, "_spike_functions", "sigmoid4x"):
        return "sigmoid4x"
    expression = _expression(function)
    if expression == ("sigmoid", _VARIABLE):
        return "sigmoid"
    if expression in (("sigmoid", ("mul", _VARIABLE, 4.0)), ("sigmoid", ("mul", 4.0, _VARIABLE))):
        return "sigmoid4x"
    at_least_zero = ("ge", _VARIABLE, 0.0)
    if expression in (
        ("heaviside", _VARIABLE, 1.0),
        ("float", at_least_zero),
        ("where", at_least_zero, 1.0, 0.0),
    ):
        return "heaviside"
    return None


def quant_kind(function: Callable) -> tuple[str, float] | None:
    """The kind and the step, such as (`round`, 1.0); None for a function that is not known.

    Kinds: `identity`, `round`, `stochastic_round`, `probabilistic`.
    """
    for name, kind in (("round_ste", "round"), ("stochastic_round_ste", "stochastic_round")):
        if _is_reference(function, "_quant_functions", f"{name}.<locals>.inner"):
            step = float(inspect.getclosurevars(function).nonlocals["step_size"])
            return (kind, step) if math.isfinite(step) and step > 0 else None
    if _is_reference(function, "_quant_functions", "probabilistic_ste.<locals>.inner"):
        return "probabilistic", 1.0
    expression = _expression(function)
    if expression == _VARIABLE:
        return "identity", 1.0
    if expression == ("round", _VARIABLE):
        return "round", 1.0
    return None


def describe(function: Callable) -> str:
    """What to call a function in an error."""
    if isinstance(function, nn.Module):
        return type(function).__name__
    name = getattr(function, "__qualname__", type(function).__name__)
    return name.removesuffix(".<locals>.inner")


def _is_reference(function: Callable, module: str, name: str) -> bool:
    return (
        getattr(function, "__module__", None) == f"tracetorch.functional.{module}"
        and getattr(function, "__qualname__", None) == name
    )


_FUNCTIONS = {
    torch.sigmoid: "sigmoid",
    torch.special.expit: "sigmoid",
    F.sigmoid: "sigmoid",
    operator.mul: "mul",
    torch.mul: "mul",
    operator.ge: "ge",
    torch.ge: "ge",
    torch.heaviside: "heaviside",
    torch.where: "where",
    torch.round: "round",
    torch.zeros_like: 0.0,
    torch.ones_like: 1.0,
}
_METHODS = {
    "sigmoid": "sigmoid",
    "mul": "mul",
    "ge": "ge",
    "heaviside": "heaviside",
    "round": "round",
    "float": "float",
    "to": "float",
    "type_as": "float",
}


def _expression(function: Callable) -> Any:
    """The function of one variable as nested tuples; None where it is not that simple."""
    tracer = fx.Tracer()
    try:
        graph = tracer.trace(_traceable(function))
    except Exception:  # whatever the user's function raises: it cannot be traced
        return None
    values: dict[fx.Node, Any] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = _VARIABLE if not values else None
        elif node.op == "output":
            return _operand(node.args[0], values)
        else:
            values[node] = _node_expression(node, values, tracer.root)
    return None


def _traceable(function: Callable) -> Callable:
    """A module or Python function that does what `function` does."""
    owner = getattr(function, "__self__", None)
    if inspect.isclass(owner) and issubclass(owner, torch.autograd.Function):
        # `Step.apply` of a step with a surrogate gradient: what counts is its forward.
        return lambda v: owner.forward(_Context(), v)
    if isinstance(function, nn.Module) or hasattr(function, "__code__"):
        return function
    return lambda v: function(v)  # a builtin has no code to trace


class _Context:
    """Stands for the autograd context, in which a forward leaves what its backward needs."""

    def save_for_backward(self, *tensors: Any) -> None:
        pass


def _node_expression(node: fx.Node, values: dict[fx.Node, Any], root: nn.Module) -> Any:
    if node.op == "get_attr":
        value = root
        for part in node.target.split("."):
            value = getattr(value, part)
        return float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else None
    if node.op == "call_module":
        module = root.get_submodule(node.target)
        if type(module) is nn.Sigmoid:
            return ("sigmoid", _operand(node.args[0], values))
        return _operand(node.args[0], values) if type(module) is nn.Identity else None
    name = _METHODS.get(node.target) if node.op == "call_method" else _FUNCTIONS.get(node.target)
    if name is None and node.target is getattr and node.args[1] == "dtype":
        return "dtype"
    if isinstance(name, float):
        return name
    if name is None or (node.kwargs and name != "heaviside"):
        return None
    operands = [_operand(argument, values) for argument in node.args]
    if name == "heaviside":
        operands += [_operand(argument, values) for argument in node.kwargs.values()]
    if name == "float":
        # `.to(v.dtype)`, `.to(torch.float32)` and `.type_as(v)` make the float of a bool.
        kept = node.args[1:] == () or operands[1] in ("dtype", "float32", _VARIABLE)
        return ("float", operands[0]) if kept else None
    return None if None in operands else (name, *operands)


def _operand(argument: Any, values: dict[fx.Node, Any]) -> Any:
    if isinstance(argument, fx.Node):
        return values[argument]
    if isinstance(argument, (int, float)):
        return float(argument)
    return "float32" if argument is torch.float32 else None
