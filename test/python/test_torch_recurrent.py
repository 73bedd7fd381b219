"""Whether torch.nn's recurrent modules are exported step by step, and what is refused by name."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re

import pytest
import torch
import tracetorch as tt
import ttc
from agreement import compared
from test_exporting import Calls
from torch import nn
from torch.nn.utils import rnn
from ttc.exporting import export_model

KINDS = (nn.RNN, nn.LSTM, nn.GRU)


def steps(model, x, time, *rest):
    """Compiles the model for one timestep, and runs the sequence `x` through it."""
    compiled = ttc.compile(model.eval(), (x[:2] if time else x[:, :2], *rest))
    xs = x.movedim(time, 0).contiguous()
    ys = compiled.run(xs)
    compiled.zero_states()
    for step, y in zip(xs, ys):
        found = compiled(step)
        assert torch.equal(found, y)
    return compiled, ys


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True, "num_layers": 3},
        {"bias": False, "num_layers": 2, "dropout": 0.5},
    ],
)
def test_a_module_alone(kind, options):
    model = kind(5, 4, **options).eval()
    time = 1 if model.batch_first else 0
    x = torch.randn(3, 6, 5)
    compiled, ys = steps(model, x, time)
    with torch.no_grad():
        expected, hidden = model(x)
    close(ys.movedim(0, time), expected)
    states = compiled.save_states()
    hidden = hidden if isinstance(hidden, tuple) else (hidden,)
    assert set(states) == {"layer.h", "layer.c"} if len(hidden) == 2 else {"layer.h"}
    for key, value in zip(("layer.h", "layer.c"), hidden):
        close(states[key], value)


def test_the_other_options():
    for model in (
        nn.LSTM(5, 6, 2, proj_size=3, batch_first=True),
        nn.RNN(5, 6, nonlinearity="relu", batch_first=True),
    ):
        x = torch.randn(2, 6, 5)
        _, ys = steps(model, x, 1)
        with torch.no_grad():
            close(ys.movedim(0, 1), model(x)[0])


def test_without_a_batch():
    model = nn.GRU(5, 4, 2).eval()
    compiled = ttc.compile(model, torch.randn(6, 5))
    x = torch.randn(6, 5)
    with torch.no_grad():
        close(compiled.run(x), model(x)[0])
    assert compiled.save_states()["layer.h"].shape == (2, 4)


def test_initial_states():
    model = nn.LSTM(5, 4, 2, batch_first=True).eval()
    x, h, c = torch.randn(3, 6, 5), torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    compiled = ttc.compile(model, (x, (h, c)))
    compiled.load_states({"layer.h": h, "layer.c": c})
    with torch.no_grad():
        expected, (h_n, c_n) = model(x, (h, c))
    close(compiled.run(x.movedim(1, 0).contiguous()).movedim(0, 1), expected)
    close(compiled.save_states()["layer.h"], h_n)
    close(compiled.save_states()["layer.c"], c_n)


class Tagger(nn.Module):
    """An LSTM between ordinary layers; `use` says what is done with what it gives."""

    def __init__(self, use, batch_first=True, layers=1):
        super().__init__()
        self.embed = nn.Embedding(9, 5)
        self.lstm = nn.LSTM(5, 4, layers, batch_first=batch_first)
        self.gru = nn.GRU(4, 4, batch_first=batch_first)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 3)
        self.use = use

    def forward(self, x):
        return self.use(self, x)


USES = {
    "each step": lambda m, x: m.head(torch.relu(m.lstm(m.embed(x))[0])).log_softmax(-1),
    "two modules": lambda m, x: m.head(m.gru(m.norm(m.lstm(m.embed(x))[0]))[0]),
    "residual": lambda m, x: (lambda e: m.gru(m.lstm(e)[0])[0] + e[..., :4])(m.embed(x)),
    "flattened": lambda m, x: m.head(m.lstm(m.embed(x))[0].reshape(-1, 4)).view(*x.shape, 3),
    "the last step": lambda m, x: m.head(
        m.lstm(m.embed(x))[0][:, -1] if m.lstm.batch_first else m.lstm(m.embed(x))[0][-1]
    ),
    "h_n": lambda m, x: m.head(m.lstm(m.embed(x))[1][0][-1]),
    "zeros": lambda m, x: m.head(m.lstm(m.embed(x), (
        torch.zeros(m.lstm.num_layers, x.shape[0 if m.lstm.batch_first else 1], 4),) * 2)[0]),
}


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("use", USES)
def test_modules_in_a_forward(use, batch_first):
    model = Tagger(USES[use], batch_first, 2 if use == "h_n" else 1).eval()
    time = 1 if batch_first else 0
    x = torch.randint(0, 9, (4, 6))
    _, ys = steps(model, x, time)
    with torch.no_grad():
        expected = model(x)
    close(ys[-1] if use in ("the last step", "h_n") else ys.movedim(0, time), expected)


def test_states_of_the_forward():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.LSTM(5, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, x, state):
            y, state = self.rnn(x, state)
            return self.head(y), state

    model, x = Model().eval(), torch.randn(3, 6, 5)
    state = torch.randn(1, 3, 4), torch.randn(1, 3, 4)
    compiled = ttc.compile(model, (x, state))
    assert [spec.name for spec in compiled._live.model.inputs] == ["x"]
    fixed = export_model(model, (x, state), "net", batch=7).text
    assert "%x: tensor<7x5xf32>" in fixed and "?" not in fixed
    compiled.load_states({"rnn.h": state[0], "rnn.c": state[1]})
    with torch.no_grad():
        expected, (h, c) = model(x, state)
    close(compiled.run(x.movedim(1, 0).contiguous()).movedim(0, 1), expected)
    close(compiled.save_states()["rnn.c"], c)


class Keeper(nn.Module):
    """A cell whose state its caller keeps."""

    def __init__(self, kind):
        super().__init__()
        self.cell, self.head, self.state = kind(5, 4), nn.Linear(4, 3), None

    def forward(self, x):
        self.state = self.cell(x, self.state)
        return self.head(self.state[0] if isinstance(self.state, tuple) else self.state)

    def zero_states(self):
        self.state = None


class Passer(Keeper):
    """A cell whose state is an input and an output."""

    def forward(self, x, state):
        state = self.cell(x, state)
        return self.head(state[0] if isinstance(state, tuple) else state), state


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_cells(kind):
    compared(Keeper(kind), torch.randn(3, 5), steps=4)
    model, state = Passer(kind).eval(), torch.zeros(3, 4)
    state = (state, state) if kind is nn.LSTMCell else state
    compiled = ttc.compile(model, (torch.randn(3, 5), state))
    with torch.no_grad():
        for _ in range(4):
            x = torch.randn(3, 5)
            expected, state = model(x, state)
            close(compiled(x), expected)
    hidden = state if isinstance(state, tuple) else (state,)
    for name, value in zip(("cell.h", "cell.c"), hidden):
        close(compiled.save_states()[name], value)


def test_a_cell_alone():
    cell = nn.LSTMCell(5, 4).eval()
    compiled, state = ttc.compile(cell, torch.randn(3, 5)), None
    with torch.no_grad():
        for _ in range(3):
            x = torch.randn(3, 5)
            state = cell(x, state)
            close(compiled(x), state[0])


def lstm(m, x):
    return m.lstm(x)[0]


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda m, x: lstm(m, x).mean(1), "'mean' does something with the time axis other than"),
        (lambda m, x: lstm(m, x).max(1).values, "does something with the time axis other than"),
        (lambda m, x: lstm(m, x)[:, 0], "'select' does something with the time axis"),
        (lambda m, x: lstm(m, x).softmax(1), "'softmax' does something with the time axis"),
        (lambda m, x: lstm(m, x.flip(1)), "'flip' does something with the time axis"),
        (lambda m, x: m.conv(lstm(m, x).mT), "'conv' (Conv1d) does something with the time axis"),
        (lambda m, x: m.lib(lstm(m, x)), "'lib' (LIB) does something with the time axis"),
        (lambda m, x: m.head(lstm(m, x).flatten(1)),
         "the forward takes 4 timesteps and no other number, so that it cannot take one a call; "
         "with 5, 'head' (Linear) does not take the example"),
        (lambda m, x: m.attention(*[lstm(m, x)] * 3)[0],
         "'attention' (MultiheadAttention) attends over a sequence"),
        (lambda m, x: m.both(x)[0], "'both' (LSTM) is bidirectional: it reads the sequence from"),
        (lambda m, x: m.lstm(x)[1][1][-1], "'select' computes with c_n of 'lstm' (LSTM)"),
        (lambda m, x: m.deep(x)[1][0][0], "computes with h_n other than its last layer, h_n[-1]"),
        (lambda m, x: m.square(m.square(x)[0])[0],
         "'square' (GRU) is called more than once in a timestep"),
        (lambda m, x: m.lstm(rnn.pack_padded_sequence(x, torch.tensor([4, 3]), True))[1][0][-1],
         "'lstm' (LSTM) is called with a PackedSequence, expected a tensor"),
        (lambda m, x: m.lstm(x, (m.start, m.start))[0],
         "the initial state of 'lstm' (LSTM) is computed in the forward; expected none, zeros,"),
        (lambda m, x: m.lstm(x[:, :3])[0],
         "the time axis of 'lstm' (LSTM) is no axis of an example input"),
    ],
)
def test_refusals(function, message):
    model = Calls(
        function, lstm=nn.LSTM(5, 4, batch_first=True), head=nn.Linear(16, 3),
        conv=nn.Conv1d(4, 4, 3, padding=1), lib=tt.snn.LIB(4),
        attention=nn.MultiheadAttention(4, 1, batch_first=True),
        both=nn.LSTM(5, 4, bidirectional=True, batch_first=True),
        deep=nn.LSTM(5, 4, 2, batch_first=True), square=nn.GRU(5, 5, batch_first=True),
        start=nn.Parameter(torch.ones(1, 2, 4)),
    )
    with pytest.raises(ttc.UnsupportedError, match=re.escape(message)):
        export_model(model.eval(), torch.randn(2, 4, 5), "net")


def test_a_loop_over_timesteps():
    def forward(m, x):
        h = None
        for step in x.unbind(1):
            h = m.cell(step, h)
        return h

    with pytest.raises(ttc.UnsupportedError, match="take a loop over timesteps out of the forward"):
        export_model(Calls(forward, cell=nn.GRUCell(5, 4)).eval(), torch.randn(2, 4, 5), "net")


def test_inputs_that_have_no_time():
    """Positions, and a vector that goes with every timestep."""
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.rnn = nn.Embedding(9, 5), nn.GRU(8, 4, batch_first=True)
            self.places = nn.Embedding(4, 4)

        def forward(self, x, c):
            c = c.unsqueeze(1).expand(-1, x.shape[1], -1)
            y = self.rnn(torch.cat([self.table(x), c], -1))[0]
            return y + c.sum(-1, keepdim=True) + self.places(torch.tensor([2]))

    model = Model().eval()
    x, c = torch.randint(0, 9, (3, 6)), torch.randn(3, 3)
    compiled = ttc.compile(model, (x, c))
    with torch.no_grad():
        expected = model(x, c)
    for step in range(6):
        close(compiled(x[:, step].contiguous(), c), expected[:, step])
