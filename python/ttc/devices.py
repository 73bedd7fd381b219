"""Which devices there are for compiled models, and how a stream of states gets onto one."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import torch

from .errors import Error, UnsupportedError

_TARGETS = {"cpu": "cpu", "cuda": "nvptx"}


def target_options(target: str, gpu_arch: str | None) -> list[str]:
    """The compiler's options for "cpu", "cuda" or both, separated by a comma."""
    names = [name.strip() for name in target.split(",")] if isinstance(target, str) else [target]
    if not names or len(set(names)) < len(names) or any(name not in _TARGETS for name in names):
        raise UnsupportedError(
            f"the target {target!r} is not supported; use target='cpu', 'cuda' or 'cpu,cuda'"
        )
    if "cuda" not in names:
        if gpu_arch is not None:
            raise Error(
                f"gpu_arch is {gpu_arch!r}, but the target {target!r} has no GPU: use target='cuda'"
            )
        return []
    # In the compiler's order, whichever of the two the stream begins on.
    options = ["--target=" + ",".join(own for name, own in _TARGETS.items() if name in names)]
    if gpu_arch is None and torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        gpu_arch = f"sm_{major}{minor}"
    if gpu_arch is not None:
        options.append(f"--gpu-arch={gpu_arch}")
    return options


def first_device(target: str) -> str:
    """The device that a model compiled for this target begins on."""
    return device_name(target.split(",")[0].strip())


def device_name(device: str | torch.device) -> str:
    """A device as the runtime calls it: "cpu" or "cuda:0". Raises Error for another kind."""
    try:
        parsed = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise Error(f"{device!r} is no device; use 'cpu', 'cuda' or 'cuda:0'") from error
    if parsed.type not in _TARGETS:
        raise UnsupportedError(f"the device '{parsed}' is not supported; use 'cpu' or 'cuda'")
    if parsed.type == "cpu":
        return "cpu"
    if parsed.index is not None:
        return f"cuda:{parsed.index}"
    return f"cuda:{torch.cuda.current_device() if torch.cuda.is_available() else 0}"


def current_stream(device: torch.device) -> int:
    """The CUstream in which PyTorch orders what is done on a GPU."""
    return torch.cuda.current_stream(device).cuda_stream
