"""Whether a compiled model has the methods of the module it came from, and keeps their word."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy
import pickle
import re
import threading
import warnings

import pytest
import safetensors.torch
import torch
import tracetorch as tt
import ttc
from torch import nn
from ttc import toolchain


class Net(tt.Model):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, 4), tt.snn.SRLIB(4, beta_rank=0), nn.Linear(4, 2), tt.snn.LI(2)
        )
        self.unused = nn.ModuleList([nn.Linear(2, 2), tt.snn.LIB(2)])

    def forward(self, x):
        return self.net(x)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """net.mlir, net.safetensors and libnet.so of a Net."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("net")
    ttc.export(Net().eval(), torch.zeros(2, 3), path / "net")
    toolchain.run_driver(path / "net.mlir", path / "libnet.so")
    return path


@pytest.fixture
def model(folder):
    net = Net().eval()
    net.load_state_dict(safetensors.torch.load_file(folder / "net.safetensors"), strict=False)
    return net


@pytest.fixture(scope="module")
def shared():
    """One compiled model and the module that it came from, for tests that leave it as it is."""
    torch.manual_seed(1)
    net = Net().eval()
    return net, ttc.compile(net, torch.zeros(2, 3))


@pytest.fixture
def compiled(shared):
    net, compiled = shared
    yield compiled
    compiled.zero_states()
    compiled.load_state_dict(net.state_dict())


@pytest.fixture
def net(shared):
    return copy.deepcopy(shared[0])


def refuses(message, kind=ttc.Error):
    return pytest.raises(kind, match=re.escape(message))


def close(a, b):
    return torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def canonical(states):
    return {key: tensor for key, tensor in states.items() if "_modules" not in key}


# Calls.


def test_steps_and_runs(net, compiled):
    inputs = torch.randn(7, 2, 3)
    with torch.no_grad():
        expected = torch.stack([net(x) for x in inputs])
    steps = torch.stack([compiled(x) for x in inputs])
    assert close(steps, expected)
    assert compiled.timestep == 7
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs), steps)
    compiled.zero_states()
    assert torch.equal(compiled.forward(inputs[0]), steps[0])


def test_another_batch_after_zero_states(net, compiled):
    assert compiled(torch.randn(2, 3)).shape == (2, 2)
    compiled.zero_states()
    assert compiled(torch.randn(5, 3)).shape == (5, 2)
    with refuses("batch"):
        compiled(torch.randn(2, 3))
    assert compiled.save_states()["net.3.mem"].shape == (5, 2)


def test_a_run_of_no_steps(compiled):
    assert compiled.run(torch.randn(0, 2, 3)).shape == (0, 2, 2)
    assert compiled.save_states() == {}


def test_a_tensor_that_is_not_contiguous(compiled):
    x = torch.randn(3, 2)
    expected = compiled(x.t().contiguous())
    compiled.zero_states()
    assert torch.equal(compiled(x.t()), expected)
    compiled.zero_states()
    x = torch.randn(1, 3)
    expected = compiled(torch.cat([x, x]))
    compiled.zero_states()
    assert torch.equal(compiled(x.expand(2, 3)), expected)


def test_inputs_are_left_as_they_are(compiled):
    x = torch.randn(2, 3)
    before = x.clone()
    compiled(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3), "input 'x' has shape (3,), expected (batch, 3)"),
        (torch.zeros(2, 4), "input 'x' has shape (2, 4), expected (batch, 3)"),
        (torch.zeros(1, 2, 3), "input 'x' has shape (1, 2, 3), expected (batch, 3)"),
        (torch.zeros(0, 3), "the inputs have a batch of 0, expected at least 1"),
        (torch.zeros(2, 3).double(), "input 'x' is float64, expected float32"),
        (torch.zeros(2, 3).half(), "input 'x' is float16, expected float32"),
        (torch.zeros(2, 3).int(), "input 'x' is int32, expected float32"),
        (torch.zeros(2, 3, device="meta"), "input 'x' is a torch.strided tensor on meta"),
        (torch.zeros(2, 3).to_sparse(), "input 'x' is a torch.sparse_coo tensor on cpu"),
        (torch.zeros(2, 3, requires_grad=True), "input 'x' requires a gradient"),
        ([[0.0] * 3] * 2, "input 'x' is a list, expected a torch.Tensor"),
        (None, "input 'x' is a NoneType, expected a torch.Tensor"),
    ],
)
def test_bad_inputs_change_nothing(compiled, x, message):
    compiled(torch.ones(2, 3))
    before = compiled.save_states()
    with refuses(message):
        compiled(x)
    after = compiled.save_states()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert compiled.timestep == 1


def test_bad_sequences(compiled):
    with refuses("input 'x' has shape (2, 3), expected (steps, batch, 3)"):
        compiled.run(torch.zeros(2, 3))
    with refuses("the model takes 1 inputs (x), found 2"):
        compiled.run(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3))
    with refuses("the model takes 1 inputs (x), found 0"):
        compiled()


def test_a_gradient_is_no_error_where_grad_mode_is_off(compiled):
    x = torch.randn(2, 3, requires_grad=True)
    with torch.no_grad():
        y = compiled(x)
    assert not y.requires_grad
    with torch.inference_mode():
        assert compiled(x).shape == (2, 2)


def test_the_outputs_are_the_callers(compiled):
    first = compiled(torch.ones(2, 3))
    kept = first.clone()
    compiled(torch.ones(2, 3))
    assert torch.equal(first, kept)


def test_several_inputs_and_outputs():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.lib = tt.snn.LIB(3)

        def forward(self, a, b):
            return self.lib(a) + b, a * b

    model = Model().eval()
    compiled = ttc.compile(model, (torch.zeros(2, 3), torch.zeros(2, 3)))
    a, b = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    with torch.no_grad():
        for t in range(2):
            expected, found = model(a[t], b[t]), compiled(a[t], b[t])
            assert type(found) is tuple
            assert all(close(f, e) for f, e in zip(found, expected))
    compiled.zero_states()
    sums, products = compiled.run(a, b)
    assert torch.equal(sums[1], found[0]) and torch.equal(products[1], found[1])
    with refuses("the inputs differ in their batch: {'a': 2, 'b': 3}"):
        compiled(torch.zeros(2, 3), torch.zeros(3, 3))
    with refuses("the inputs differ in their number of steps: {'a': 1, 'b': 2}"):
        compiled.run(torch.zeros(1, 2, 3), torch.zeros(2, 2, 3))


def test_a_step_without_a_batch():
    model = nn.Sequential(nn.Linear(3, 2), tt.snn.LIB(2)).eval()
    compiled = ttc.compile(model, torch.zeros(3))
    x = torch.randn(3)
    with torch.no_grad():
        assert close(compiled(x), model(x))
    assert compiled.save_states()["1.mem"].shape == (2,)
    with refuses("input 'input' has shape (1, 3), expected (3,)"):
        compiled(torch.zeros(1, 3))


def test_a_fixed_batch():
    compiled = ttc.compile(nn.Sequential(tt.snn.LI(3)).eval(), torch.zeros(4, 3), batch=2)
    assert compiled(torch.zeros(2, 3)).shape == (2, 3)
    with refuses("input 'input' has shape (4, 3), expected (2, 3)"):
        compiled(torch.zeros(4, 3))


def test_a_schedule():
    model = nn.Sequential(nn.Linear(40, 50), tt.snn.LIB(50)).eval()
    xs = torch.randn(30, 2, 40)
    usual = ttc.compile(model, xs[0])
    given = ttc.compile(model, xs[0], schedule="panel=1,tile=1,events=off,block=5")
    assert torch.equal(given.run(xs), usual.run(xs))
    with refuses("the schedule's tile is a whole number from 1 to 64, but 'none' was given"):
        ttc.compile(model, xs[0], schedule="tile=none")
    with refuses("a schedule has no key 'tiles': it has events, lanes, "):
        ttc.compile(model, xs[0], schedule="tiles=1")


def test_a_model_that_is_one_layer():
    layer = tt.snn.LIB(3).eval()
    compiled = ttc.compile(layer, torch.zeros(2, 3))
    x = torch.randn(2, 3)
    with torch.no_grad():
        assert close(compiled(x), layer(x))
    assert compiled.state_dict().keys() == layer.state_dict().keys()
    assert list(compiled.save_states()) == ["layer.mem"]
    compiled.load_state_dict(tt.snn.LIB(3, beta=0.5).state_dict())
    compiled.TTcompile()
    layer.TTcompile()
    assert compiled.state_dict().keys() == layer.state_dict().keys()


def test_two_threads(compiled):
    """Each call either succeeds or says that the session is busy; none is lost."""
    inputs, outcomes = torch.randn(400, 64, 3), []

    def work():
        for _ in range(20):
            try:
                compiled.run(inputs)
                outcomes.append(400)
            except ttc.Error as error:
                assert "use" in str(error)
                outcomes.append(0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 80
    assert compiled.timestep == sum(outcomes)


# States.


def test_states_are_those_of_the_reference(net, compiled):
    assert compiled.save_states() == {}
    inputs = torch.randn(5, 2, 3)
    with torch.no_grad():
        for x in inputs:
            net(x), compiled(x)
    found, expected = compiled.save_states(), canonical(net.save_states())
    assert list(found) == sorted(found)
    assert found.keys() == expected.keys()
    assert all(close(found[key], expected[key]) for key in found)


def test_saved_states_are_copies(compiled):
    compiled(torch.ones(2, 3))
    saved = compiled.save_states()
    kept = copy.deepcopy(saved)
    compiled(torch.ones(2, 3))
    assert all(torch.equal(saved[key], kept[key]) for key in saved)
    for tensor in saved.values():
        tensor.fill_(7)
    assert not (compiled.save_states()["net.3.mem"] == 7).any()


def test_states_go_back_and_forth(net, compiled):
    inputs = torch.randn(6, 2, 3)
    with torch.no_grad():
        for x in inputs[:3]:
            net(x)
        compiled.load_states(net.save_states())  # with all of the reference's names of a state
        for x in inputs[3:5]:
            assert close(compiled(x), net(x))
        net.load_states(compiled.save_states(), strict=False)
        assert close(compiled(inputs[5]), net(inputs[5]))


def test_no_states_are_states_too(compiled):
    compiled(torch.ones(2, 3))
    compiled.load_states({})
    assert compiled.save_states() == {}
    assert compiled.timestep == 0
    compiled(torch.ones(4, 3))


def changed(states, **changes):
    """The states with some of them replaced; None removes one."""
    states = states | {key.replace("_", "."): value for key, value in changes.items()}
    return {key: value for key, value in states.items() if value is not None}


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"net_3_mem": None}, ["net.3.mem"]),
        ({"net_3_mem": None, "net_1_syn": None}, ["net.3.mem", "net.1.syn"]),
        ({"net_9_mem": torch.zeros(2, 2)}, ["net.9.mem"]),
        ({"net_3_mem": torch.zeros(2, 3)}, ["net.3.mem", "3", "2"]),
        ({"net_3_mem": torch.zeros(2)}, ["net.3.mem"]),
        ({"net_3_mem": torch.zeros(4, 2)}, ["net.3.mem", "4", "2"]),
        ({"net_3_mem": torch.zeros(2, 2).double()}, ["net.3.mem", "F64", "F32"]),
    ],
)
def test_bad_states_change_nothing(compiled, changes, words):
    compiled(torch.ones(2, 3))
    before = compiled.save_states()
    with pytest.raises(ttc.Error) as caught:
        compiled.load_states(changed(before, **changes))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    after = compiled.save_states()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_lenient_loading(compiled):
    compiled(torch.ones(2, 3))
    before = compiled.save_states()
    new = torch.full((2, 2), 3.0)
    compiled.load_states({"net.3.mem": new, "other": torch.zeros(1)}, strict=False)
    after = compiled.save_states()
    assert torch.equal(after["net.3.mem"], new)
    assert torch.equal(after["net.1.mem"], before["net.1.mem"])


def test_states_of_another_kind(compiled):
    with refuses("'net.3.mem' of the states is a list, expected tensors by name"):
        compiled.load_states({"net.3.mem": [1.0]})
    with refuses("the states are a list, expected a dict of tensors"):
        compiled.load_states([])
    with refuses("states on the device 'cuda' are not supported", ttc.UnsupportedError):
        compiled.load_states({}, device="cuda")


def test_aliases_must_agree(net, compiled):
    with torch.no_grad():
        net(torch.ones(2, 3))
    states = net.save_states()
    alias = next(key for key in states if key.endswith("_modules[3].mem"))
    states[alias] = states[alias] + 1
    with refuses(f"'net.3.mem' and '{alias}' are two names of the state 'net.3.mem'"):
        compiled.load_states(states)
    assert compiled.save_states() == {}


def test_states_files(folder, tmp_path, compiled):
    inputs = torch.randn(6, 2, 3)
    compiled.run(inputs[:3])
    path = tmp_path / "states.safetensors"
    compiled.save_states_file(path)
    expected = compiled.run(inputs[3:])

    compiled.zero_states()
    compiled.load_states_file(path)
    assert compiled.timestep == 3
    assert torch.equal(compiled.run(inputs[3:]), expected)

    anyone = safetensors.torch.load_file(path)
    compiled.load_states_file(path)
    saved = compiled.save_states()
    assert anyone.keys() == saved.keys()
    assert all(torch.equal(anyone[key], saved[key]) for key in anyone)


def test_a_damaged_states_file(tmp_path, compiled):
    compiled(torch.ones(2, 3))
    before = compiled.save_states()
    path = tmp_path / "states.safetensors"
    compiled.save_states_file(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with refuses("states.safetensors"):
        compiled.load_states_file(path)
    with refuses("missing.safetensors"):
        compiled.load_states_file(tmp_path / "missing.safetensors")
    after = compiled.save_states()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_states_file_of_others(tmp_path, compiled):
    compiled(torch.ones(2, 3))
    path = tmp_path / "others.safetensors"
    states = compiled.save_states()
    safetensors.torch.save_file(states, path)
    with pytest.raises(ttc.Error):
        compiled.load_states_file(path)
    compiled.zero_states()
    compiled.load_states_file(path, unverified=True)
    found = compiled.save_states()
    assert all(torch.equal(found[key], states[key]) for key in states)


def test_detach_states_changes_nothing(compiled):
    compiled(torch.ones(2, 3))
    before = compiled.save_states()
    compiled.detach_states()
    assert all(torch.equal(compiled.save_states()[key], before[key]) for key in before)


# Parameters.


def test_state_dict_is_the_modules(net, compiled):
    found, expected = compiled.state_dict(), net.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    found["net.0.weight"].fill_(7)
    assert not (compiled.state_dict()["net.0.weight"] == 7).any()


def test_TTcompile_and_TTdecompile(net, compiled):
    x = torch.randn(2, 3)
    expected = compiled(x)
    for _ in range(2):  # the second time changes nothing
        compiled.TTcompile()
        net.TTcompile()
        assert compiled.state_dict().keys() == net.state_dict().keys()
    for key, tensor in net.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[key], tensor)
    compiled.zero_states()
    assert torch.equal(compiled(x), expected)

    raw = compiled.state_dict()
    for _ in range(2):
        compiled.TTdecompile()
        net.TTdecompile()
        assert compiled.state_dict().keys() == net.state_dict().keys()
    for key, tensor in net.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[key], tensor)
    assert compiled.state_dict().keys() != raw.keys()


@pytest.mark.parametrize(
    "key, raw, value",
    [
        ("net.1.raw_alpha", 40.0, "it holds 1.0, but only a value strictly between 0 and 1"),
        ("net.1.raw_alpha", -400.0, "it holds 0.0, but only a value strictly between 0 and 1"),
        ("net.1.raw_threshold", -400.0, "it holds 0.0, but only a value above 0"),
    ],
)
def test_a_value_that_cannot_return(compiled, key, raw, value):
    parameters = compiled.state_dict()
    parameters[key].fill_(raw)
    compiled.load_state_dict(parameters)
    compiled.TTcompile()
    baked = compiled.state_dict()
    with refuses(f"'{key.replace('raw_', '')}' cannot be decompiled: {value}"):
        compiled.TTdecompile()
    assert compiled.state_dict().keys() == baked.keys()


def test_what_a_conversion_loses(compiled):
    assert compiled.TTcompile() == [] and compiled.TTdecompile() == []
    parameters = compiled.state_dict()
    parameters["net.1.raw_alpha"][0] = 40.0
    parameters["net.1.raw_alpha"][1] = 10.0
    compiled.load_state_dict(parameters)
    lost, differs = compiled.TTcompile()
    size = parameters["net.1.raw_alpha"].numel()
    assert lost == f"'net.1.raw_alpha': 1 of {size} values cannot return, such as 40.0"
    assert re.match(r"'net.1.raw_alpha': what returns differs by up to [1-9]\.\de-0[45]", differs)


@pytest.mark.parametrize("raw", [-80.0, -20.0, -1.0, 0.0, 1.0, 15.0, 30.0, 80.0, 500.0])
def test_large_raw_values_survive(compiled, raw):
    parameters = compiled.state_dict()
    parameters["net.1.raw_threshold"].fill_(raw)
    parameters["net.1.raw_bias"].fill_(raw)
    compiled.load_state_dict(parameters)
    compiled.TTcompile()
    compiled.TTdecompile()
    for name in ("threshold", "bias"):
        found = compiled.state_dict()[f"net.1.raw_{name}"]
        torch.testing.assert_close(found, parameters[f"net.1.raw_{name}"], rtol=2e-5, atol=1e-6)


def test_load_state_dict_keeps_the_states(net, compiled):
    other = Net().eval()
    inputs = torch.randn(4, 2, 3)
    with torch.no_grad():
        for x in inputs[:2]:
            net(x), compiled(x)
        net.load_state_dict(other.state_dict())
        assert compiled.load_state_dict(other.state_dict()) == ([], [])
        assert compiled.timestep == 2
        for x in inputs[2:]:
            assert close(compiled(x), net(x))
    assert torch.equal(compiled.state_dict()["net.0.weight"], other.state_dict()["net.0.weight"])


def test_load_state_dict_takes_either_form(net, compiled):
    net.TTcompile()
    compiled.load_state_dict(net.state_dict())
    assert list(compiled.state_dict().keys()) != []
    assert compiled.state_dict().keys() == net.state_dict().keys()
    x = torch.randn(2, 3)
    with torch.no_grad():
        assert close(compiled(x), net(x))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda d: d.pop("net.0.bias"), "'net.0.bias' is missing"),
        (lambda d: (d.pop("net.0.bias"), d.pop("net.3.raw_beta")),
         "'net.0.bias' is missing; 'net.3.raw_beta' is missing"),
        (lambda d: d.update(extra=torch.zeros(1)), "'extra' is unknown"),
        (lambda d: d.update({"net.0.bias": torch.zeros(3)}),
         "'net.0.bias' has shape (3,), expected (4,)"),
        (lambda d: d.update({"net.1.raw_beta": torch.zeros(4)}),
         "'net.1.raw_beta' has shape (4,), expected ()"),
        (lambda d: d.update({"net.0.bias": torch.zeros(4).double()}),
         "'net.0.bias' is float64, expected float32"),
        (lambda d: d.update({"net.3.beta": torch.zeros(2)}),
         "'net.3.raw_beta' and 'net.3.beta' are the same parameter, raw and activated"),
        (lambda d: d.update({"net.0.bias": [0.0] * 4}),
         "'net.0.bias' of the parameters is a list, expected tensors by name"),
    ],
)
def test_bad_parameters_change_nothing(net, compiled, change, message):
    parameters = net.state_dict()
    for key in parameters:
        parameters[key] = parameters[key] + 1
    change(parameters)
    x = torch.randn(2, 3)
    expected = compiled(x)
    before = compiled.save_states()
    with refuses(message):
        compiled.load_state_dict(parameters)
    assert all(torch.equal(compiled.save_states()[key], before[key]) for key in before)
    compiled.zero_states()
    assert torch.equal(compiled(x), expected)


def test_lenient_parameters(compiled):
    before = compiled.state_dict()
    result = compiled.load_state_dict(
        {"net.0.bias": torch.full((4,), 7.0), "extra": torch.zeros(1)}, strict=False
    )
    assert result.unexpected_keys == ["extra"]
    assert sorted(result.missing_keys) == sorted(set(before) - {"net.0.bias"})
    after = compiled.state_dict()
    assert torch.equal(after.pop("net.0.bias"), torch.full((4,), 7.0))
    assert all(torch.equal(after[key], before[key]) for key in after)


def test_a_layer_under_two_names():
    class Model(tt.Model):
        def __init__(self):
            super().__init__()
            self.a = tt.snn.LIB(3)
            self.b = self.a

        def forward(self, x):
            return self.b(self.a(x))

    model = Model().eval()
    compiled = ttc.compile(model, torch.zeros(2, 3))
    x = torch.randn(2, 3)
    with torch.no_grad():
        assert close(compiled(x), model(x))
    assert compiled.state_dict().keys() == model.state_dict().keys()
    compiled.load_states(model.save_states())  # a.mem and b.mem
    compiled.load_state_dict(model.state_dict())
    parameters = model.state_dict() | {"b.raw_beta": torch.zeros(3)}
    with refuses("'a.raw_beta' and 'b.raw_beta' are one parameter of a module that is used twice"):
        compiled.load_state_dict(parameters)


# Loading.


def test_load(folder, model):
    compiled = ttc.load(folder / "libnet.so", weights=folder / "net.safetensors")
    x = torch.randn(2, 3)
    with torch.no_grad():
        assert close(compiled(x), model(x))
    assert set(compiled.state_dict()) == {k for k in model.state_dict() if "unused" not in k}
    compiled.TTcompile()
    assert "net.1.beta" in compiled.state_dict()
    compiled.TTdecompile()
    assert "net.1.raw_beta" in compiled.state_dict()


def test_load_with_tensors(folder):
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    compiled = ttc.load(str(folder / "libnet.so"), weights=weights)
    from_file = ttc.load(folder / "libnet.so", weights=str(folder / "net.safetensors"))
    x = torch.randn(2, 3)
    assert torch.equal(compiled(x), from_file(x))


def test_load_with_weights_inside(folder, tmp_path):
    library = tmp_path / "libinside.so"
    weights = folder / "net.safetensors"
    toolchain.run_driver(folder / "net.mlir", library, [f"--weights={weights}"])
    inside = ttc.load(library)
    x = torch.randn(2, 3)
    assert torch.equal(inside(x), ttc.load(folder / "libnet.so", weights=weights)(x))
    with refuses("was compiled with its weights and loaded without others"):
        inside.state_dict()

    other = safetensors.torch.load_file(weights)
    other["net.0.bias"] += 1
    inside.zero_states()
    assert not torch.equal(ttc.load(library, weights=other)(x), inside(x))


def test_states_go_from_one_kind_of_model_to_another(folder, tmp_path, model):
    """Compiled here, loaded, specialised for a batch: the states fit all of them."""
    inputs = torch.randn(6, 2, 3)
    loaded = ttc.load(folder / "libnet.so", weights=folder / "net.safetensors")
    loaded.run(inputs[:3])
    path = tmp_path / "states.safetensors"
    loaded.save_states_file(path)
    expected = loaded.run(inputs[3:])
    for batch in (None, 2):
        compiled = ttc.compile(model, torch.zeros(2, 3), batch=batch)
        compiled.load_states_file(path)
        assert torch.equal(compiled.run(inputs[3:]), expected)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda w: w.pop("net.0.bias"), ["net.0.bias"]),
        (lambda w: w.update({"net.0.bias": torch.zeros(3)}), ["net.0.bias", "3", "4"]),
        (lambda w: w.update({"net.0.bias": torch.zeros(4).double()}), ["net.0.bias", "F64"]),
        (lambda w: w.update({"net.3.beta": torch.zeros(2)}), ["net.3.beta", "net.3.raw_beta"]),
        (lambda w: w.update(extra=torch.zeros(1)), ["extra"]),
    ],
)
@pytest.mark.parametrize("as_file", [False, True], ids=["tensors", "file"])
def test_bad_weights(folder, tmp_path, change, words, as_file):
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    change(weights)
    if as_file:
        safetensors.torch.save_file(weights, tmp_path / "weights.safetensors")
        weights = tmp_path / "weights.safetensors"
    with pytest.raises(ttc.Error) as caught:
        ttc.load(folder / "libnet.so", weights=weights)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_extra_weights_are_passed_over_where_that_is_asked_for(folder):
    weights = safetensors.torch.load_file(folder / "net.safetensors") | {"extra": torch.zeros(1)}
    assert ttc.load(folder / "libnet.so", weights=weights, strict=False)(torch.ones(2, 3)).ndim == 2


def test_files_that_are_not_there_or_not_what_they_should_be(folder, tmp_path):
    with refuses("missing.so"):
        ttc.load(tmp_path / "missing.so", weights=folder / "net.safetensors")
    with refuses("missing.safetensors"):
        ttc.load(folder / "libnet.so", weights=tmp_path / "missing.safetensors")
    with refuses("net.mlir"):
        ttc.load(folder / "libnet.so", weights=folder / "net.mlir")
    with refuses("net.mlir"):
        ttc.load(folder / "net.mlir", weights=folder / "net.safetensors")
    with pytest.raises(ttc.Error):
        ttc.load(folder / "libnet.so")  # compiled without weights


# As a module.


def test_a_compiled_model_in_a_module(compiled):
    assert isinstance(compiled, nn.Module)
    model = nn.Sequential(compiled, nn.Flatten()).eval().to("cpu")
    with torch.no_grad():
        assert model(torch.ones(2, 3)).shape == (2, 2)
    assert "0.net.0.weight" in model.state_dict()
    assert "model: x(batch, 3) -> output0(batch, 2)" in repr(compiled)


def test_what_a_compiled_model_cannot_do(compiled):
    with refuses("a compiled model cannot be moved to torch.float16", ttc.UnsupportedError):
        compiled.half()
    for copying in (pickle.dumps, copy.deepcopy):
        with refuses("a compiled model cannot be pickled or copied"):
            copying(compiled)


def test_a_model_in_training_mode_warns_once():
    model = nn.Sequential(nn.Dropout(), tt.snn.LI(3))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ttc.compile(model, torch.zeros(2, 3))
    (warning,) = caught
    assert "is in training mode" in str(warning.message)
    assert warning.filename == __file__
    assert model.training


# The tools.


def test_tools_that_are_not_built(tmp_path, monkeypatch):
    monkeypatch.setenv("TTC_HOME", str(tmp_path))
    with refuses(f"the compiler is not at '{tmp_path}/build/bin/ttc': run scripts/setup.sh and"):
        ttc.compile(nn.ReLU().eval(), torch.zeros(2, 3))
    with refuses(f"the runtime is not at '{tmp_path}/build/lib/libttc_runtime.so'"):
        toolchain.runtime()


def test_what_the_compiler_refuses(tmp_path):
    source = tmp_path / "bad.mlir"
    source.write_text("ttc.model @bad(")
    with refuses("the compiler refused 'bad.mlir': "):
        toolchain.run_driver(source, tmp_path / "libbad.so")
    assert not (tmp_path / "libbad.so").exists()


# Other dtypes, and outputs as the module gives them.


class Mixed(tt.Model):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(6, 8), tt.snn.LIB(8), nn.Linear(8, 4), tt.rnn.LSTM(4, 4), tt.ssm.S4(4, 3)
        )

    def forward(self, x):
        y = self.net(x)
        return {"y": y, "fires": y > 0}


@pytest.mark.parametrize(
    "dtype, stored, tolerance",
    [
        (torch.float64, torch.float64, 1e-12),
        (torch.float32, torch.float32, 1e-5),
        (torch.bfloat16, torch.bfloat16, 2e-2),
        (torch.float16, torch.float16, 2e-3),
    ],
)
def test_dtypes(dtype, stored, tolerance):
    model = Mixed().eval()
    compiled = ttc.compile(model, torch.zeros(2, 6), dtype=dtype)
    wide = copy.deepcopy(model).double()
    computed = torch.float64 if dtype is torch.float64 else torch.float32
    with torch.no_grad():
        for _ in range(5):
            x = torch.randn(3, 6, dtype=computed)
            expected, found = wide(x.double())["y"], compiled(x)["y"]
            assert found.dtype is computed
            torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
    states = compiled.save_states()
    assert {state.dtype for state in states.values()} == {stored}
    assert {t.dtype for t in compiled.state_dict().values()} == {computed}
    before = compiled(x)["y"]
    compiled.load_states(states)
    assert torch.equal(compiled(x)["y"], before)


def test_a_model_of_doubles():
    model, x = Mixed().double().eval(), torch.randn(3, 6).double()
    compiled = ttc.compile(model, x)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x)["y"], model(x)["y"], rtol=1e-12, atol=1e-12)
    with refuses("input 'x' is float32, expected float64: convert it with .double()"):
        compiled(x.float())
    assert all(p.dtype is torch.float64 for p in model.parameters())


def test_outputs_by_name(tmp_path):
    model, x = Mixed().eval(), torch.randn(3, 6)
    compiled = ttc.compile(model, x)
    found = compiled(x)
    assert list(found) == ["y", "fires"] and found["fires"].dtype is torch.bool
    ys = compiled.run(torch.randn(4, 3, 6))
    assert ys["y"].shape == ys["fires"].shape == (4, 3, 4)
    ttc.export(model, x, tmp_path / "net")
    toolchain.run_driver(tmp_path / "net.mlir", tmp_path / "libnet.so")
    loaded = ttc.load(tmp_path / "libnet.so", tmp_path / "net.safetensors")
    assert list(loaded(x)) == ["y", "fires"]
    compiled.zero_states(), loaded.zero_states()
    assert torch.equal(loaded(x)["y"], compiled(x)["y"])
