"""How each operation of a forward is written as model IR: one entry an ATen operation."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import inspect
from typing import Any

from torch.utils import _pytree as pytree

from ..emitting import Emitter
from ..errors import UnsupportedError
from ..recording import Node
from . import (  # noqa: F401  (each adds its entries to the table)
    activations, arithmetic, composed, products, reductions, shapes
)
from .table import BY_PATH, OPERATIONS

__all__ = ["emit_operation", "is_known"]


def is_known(operation: Any) -> bool:
    """Whether an ATen operation has an entry."""
    return operation in OPERATIONS


def emit_operation(emitter: Emitter, node: Node) -> None:
    """Writes an operation. Raises UnsupportedError for one that has no entry."""
    entry = OPERATIONS.get(node.target)
    if entry is None:
        raise UnsupportedError(
            f"'{node.name}' is not supported; the operations of a forward are arithmetic, "
            f"comparisons and where, reductions, products of matrices, changes of shape, slices, "
            f"and activations"
        )
    _check_operands(emitter, node)

    def argument(value: Any) -> Any:
        is_param = isinstance(value, Node) and value.kind == "param"
        return value if is_param and entry in BY_PATH else emitter.argument(value)

    args, kwargs = pytree.tree_map(argument, (node.args, node.kwargs))
    try:
        bound = inspect.signature(entry).bind(emitter, node, *args, **kwargs)
    except TypeError as error:
        raise UnsupportedError(
            f"'{node.name}' is called with options that are not supported ({error})"
        ) from error
    entry(*bound.args, **bound.kwargs)


def _check_operands(emitter: Emitter, node: Node) -> None:
    """Integers index embeddings and nothing else."""
    if getattr(node.target, "__name__", "").startswith(("embedding", "index")):
        return
    for operand in node.inputs():
        value = emitter.traced.values.get(operand)
        if value is not None and not value.dtype.is_floating_point and operand.kind == "input":
            raise UnsupportedError(
                f"'{node.name}' computes with the input '{operand.target}' of "
                f"{str(value.dtype).removeprefix('torch.')}, which may only index an embedding; "
                f"give the model float32"
            )
