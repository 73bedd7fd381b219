"""How long does a timestep take on the GPU, for ttc and for what else there is?

ttc is called on tensors that are on the GPU. The others: the reference package as it is; its step
as a pure function, recorded as a CUDA graph; that step after torch.compile, recorded too; and
cuDNN's LSTM and GRU where a case is made of those. All calls are queued, and waited for at the end.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import ttc
from torch import nn
from ttc import native

from conformance import draw_inputs

ROUNDS = 9
SECONDS_A_ROUND = 0.02


@dataclass(frozen=True)
class Gpu:
    """What the GPU at hand can do at best."""

    name: str
    fma_tflops: float
    memory_gbs: float
    launch_us: float


def measure_gpu() -> Gpu:
    """Measured with PyTorch's own kernels."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.rand(8192, 8192, device="cuda")
    product = time_calls(lambda: torch.mm(a, a), torch.cuda.synchronize)
    from_, to = (torch.empty(1 << 28, device="cuda") for _ in range(2))
    copy = time_calls(lambda: to.copy_(from_), torch.cuda.synchronize)
    small = torch.zeros(1, device="cuda")
    graph = _record(lambda: small.zero_())
    launch = time_calls(graph, torch.cuda.synchronize)
    return Gpu(
        torch.cuda.get_device_name(), 2 * 8192**3 / product / 1e6, 2 * 4 * 2**28 / copy / 1e3, launch
    )


def time_calls(call: Callable[[], object], wait: Callable[[], object]) -> float:
    """Microseconds a call: the median of rounds, each long enough for the clock."""
    calls, seconds = 1, 0.0
    call()
    wait()
    while seconds < SECONDS_A_ROUND:
        seconds = _round(call, wait, calls)
        calls = max(calls * 2, int(calls * SECONDS_A_ROUND / max(seconds, 1e-6))) \
            if seconds < SECONDS_A_ROUND else calls
    return statistics.median(_round(call, wait, calls) / calls for _ in range(ROUNDS)) * 1e6


def _round(call: Callable[[], object], wait: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    wait()
    return time.perf_counter() - start


def bound_us(gpu: Gpu, entry: dict, model: ttc.CompiledModel, batch: int, steps: int) -> float:
    """Microseconds a timestep that no code can avoid: arithmetic, memory, or the launch."""
    own = model._live.model
    streamed = sum(
        spec.dtype.itemsize * _count(spec.shape, batch) for spec in (*own.inputs, *own.outputs)
    )
    kept = entry["weight_bytes"] + 2 * own.session_bytes(batch)[0]
    arithmetic = entry["flops"] * batch * steps / (gpu.fma_tflops * 1e6)
    memory = (kept + streamed * steps) / (gpu.memory_gbs * 1e3)
    return max(arithmetic, memory, gpu.launch_us) / steps


def _count(shape: tuple[int, ...], batch: int) -> int:
    count = 1
    for size in shape:
        count *= batch if size == native.BATCH else size
    return count


def time_ttc(path: Path, device: str, batch: int, steps: int) -> float:
    """Microseconds a timestep, called with bare pointers."""
    model = ttc.load(path, device=device)
    on_gpu = device != "cpu" and torch.cuda.is_available()
    where = device if on_gpu else "cpu"
    inputs = [x.to(where) for x in draw_inputs(model, batch, steps)]
    own = model._live.model
    outputs = [
        torch.empty((steps, *(batch if n == native.BATCH else n for n in spec.shape)),
                    dtype=spec.dtype, device=where)
        for spec in own.outputs
    ]
    session = model._live.session
    if on_gpu:
        session.use_stream(torch.cuda.current_stream().cuda_stream)
    error = native.CError()
    function = native.library().ttc_session_run_raw if steps > 1 else \
        native.library().ttc_session_step_raw
    arguments = [
        session.pointer,
        (ctypes.c_void_p * len(inputs))(*[x.data_ptr() for x in inputs]),
        (ctypes.c_void_p * len(outputs))(*[y.data_ptr() for y in outputs]),
        ctypes.c_int64(batch),
        *([ctypes.c_int64(steps)] if steps > 1 else []),
        ctypes.byref(error),
    ]

    def call() -> None:
        if status := function(*arguments):
            native.check(status, error)

    return time_calls(call, model.synchronize) / steps


# Peers.


def time_reference(case, weights: dict, batch: int, steps: int, device: str) -> float:
    """The reference package, a call a timestep."""
    model = _model(case, weights).to(device)
    x = case.inputs(1, batch, "timed")[0].to(device)
    with torch.inference_mode():
        return time_calls(lambda: model(x), _waiter(device))


def time_graph(case, weights: dict, batch: int, steps: int, compiled: bool) -> float:
    """The step as a pure function in a CUDA graph of so many timesteps, which keeps the states."""
    from engines.functional_step import FunctionalStep
    from engines.setting import Setting

    # Its model is the case's own: the times do not depend on the weights.
    step = FunctionalStep(Setting(case, batch, 1, Path(), Path())).cuda()
    states = [state.cuda() for state in step.zero_states()]
    function = torch.compile(step, mode="max-autotune-no-cudagraphs") if compiled else step
    xs = case.inputs(steps, batch, "timed").cuda()

    def run() -> None:
        now = states
        for x in xs.unbind():
            _, *now = function(x, *now)
        for state, after in zip(states, now):
            state.copy_(after)

    with torch.no_grad():
        return time_calls(_record(run), torch.cuda.synchronize) / steps


def time_cudnn(case, batch: int, steps: int) -> float | None:
    """The case with torch.nn's LSTM and GRU instead, a call a sequence; None if it has none."""
    stages = _torch_stages(case.make())
    if stages is None:
        return None
    stages = [stage.cuda().eval() for stage in stages]
    x = case.inputs(steps, batch, "timed").cuda()

    def run() -> None:
        y = x
        for stage in stages:
            y = stage(y)
            y = y[0] if isinstance(y, tuple) else y

    with torch.inference_mode():
        return time_calls(run, torch.cuda.synchronize) / steps


def _torch_stages(model: nn.Module) -> list[nn.Module] | None:
    import tracetorch as tt

    # And how many gates share a product.
    kinds = {tt.rnn.LSTM: (nn.LSTM, 4), tt.rnn.GRU: (nn.GRU, 2)}
    stages, recurrent = [], False
    for layer in model.net:
        if isinstance(layer, nn.Linear):
            stages.append(layer)
        elif type(layer) in kinds:
            recurrent = True
            torch_type, gates = kinds[type(layer)]
            outputs, inputs_and_outputs = layer.gate_layers.weight.shape
            size = outputs // gates
            stages.append(torch_type(inputs_and_outputs - size, size))
        else:
            return None
    return stages if recurrent else None


def _record(run: Callable[[], object]) -> Callable[[], object]:
    """A CUDA graph of what is done, after it was done three times in another stream."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def _model(case, weights: dict) -> nn.Module:
    model = case.make().eval().requires_grad_(False)
    model.load_state_dict(weights)
    return model


def _waiter(device: str) -> Callable[[], object]:
    return torch.cuda.synchronize if device.startswith("cuda") else lambda: None
