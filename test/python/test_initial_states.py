"""Whether a stream goes on where PyTorch, traceTorch or Keras stopped, and where ttc itself did."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random
import re

import numpy
import pytest
import torch
import tracetorch as tt
import ttc
from torch import nn

STEPS = 12


def refuses(message):
    return pytest.raises(ttc.Error, match=re.escape(message))


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def splits(count=3):
    """Random places in a series, and both ends."""
    places = random.Random(0).sample(range(1, STEPS), count)
    return [0, *places, STEPS]


def goes_on(c, states, xs, whole):
    """Runs the rest of a series from states of another's: close to the other's own outputs."""
    c = c.session()
    c.load_states(states)
    if len(xs):
        close(c.run(xs), whole)
    return c


def goes_on_from_ttc(c, xs, split, key_of=lambda key: key):
    """From what ttc itself had at that place: bit for bit, in outputs and states."""
    whole = c.session()
    expected = whole.run(xs)
    first = c.session()
    first.run(xs[:split])
    rest = c.session()
    rest.load_states(first.save_states())
    assert torch.equal(rest.run(xs[split:]), expected[split:])
    after, final = rest.save_states(), whole.save_states()
    assert after.keys() == final.keys()
    assert all(torch.equal(after[key], final[key]) for key in final)


# PyTorch.


class Tagger(nn.Module):
    """Stacked modules between ordinary layers."""

    def __init__(self, batch_first=False):
        super().__init__()
        self.enter = nn.Linear(3, 6)
        self.lstm = nn.LSTM(6, 5, 2, batch_first=batch_first)
        self.gru = nn.GRU(5, 4, 3, batch_first=batch_first)
        self.rnn = nn.RNN(4, 4, batch_first=batch_first)
        self.leave = nn.Linear(4, 2)

    def forward(self, x, hidden=None):
        given = hidden or {}
        y, lstm = self.lstm(self.enter(x), given.get("lstm"))
        y, gru = self.gru(y, given.get("gru"))
        y, rnn = self.rnn(y, given.get("rnn"))
        return self.leave(y), {"lstm": lstm, "gru": gru, "rnn": rnn}


class Outputs(nn.Module):
    """Only what is compiled: the states are the session's."""

    def __init__(self, tagger):
        super().__init__()
        self.enter, self.lstm, self.gru = tagger.enter, tagger.lstm, tagger.gru
        self.rnn, self.leave = tagger.rnn, tagger.leave

    def forward(self, x):
        return self.leave(self.rnn(self.gru(self.lstm(self.enter(x))[0])[0])[0])


@pytest.fixture(scope="module", params=[False, True], ids=["time first", "batch first"])
def tagger(request):
    """The module, its time axis, and what is compiled of it."""
    torch.manual_seed(0)
    module = Tagger(request.param).eval()
    return module, int(request.param), ttc.compile(Outputs(module).eval(), torch.zeros(4, 4, 3))


@pytest.mark.parametrize("batch", [1, 3])
def test_stacks_of_torch(tagger, batch):
    tagger, time, c = tagger
    xs = torch.randn(STEPS, batch, 3)
    with torch.no_grad():
        whole = tagger(xs.transpose(0, time))[0].transpose(0, time)
        for split in splits():
            hidden = {
                "lstm": (torch.zeros(2, batch, 5),) * 2, "gru": torch.zeros(3, batch, 4),
                "rnn": torch.zeros(1, batch, 4),
            }
            if split:
                _, hidden = tagger(xs[:split].transpose(0, time))
            states = ttc.states_from_torch(c, hidden)
            assert states["lstm.h"].shape == (2, batch, 5)
            after = goes_on(c, states, xs[split:], whole[split:]).save_states()
            if split < STEPS:
                _, final = tagger(xs.transpose(0, time))
                close(after["lstm.c"], final["lstm"][1])
                close(after["gru.h"], final["gru"])
            goes_on_from_ttc(c, xs, split)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 2])
def test_one_module_alone(kind, layers):
    """The state alone, without the name of the one layer; with projections too."""
    model = kind(3, 4, layers).eval()
    xs = torch.randn(STEPS, 3, 3)
    c = ttc.compile(model, xs[:4])
    with torch.no_grad():
        whole, _ = model(xs)
        for split in splits():
            hidden = model(xs[:split])[1] if split else None
            if hidden is not None:
                goes_on(c, ttc.states_from_torch(c, hidden), xs[split:], whole[split:])
    goes_on_from_ttc(c, xs, 5)


def test_a_projection():
    model = nn.LSTM(3, 6, 2, proj_size=2).eval()
    xs = torch.randn(STEPS, 2, 3)
    c = ttc.compile(model, xs[:4])
    with torch.no_grad():
        whole, hidden = model(xs)[0], model(xs[:5])[1]
    states = ttc.states_from_torch(c, hidden)
    assert states["layer.h"].shape == (2, 2, 2) and states["layer.c"].shape == (2, 2, 6)
    goes_on(c, states, xs[5:], whole[5:])


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("batch", [1, 3])
def test_cells(kind, batch):
    cell = kind(3, 4).eval()
    xs = torch.randn(STEPS, batch, 3)
    c = ttc.compile(cell, xs[0])
    for split in splits()[1:]:
        hidden, whole = None, []
        with torch.no_grad():
            for number, x in enumerate(xs):
                if number == split:
                    kept = hidden
                hidden = cell(x, hidden)
                whole.append(hidden[0] if isinstance(hidden, tuple) else hidden)
        kept = hidden if split == STEPS else kept
        goes_on(c, ttc.states_from_torch(c, kept), xs[split:], torch.stack(whole)[split:])
    goes_on_from_ttc(c, xs, 7)


def test_a_cell_and_a_stack_of_one_are_the_same():
    module, cell = nn.LSTM(3, 4).eval(), nn.LSTMCell(3, 4).eval()
    cell.load_state_dict({key.removesuffix("_l0"): t for key, t in module.state_dict().items()})
    xs = torch.randn(STEPS, 2, 3)
    of_module, of_cell = ttc.compile(module, xs[:4]), ttc.compile(cell, xs[0])
    with torch.no_grad():
        whole, (_, hidden) = module(xs)[0], module(xs[:5])
        h = c = torch.zeros(2, 4)
        for x in xs[:5]:
            h, c = cell(x, (h, c))
    goes_on(of_cell, ttc.states_from_torch(of_cell, hidden), xs[5:], whole[5:])
    goes_on(of_module, ttc.states_from_torch(of_module, (h, c)), xs[5:], whole[5:])


def test_without_a_batch():
    model = nn.GRU(3, 4, 2).eval()
    xs = torch.randn(STEPS, 3)
    c = ttc.compile(model, xs[:4])
    with torch.no_grad():
        whole, hidden = model(xs)[0], model(xs[:5])[1]
    goes_on(c, ttc.states_from_torch(c, {"layer": hidden}), xs[5:], whole[5:])


# traceTorch.


class Traced(tt.Model):
    """Depth, and a layer in a plain list: `._modules[net]._modules[1].0.mem`, `.ls[0].mem`."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(4, 6), nn.Sequential(tt.snn.DSRLITS(6), tt.rnn.LSTM(6, 5)), tt.rnn.GRU(5, 5)
        )
        self.ls = [tt.snn.LI(5)]
        self.last = tt.snn.LIEMA(5)

    def forward(self, x):
        return self.last(self.ls[0](self.net(x)))


@pytest.fixture(scope="module")
def traced():
    """The module, and what is compiled of it, for examples of two ranks."""
    torch.manual_seed(0)
    module = Traced().eval()
    compiled = {rank: ttc.compile(module, torch.zeros(*[2, 3][-rank:], 4)) for rank in (1, 2)}
    return module, compiled


@pytest.mark.parametrize("batch", [(1,), (3,), (2, 3)])
@pytest.mark.parametrize("kind", ["dict", "torch.save", "file"])
def test_tracetorch(traced, batch, kind, tmp_path):
    model, c = traced[0], traced[1][len(batch)]
    xs = torch.randn(STEPS, *batch, 4)
    model.zero_states()
    with torch.no_grad():
        whole = torch.stack([model(x) for x in xs])
        for split in splits(2)[1:]:
            model.zero_states()
            for x in xs[:split]:
                model(x)
            states = model.save_states()
            assert len(states) > 2 * len(c.save_states())  # under all of its names
            rest = c.session()
            path = tmp_path / "states.pt"
            torch.save(states, path)
            if kind == "file":
                rest.load_states_file(path, unverified=True)
            else:
                rest.load_states(torch.load(path) if kind == "torch.save" else states)
            if split < STEPS:
                close(rest.run(xs[split:]), whole[split:])
            if kind == "dict":
                goes_on_from_ttc(c, xs, split)


def test_tracetorchs_recurrent_layers_from_torch():
    """(h, c) of any LSTM starts one of traceTorch, whose states are H and C."""
    model = tt.rnn.LSTM(3, 4).eval()
    c = ttc.compile(model, torch.zeros(2, 3))
    h, cell = torch.randn(1, 2, 4), torch.randn(1, 2, 4)
    states = ttc.states_from_torch(c, (h, cell))
    assert {key: tuple(t.shape) for key, t in states.items()} == {
        "layer.H": (2, 4), "layer.C": (2, 4)
    }
    c.load_states(states)
    model.zero_states()
    x = torch.randn(2, 3)
    with torch.no_grad():
        model(x)
        model.H, model.C = h[0], cell[0]
        close(c(x), model(x))


# Keras.


def keras_lstm(module, xs, h, c):
    """One layer as Keras computes it, with kernels (in, 4 units) whose gates are i, f, c, o."""
    kernel, recurrent = module.weight_ih_l0.T, module.weight_hh_l0.T
    bias, ys = module.bias_ih_l0 + module.bias_hh_l0, []
    for x in xs:
        i, f, g, o = (x @ kernel + h @ recurrent + bias).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        ys.append(h)
    return torch.stack(ys), [h.detach().numpy(), c.detach().numpy()]


@pytest.mark.parametrize("batch", [1, 3])
def test_keras_lstm(batch):
    model = nn.LSTM(3, 4).eval()
    xs, zero = torch.randn(STEPS, batch, 3), torch.zeros(batch, 4)
    c = ttc.compile(model, xs[:4])
    with torch.no_grad():
        whole, _ = keras_lstm(model, xs, zero, zero)
        for split in splits()[1:]:
            _, states = keras_lstm(model, xs[:split], zero, zero)
            for given in (states, {"layer": states}, {"layer": [states]}, tuple(states)):
                goes_on(c, ttc.states_from_keras(c, given), xs[split:], whole[split:])


def test_keras_forms():
    """What each layer's list becomes, for stacks and for single layers."""
    stack = ttc.compile(nn.LSTM(3, 4, 2).eval(), torch.zeros(4, 2, 3))
    h1, c1, h2, c2 = (numpy.random.rand(2, 4).astype("float32") for _ in range(4))
    states = ttc.states_from_keras(stack, [[h1, c1], [h2, c2]])
    assert numpy.array_equal(states["layer.h"], numpy.stack([h1, h2]))
    assert numpy.array_equal(states["layer.c"], numpy.stack([c1, c2]))
    stack.session().load_states(states)

    gru = ttc.compile(nn.GRU(3, 4).eval(), torch.zeros(4, 2, 3))
    for given in (h1, [h1], [[h1]], {"layer": h1}):
        states = ttc.states_from_keras(gru, given)
        assert numpy.array_equal(states["layer.h"], h1[None])
        gru.session().load_states(states)

    deep = ttc.compile(nn.GRU(3, 4, 2).eval(), torch.zeros(4, 2, 3))
    for given in ([h1, h2], [[h1], [h2]]):
        states = ttc.states_from_keras(deep, given)
        assert numpy.array_equal(states["layer.h"], numpy.stack([h1, h2]))
        deep.session().load_states(states)

    own = ttc.compile(nn.Sequential(tt.rnn.GRU(3, 4)).eval(), torch.zeros(2, 3))
    states = ttc.states_from_keras(own, {"0": [h1]})
    assert numpy.array_equal(states["0.H"], h1)
    own.load_states(states)


def test_keras_itself(monkeypatch):
    """Its LSTM and both of its GRUs, where the package is there."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    xs = torch.randn(STEPS, 2, 3)
    lstm, gru = nn.LSTM(3, 4).eval(), nn.GRU(3, 4).eval()
    own = tt.rnn.GRU(3, 4).eval()
    of_lstm = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    of_gru = keras.layers.GRU(4, return_sequences=True, return_state=True)
    of_own = keras.layers.GRU(4, return_sequences=True, return_state=True, reset_after=False)
    series = xs.transpose(0, 1).numpy()
    for layer in (of_lstm, of_gru, of_own):
        layer(series)

    def turned(t):  # r, z, n as PyTorch orders them: z, r, h as Keras does
        r, z, n = t.chunk(3, 0)
        return torch.cat([z, r, n])

    with torch.no_grad():
        of_lstm.set_weights([
            lstm.weight_ih_l0.T, lstm.weight_hh_l0.T, lstm.bias_ih_l0 + lstm.bias_hh_l0
        ])
        of_gru.set_weights([
            turned(gru.weight_ih_l0).T, turned(gru.weight_hh_l0).T,
            torch.stack([turned(gru.bias_ih_l0), turned(gru.bias_hh_l0)]),
        ])
        # traceTorch: h (1 - u) + u c, weights over [H, x]; Keras: z h + (1 - z) c.
        (r, u), (rb, ub) = own.gate_layers.weight.chunk(2), own.gate_layers.bias.chunk(2)
        n, nb = own.candidate_layer.weight, own.candidate_layer.bias
        together = torch.cat([-u, r, n])
        of_own.set_weights([together[:, 4:].T, together[:, :4].T, torch.cat([-ub, rb, nb])])
    for model, example, layer in (
        (lstm, xs[:4], of_lstm), (gru, xs[:4], of_gru), (own, xs[0], of_own)
    ):
        whole = torch.as_tensor(numpy.asarray(layer(series)[0].detach())).transpose(0, 1)
        c = ttc.compile(model, example)
        for split in splits()[1:-1]:
            _, *states = layer(series[:, :split])
            goes_on(c, ttc.states_from_keras(c, states), xs[split:], whole[split:])


# What is refused.


@pytest.fixture
def two(tagger):
    return tagger[2]


def test_what_is_no_state_of_a_layer(two):
    h = torch.zeros(2, 2, 5)
    with refuses("the model has 3 recurrent layers ('gru', 'lstm', 'rnn'): give a dict"):
        ttc.states_from_torch(two, (h, h))
    with refuses("'head' is no recurrent layer of the model, which has 'gru', 'lstm', 'rnn'"):
        ttc.states_from_torch(two, {"head": h})
    with refuses("'lstm' is an LSTM, whose hidden state is (h, c), found a Tensor"):
        ttc.states_from_torch(two, {"lstm": h})
    with refuses("'lstm' is an LSTM, whose hidden state is (h, c), found a tuple of 3"):
        ttc.states_from_torch(two, {"lstm": (h, h, h)})
    with refuses("'gru' has one hidden state, h, found a tuple of 2; only an LSTM has two"):
        ttc.states_from_torch(two, {"gru": (h, h)})
    with refuses("c of 'lstm' is a str, expected a tensor of PyTorch or an array of NumPy"):
        ttc.states_from_torch(two, {"lstm": (h, "c")})
    with refuses("'lstm' has the states [h, c], found a list of 3"):
        ttc.states_from_keras(two, {"lstm": [h, h, h]})
    with refuses("'lstm' has the states [h, c], found a list of 1"):
        ttc.states_from_keras(two, {"lstm": [[h], [h]]})
    with refuses("'gru' has the states [h], found none"):
        ttc.states_from_keras(two, {"gru": []})
    with refuses("the layers of 'gru' differ in the shape or the dtype of h ((2, 4), (2, 5))"):
        ttc.states_from_keras(two, {"gru": [torch.zeros(2, 4), torch.zeros(2, 5)]})
    plain = ttc.compile(nn.Sequential(tt.snn.LI(2)).eval(), torch.zeros(2, 2))
    with refuses("'0' is no recurrent layer of the model, which has none"):
        ttc.states_from_torch(plain, {"0": h})
    with refuses("the model has 0 recurrent layers (none): give a dict"):
        ttc.states_from_torch(plain, h)


def test_what_load_states_refuses(two):
    h, c = torch.zeros(2, 2, 5), torch.zeros(2, 2, 5)
    rest = {"gru": torch.zeros(3, 2, 4), "rnn": torch.zeros(1, 2, 4)}
    stream = two.session()
    for states, message in (
        ({"lstm": (h, c)}, "'gru.h' is missing; 'rnn.h' is missing"),
        ({"lstm": (h, c[:1]), **rest}, "'lstm.c' has the shape [1, 2, 5], [2, batch, 5] is"),
        ({"lstm": (h, c[:, :1]), **rest}, "'lstm.c' has the shape [2, 1, 5], [2, batch, 5] is"),
        ({"lstm": (h, c[0]), **rest}, "'lstm.c' has the shape [2, 5], [2, batch, 5] is expected"),
        ({"lstm": (h, c.double()), **rest}, "'lstm.c' is F64, F32 is expected"),
        # Of a bidirectional module: two directions in the place of two layers more.
        ({"lstm": (torch.zeros(4, 2, 5), c), **rest}, "'lstm.h' has the shape [4, 2, 5], [2,"),
    ):
        with refuses(message):
            stream.load_states(ttc.states_from_torch(two, states))
        assert stream.save_states() == {}
    stream.load_states(ttc.states_from_torch(two, {"lstm": (h, c)}), strict=False)
    assert stream.save_states()["gru.h"].shape == (3, 2, 4)


def test_onnx():
    onnx = pytest.importorskip("onnx")
    model = nn.LSTM(3, 4).eval()
    i, f, g, o = range(4)

    def ordered(t):  # i, o, f, c as ONNX orders them
        parts = t.detach().chunk(4, 0)
        return torch.cat([parts[i], parts[o], parts[f], parts[g]])[None].numpy()

    weights = {
        "W": ordered(model.weight_ih_l0), "R": ordered(model.weight_hh_l0),
        "B": numpy.concatenate(
            [ordered(model.bias_ih_l0), ordered(model.bias_hh_l0)], axis=1
        ),
    }
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = make.make_graph(
        [make.make_node("LSTM", ["X", "W", "R", "B"], ["Y"], name="l", hidden_size=4)], "net",
        [make.make_tensor_value_info("X", kind, ["t", "b", 3])],
        [make.make_tensor_value_info("Y", kind, ["t", 1, "b", 4])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    c = ttc.from_onnx(make.make_model(graph)).compile()
    xs = torch.randn(STEPS, 2, 3)
    with torch.no_grad():
        whole, hidden = model(xs)[0], model(xs[:5])[1]
    goes_on(c, ttc.states_from_torch(c, hidden), xs[5:], whole[5:])
