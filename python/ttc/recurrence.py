"""What becomes of the states that torch.nn's recurrent modules take and give back."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .errors import Finding
from .recording import Node
from .subject import Recording, where

aten = torch.ops.aten

# What gives back the values that it is given.
_SAME = frozenset({aten.detach.default, aten.alias.default, aten.clone.default})


@dataclass
class Recurrence:
    """How the graph changes because the session keeps the states of torch.nn's modules.

    inputs: those that are initial states, which the session has instead.
    outputs: the last step's hidden state of a stack, which is the step's own output; each node
        with the layer's node.
    replaced: nodes that are no part of the graph.
    output: what the compiled model returns, with nodes for tensors.
    """

    inputs: set[Node] = field(default_factory=set)
    outputs: dict[Node, Node] = field(default_factory=dict)
    replaced: set[Node] = field(default_factory=set)
    output: Any = None
    findings: list[Finding] = field(default_factory=list)
    hidden: set[Node] = field(default_factory=set)  # h_n, c_n and the tuple of them
    forgets: bool = False  # whether a module starts anew in each call of the forward


def is_recurrent(module: nn.Module) -> bool:
    """Whether the module is torch.nn's RNN, LSTM or GRU, or one's cell."""
    return isinstance(module, (nn.RNNBase, nn.RNNCellBase))


def strip(node: Node) -> Node:
    """What a node is a copy of."""
    while node.kind == "call" and node.target in _SAME:
        node = node.args[0]
    return node


def call_arguments(node: Node) -> tuple[Any, Any]:
    """The input and the initial state of a recurrent module's call."""
    arguments = dict(zip(("input", "hx"), node.args)) | dict(node.kwargs)
    return arguments.get("input"), arguments.get("hx")


def find_recurrence(recording: Recording, nodes: Sequence[Node]) -> Recurrence:
    """Looks at every call of torch.nn's recurrent modules."""
    found = Recurrence(output=recording.output)
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for operand in node.inputs():
            users.setdefault(operand, []).append(node)
    kept = {k.before: k for k in recording.attributes.kept if k.before in set(nodes)}
    excused: set[Node] = set()
    cells_with_inputs: set[Node] = set()
    calls: dict[str, Node] = {}
    for node in nodes:
        if node.kind != "layer" or not is_recurrent(recording.paths.modules[node.target]):
            continue
        module = recording.paths.modules[node.target]
        name = where(node.target, module)
        if node.target in calls:
            found.findings.append(Finding.of_layer(
                node.place, node.target,
                f"{name} is called more than once in a timestep, and a compiled model keeps one "
                f"state for it: use a module of its own for each call, and take a loop over "
                f"timesteps out of the forward, which takes one",
            ))
        calls[node.target] = node
        _, hx = call_arguments(node)
        leaves = [strip(n) for n in pytree.tree_leaves(hx) if isinstance(n, Node)]
        found.forgets |= not leaves or any(leaf not in kept for leaf in leaves)
        for leaf in leaves:
            if leaf.kind == "input":
                found.inputs.add(leaf)
                cells_with_inputs.add(node)
                others = [u for u in users.get(leaf, []) if u is not node and strip(u) is not leaf]
                if others or any(strip(o) is leaf for o in _leaves(recording.output)):
                    found.findings.append(Finding.of_layer(
                        node.place, node.target,
                        f"the input '{leaf.target}' is the initial state of {name}, which the "
                        f"session keeps, but the forward uses it elsewhere too; use the module's "
                        f"output instead",
                    ))
            elif leaf in kept and _maker(kept[leaf].after) is node:
                excused.add(leaf)
            elif leaf.kind not in ("constant", "attribute", "param") or bool(leaf.result.any()):
                if leaf in kept:
                    excused.add(leaf)
                found.findings.append(Finding.of_layer(
                    node.place, node.target,
                    f"the initial state of {name} is computed in the forward; expected none, "
                    f"zeros, an input of the forward, or what the module gave in the step before",
                ))
    for before, k in kept.items():
        if before not in excused:
            found.findings.append(_kept_finding(recording, k))
    for node in nodes:
        maker = _maker(node)
        if maker is None or node.kind != "item":
            continue
        module = recording.paths.modules[maker.target]
        if isinstance(module, nn.RNNBase) and _is_hidden_item(node):
            found.hidden.add(node)
            found.replaced.add(node)
            _last_layer(found, node, maker, module, users, recording)
    _drop_outputs(found, recording, cells_with_inputs)
    for leaf in found.inputs:
        found.replaced.add(leaf)
    for node in nodes:  # copies of initial states
        if node.kind == "call" and strip(node) in found.inputs | set(kept):
            found.replaced.add(node)
    return found


def _leaves(output: Any) -> list[Node]:
    return [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, Node)]


def _maker(node: Node) -> Node | None:
    """The recurrent module's call whose result a node is, or is a part of."""
    node = strip(node)
    while node.kind == "item":
        node = node.args[0]
    return node if node.kind == "layer" else None


def _is_hidden_item(node: Node) -> bool:
    """h_n or c_n, or the tuple of both, of a sequence module's result."""
    return node.kind == "item" and (node.args[0].kind == "item" or node.target == 1)


def _last_layer(
    found: Recurrence,
    node: Node,
    maker: Node,
    module: nn.RNNBase,
    users: dict[Node, list[Node]],
    recording: Recording,
) -> None:
    """The uses of h_n: its last layer is the output of the step."""
    if not isinstance(node.result, torch.Tensor):
        return
    is_cell_state = node.args[0].kind == "item" and node.target == 1
    for user in users.get(node, []):
        last = user.kind == "call" and not is_cell_state and (
            (user.target is aten.select.int
             and user.args[1] == 0 and user.args[2] in (-1, module.num_layers - 1))
            or (module.num_layers == 1 and user.result.shape == node.result.shape[1:]
                and user.target.overloadpacket in (aten.squeeze, aten.view, aten.reshape))
        )
        if last:
            found.outputs[user] = maker
        else:
            what = "c_n" if is_cell_state else "h_n other than its last layer, h_n[-1]"
            found.findings.append(Finding.at(
                user.place,
                f"'{user.name}' computes with {what} of {where(maker.target, module)}, which is "
                f"not supported; use the module's output",
            ))


def _drop_outputs(
    found: Recurrence, recording: Recording, cells_with_inputs: set[Node]
) -> None:
    def is_state(node: Node) -> bool:
        inner = strip(node)
        if inner in found.hidden:
            return True
        maker = _maker(inner)
        if maker is None:
            return False
        module = recording.paths.modules[maker.target]
        return isinstance(module, nn.LSTMCell) and inner.kind == "item" and inner.target == 1

    def is_cell_output(node: Node) -> bool:
        maker = _maker(node)
        return maker in cells_with_inputs and isinstance(
            recording.paths.modules[maker.target], nn.RNNCellBase
        )

    leaves = _leaves(recording.output)
    drop = {leaf for leaf in leaves if is_state(leaf)}
    rest = [leaf for leaf in leaves if leaf not in drop]
    if any(not is_cell_output(leaf) for leaf in rest):
        drop |= {leaf for leaf in rest if is_cell_output(leaf)}
    elif cells_with_inputs and len(rest) > 1:
        drop |= set(rest[1:])
    found.output = _without(recording.output, drop)


def _without(output: Any, drop: set[Node]) -> Any:
    """The output less these nodes; a tuple of which one is left is that one."""
    if not drop:
        return output
    if isinstance(output, dict):
        return {
            key: _without(value, drop) for key, value in output.items()
            if not _all_dropped(value, drop)
        }
    if isinstance(output, (tuple, list)):
        rest = [_without(value, drop) for value in output if not _all_dropped(value, drop)]
        return rest[0] if len(rest) == 1 else type(output)(rest)
    return output


def _all_dropped(value: Any, drop: set[Node]) -> bool:
    leaves = _leaves(value)
    return bool(leaves) and all(leaf in drop for leaf in leaves)


def _kept_finding(recording: Recording, kept: Any) -> Finding:
    module = recording.paths.modules[kept.path]
    return Finding.of_layer(
        kept.after.place, kept.path,
        f"{where(kept.path, module)} keeps a value of its forward in the attribute "
        f"'{kept.name}' for the next timestep; make it a state of a tracetorch.Layer "
        f"(_initialize_state)",
    )
