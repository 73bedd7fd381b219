"""Under which paths a model's modules are known."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from .errors import Error, UnsupportedError

# What every module keeps for itself, where no user's layer is found.
_MODULE_ATTRIBUTES = frozenset(nn.Module().__dict__)
_OPAQUE = (type, types.FunctionType, types.MethodType, types.ModuleType, types.BuiltinFunctionType)


@dataclass
class ModulePaths:
    """Each module's one canonical path, and the others that lead to it."""

    modules: dict[str, nn.Module] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)  # another path -> the canonical one
    _paths: dict[int, str] = field(default_factory=dict)

    def path_of(self, module: nn.Module) -> str | None:
        """The canonical path, or None for a module that the model does not hold."""
        return self._paths.get(id(module))

    def add(self, path: str, module: nn.Module) -> bool:
        """Records that `path` leads to `module`; False if it was known under another path."""
        present = self.modules.get(path)
        if present is not None and present is not module:
            raise Error(
                f"two different modules have the path '{path}': a {type(present).__name__} and a "
                f"{type(module).__name__}; rename one of the attributes"
            )
        if id(module) in self._paths:
            canonical = self._paths[id(module)]
            if canonical != path:
                self.aliases[path] = canonical
            return False
        self.modules[path] = module
        self._paths[id(module)] = path
        return True


def is_stateful(module: nn.Module) -> bool:
    """Whether the module is a traceTorch layer: it may keep states."""
    return any(
        base.__name__ == "Layer" and base.__module__.startswith("tracetorch.core")
        for base in type(module).__mro__
    )


def find_modules(model: nn.Module, is_layer: Callable[[nn.Module], bool]) -> ModulePaths:
    """Finds every module: the registered ones first, then those in plain Python attributes.

    What `is_layer` says is one layer of the model IR is not looked into.
    A layer in a plain list, which PyTorch does not see, has the path `ls[0]`; one in a dict
    `layers[key]`; one in an attribute of a plain object `holder.layer`. Raises Error if two
    different modules have one path.
    """
    found = ModulePaths()
    owners: list[tuple[str, nn.Module]] = []

    def visit(path: str, module: nn.Module) -> None:
        if found.add(path, module) and not is_layer(module):
            owners.append((path, module))
            for name, child in module._modules.items():  # named_children() leaves out aliases
                if child is not None:
                    visit(f"{path}.{name}" if path else name, child)

    visit("", model)
    for owner_path, owner in owners:  # grows while it is walked
        for path, module in _plain_attributes(owner, owner_path):
            visit(path, module)
    return found


def _plain_attributes(owner: nn.Module, owner_path: str) -> Iterator[tuple[str, nn.Module]]:
    visited: set[int] = set()
    for name, value in vars(owner).items():
        if name not in _MODULE_ATTRIBUTES:
            yield from _walk(value, f"{owner_path}.{name}" if owner_path else name, visited)


def _walk(value: Any, path: str, visited: set[int]) -> Iterator[tuple[str, nn.Module]]:
    if isinstance(value, nn.Module):
        yield path, value
        return
    if id(value) in visited or isinstance(value, _OPAQUE):
        return
    visited.add(id(value))
    if isinstance(value, (list, tuple)):
        for index, element in enumerate(value):
            yield from _walk(element, f"{path}[{index}]", visited)
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _walk(element, f"{path}[{key}]", visited)
    elif isinstance(value, (set, frozenset)):
        if any(isinstance(element, nn.Module) for element in value):
            raise UnsupportedError(
                f"'{path}' keeps layers in a {type(value).__name__}, which has no order, so that "
                f"they have no names; keep them in a list or in an nn.ModuleList"
            )
    elif hasattr(value, "__dict__"):
        for name, element in vars(value).items():
            yield from _walk(element, f"{path}.{name}", visited)


_REFERENCE_ALIAS = re.compile(r"\.?_modules\[([^\]]*)\]")


def canonical_key(key: str, aliases: dict[str, str]) -> str:
    """The canonical form of a state's or parameter's key.

    Undoes the reference package's spelling (`._modules[net]._modules[1].mem`, `.ls[0].mem`) and
    replaces a path by the canonical one of the same module.
    """
    key = _REFERENCE_ALIAS.sub(r".\1", key).lstrip(".")
    path = key
    while path:
        path, _, _ = path.rpartition(".")
        if path in aliases and (path or "." not in key):
            return f"{aliases[path]}.{key[len(path):].lstrip('.')}"
    return key
