"""Whether a compiled model takes several threads, and says so where it cannot."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import multiprocessing

import pytest
import torch
import ttc
from small_model import Net, compiled_net, refuses, same
from ttc import toolchain


@pytest.fixture(scope="module")
def shared():
    torch.manual_seed(1)
    return ttc.compile(Net().eval(), torch.zeros(2, 3), threads=3)


def test_a_model_has_one_thread():
    compiled = compiled_net()
    assert compiled.threads == 1
    compiled.set_threads(1)
    with refuses("compiled for one thread, 2 were asked for", "--threads=2"):
        compiled.set_threads(2)
    assert compiled.threads == 1


def test_the_bits_are_those_of_one(shared):
    one = compiled_net()
    many = shared.session()
    assert many.threads == 3
    for batch in (1, 2, 50):
        xs = torch.randn(30, batch, 3)
        for threads, x in zip((2, 1, 3) * 10, xs):
            many.set_threads(threads)
            assert many.threads == threads
            assert torch.equal(many(x), one(x))
        assert torch.equal(many.run(xs), one.run(xs))
        assert same(many.save_states(), one.save_states())
        many.zero_states()
        one.zero_states()


def test_streams_and_weights_keep_the_number(shared):
    stream = shared.session()
    stream.set_threads(2)
    assert stream.fork().threads == 2
    assert stream.session().threads == 2
    stream.load_state_dict(stream.state_dict())
    assert stream.threads == 2
    assert shared.threads == 3


@pytest.mark.parametrize("threads", [0, -1, 4, 2**70])
def test_numbers_that_cannot_be(shared, threads):
    with refuses("threads", str(threads)):
        shared.set_threads(threads)
    assert shared.threads == 3


def test_compiling_for_no_thread():
    with refuses("the number of threads is 0, expected at least 1"):
        ttc.compile(Net().eval(), torch.zeros(2, 3), threads=0)


def test_loading(tmp_path):
    ttc.export(Net().eval(), torch.zeros(2, 3), tmp_path / "net")
    toolchain.run_driver(tmp_path / "net.mlir", tmp_path / "libnet.so", ["--threads=2"])
    files = tmp_path / "libnet.so", tmp_path / "net.safetensors"
    assert ttc.load(*files).threads == 1
    assert ttc.load(*files, threads=2).threads == 2
    with refuses("compiled for 2 threads, 3 were asked for"):
        ttc.load(*files, threads=3)


def _step(compiled, x, queue):
    queue.put(compiled(x).tolist())


def test_a_forked_child_goes_on(shared):
    compiled = shared.session()
    x = torch.randn(2, 3)
    compiled(x)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_step, args=(compiled, x, queue))
    child.start()
    found = queue.get(timeout=60)
    child.join()
    assert found == compiled(x).tolist()
