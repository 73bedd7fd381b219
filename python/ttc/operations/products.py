"""Products of matrices, and convolutions by parameters of the forward's own."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..emitting import Emitter, FixedBatch, Operand, TensorType, ints, quote
from ..errors import UnsupportedError
from ..recording import Node
from .table import by_path, operation

aten = torch.ops.aten


def matmul(e: Emitter, a: Operand, b: Operand) -> Operand:
    """(..., m, k) times (..., k, n); one matrix serves the whole batch of the other."""
    a, b = e.named(a), e.named(b)
    batch = _broadcast_sizes(a.type.sizes[:-2], b.type.sizes[:-2])
    a = e.broadcast(a, a.type.with_sizes((*batch, *a.type.sizes[-2:])))
    b = e.broadcast(b, b.type.with_sizes((*batch, *b.type.sizes[-2:])))
    if len(batch) == 0 and b.type.sizes[-1] is None:
        raise FixedBatch("the batch is the columns of a product")
    to = a.type.with_sizes((*batch, a.type.sizes[-2], b.type.sizes[-1]))
    return e.emit(f"ttc.matmul ({a.name}, {b.name})", to, f"{a.type}, {b.type} -> {to}")


def _broadcast_sizes(
    a: Sequence[int | None], b: Sequence[int | None]
) -> tuple[int | None, ...]:
    rank = max(len(a), len(b))
    a, b = ([1] * (rank - len(s)) + list(s) for s in (a, b))
    return tuple(m if n == 1 else n for n, m in zip(a, b))


def product(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    """What torch.matmul makes of two tensors of any ranks."""
    to = e.type_of(node)
    if a.time is not None or b.time is not None:
        a, b = Operand(a.name, a.type), Operand(b.name, b.type)
    if a.type.rank == 1:
        e.not_the_batch(a, 0, "a product sums over it")
        a = e.reshape(a, a.type.with_sizes((1, *a.type.sizes)))
    if b.type.rank == 1:
        e.not_the_batch(b, 0, "a product sums over it")
        b = e.reshape(b, b.type.with_sizes((*b.type.sizes, 1)))
    if a.type.sizes[-1] is None:
        e.not_the_batch(a, a.type.rank - 1, "a product sums over it")
    if b.type.rank == 2 and None in b.type.sizes:
        e.not_the_batch(b, 0, "it is a side of a matrix that everything is multiplied by")
    e.bind(node, e.reshape(matmul(e, a, b), to))


@operation("matmul", aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default)
def matmul_of(e: Emitter, node: Node, a: Operand, b: Operand) -> None:
    product(e, node, a, b)


@operation("rmatmul")
def rmatmul(e: Emitter, node: Node, b: Operand, a: Operand) -> None:
    product(e, node, a, b)


@operation(aten.addmm.default, aten.baddbmm.default, aten.addmv.default)
def addmm(
    e: Emitter, node: Node, x: Operand, a: Operand, b: Operand, *, beta: float = 1,
    alpha: float = 1,
) -> None:
    if (beta, alpha) != (1, 1):
        raise UnsupportedError(f"'{node.name}' has beta={beta} and alpha={alpha}, expected 1")
    kind = e.type_of(node)
    if b.type.rank == 1:
        b = e.reshape(b, b.type.with_sizes((*b.type.sizes, 1)))
    multiplied = e.reshape(matmul(e, a, b), kind)
    x, multiplied = e.together(kind, x, multiplied)
    e.bind(node, e.elementwise("arith.addf", multiplied, x))


@operation("linear")
@by_path
def linear(e: Emitter, node: Node, input: Any, weight: Any, bias: Any = None) -> None:
    x = e.named(e.argument(input))
    if isinstance(weight, Node) and (bias is None or isinstance(bias, Node)):
        path = e.layer_path(weight, bias, f"linear {bias is not None}", may_rename=False)
        if path is not None:
            suffix = "" if bias is not None else " no_bias"
            e.result(node, f"ttc.linear {quote(path)} ({x.name}){suffix}", x.type)
            return
    kind, weight, bias = e.type_of(node), e.argument(weight), e.argument(bias)
    if weight.type.rank != 2:
        raise UnsupportedError("'linear' has a weight that is no matrix")
    turned = e.permute(e.named(weight), [1, 0])
    flat = x if x.type.rank != 1 else e.reshape(x, x.type.with_sizes((1, *x.type.sizes)))
    made = e.reshape(matmul(e, flat, turned), kind)
    if bias is not None:
        made, bias = e.together(kind, made, bias)
        made = e.elementwise("arith.addf", made, bias)
    e.bind(node, made)


@operation(aten.convolution.default)
@by_path
def convolution(
    e: Emitter, node: Node, x: Any, weight: Any, bias: Any, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int,
) -> None:
    kernel = node.args[1].result.shape[2:]
    options = (stride, padding, dilation, transposed, groups, bias is not None)
    path = None
    if isinstance(weight, Node) and (bias is None or isinstance(bias, Node)):
        path = e.layer_path(weight, bias, f"conv {options}")
    if path is None:
        raise UnsupportedError(
            "the convolution's kernel, or its bias, is computed in the forward, which is not "
            "supported; give it a parameter"
        )
    write_convolution(
        e, node, path, e.argument(x), kernel, stride, padding, padding, dilation, groups,
        bias is not None, transposed,
    )


def write_convolution(
    e: Emitter, node: Node, path: str, x: Operand, kernel: Sequence[int], stride: Sequence[int],
    low: Sequence[int], high: Sequence[int], dilation: Sequence[int], groups: int, bias: bool,
    transposed: bool,
) -> None:
    """Writes a convolution; options that are the usual ones are left out."""
    x = e.named(x)
    text = ints("kernel", kernel)
    text += ints("stride", stride) if any(n != 1 for n in stride) else ""
    if list(low) != list(high):
        sides = ", ".join(f"[{', '.join(map(str, side))}]" for side in (low, high))
        text += f" padding({sides})"
    elif any(low):
        text += ints("padding", low)
    text += ints("dilation", dilation) if any(n != 1 for n in dilation) else ""
    text += f" groups({groups})" if groups != 1 else ""
    text += "" if bias else " no_bias"
    text += " transposed" if transposed else ""
    e.result(node, f"ttc.conv {quote(path)} ({x.name}){text}", x.type)


@operation("einsum")
def einsum(e: Emitter, node: Node, equation: str, *operands: Any) -> None:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    spec, result = _einsum_labels(equation, [o.type.rank for o in operands])
    if any(o.time is not None for o in operands):
        raise UnsupportedError("'einsum' of sequences is not supported; use @ and *")
    if len(operands) != 2:
        e.bind(node, e.reshape(_sum_of_products(e, operands, spec, result), e.type_of(node)))
        return
    (a, b), (left, right) = operands, spec
    sizes = _label_sizes(operands, spec)
    shared = [n for n in left if n in right]
    batch = [n for n in shared if n in result]
    summed = [n for n in shared if n not in result]
    rows = [n for n in left if n not in right]
    columns = [n for n in right if n not in left]
    is_product = (
        len(set(left)) == len(left) and len(set(right)) == len(right) and summed
        and all(n in result for n in rows + columns)
        and not any(sizes[n] is None for n in summed + columns)
        and (sizes[rows[0]] is None if any(sizes[n] is None for n in rows) else True)
        and (len(rows) < 2 or not any(sizes[n] is None for n in rows))
    )
    if not is_product:
        e.bind(node, e.reshape(_sum_of_products(e, operands, spec, result), e.type_of(node)))
        return
    a = _arranged(e, a, left, [batch, rows, summed], sizes)
    b = _arranged(e, b, right, [batch, summed, columns], sizes)
    made = matmul(e, a, b)
    made = e.reshape(made, made.type.with_sizes(sizes[n] for n in batch + rows + columns))
    order = [(batch + rows + columns).index(n) for n in result]
    e.bind(node, e.reshape(e.permute(made, order), e.type_of(node)))


def _einsum_labels(
    equation: str, ranks: Sequence[int]
) -> tuple[list[list[str]], list[str]]:
    """One label a dimension, of each operand and of the result; `...` gets labels of its own."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    spec = []
    hidden: list[str] = []
    for term, rank in zip(terms, ranks):
        before, dots, after = term.partition("...")
        count = rank - len(before) - len(after) if dots else 0
        names = [f".{count - index}" for index in range(count)]
        hidden = max(hidden, names, key=len)
        spec.append([*before, *names, *after])
    if arrow:
        before, dots, after = output.partition("...")
        return spec, [*before, *(hidden if dots else []), *after]
    every = [n for labels in spec for n in labels if not n.startswith(".")]
    return spec, [*hidden, *sorted(n for n in set(every) if every.count(n) == 1)]


def _label_sizes(
    operands: Sequence[Operand], spec: Sequence[Sequence[str]]
) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for operand, labels in zip(operands, spec):
        for label, size in zip(labels, operand.type.sizes):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
    return sizes


def _arranged(
    e: Emitter, x: Operand, labels: Sequence[str], groups: Sequence[Sequence[str]],
    sizes: dict[str, int | None],
) -> Operand:
    """A tensor with its dimensions in the order of the groups; those but the first are merged."""
    order = [labels.index(n) for group in groups for n in group]
    x = e.permute(e.named(x), order)

    def merged(group: Sequence[str]) -> int | None:
        total = 1
        for n in group:
            if sizes[n] is None:
                return None
            total *= sizes[n]
        return total

    batch, *rest = groups
    return e.reshape(x, x.type.with_sizes([*(sizes[n] for n in batch), *map(merged, rest)]))


def _sum_of_products(
    e: Emitter, operands: Sequence[Operand], spec: Sequence[Sequence[str]], result: Sequence[str]
) -> Operand:
    """Every operand over all labels, multiplied, and summed over those that the result lacks."""
    sizes = _label_sizes(operands, spec)
    for labels in spec:
        if len(set(labels)) != len(labels):
            raise UnsupportedError("'einsum' takes a diagonal, which is not supported")
    rest = [n for labels in spec for n in labels if n not in result]
    every = [*result, *dict.fromkeys(rest)]
    kind = TensorType(tuple(sizes[n] for n in every), e.element)
    total: Operand | None = None
    for operand, labels in zip(operands, spec):
        present = [n for n in every if n in labels]
        x = e.permute(e.named(operand), [labels.index(n) for n in present])
        x = e.reshape(x, kind.with_sizes(sizes[n] if n in labels else 1 for n in every))
        x = e.broadcast(x, kind)
        total = x if total is None else e.elementwise("arith.mulf", total, x)
    summed = range(len(result), len(every))
    return e.aggregate("sum", total, list(summed), False)
