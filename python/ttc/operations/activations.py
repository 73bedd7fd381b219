"""Activations: elementwise functions with a name of their own, and softmax."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from typing import Any

import torch

from ..emitting import Emitter, Operand, number
from ..errors import UnsupportedError
from ..recording import Node
from . import arithmetic
from .table import operation

aten = torch.ops.aten


def activation(e: Emitter, node: Node, kind: str, x: Operand, **options: float) -> None:
    """Writes an activation; `options` that are None are left out."""
    (x,) = e.together(e.type_of(node), x)
    text = "".join(
        f" {name}({number(value)})" for name, value in options.items() if value is not None
    )
    e.result(node, f"ttc.activation {kind} ({x.name}){text}")


def _plain(kind: str) -> Any:
    def emit(e: Emitter, node: Node, x: Operand) -> None:
        activation(e, node, kind, x)

    return emit


for _operation, _kind in {
    aten.relu.default: "relu",
    aten.silu.default: "silu",
    aten.tanh.default: "tanh",
    aten.sigmoid.default: "sigmoid",
    aten.hardsigmoid.default: "hardsigmoid",
    aten.hardswish.default: "hardswish",
    aten.mish.default: "mish",
    aten.relu6.default: "relu6",
}.items():
    operation(_operation)(_plain(_kind))


@operation(aten.leaky_relu.default)
def leaky_relu(e: Emitter, node: Node, x: Operand, negative_slope: float = 0.01) -> None:
    activation(e, node, "leaky_relu", x, alpha=negative_slope)


# What torch.nn.functional.selu gives to aten.elu.
_SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


@operation(aten.elu.default)
def elu(
    e: Emitter, node: Node, x: Operand, alpha: float = 1.0, scale: float = 1.0,
    input_scale: float = 1.0,
) -> None:
    if (alpha, scale) == _SELU and input_scale == 1:
        activation(e, node, "selu", x)
    elif scale == 1 and input_scale == 1:
        activation(e, node, "elu", x, alpha=alpha)
    else:
        raise UnsupportedError(
            f"'elu' has scale={scale} and input_scale={input_scale}, and only 1 is supported"
        )


@operation(aten.selu.default)
def selu(e: Emitter, node: Node, x: Operand) -> None:
    activation(e, node, "selu", x)


@operation(aten.celu.default)
def celu(e: Emitter, node: Node, x: Operand, alpha: float = 1.0) -> None:
    activation(e, node, "celu", x, alpha=alpha)


@operation(aten.gelu.default)
def gelu(e: Emitter, node: Node, x: Operand, approximate: str = "none") -> None:
    activation(e, node, "gelu_tanh" if approximate == "tanh" else "gelu", x)


def softplus_options(beta: float, threshold: float) -> dict[str, float | None]:
    """The options of a softplus that are not the usual ones."""
    return {
        "beta": None if beta == 1 else beta,
        "threshold": None if threshold == 20 else threshold,
    }


@operation(aten.softplus.default)
def softplus(e: Emitter, node: Node, x: Operand, beta: float = 1, threshold: float = 20) -> None:
    activation(e, node, "softplus", x, **softplus_options(beta, threshold))


@operation(aten.hardtanh.default)
def hardtanh(
    e: Emitter, node: Node, x: Operand, min_val: float = -1, max_val: float = 1
) -> None:
    if (min_val, max_val) == (-1, 1):
        activation(e, node, "hardtanh", x)
    elif (min_val, max_val) == (0, 6):
        activation(e, node, "relu6", x)
    else:
        arithmetic.clamp_to(e, node, x, min_val, max_val)


@operation(aten.log_sigmoid_forward.default)
def log_sigmoid(e: Emitter, node: Node, x: Operand) -> None:
    # Gives a buffer too, which only the gradient needs.
    (first,) = [n for n in e.traced.nodes if n.kind == "item" and n.args[0] is node] or [None]
    if first is not None and first.target == 0:
        activation(e, first, "logsigmoid", x)


@operation(aten._softmax.default, aten._log_softmax.default)
def softmax(e: Emitter, node: Node, x: Operand, dim: int, half_to_float: bool = False) -> None:
    softmax_over(e, node, "log_softmax" if "log" in node.name else "softmax", x, dim)


def softmax_over(e: Emitter, node: Node, kind: str, x: Operand, dim: int) -> None:
    """Writes a softmax, or its logarithm, over one dimension."""
    axis = e.axis(x, dim)
    if axis is None:
        raise UnsupportedError(f"'{kind}' works over the time axis, which is not supported")
    e.not_the_batch(x, axis, f"{kind} works over it")
    x = e.named(x)
    over = "" if axis == x.type.rank - 1 else f" dim({axis})"
    e.result(node, f"ttc.{kind} ({x.name}){over}")


@operation(aten._prelu_kernel.default)
def prelu(e: Emitter, node: Node, x: Operand, weight: Operand) -> None:
    x, weight, zero = e.together(e.type_of(node), x, weight, 0.0)
    below = e.elementwise("arith.mulf", weight, x)
    e.bind(node, arithmetic.choose(e, arithmetic.compare(e, "gt", x, zero), x, below))


@operation(aten.glu.default)
def glu(e: Emitter, node: Node, x: Operand, dim: int = -1) -> None:
    axis = e.axis(x, dim)
    if axis is None:
        raise UnsupportedError("'glu' halves the time axis, which is not supported")
    half = e.type_of(node).sizes[axis]
    e.not_the_batch(x, axis, "glu halves it")
    values, gates = e.slice(x, axis, 0, half), e.slice(x, axis, half, half)
    gates = e.emit(f"ttc.activation sigmoid ({gates.name})", gates.type)
    e.bind(node, e.elementwise("arith.mulf", values, gates))


@operation(aten.hardshrink.default)
def hardshrink(e: Emitter, node: Node, x: Operand, lambd: float = 0.5) -> None:
    x, bound, zero = e.together(e.type_of(node), x, lambd, 0.0)
    inside = arithmetic.compare(e, "le", e.elementwise("math.absf", x), bound)
    e.bind(node, arithmetic.choose(e, inside, zero, x))


@operation(aten.softshrink.default)
def softshrink(e: Emitter, node: Node, x: Operand, lambd: float = 0.5) -> None:
    (x,) = e.together(e.type_of(node), x)
    inside = e.emit(f"ttc.clamp ({x.name}) min({number(-lambd)}) max({number(lambd)})", x.type)
    e.bind(node, e.elementwise("arith.subf", x, inside))


@operation(aten.threshold.default)
def threshold(e: Emitter, node: Node, x: Operand, threshold: float, value: float) -> None:
    x, bound, other = e.together(e.type_of(node), x, threshold, value)
    e.bind(node, arithmetic.choose(e, arithmetic.compare(e, "le", x, bound), other, x))


@operation("rrelu")
def rrelu(
    e: Emitter, node: Node, input: Operand, lower: float = 0.125, upper: float = 1 / 3,
    training: bool = False, inplace: bool = False,
) -> None:
    if training:
        raise UnsupportedError(
            "'rrelu' draws its slopes at random; pass training=self.training, or use nn.RReLU"
        )
    activation(e, node, "leaky_relu", input, alpha=(lower + upper) / 2)
