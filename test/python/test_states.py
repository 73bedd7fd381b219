"""Whether the states of a compiled model are read, set, zeroed, lent and forked as promised."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import gc
import threading

import numpy
import pytest
import torch
import tracetorch as tt
import ttc
from small_model import KEYS, Net, compiled_net, refuses, same
from torch import nn


@pytest.fixture(scope="module")
def shared():
    return compiled_net()


@pytest.fixture
def c(shared):
    return shared.session()


@pytest.fixture(scope="module")
def stacked():
    """An LSTM of two layers, whose states are (layers, batch, size)."""
    torch.manual_seed(1)
    return ttc.compile(nn.LSTM(3, 4, 2).eval(), torch.zeros(6, 2, 3))


# One state.


def test_a_state_is_a_copy(c):
    c(torch.ones(2, 3))
    mem = c.state("net.3.mem")
    assert torch.equal(mem, c.save_states()["net.3.mem"])
    mem.fill_(7)
    assert not (c.state("net.3.mem") == 7).any()
    assert torch.equal(c.state("net._modules[3].mem"), c.state("net.3.mem"))


def test_a_state_that_is_not_there(c):
    with refuses("The state 'net.3.mem' of the model 'model' does not exist yet"):
        c.state("net.3.mem")
    c(torch.ones(2, 3))
    with refuses("'net.3.memory' is no state of the model 'model', which has 'net.1.mem',"):
        c.state("net.3.memory")
    with refuses("a state is named by a string, found 3"):
        c.state(3)


@pytest.mark.parametrize("kind", [torch.tensor, numpy.float32])
def test_set_state(c, kind):
    c(torch.ones(2, 3))
    before = c.save_states()
    values = [[1.0, 2.0], [3.0, 4.0]]
    value = torch.tensor(values) if kind is torch.tensor else numpy.array(values, kind)
    c.set_state("net.3.mem", value)
    after = c.save_states()
    assert after.pop("net.3.mem").tolist() == values
    assert all(torch.equal(after[key], before[key]) for key in after)
    assert c.timestep == 1


def test_set_state_copies(c):
    value = torch.ones(2, 2)
    c.set_state("net.3.mem", value)
    value.zero_()
    assert c.state("net.3.mem").tolist() == [[1, 1], [1, 1]]


def test_set_state_makes_the_others_zero(c):
    c.set_state("net.3.mem", torch.ones(3, 2))
    states = c.save_states()
    assert list(states) == KEYS and all(state.shape[0] == 3 for state in states.values())
    assert not any(states[key].any() for key in KEYS[:-1])
    assert c(torch.ones(3, 3)).shape == (3, 2)


@pytest.mark.parametrize(
    "value, words",
    [
        (torch.ones(2), ["'net.3.mem' has the shape [2], [batch, 2] is expected"]),
        (torch.ones(2, 3), ["'net.3.mem' has the shape [2, 3], [batch, 2] is expected"]),
        (torch.ones(3, 2), ["'net.3.mem' has batch 3, the session's states have batch 2: zero"]),
        (torch.ones(2, 2).double(), ["'net.3.mem' is F64, F32 is expected"]),
        (numpy.ones((2, 2)), ["'net.3.mem' is F64, F32 is expected"]),
        (numpy.ones((2, 2), "uint16"), ["'net.3.mem' has the dtype uint16, expected one of"]),
        (numpy.ones((2, 2), ">f4"), ["an array of >f4, which PyTorch does not have"]),
        (numpy.array([["a", "b"]] * 2), ["an array of <U1, which PyTorch does not have"]),
        ([[1.0, 2.0]] * 2, ["the state 'net.3.mem' is a list, expected a tensor of PyTorch or"]),
        (None, ["the state 'net.3.mem' is a NoneType, expected"]),
        (torch.ones(2, 2, device="meta"), ["on meta, expected a dense one that has data"]),
        (torch.ones(2, 2).to_sparse(), ["torch.sparse_coo on cpu, expected a dense one"]),
    ],
)
def test_a_bad_state_changes_nothing(c, value, words):
    c(torch.ones(2, 3))
    before = c.save_states()
    with refuses(*words):
        c.set_state("net.3.mem", value)
    with pytest.raises(ttc.Error, match="net.3.mem"):
        c.load_states(before | {"net.3.mem": value})
    assert same(c.save_states(), before)


@pytest.mark.parametrize(
    "array",
    [
        numpy.ones((2, 4), "float32")[:, ::2],
        numpy.ones((2, 2), "float32")[::-1],
        numpy.asfortranarray(numpy.ones((2, 2), "float32")),
        numpy.broadcast_to(numpy.float32(1), (2, 2)),
        torch.ones(2, 2).t(),
        torch.ones(1, 2).expand(2, 2),
        torch.ones(2, 2, requires_grad=True),
    ],
)
def test_arrays_of_any_layout(c, array):
    c.set_state("net.3.mem", array)
    assert c.state("net.3.mem").tolist() == [[1, 1], [1, 1]]
    c.load_states(c.save_states() | {"net.3.mem": array})


# Zero.


def test_zero_one_state(c):
    c(torch.ones(2, 3))
    before = c.save_states()
    assert before["net.3.mem"].any()
    c.zero_states("net.3.mem")
    after = c.save_states()
    assert not after.pop("net.3.mem").any()
    assert all(torch.equal(after[key], before[key]) for key in after)
    assert c.timestep == 1
    with refuses("'net.9.mem' is no state of the model 'model'"):
        c.zero_states("net.9.mem")


@pytest.mark.parametrize(
    "rows", [[True, False, True], torch.tensor([True, False, True]), numpy.array([1, 0, 1], bool)]
)
def test_zero_rows(c, rows):
    """A row that is zeroed goes on as a new stream, the others as if nothing had happened."""
    xs = torch.randn(6, 3, 3)
    c.run(xs[:3])
    whole = c.fork().run(xs[3:])
    c.zero_states(rows=rows)
    assert c.timestep == 3
    states = c.save_states()
    assert all(not s[0].any() and not s[2].any() for s in states.values())
    assert states["net.3.mem"][1].any()
    found = c.run(xs[3:])
    new = c.session().run(xs[3:])
    assert torch.equal(found[:, 1], whole[:, 1])
    assert torch.equal(found[:, [0, 2]], new[:, [0, 2]])
    assert not torch.equal(whole[:, 0], new[:, 0])


def test_zero_rows_of_stacked_states(stacked):
    c = stacked.session()
    c.run(torch.randn(3, 2, 3))
    before = c.save_states()
    c.zero_states(rows=[False, True])
    after = c.save_states()
    for key in ("layer.h", "layer.c"):
        assert before[key].shape == (2, 2, 4)
        assert torch.equal(after[key][:, 0], before[key][:, 0])
        assert before[key][:, 1].all() and not after[key][:, 1].any()


def test_bad_rows(c):
    c(torch.ones(2, 3))
    before = c.save_states()
    with refuses("3 rows were given, the batch of the session is 2"):
        c.zero_states(rows=[True] * 3)
    with refuses("the mask of rows holds 1, expected one bool a row of the batch"):
        c.zero_states(rows=[1, 0])
    with refuses("the mask of rows has the dtype float32 and the shape (2,), expected one bool"):
        c.zero_states(rows=torch.ones(2))
    with refuses("the mask of rows has the dtype bool and the shape (2, 1), expected one bool"):
        c.zero_states(rows=torch.ones(2, 1, dtype=torch.bool))
    with refuses("zero_states takes a name or rows, not both"):
        c.zero_states("net.3.mem", rows=[True, False])
    assert same(c.save_states(), before)


def test_zero_where_there_are_no_states(c):
    c.zero_states("net.3.mem")
    c.zero_states(rows=[True, False, True])
    c.zero_states()
    assert c.save_states() == {} and c.timestep == 0


# Views.


def test_a_view_is_the_state(c):
    c(torch.ones(2, 3))
    x, other = torch.randn(2, 3), c.fork()
    with c.state_view("net.3.mem") as mem:
        assert isinstance(mem, numpy.ndarray) and mem.dtype == numpy.float32
        assert mem.tolist() == other.state("net.3.mem").tolist()
        mem *= 2
        mem[0, 1] = 9
    assert c.state("net.3.mem").tolist() == mem.tolist()
    other.set_state("net.3.mem", mem)
    assert torch.equal(c(x), other(x))
    assert c.timestep == other.timestep == 2


def test_a_view_keeps_what_it_showed(c):
    """After its block an array is a copy that nobody changes, and its memory is not given back."""
    c(torch.ones(2, 3))
    with c.state_view("net.3.mem") as mem:
        part = mem[1:]
    kept = mem.copy()
    for _ in range(3):
        c.zero_states()
        c(torch.randn(64, 3))
    gc.collect()
    assert numpy.array_equal(mem, kept) and numpy.array_equal(part, kept[1:])
    assert not mem.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        mem[0, 0] = 1


def test_the_model_rests_while_a_view_is_open(c):
    c(torch.ones(2, 3))
    before = c.save_states()
    with c.state_view("net.1.mem") as mem, c.state_view("net.3.mem") as other:
        assert mem.shape == (2, 4) and other.shape == (2, 2)
        for use in (
            lambda: c(torch.ones(2, 3)), lambda: c.run(torch.ones(1, 2, 3)), c.save_states,
            c.zero_states, c.fork, lambda: c.load_states(before), lambda: c.timestep,
        ):
            with refuses("a view of the state 'net.3.mem' is open: leave its `with` block before"):
                use()
        assert "model: x(batch, 3)" in repr(c) and c.session_bytes() and c.session().timestep == 0
        other[:] = 0
    before["net.3.mem"].zero_()
    assert same(c.save_states(), before)


def test_a_view_copies_nothing(c):
    c(torch.ones(2, 3))

    def address():
        with c.state_view("net.3.mem") as mem:
            return mem.ctypes.data

    session = c._live.session
    first = address()
    assert address() == first
    c(torch.ones(2, 3))
    assert address() == first and c.timestep == 2 and c._live.session is session
    with c.state_view("net.3.mem") as kept:
        assert kept.ctypes.data == first
    assert c.timestep == 2 and c._live.session is not session
    assert address() != first and kept.ctypes.data == first


def test_a_view_ends_with_an_exception(c):
    c(torch.ones(2, 3))
    with pytest.raises(KeyError):
        with c.state_view("net.3.mem"):
            raise KeyError
    assert c(torch.ones(2, 3)).shape == (2, 2)


def test_views_that_cannot_be(c):
    with refuses("the state 'net.3.mem' does not exist yet: there is no memory to look at"):
        with c.state_view("net.3.mem"):
            pass
    c(torch.ones(2, 3))
    with refuses("'other' is no state of the model 'model'"):
        with c.state_view("other"):
            pass
    narrow = ttc.compile(nn.Sequential(tt.snn.LI(2)).eval(), torch.zeros(2, 2),
                         dtype=torch.bfloat16)
    narrow(torch.ones(2, 2))
    with refuses("the state '0.mem' is bfloat16, which NumPy does not have: use state()"):
        with narrow.state_view("0.mem"):
            pass
    assert narrow.state("0.mem").dtype is torch.bfloat16


# Several streams.


def test_a_fork_goes_on_alone(c):
    xs = torch.randn(8, 2, 3)
    c.run(xs[:4])
    other = c.fork()
    assert isinstance(other, ttc.CompiledModel) and other.timestep == 4
    assert same(other.save_states(), c.save_states())
    expected = other.run(xs[4:])
    before = c.save_states()
    other.zero_states()
    assert same(c.save_states(), before)
    assert torch.equal(c.run(xs[4:]), expected)
    assert other.save_states() == {} and c.timestep == 8


def test_a_fork_before_the_first_step(c):
    other = c.fork()
    assert other.save_states() == {}
    other(torch.ones(5, 3))
    c(torch.ones(2, 3))


def test_a_session_is_new(c):
    c(torch.ones(2, 3))
    other = c.session()
    assert other.save_states() == {} and other.timestep == 0
    assert other(torch.ones(4, 3)).shape == (4, 2)


def test_parameters_of_a_fork(shared):
    """Shared until one of the two loads others; the library lives as long as either."""
    torch.manual_seed(2)
    first = ttc.compile(Net().eval(), torch.zeros(2, 3))
    x = torch.randn(2, 3)
    second = first.fork()
    expected = second(x)
    second.load_state_dict(shared.state_dict())
    second.TTcompile()
    assert "net.1.raw_beta" in first.state_dict() and "net.1.beta" in second.state_dict()
    assert torch.equal(first(x), expected)
    del first
    gc.collect()
    second.load_state_dict(shared.state_dict())
    second.zero_states()
    fresh = shared.session()
    assert torch.equal(second(x), fresh(x))


def test_forks_draw_the_same_random_numbers():
    layer = tt.snn.LIB(64, quant_fn=tt.functional.stochastic_round_ste(1.0))
    c = ttc.compile(layer.eval(), torch.zeros(2, 64))
    c.seed(5)
    c(torch.ones(2, 64))
    other, elsewhere = c.fork(), c.fork()
    elsewhere.seed(6)
    xs = torch.randn(5, 2, 64)
    ys = c.run(xs)
    assert torch.equal(other.run(xs), ys)
    assert not torch.equal(elsewhere.run(xs), ys)


def test_streams_in_threads(shared):
    xs = torch.randn(50, 4, 3)
    expected, outcomes = shared.session().run(xs), []

    def work(stream):
        outcomes.append(torch.stack([stream(x) for x in xs]))

    threads = [threading.Thread(target=work, args=(shared.session(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4 and all(torch.equal(ys, expected) for ys in outcomes)


# Memory.


def test_session_bytes(c):
    one, many = c.session_bytes(), c.session_bytes(10)
    c(torch.ones(10, 3))
    states = sum(s.numel() * s.element_size() for s in c.save_states().values())
    assert states <= many.states and one.states <= many.states <= 10 * one.states
    assert many.scratch >= 0
    with refuses("batch"):
        c.session_bytes(0)
    with refuses("batch"):
        c.session_bytes(-3)


def test_k19_a_budget():
    c = ttc.compile(Net().eval(), torch.zeros(2, 3))
    need = max(c.session_bytes(2))
    c.set_memory_budget(need - 1)
    with refuses("the model's budget is", "[BudgetExceeded]"):
        c(torch.ones(2, 3))
    assert c.save_states() == {}
    c.set_memory_budget(need)
    c(torch.ones(2, 3))
    states = {key: torch.zeros(10**5, *s.shape[1:]) for key, s in c.save_states().items()}
    c.zero_states()
    with refuses("[BudgetExceeded]"):
        c.load_states(states)
    c.set_memory_budget(None)
    c.load_states(states)
    with refuses("the budget is -1 bytes, expected 0 to 2**64-1"):
        c.set_memory_budget(-1)
