"""Whether states are loaded all or not at all, and what is wrong with them is said.

The numbers K1 to K22 are those of the list of bad inputs.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import threading
import warnings
from random import Random

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


def changed(states, **changes):
    states = states | {key.replace("_", "."): value for key, value in changes.items()}
    return {key: value for key, value in states.items() if value is not None}


@pytest.mark.parametrize(
    "changes, words",
    [
        pytest.param({"net_3_mem": None}, ["'net.3.mem' is missing"], id="K1"),
        pytest.param({"net_3_mem": None, "net_1_syn": None},
                     ["'net.1.syn' is missing", "'net.3.mem' is missing"], id="K1 two"),
        pytest.param({"net_9_mem": torch.zeros(2, 2)},
                     ["'net.9.mem' is no state of the model"], id="K2"),
        pytest.param({"net_9_mem": torch.zeros(2, 2), "net_3_mem": None},
                     ["'net.9.mem' is no state", "'net.3.mem' is missing"], id="K1 K2"),
        pytest.param({"net_3_mem": torch.zeros(2)},
                     ["'net.3.mem' has the shape [2], [batch, 2] is expected"], id="K4"),
        pytest.param({"net_3_mem": torch.zeros(2, 3)},
                     ["'net.3.mem' has the shape [2, 3], [batch, 2] is expected"], id="K5"),
        pytest.param({"net_3_mem": torch.zeros(4, 2)},
                     ["'net.3.mem' has the shape [4, 2]", "with batch 2, which 'net.1.mem' has"],
                     id="K6"),
        pytest.param({"net_3_mem": torch.zeros(2, 2).double()},
                     ["'net.3.mem' is F64, F32 is expected"], id="K8"),
        pytest.param({"net_3_mem": torch.zeros(2, 2).half()},
                     ["'net.3.mem' is F16, F32 is expected"], id="K8 narrower"),
        pytest.param({"net_3_mem": torch.zeros(2, 2).int()},
                     ["'net.3.mem' is I32, F32 is expected"], id="K8 integers"),
        pytest.param({"net_3_mem": torch.zeros(0, 2)},
                     ["'net.3.mem' has the shape [0, 2]", "a batch of at least 1"], id="K18"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_bad_states(c, changes, words, strict):
    if not strict and (None in changes.values() or "net_9_mem" in changes):
        return  # what is missing or unknown is no error then: test_lenient
    c(torch.ones(2, 3))
    before, timestep = c.save_states(), c.timestep
    other = {key: state + 1 for key, state in before.items()}
    with refuses(*words):
        c.load_states(changed(other, **changes), strict=strict)
    assert same(c.save_states(), before) and c.timestep == timestep


def test_lenient(c):
    c(torch.ones(2, 3))
    before = c.save_states()
    c.load_states({"net.3.mem": torch.full((2, 2), 3.0), "other": torch.zeros(1)}, strict=False)
    after = c.save_states()
    assert (after.pop("net.3.mem") == 3).all()
    assert all(torch.equal(after[key], before[key]) for key in after)
    fresh = c.session()
    fresh.load_states({"net.3.mem": torch.full((7, 2), 3.0)}, strict=False)
    assert all(s.shape[0] == 7 for s in fresh.save_states().values())


def test_k3_aliases():
    model = Net().eval()
    c = ttc.compile(model, torch.zeros(2, 3))
    with torch.no_grad():
        model(torch.ones(2, 3))
    states = model.save_states()
    assert len(states) > len(KEYS)
    c.load_states(states)
    for key, state in c.save_states().items():
        assert torch.equal(state, states[key])
    alias = next(key for key in states if key.endswith("_modules[3].mem"))
    states[alias] = states[alias] + 1
    c.zero_states()
    with refuses(f"'net.3.mem' and '{alias}' are two names of the state 'net.3.mem', but their"):
        c.load_states(states)
    assert c.save_states() == {}


def test_k7_another_batch_than_the_live_one(c):
    c(torch.ones(2, 3))
    before = c.save_states()
    with refuses("has batch 5, the session's states have batch 2: zero them first"):
        c.load_states({key: torch.zeros(5, *s.shape[1:]) for key, s in before.items()})
    assert same(c.save_states(), before)
    c.zero_states()
    c.load_states({key: torch.zeros(5, *s.shape[1:]) for key, s in before.items()})
    assert c(torch.ones(5, 3)).shape == (5, 2)


def test_k7_a_batch_that_the_model_was_not_compiled_for():
    c = ttc.compile(nn.Sequential(tt.snn.LI(3)).eval(), torch.zeros(4, 3), batch=2)
    with refuses("0.mem", "4"):
        c.load_states({"0.mem": torch.zeros(4, 3)})
    c.load_states({"0.mem": torch.zeros(2, 3)})


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_k9_numbers_that_are_not_finite(c, tmp_path, bad):
    c(torch.ones(2, 3))
    states = c.save_states()
    states["net.3.mem"][1] = bad
    other, before = c.fork(), c.save_states()
    with refuses("2 of 4 elements of 'net.3.mem' are NaN or infinite", "[NonFiniteState]"):
        c.load_states(states, refuse_nonfinite=True)
    assert same(c.save_states(), before)
    with pytest.warns(UserWarning, match="2 of 4 elements of 'net.3.mem' are NaN or infinite") as w:
        c.load_states(states)
        c.set_state("net.3.mem", states["net.3.mem"])
    assert len(w) == 2 and {warning.filename for warning in w} == {__file__}
    path = tmp_path / "states.safetensors"
    c.save_states_file(path)
    with refuses("2 of 4 elements of 'net.3.mem' are NaN or infinite", "[NonFiniteState]"):
        other.load_states_file(path, refuse_nonfinite=True)
    assert same(other.save_states(), before)
    with pytest.warns(UserWarning, match="2 of 4 elements of 'net.3.mem'"):
        assert "2 of 4 elements" in other.load_states_file(path)


def test_k10_states_that_do_not_exist_yet(c, tmp_path):
    path = tmp_path / "states.safetensors"
    c.save_states_file(path)
    c(torch.ones(2, 3))
    c.load_states_file(path)
    assert c.save_states() == {} and c.timestep == 0
    c(torch.ones(2, 3))
    c.load_states({})
    assert c.save_states() == {}


def test_k11_states_of_another_model(c, tmp_path):
    class Other(Net):
        def forward(self, x):
            return self.net(x) * 2

    path = tmp_path / "states.safetensors"
    c(torch.ones(2, 3))
    c.save_states_file(path)
    other = ttc.compile(Other().eval(), torch.zeros(2, 3))
    with refuses("computes something else", "[ModelMismatch]"):
        other.load_states_file(path)
    assert other.save_states() == {}
    other.load_states_file(path, other_model=True)
    assert same(other.save_states(), c.save_states())


def test_k21_a_model_in_use(c):
    xs, busy, stop = torch.randn(3000, 64, 3), [], threading.Event()

    def work():
        while not stop.is_set():
            try:
                c.run(xs)
            except ttc.Error as error:
                assert "another thread" in str(error)

    thread = threading.Thread(target=work)
    thread.start()
    calls = [
        c.save_states, lambda: c.state("net.3.mem"), c.fork, lambda: c.zero_states("net.3.mem"),
        lambda: c.zero_states(rows=[True] * 64), lambda: c.load_states({}, strict=False),
        lambda: c.set_state("net.3.mem", torch.zeros(64, 2)),
    ]
    try:
        for call in calls:
            for _ in range(10000):
                try:
                    call()
                except ttc.Error as error:
                    if "another thread" in str(error):
                        busy.append(call)
                        break
    finally:
        stop.set()
        thread.join()
    assert busy == calls


def test_k22_a_device_of_their_own(c):
    c.load_states({}, device="cpu")
    for device in ("cuda", "cuda:0", torch.device("meta")):
        with pytest.raises(ttc.UnsupportedError, match=f"the device '{device}' are not supported"):
            c.load_states({}, device=device)


def test_a_path_is_no_dict(c):
    with refuses("load_states takes a dict of tensors, found the path 'x.pt': use load_states_fil"):
        c.load_states("x.pt")
    with refuses("the states are a list, expected a dict of tensors"):
        c.load_states([])
    with refuses("1 of the states is a Tensor, expected tensors by name"):
        c.load_states({1: torch.zeros(1)})


def test_what_is_loaded_well_says_nothing(c):
    c(torch.ones(2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        c.load_states(c.save_states())
        c.set_state("net.3.mem", c.state("net.3.mem"))
        c.detach_states()


def as_tensor(state):
    return state if isinstance(state, torch.Tensor) else torch.from_numpy(state.copy())


def mutations(states, random):
    """A few changes of a dict of states, each of which may be harmless or wrong."""
    key = random.choice(sorted(key for key in states if isinstance(states[key], torch.Tensor)))
    state, kind = states[key], random.randrange(9)
    if kind == 0:
        del states[key]
    elif kind == 1:
        states[key + "2"] = state
    elif kind == 2:
        states[key] = state.to(random.choice([torch.float64, torch.float16, torch.int32]))
    elif kind == 3:
        states[key] = state[random.randrange(3):]
    elif kind == 4:
        states[key] = state.reshape(-1) if random.random() < 0.5 else state[None]
    elif kind == 5:
        states[key.replace("net.1", "net._modules[1]")] = state + random.randrange(2)
    elif kind == 6:
        states[key] = state + float("nan")
    elif kind == 7:
        states[key] = state.flip(0).numpy()[::-1]
    else:
        for each in states:
            states[each] = as_tensor(states[each]).repeat(2, *[1] * (states[each].ndim - 1))


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
def test_all_or_nothing(c):
    """However a dict of states is bent: either all of it is loaded, or nothing has changed."""
    random = Random(0)
    loaded = refused = 0
    c(torch.ones(2, 3))
    for _ in range(400):
        before, timestep = c.save_states(), c.timestep
        given = {key: torch.randn_like(state) for key, state in before.items()}
        for _ in range(random.randrange(1, 3)):
            mutations(given, random)
        strict, finite = random.random() < 0.5, random.random() < 0.5
        try:
            c.load_states(given, strict=strict, refuse_nonfinite=finite)
        except ttc.Error:
            refused += 1
            expected = before
        else:
            loaded += 1
            expected = before | {
                key.replace("_modules[1]", "1"): as_tensor(state)
                for key, state in given.items() if not key.endswith("2")
            }
        after = c.save_states()
        assert c.timestep == timestep and after.keys() == expected.keys()
        for key, state in after.items():
            assert torch.equal(state.nan_to_num(7), expected[key].nan_to_num(7)), key
    assert loaded > 50 and refused > 100
