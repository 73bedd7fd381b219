"""What a forward computes: it runs once, and every operation on tensors is written down."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .errors import Finding, Place

aten = torch.ops.aten


@dataclass(eq=False, repr=False)
class Node:
    """One operation, and what it made when the forward ran.

    kind       target                          args
    input      the parameter's name
    param      the key                    (the activation of a constrained one, or None)
    state      the key
    attribute  the module's path and attribute
    constant
    layer      the layer's path           of the call
    call       an ATen overload, or the name of one of WHOLE
    item       an index                   (the node that made several tensors,)
    """

    kind: str
    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    place: Place
    function: Callable | None = None  # of a call

    def inputs(self) -> list[Node]:
        """The nodes that this one computes with."""
        return [n for n in pytree.tree_leaves((self.args, self.kwargs)) if isinstance(n, Node)]

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"

    @property
    def name(self) -> str:
        """How a sentence names what it does."""
        if self.kind == "item":
            return f"{self.args[0].name}[{self.target}]"
        if isinstance(self.target, torch._ops.OpOverload):
            name = self.target.overloadpacket.__name__.lstrip("_")
            return "to" if name == "to_copy" else name
        return str(self.target)


# Taken whole: their parts merge the batch with other dimensions, or depend on how a tensor lies in
# memory.
WHOLE: dict[Callable, str] = {
    F.linear: "linear",
    torch.matmul: "matmul",
    torch.Tensor.matmul: "matmul",
    torch.Tensor.__matmul__: "matmul",
    torch.Tensor.__rmatmul__: "rmatmul",
    torch.einsum: "einsum",
    torch.functional.einsum: "einsum",
    F.scaled_dot_product_attention: "scaled_dot_product_attention",
    F.multi_head_attention_forward: "multi_head_attention_forward",
    F.instance_norm: "instance_norm",
    torch.reshape: "reshape",
    torch.Tensor.reshape: "reshape",
    torch.Tensor.contiguous: "contiguous",
    torch.flatten: "flatten",
    torch.Tensor.flatten: "flatten",
    F.rrelu: "rrelu",
    torch.rrelu: "rrelu",
}

# What leaves PyTorch: a number or an array that the rest of the forward may depend on.
_LEAVES_FUNCTIONS = frozenset(
    {torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.__array__, torch.Tensor.data_ptr}
)
_LEAVES = frozenset(
    {aten._local_scalar_dense.default, aten.item.default, aten.is_nonzero.default,
     aten.equal.default, aten.nonzero.default}
)
# Where PyTorch's own code and ours ends and the user's begins.
_OURS = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parent),
    f"{Path(torch.__file__).parents[1] / 'tracetorch'}",
    "<",
)


class Recorder:
    """Writes down what is computed from the tensors that it is given.

    `known` says which ATen operations are taken as they are; others are taken apart into those
    that PyTorch says they consist of.
    """

    def __init__(self, known: Callable[[Any], bool]):
        self.nodes: list[Node] = []
        self.findings: list[Finding] = []
        self.stack: list[str] = [""]
        self.known = known
        self._nodes: dict[int, tuple[torch.Tensor, Node]] = {}
        self._lazy: dict[int, tuple[torch.Tensor, Node]] = {}
        self._lent: dict[int, tuple[torch.Tensor, Node]] = {}
        self._storages: dict[int, set[int]] = {}
        self._owners: dict[int, str] = {}
        self._stale: dict[int, Place] = {}
        self._paused = 1

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Records what happens inside."""
        self._paused = 0
        try:
            with torch.no_grad(), _Functions(self), _Operations(self):
                yield
        finally:
            self._paused = 1

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Records nothing of what happens inside."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    @property
    def is_paused(self) -> bool:
        return self._paused > 0

    # What tensors stand for.

    def add(
        self,
        kind: str,
        target: Any,
        result: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        place: Place | None = None,
    ) -> Node:
        """Appends a node; its tensors stand for it from now on."""
        node = Node(kind, target, args, kwargs or {}, result, place or self.place())
        self.nodes.append(node)
        if isinstance(result, torch.Tensor):
            self.bind(result, node)
        else:
            self._items(node, result)
        return node

    def _items(self, node: Node, result: Any) -> None:
        if isinstance(result, (tuple, list)):
            for index, element in enumerate(result):
                if isinstance(element, (torch.Tensor, tuple, list)):
                    self.add("item", index, element, (node,), place=node.place)

    def bind(self, tensor: torch.Tensor, node: Node) -> None:
        """Lets a tensor stand for a node."""
        self._nodes[id(tensor)] = (tensor, node)
        self._stale.pop(id(tensor), None)
        self._storages.setdefault(_storage(tensor), set()).add(id(tensor))

    def lend(self, tensor: torch.Tensor, kind: str, target: Any, *args: Any) -> None:
        """A tensor that becomes a node once it is used."""
        node = Node(kind, target, args, {}, tensor, Place(""))
        self._lazy[id(tensor)] = self._lent[id(tensor)] = (tensor, node)

    def lent(self, tensor: torch.Tensor) -> Node | None:
        """The node that a tensor was lent as, if it was used."""
        found = self._lent.get(id(tensor))
        return found[1] if found and id(tensor) not in self._lazy else None

    def now(self, tensor: torch.Tensor) -> Node | None:
        """The node that a tensor stands for now, if there is one."""
        found = self._nodes.get(id(tensor))
        return found[1] if found else None

    def own(self, tensor: torch.Tensor, path: str) -> None:
        """The layer `path` keeps this tensor's memory."""
        self._owners[_storage(tensor)] = path

    def node_of(self, tensor: torch.Tensor) -> Node | None:
        """The node that a tensor stands for; None for a constant."""
        found = self._nodes.get(id(tensor))
        if found is None and id(tensor) in self._lazy:
            found = self._lazy.pop(id(tensor))
            self.nodes.append(found[1])
            self.bind(*found)
        if found is None:
            return None
        if id(tensor) in self._stale:
            self.find(
                f"it uses a tensor that {self._stale.pop(id(tensor))} has changed in place through "
                f"another one; use the form that makes a new tensor"
            )
        return found[1]

    def is_tracked(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._nodes or id(tensor) in self._lazy

    def argument(self, value: Any) -> Any:
        """An argument with nodes in place of tensors."""

        def replace(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            node = self.node_of(leaf)
            if node is None:
                # A copy: the forward may still change it.
                node = Node("constant", None, (), {}, leaf.clone(), self.place())
                self.nodes.append(node)
            return node

        with self.paused():
            return pytree.tree_map(replace, value)

    # What happens.

    def layer(self, path: str, args: Any, kwargs: Any, result: Any, states: Any) -> None:
        """A call of a layer, whose states are the given tensors."""
        for state in states:
            self.own(state, path)
        if any(isinstance(arg, PackedSequence) for arg in (*args, *kwargs.values())):
            self.find(
                f"'{path}' is called with a PackedSequence, expected a tensor: call it with the "
                f"padded sequence"
            )
            args, kwargs = (), {}
        self.add("layer", path, result, self.argument(args), self.argument(kwargs))

    def call(self, function: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs an ATen operation and records it."""
        tensors = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        tracked = [tensor for tensor in tensors if self.is_tracked(tensor)]
        if torch.Tag.nondeterministic_seeded in function.tags:
            self.find(
                f"'{function.overloadpacket.__name__}' draws random numbers, which a compiled "
                f"model does in its quantizers alone; take it out of the forward, or pass "
                f"training=self.training to a dropout"
            )
        if not tracked:
            with self.paused():
                return function(*args, **kwargs)
        if function in _LEAVES:
            self.leaves("a number")
            with self.paused():
                return function(*args, **kwargs)
        written = [
            value
            for parameter, value in zip(function._schema.arguments, args)
            if parameter.alias_info is not None and parameter.alias_info.is_write
        ]
        if written or any(
            parameter.alias_info is not None and parameter.alias_info.is_write
            and parameter.name in kwargs
            for parameter in function._schema.arguments
        ):
            return self._in_place(function, args, kwargs, written)
        return self._functional(function, args, kwargs)

    def _functional(self, function: Callable, args: tuple[Any, ...], kwargs: dict) -> Any:
        if not self.known(function):
            decomposed = self._decomposed(function, args, kwargs)
            if decomposed is not NotImplemented:
                return decomposed
        place = self.place()
        given = self.argument(args), self.argument(kwargs)
        with self.paused():
            result = function(*args, **kwargs)
        self.add("call", function, result, *given, place=place).function = function
        return result

    def _decomposed(self, function: Callable, args: tuple[Any, ...], kwargs: dict) -> Any:
        """What an operation makes by others that are known; NotImplemented if it cannot."""
        decompose = torch._decomp.decomposition_table.get(function, function.decompose)
        before = len(self.nodes), len(self.findings)
        tables = self._nodes.copy(), self._lazy.copy()
        try:
            with _Operations(self):
                result = decompose(*args, **kwargs)
            parts = [n.target for n in self.nodes[before[0]:] if n.kind == "call"]
            if all(map(self.known, parts)):
                return result
        except Exception:  # whatever a decomposition raises: the operation is refused whole
            pass
        del self.nodes[before[0]:], self.findings[before[1]:]
        self._nodes, self._lazy = tables
        return NotImplemented

    def _in_place(
        self, function: Callable, args: tuple[Any, ...], kwargs: dict, written: list[Any]
    ) -> Any:
        name = function.overloadpacket.__name__
        packet = getattr(aten, name.removesuffix("_"), None)
        overload = getattr(packet, function._overloadname, None)
        if name == "copy_" and args[0].shape == args[1].shape:
            new = args[1]
        elif name.endswith("_") and not name.endswith("__") and overload and len(written) == 1:
            new = self.call(overload, args, kwargs)
        else:
            self.find(f"'{name}' writes into tensors that it is given, which is not supported")
            with self.paused():
                return function(*args, **kwargs)
        node = self.argument(new)
        with self.paused():
            result = function(*args, **kwargs)
        self._rebind(args[0], node, name)
        return result

    def _rebind(self, tensor: torch.Tensor, node: Node, name: str) -> None:
        """A tensor that was changed in place: whatever shares its memory changed too."""
        storage = _storage(tensor)
        if storage in self._owners:
            self.find(
                f"'{name}' changes the output of '{self._owners[storage]}' in place, which may be "
                f"the layer's own state; use the form that makes a new tensor"
            )
        place = self.place()
        sharing = self._storages.get(storage, set()) - {id(tensor)}
        if not self.is_tracked(tensor):
            self.find(
                f"'{name}' writes into a part of a tensor, which is not supported; put the parts "
                f"together with torch.cat or torch.stack"
            )
        for other in sharing:
            self._stale[other] = place
        self._nodes[id(tensor)] = (tensor, node)

    def leaves(self, what: str) -> None:
        """The forward turns a tensor into something that is none."""
        self.find(
            f"it takes {what} out of a tensor that depends on the input or on a parameter, by a "
            f"condition, float(), .item() or the like; the forward must do the same for every "
            f"input: choose with torch.where, and count steps in a tensor"
        )

    def find(self, sentence: str) -> None:
        """Notes why the model cannot be exported."""
        finding = Finding.at(self.place(), sentence)
        if finding not in self.findings:
            self.findings.append(finding)

    def place(self) -> Place:
        """Where the user's code is now: nowhere outside of the forward."""
        found = Place(self.stack[-1])
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code is run_forward.__code__:
                return found
            if not found.file and in_users_code(frame):
                found = Place(self.stack[-1], frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return Place(self.stack[-1])


def run_forward(model: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Calls the model. The user's code is what runs inside this call."""
    return model(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Sees every ATen operation."""

    def __init__(self, recorder: Recorder):
        super().__init__()
        self._recorder = recorder

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self._recorder.is_paused:
            return func(*args, **kwargs)
        return self._recorder.call(func, args, kwargs)


class _Functions(TorchFunctionMode):
    """Sees every function of PyTorch that is called from Python."""

    def __init__(self, recorder: Recorder):
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        recorder = self._recorder
        if recorder.is_paused:
            return func(*args, **kwargs)
        tensors = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        if func in _LEAVES_FUNCTIONS and any(map(recorder.is_tracked, tensors)):
            recorder.leaves("numbers")
            with recorder.paused():
                return func(*args, **kwargs)
        if func not in WHOLE or not any(map(recorder.is_tracked, tensors)):
            return func(*args, **kwargs)
        place = recorder.place()
        given = recorder.argument(args), recorder.argument(kwargs)
        with recorder.paused():
            result = func(*args, **kwargs)
        recorder.add("call", WHOLE[func], result, *given, place=place).function = func
        return result


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def in_users_code(frame: FrameType) -> bool:
    """Whether a frame belongs to the user's code."""
    return not frame.f_code.co_filename.startswith(_OURS)
