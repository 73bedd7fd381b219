"""Whether a model that cannot be exported is refused by name."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
from pathlib import Path

import pytest
import torch
import tracetorch as tt
import ttc
from test_exporting import Calls
from torch import nn
from torch.nn import functional as F
from ttc.exporting import export_model


def refuses(model, example, message, kind=ttc.UnsupportedError):
    with pytest.raises(kind, match=re.escape(message)) as caught:
        export_model(model.eval() if isinstance(model, nn.Module) else model, example, "net")
    assert type(caught.value) is kind


X = torch.zeros(2, 3)


def test_errors_are_value_errors():
    assert issubclass(ttc.UnsupportedError, ttc.Error)
    assert issubclass(ttc.Error, ValueError)


@pytest.mark.parametrize(
    "layer, shape, message",
    [
        (nn.MultiheadAttention(4, 2), (2, 3, 4), None),
        (nn.EmbeddingBag(4, 2), None, "'0' (EmbeddingBag) sums a number of rows that the input"),
        (nn.BatchNorm1d(3, track_running_stats=False), (2, 3),
         "'0' (BatchNorm1d) has no running statistics (track_running_stats=False)"),
        (nn.Conv1d(2, 2, 3, padding=1, padding_mode="reflect"), (2, 2, 5),
         "'0' (Conv1d) has padding_mode='reflect', and only 'zeros' and 'circular' are supported"),
        (nn.AvgPool2d(2, divisor_override=3), (2, 1, 4, 4),
         "'0' (AvgPool2d) has divisor_override=3, which is not supported; scale the output"),
        (nn.FractionalMaxPool2d(2, output_size=2), (2, 1, 4, 4),
         "'0' (FractionalMaxPool2d) draws its windows at random, which is not supported"),
        (nn.Upsample(scale_factor=1.5), (2, 1, 4, 4),
         "in the forward of '0', 'upsample_nearest2d' makes size 6 of 4; only whole multiples"),
        (nn.Embedding(4, 2, max_norm=1.0), None,
         "'0' (Embedding) has max_norm=1.0, which changes its weights in the forward"),
        (tt.snn.LIB(3, spike_fn=torch.relu), (2, 3),
         "the spike function '_VariableFunctionsClass.relu' of '0' (LIB) is not supported; use "
         "sigmoid4x, sigmoid, or a Heaviside step that is 1 at 0"),
        (tt.snn.LIB(3, spike_fn=lambda v: (v > 0).float()), (2, 3),
         "of '0' (LIB) is not supported"),
        (tt.snn.LIB(3, quant_fn=tt.functional.round_ste(-1.0)), (2, 3),
         "the quantizer 'round_ste' of '0' (LIB) is not supported; use the identity, torch.round, "
         "round_ste(step), stochastic_round_ste(step) or probabilistic_ste()"),
    ],
)
def test_layers(layer, shape, message):
    model = nn.Sequential(layer)
    example = torch.tensor([[1, 2]]) if shape is None else torch.zeros(shape)
    if isinstance(layer, nn.MultiheadAttention):
        model = Calls(lambda m, x: m.attention(x, x, x)[0], attention=layer)
        message = "'attention' (MultiheadAttention) attends over a sequence, which a model that"
    refuses(model, example, message)


def here(text):
    """The line of this file that holds `text`, as messages give it."""
    lines = Path(__file__).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if text in line)
    return f"test_export_errors.py:{number}: {lines[number - 1].strip()}"


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda m, x: x.cumsum(1), f"in the forward ({here('m, x: x.cumsum(1)')}), 'cumsum' is not "
                                   f"supported; the operations of a forward are arithmetic,"),
        (lambda m, x: x.sort(1).values, "'sort' is not supported"),
        (lambda m, x: x.argmax(1), "'argmax' is not supported"),
        (lambda m, x: x.max(1).indices, "the indices of 'max' are used, which is not supported"),
        (lambda m, x: x[x > 0], "it takes a number out of a tensor"),
        (lambda m, x: x.take_along_dim(torch.tensor([[0]]), 1), "'gather' is not supported"),
        (lambda m, x: F.dropout(x), "'bernoulli_' draws random numbers"),
        (lambda m, x: x + torch.rand(3), "'rand' draws random numbers, which a compiled model"),
        (lambda m, x: x if x.sum() > 0 else -x,
         f"in the forward ({here('x if x.sum() > 0 else -x')}), it takes a number out of a tensor "
         f"that depends on the input or on a parameter, by a condition, float(), .item()"),
        (lambda m, x: x * float(m.weight[0]), "it takes a number out of a tensor"),
        (lambda m, x: x + torch.from_numpy(x.numpy() * 2), "it takes numbers out of a tensor"),
        (lambda m, x: {"y": torch.relu(x), "n": 3},
         "the forward returns the int 3, expected a tensor, or tensors in a tuple, list or dict"),
        (lambda m, x: None, "the forward returns the NoneType None"),
        (lambda m, x: {"a": x, "A": -x}, "keys give two outputs one name: ['a', 'A']"),
        (lambda m, x: x.relu().double(),
         "'to' makes a tensor of float64; a float32 model computes with float32 alone"),
        (lambda m, x: m.li(x).relu_(),
         "'relu_' changes the output of 'li' in place, which may be the layer's own state"),
        (lambda m, x: stale(x), "it uses a tensor that the forward"),
        (lambda m, x: written(x, torch.zeros_like(x)),
         f"in the forward, it uses a tensor that the forward ({here('y[:, 0] ' '= x')}) has"),
        (lambda m, x: written(x, torch.zeros(2, 3)),
         "writes into a part of a tensor, which is not supported; put the parts together"),
        (lambda m, x: F.scaled_dot_product_attention(x, x, x), "attends over a sequence"),
        (lambda m, x: F.conv1d(x[:, None], m.kernel * 2),
         "the convolution's kernel, or its bias, is computed in the forward"),
    ],
)
def test_forwards(function, message):
    model = Calls(
        function, weight=nn.Parameter(torch.ones(3)), li=tt.snn.LI(3),
        kernel=nn.Parameter(torch.ones(1, 1, 2)),
    )
    refuses(model, X, message)


def stale(x):
    y = x * 2
    z = y[:, 1:]
    y.add_(1)
    return z


def written(x, y):
    y[:, 0] = x[:, 1]
    return y


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_integers_that_index_nothing(dtype):
    refuses(Calls(lambda m, x: x + 1), torch.ones(2, 3, dtype=dtype),
            f"'add' computes with the input 'x' of {str(dtype)[6:]}, which may only index")


class Keeps(nn.Module):
    """Keeps something from one timestep to the next, in ways that are no states."""

    def __init__(self, way):
        super().__init__()
        self.way, self.last, self.steps = way, None, 0
        self.register_buffer("total", torch.zeros(2, 3))

    def forward(self, x):
        if self.way == "attribute":
            before, self.last = self.last, x
            return x if before is None else x + before
        if self.way == "list":
            before, self.last = self.last, [x]
            return x if before is None else x + before[0]
        if self.way == "buffer":
            self.total = self.total * 0.5 + x
            return self.total
        if self.way == "in place":
            self.total += x
            return self.total * 2
        self.steps += 1
        return x * self.steps


@pytest.mark.parametrize(
    "way, message",
    [
        ("attribute", "the model (Keeps) keeps a value of its forward in the attribute 'last' for "
                      "the next timestep; make it a state of a tracetorch.Layer"),
        ("list", "keeps a value of its forward in the attribute 'last[0]'"),
        ("buffer", "keeps a value of its forward in the attribute 'total'"),
        ("in place", "keeps a value of its forward in the attribute 'total'"),
        ("number", "something other than operations on tensors decides what is computed"),
    ],
)
def test_state_outside_of_a_layer(way, message):
    refuses(Keeps(way), X, message)


@pytest.mark.parametrize(
    "function, why",
    [
        (lambda m, x: x.T, "'permute' makes a tensor whose leading dimension is not the batch"),
        (lambda m, x: x.sum(0), "the leading dimension is no batch: a value is computed over it"),
        (lambda m, x: x[:1], "the leading dimension is no batch: a part of it is taken"),
        (lambda m, x: x / x.shape[0], "with another batch the forward is not the same: in the"),
        (lambda m, x: x.view(2, -1) * 1, "with another batch the forward is not the same"),
        (lambda m, x: x + torch.arange(x.shape[0])[:, None],
         "a constant of the forward depends on the batch"),
    ],
)
def test_forwards_that_fix_the_batch(function, why):
    with pytest.warns(UserWarning, match=re.escape("the batch is fixed at that of the example: ")) \
            as caught:
        text = export_model(Calls(function).eval(), torch.zeros(2, 4), "net").text
    assert why in str(caught[0].message)
    assert "?" not in text and "%x: tensor<2x4xf32>" in text


def test_two_modules_under_one_path():
    model = Calls(lambda m, x: m.ls[0](x), ls=[tt.snn.LI(3)])
    model.add_module("ls[0]", tt.snn.LIB(3))
    refuses(model, X, "two different modules have the path 'ls[0]': a LIB and a LI", ttc.Error)


def test_layers_in_a_set():
    model = Calls(lambda m, x: x, layers={tt.snn.LI(3)})
    refuses(model, X, "'layers' keeps layers in a set, which has no order")


def test_a_forward_of_the_instance():
    model = nn.Sequential(nn.ReLU())
    model[0].forward = lambda x: x
    refuses(model, X, "'0' (ReLU) has a forward that was assigned to the instance")


def test_a_forward_with_any_number_of_inputs():
    class Model(nn.Module):
        def forward(self, *inputs):
            return inputs[0]

    refuses(Model(), X, "the model (Model) has a forward that takes *inputs")


def test_a_model_that_cannot_be_copied():
    model = Calls(lambda m, x: x, generator=(number for number in range(3)))
    refuses(model, X, "the model (Calls) cannot be copied with copy.deepcopy")


def test_a_layer_that_would_broadcast():
    refuses(nn.Sequential(tt.snn.LIB(3)), torch.zeros(2, 1),
            "'0' (LIB) has 3 neurons, but its input of shape (2, 1) has size 1 at dim -1")


def test_parameters_in_both_forms_or_neither():
    model = nn.Sequential(tt.snn.LI(3))
    model[0].TTcompile()
    model[0].register_buffer("raw_beta", torch.ones(3))
    refuses(model, X, "'0' (LI) has both of 'raw_beta' and 'beta', expected one")


def test_weights_of_another_dtype():
    model = nn.Sequential(tt.snn.LI(3), nn.Linear(3, 3))
    model[0].raw_beta = nn.Parameter(model[0].raw_beta.double())
    refuses(Calls(lambda m, x: m.net[1](x) + m.net[0](x).float(), net=model), X,
            "'net.0.raw_beta' is float64, expected float32 as the model's inputs")
    linear = nn.Linear(3, 3, bias=False).half()
    refuses(nn.Sequential(linear), X,
            "example input 0 is float32, expected float16 as the model's parameters: convert the "
            "model with .float(), and compile it with dtype=torch.float16", ttc.Error)


@pytest.mark.parametrize(
    "example, message",
    [
        ([1.0], "example input 0 is a float, expected a torch.Tensor"),
        ("x", "the example input is a str, expected a tensor or a tuple of tensors"),
        ((), "the example input is a tuple, expected a tensor or a tuple of tensors"),
        (torch.zeros(2, 3).double(),
         "example input 0 is float64, expected float32 as the model's parameters: convert it with "
         ".float()"),
        (torch.zeros(2, 3).bool(), "example input 0 is bool, expected float32 (or float64;"),
        (torch.tensor(1.0), "example input 0 has shape (), expected at least one dimension"),
        (torch.zeros(0, 3), "example input 0 has shape (0, 3), expected at least one dimension"),
        ((X, X), "cannot be called with 2 example inputs: too many positional arguments"),
        (torch.zeros(2, 4),
         "'0' (Linear) does not take the example: for inputs of shapes [(2, 4)]"),
    ],
)
def test_examples(example, message):
    refuses(nn.Sequential(nn.Linear(3, 3)), example, message, ttc.Error)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modules_that_are_no_modules_of_python():
    refuses(nn.Sequential(torch.jit.script(nn.ReLU())), X, "'0' (RecursiveScriptModule) is Torch")
    refuses(torch.compile(nn.ReLU()), X,
            "the model (OptimizedModule) wraps another module; give that one, which is its attr")
    refuses(nn.Sequential(nn.LazyLinear(3)), X, "'0.weight' of '0' (LazyLinear) has no values yet")
    refuses(nn.Linear(3, 3, device="meta"), X, "has no values yet: call the model once, or load")


def test_a_model_that_the_compiler_refuses(monkeypatch):
    """The compiler's own diagnostics say what they are about in the forward."""
    model = Calls(lambda m, x: m.net(x).relu() * m.p, net=nn.Linear(3, 3), p=nn.Parameter(X[0]))
    text = export_model(model.eval(), X, "net").text
    wrong = text.replace("ttc.activation relu", "ttc.activation unknown")
    monkeypatch.setattr("ttc.compiling.write_file", lambda path, data: path.write_text(wrong))
    with pytest.raises(ttc.Error) as caught:
        ttc.compile(model, X)
    place = here("m.net(x)" ".relu() * m.p")
    assert f"refused 'model.mlir', for what is done in the forward ({place}): " in str(caught.value)


def test_not_a_module():
    refuses(torch.relu, X, "the model is a builtin_function_or_method, expected", ttc.Error)


@pytest.mark.parametrize(
    "batch, message",
    [
        (0, "batch is 0, expected None (dynamic) or an int of at least 1"),
        (2.0, "batch is 2.0, expected None"),
        (5, "batch is 5, but the leading dimension of the example inputs, of shapes [(2, 3)], is "
            "no batch of this model"),
    ],
)
@pytest.mark.parametrize("use", [export_model, ttc.compile])
def test_batches(batch, message, use):
    with pytest.raises(ttc.Error, match=re.escape(message)):
        use(nn.Sequential(tt.snn.LI(2, dim=0)).eval(), X, *(["net"] * (use is export_model)),
            batch=batch)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"target": "tpu"}, "the target 'tpu' is not supported; use target='cpu', 'cuda' or 'cpu,cuda'"),
        ({"dtype": torch.int8}, "the dtype torch.int8 is not supported; use torch.float32 or"),
    ],
)
def test_compile_options(options, message):
    with pytest.raises(ttc.UnsupportedError, match=re.escape(message)):
        ttc.compile(nn.ReLU().eval(), X, **options)
