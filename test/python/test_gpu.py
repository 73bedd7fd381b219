"""Compiled models on a GPU: on the emulator of one, unless PyTorch itself has a GPU."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import ctypes

import pytest
import torch
import ttc
from small_model import refuses, same
from torch import nn
from ttc import devices, native, toolchain

WEIGHTS = {"net.1.beta": torch.tensor([0.5, 0.6, 0.7, 0.8]), "net.1.threshold": torch.tensor(0.75)}
EMULATOR = toolchain.home() / "build/emulator"


@pytest.fixture(scope="module")
def driver():
    """The emulator, loaded: whoever looks for a driver gets it."""
    if torch.cuda.is_available():
        pytest.skip("this machine's own driver is loaded already, the emulator cannot be")
    path = EMULATOR / "libcuda.so.1"
    assert path.is_file(), f"the emulator is not at '{path}': run scripts/build.sh"
    return ctypes.CDLL(str(path))


def load(device):
    return ttc.load(EMULATOR / "libttc_emulated_model.so", WEIGHTS, device=device)


@pytest.fixture
def pair(driver):
    """The same model on the GPU and on the CPU."""
    return load("cuda"), load("cpu")


def inputs(*shape):
    return torch.rand(*shape, 4) * 2


@pytest.mark.parametrize("batch", [1, 5, 300])
def test_steps_and_runs_are_those_of_the_cpu(pair, batch):
    on_gpu, on_cpu = pair
    assert on_gpu.device == torch.device("cuda:0") and on_cpu.device == torch.device("cpu")
    for _ in range(5):
        x = inputs(batch)
        assert torch.equal(on_gpu(x)["y"], on_cpu(x)["y"])
    xs = inputs(7, batch)
    assert torch.equal(on_gpu.run(xs)["y"], on_cpu.run(xs)["y"])
    on_gpu.synchronize()
    assert on_gpu.timestep == 12 and same(on_gpu.save_states(), on_cpu.save_states())


def test_states_on_the_gpu(pair):
    mem = torch.tensor([[0.5, 0.25, 0.0, 0.125], [1.0, 2.0, 0.0, 0.5]])
    for c in pair:
        c.set_state("net.1.mem", mem)
        assert torch.equal(c.state("net.1.mem"), mem)
        c(inputs(2).fill_(1))
        c.zero_states(rows=[True, False])
        c.zero_states("net.1.syn")
    on_gpu, on_cpu = pair
    assert same(on_gpu.save_states(), on_cpu.save_states())
    forks = [c.fork() for c in pair]
    x = inputs(2)
    for c in (*pair, *forks):
        c(x)
    assert forks[0].device == on_gpu.device
    for c in (on_gpu, *forks):
        assert same(c.save_states(), on_cpu.save_states())
    assert on_gpu.session().device == on_gpu.device and on_gpu.session().save_states() == {}
    with refuses("the state 'net.1.mem' is on cuda:0, whose memory NumPy cannot look at"):
        with on_gpu.state_view("net.1.mem"):
            pass


def test_states_move_between_devices(pair, tmp_path):
    on_gpu, on_cpu = pair
    x = inputs(3)
    on_gpu(x), on_cpu(x)
    states = on_gpu.save_states()
    on_cpu.load_states(states, device="cuda")
    assert on_cpu.device == on_gpu.device and on_cpu.timestep == 1
    on_gpu.load_states(states, device="cpu")
    assert on_gpu.device == torch.device("cpu")
    assert torch.equal(on_gpu(x)["y"], on_cpu(x)["y"])
    # What cannot be loaded moves nothing.
    with refuses("'net.1.mem' is missing"):
        on_gpu.load_states({"net.1.syn": states["net.1.syn"]}, device="cuda")
    assert on_gpu.device == torch.device("cpu") and on_gpu.timestep == 2
    on_cpu.save_states_file(tmp_path / "s.states")
    resumed = load("cpu")
    resumed.load_states_file(tmp_path / "s.states")
    assert resumed.timestep == 2 and torch.equal(resumed(x)["y"], on_cpu(x)["y"])
    assert resumed.session("cuda").device == on_cpu.device


def test_other_parameters_stay_on_the_gpu(pair):
    for c in pair:
        c(torch.ones(2, 4))
        c.load_state_dict({**WEIGHTS, "net.1.beta": torch.full((4,), 0.25)})
    on_gpu, on_cpu = pair
    assert on_gpu.device == torch.device("cuda:0")
    x = inputs(2)
    assert torch.equal(on_gpu(x)["y"], on_cpu(x)["y"])


def test_pointers_of_the_device_are_not_copied(pair, driver):
    """What a CUDA tensor comes to, where PyTorch has none."""
    on_gpu, on_cpu = pair
    x = inputs(2)
    on_gpu(x), on_cpu(x)
    context, popped = ctypes.c_void_p(), ctypes.c_void_p()
    assert driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
    assert driver.cuCtxPushCurrent_v2(context) == 0
    x_there, y_there = ctypes.c_uint64(), ctypes.c_uint64()
    size = ctypes.c_size_t(x.numel() * 4)
    for block in (x_there, y_there):
        assert driver.cuMemAlloc_v2(ctypes.byref(block), size) == 0
    assert driver.cuMemcpyHtoD_v2(x_there, ctypes.c_void_p(x.data_ptr()), size) == 0
    session = on_gpu._live.session
    session.use_stream(0)
    error = native.CError()
    step = native.library().ttc_session_step_raw
    pointers = ctypes.c_void_p * 1
    status = step(
        session.pointer, pointers(x_there.value), pointers(y_there.value), ctypes.c_int64(2),
        ctypes.byref(error),
    )
    native.check(status, error)
    on_gpu.synchronize()
    y = torch.empty(2, 4)
    assert driver.cuMemcpyDtoH_v2(ctypes.c_void_p(y.data_ptr()), y_there, size) == 0
    assert torch.equal(y, on_cpu(x)["y"])
    status = step(
        session.pointer, pointers(x.data_ptr()), pointers(y_there.value), ctypes.c_int64(2),
        ctypes.byref(error),
    )
    with refuses("the input 'x' is the host's, that of the output 'y' on cuda:0"):
        native.check(status, error)
    for block in (x_there, y_there):
        assert driver.cuMemFree_v2(block) == 0
    driver.cuCtxPopCurrent_v2(ctypes.byref(popped))
    driver.cuDevicePrimaryCtxRelease_v2(0)


def test_devices_that_are_not(driver):
    for device, message in (
        ("cuda:7", "There is no device 'cuda:7': this machine has one, 'cuda:0'"),
        ("mps", "the device 'mps' is not supported; use 'cpu' or 'cuda'"),
        ("gpu", "'gpu' is no device; use 'cpu', 'cuda' or 'cuda:0'"),
    ):
        with refuses(message):
            load(device)
    with refuses("input 'x' is a torch.strided tensor on meta, expected a dense one on cuda:0 or"):
        load("cuda")(torch.empty(1, 4, device="meta"))
    compiled = ttc.compile(nn.ReLU().eval(), torch.zeros(2, 3))
    for move in (lambda: compiled.session("cuda"), lambda: compiled.session("cuda:0")):
        with refuses("was compiled for the CPU alone, not for 'cuda:0': compile it with --target="):
            move()


@pytest.mark.parametrize(
    "target, gpu_arch, options",
    [
        ("cpu", None, []),
        ("cuda", "sm_90", ["--target=nvptx", "--gpu-arch=sm_90"]),
        ("cpu,cuda", "sm_80,sm_90", ["--target=cpu,nvptx", "--gpu-arch=sm_80,sm_90"]),
        ("cuda, cpu", "sm_80", ["--target=cpu,nvptx", "--gpu-arch=sm_80"]),
    ],
)
def test_targets_become_options_of_the_compiler(target, gpu_arch, options):
    assert devices.target_options(target, gpu_arch) == options
    assert devices.first_device(target) == ("cuda:0" if target.startswith("cuda") else "cpu")


@pytest.mark.parametrize("target", ["tpu", "cpu,tpu", "cpu,cpu", "", None, "nvptx"])
def test_targets_that_are_not(target):
    with refuses(f"the target {target!r} is not supported; use target='cpu', 'cuda' or 'cpu,cuda'"):
        ttc.compile(nn.ReLU().eval(), torch.zeros(2, 3), target=target)


def test_an_architecture_needs_a_gpu():
    with refuses("gpu_arch is 'sm_90', but the target 'cpu' has no GPU: use target='cuda'"):
        ttc.compile(nn.ReLU().eval(), torch.zeros(2, 3), gpu_arch="sm_90")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch has no GPU here")
def test_tensors_on_the_gpu_are_not_copied():
    c = ttc.compile(nn.Sequential(nn.Linear(3, 4)).eval(), torch.zeros(2, 3), target="cpu,cuda")
    x = torch.rand(2, 3)
    expected = c(x)
    c.load_states({}, device="cuda")
    with torch.cuda.stream(torch.cuda.Stream()):
        y = c(x.cuda())
        assert y.is_cuda
        torch.testing.assert_close(y.cpu(), expected)
    assert c(x).is_cpu
    assert all(state.is_cuda for state in c.save_states("cuda").values())
