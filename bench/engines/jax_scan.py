"""JAX: a functional step of jax.numpy, jitted; a sequence is one lax.scan of it."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import importlib.util
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from .functional_step import FunctionalStep, trace_step
from .setting import PythonEngine, Setting, Unavailable

# Read when JAX is imported first: it takes a pool of threads otherwise.
_FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def open_engine(setting: Setting) -> PythonEngine:
    if importlib.util.find_spec("jax") is None:
        raise Unavailable("jax is not installed")
    os.environ.setdefault("XLA_FLAGS", _FLAGS)
    import jax

    jax.config.update("jax_platforms", "cpu")
    return _JaxEngine(setting)


class _JaxEngine(PythonEngine):
    """Takes and returns arrays of JAX: conversions are not part of the times."""

    def __init__(self, setting: Setting):
        import jax

        step = FunctionalStep(setting)
        interpret = _interpreter(trace_step(step, setting.checked[0]))

        def sequence(states: tuple, xs: Any) -> tuple:
            return jax.lax.scan(lambda states, x: interpret(states, x), states, xs)

        # What a call replaces may be reused for what it returns.
        self._jitted = jax.jit(
            interpret if setting.steps == 1 else sequence, donate_argnums=0
        )
        self._states: tuple = ()
        self._zero_states = [_to_jax(state) for state in step.zero_states()]
        super().__init__(setting, self._zero, self._call, "jitted; lax.scan for a sequence")
        self._timed = [_to_jax(x) for x in self._timed]

    def _zero(self) -> None:
        self._states = tuple(state.copy() for state in self._zero_states)

    def _call(self, x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return _to_torch(self._call(_to_jax(x)))
        self._states, y = self._jitted(self._states, x)
        return y.block_until_ready()

    def time(self, calls: int) -> float:
        if not self._states:
            self._zero()
        return super().time(calls)


def _to_jax(tensor: torch.Tensor) -> Any:
    import jax.numpy as jnp

    return jnp.array(tensor.detach().numpy())


def _to_torch(array: Any) -> torch.Tensor:
    import numpy

    return torch.from_numpy(numpy.array(array))


def _interpreter(graph: GraphModule) -> Callable[[Sequence, Any], tuple]:
    """The traced step as a function of JAX: (states, x) -> (states, y)."""
    operations = _operations()
    unknown = sorted(
        {str(n.target) for n in graph.graph.nodes if n.op == "call_function"}
        - {str(target) for target in operations}
    )
    if unknown:
        raise Unavailable(f"no operation of JAX is known for {', '.join(unknown)}")
    weights = {
        node.target: _to_jax(getattr(graph, node.target))
        for node in graph.graph.nodes if node.op == "get_attr"
    }

    def interpret(states: Sequence, x: Any) -> tuple:
        arguments = iter([x, *states])
        values: dict[Node, Any] = {}
        for node in graph.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(arguments)
            elif node.op == "get_attr":
                values[node] = weights[node.target]
            elif node.op == "call_function":
                args, kwargs = torch.fx.map_arg((node.args, node.kwargs), values.__getitem__)
                values[node] = operations[node.target](*args, **kwargs)
            else:
                y, *after = torch.fx.map_arg(node.args[0], values.__getitem__)
        return tuple(after), y

    return interpret


def _operations() -> dict[Any, Callable]:
    """ATen's operations, as far as the cases use them."""
    import jax
    import jax.numpy as jnp

    aten = torch.ops.aten

    def split(x: Any, sizes: int | Sequence[int], dim: int = 0) -> list:
        if isinstance(sizes, int):
            ends = range(sizes, x.shape[dim], sizes)
        else:
            ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
        return jnp.split(x, list(ends), axis=dim)

    def slice_(x: Any, dim: int = 0, start: int | None = None, end: int | None = None,
               step: int = 1) -> Any:
        index = [slice(None)] * x.ndim
        index[dim] = slice(start, None if end is None else min(end, x.shape[dim]), step)
        return x[tuple(index)]

    def convolution(x, weight, bias, stride, padding, dilation, transposed, output, groups):
        assert not transposed, "no case has a transposed convolution"
        y = jax.lax.conv_general_dilated(
            x, weight, stride, [(p, p) for p in padding], rhs_dilation=dilation,
            feature_group_count=groups,
        )
        return y if bias is None else y + bias.reshape(-1, *[1] * (x.ndim - 2))

    def scalar_tensor(value, dtype=None, **_) -> Any:
        return jnp.float32(value)

    return {
        operator.getitem: operator.getitem,
        aten.add.Tensor: lambda a, b: a + b,
        aten.addmm.default: lambda bias, a, b: a @ b + bias,
        aten.cat.default: lambda parts, dim=0: jnp.concatenate(parts, axis=dim),
        aten.convolution.default: convolution,
        aten.div.Tensor: lambda a, b: a / b,
        aten.exp.default: jnp.exp,
        aten.ge.Scalar: lambda a, b: a >= b,
        aten.le.Scalar: lambda a, b: a <= b,
        aten.lt.Scalar: lambda a, b: a < b,
        aten.mm.default: lambda a, b: a @ b,
        aten.mul.Tensor: lambda a, b: a * b,
        aten.neg.default: lambda a: -a,
        aten.permute.default: jnp.transpose,
        aten.round.default: jnp.round,
        aten.rsub.Scalar: lambda a, b: b - a,
        aten.scalar_tensor.default: scalar_tensor,
        aten.sigmoid.default: jax.nn.sigmoid,
        aten.silu.default: jax.nn.silu,
        aten.slice.Tensor: slice_,
        aten.softplus.default: jax.nn.softplus,
        aten.split.Tensor: split,
        aten.split_with_sizes.default: split,
        aten.sub.Tensor: lambda a, b: a - b,
        aten.sum.dim_IntList: lambda a, dims, keep=False: a.sum(tuple(dims), keepdims=keep),
        aten.t.default: lambda a: a.T,
        aten.tanh.default: jnp.tanh,
        aten.unsqueeze.default: jnp.expand_dims,
        aten.view.default: lambda a, shape: a.reshape(shape),
        aten.where.self: jnp.where,
    }
