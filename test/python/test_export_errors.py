"""Whether a model that cannot be exported is refused by name."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re

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


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Own(tt.snn.Layer):
    def __init__(self):
        super().__init__(3)
        self._initialize_state("mem")

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    "layer, message",
    [
        (nn.Conv1d(2, 2, 1), "'0' (Conv1d) is a layer that ttc does not export; it exports"),
        (nn.Sequential(nn.BatchNorm1d(3)), "'0.0' (BatchNorm1d) is a layer that ttc does not"),
        (tt.rnn.LSTM(3, 3), "'0' (LSTM) is a layer that ttc does not export"),
        (nn.LSTM(3, 3), "'0' (LSTM) is a layer that ttc does not export"),
        (Own(), "'0' (Own) is a layer that ttc does not export"),
        (nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)),
         "'0' (ParametrizedLinear) has no parameter 'weight' of its own; remove parametrizations"),
        (nn.Softplus(beta=2), "'0' (Softplus) has beta=2, and only beta=1 is supported"),
        (nn.Hardtanh(0, 1), "'0' (Hardtanh) has min_val=0, and only min_val=-1 is supported"),
        (tt.snn.LIB(3, spike_fn=torch.relu),
         "the spike function '_VariableFunctionsClass.relu' of '0' (LIB) is not supported; use "
         "sigmoid4x, sigmoid, or a Heaviside step that is 1 at 0"),
        (tt.snn.LIB(3, spike_fn=lambda v: (v > 0).float()), "of '0' (LIB) is not supported"),
        (tt.snn.LIB(3, quant_fn=tt.functional.stochastic_round_ste()),
         "the quantizer 'stochastic_round_ste' of '0' (LIB) is not supported; use the identity, "
         "torch.round or round_ste(step)"),
        (tt.snn.LIB(3, quant_fn=tt.functional.probabilistic_ste()),
         "the quantizer 'probabilistic_ste' of '0' (LIB) is not supported"),
        (tt.snn.LIB(3, quant_fn=tt.functional.round_ste(-1.0)),
         "the quantizer 'round_ste' of '0' (LIB) is not supported"),
    ],
)
def test_layers(layer, message):
    refuses(nn.Sequential(layer), X, message)


def test_a_subclass_with_a_forward_of_its_own():
    # It is a module like any other: traced through, down to what ttc does not know.
    refuses(nn.Sequential(Doubled(3, 3)), X,
            "the forward computes with the tensor '0.weight' itself; only layers may own")


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda m, x: x * 0.5,
         "'mul' in the forward is applied to the float 0.5, expected a tensor computed from the "
         "model's inputs; fold constants into a layer's weights"),
        (lambda m, x: 1 - x, "'sub' in the forward is applied to the int 1"),
        (lambda m, x: torch.exp(x), "'exp' in the forward is not supported"),
        (lambda m, x: x.cumsum(1), "'Tensor.cumsum' in the forward is not supported"),
        (lambda m, x: x.t().reshape(3, 2), "'Tensor.t' in the forward is not supported"),
        (lambda m, x: x.view(x.shape[0], 3, 1),
         "'Tensor.view' in the forward makes shape (2, 3, 1) of (2, 3); only merging"),
        (lambda m, x: x.chunk(3, 1)[0], "'Tensor.chunk' in the forward makes several tensors"),
        (lambda m, x: x + m.weight, "the forward computes with the tensor 'weight' itself"),
        (lambda m, x: F.dropout(x), "'dropout' in the forward is active in eval mode too"),
        (lambda m, x: torch.add(x, x, alpha=2), "'add' in the forward has options"),
        (lambda m, x: x if x.sum() > 0 else -x,
         "the forward of the model (Calls) cannot be traced"),
        (lambda m, x: torch.stack([x for x in x]), "cannot be traced"),
        (lambda m, x: nn.ReLU()(x),
         "the forward calls a ReLU that is no attribute of the model"),
        (lambda m, x: {"y": torch.relu(x)},
         "the forward returns dict, expected a tensor"),
        (lambda m, x: None, "the output of the forward is applied to the NoneType None"),
        (lambda m, x: x.relu().double(),
         "'Tensor.double' in the forward makes a tensor of float64"),
        (lambda m, x: m.lib(x).relu_(),
         "'Tensor.relu_' in the forward changes the output of 'lib' in place"),
        (lambda m, x: torch.add(F.relu(x, inplace=True), x), "changes a tensor in place"),
    ],
)
def test_forwards(function, message):
    model = Calls(function, weight=nn.Parameter(torch.ones(3)), lib=tt.snn.LIB(3))
    refuses(model, X, message)


def test_a_layer_whose_result_is_taken_apart():
    model = Calls(lambda m, x: m.lstm(x)[0].relu().flatten(1), lstm=nn.LSTM(3, 3))
    refuses(model, X, "'lstm' (LSTM) is a layer that ttc does not export")


def test_tensors_of_different_shapes():
    model = Calls(lambda m, x: x + m.linear(x), linear=nn.Linear(3, 1))
    refuses(model, X, "'add' in the forward combines tensors of shapes (2, 3) and (2, 1)")


def test_state_outside_of_a_layer():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = None

        def forward(self, x):
            if self.last is not None:
                x = x + self.last
            self.last = x
            return torch.relu(x)

    refuses(Model(), X, "the model (Model) keeps a value of its forward in the attribute 'last'")


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
    model = nn.Sequential(tt.snn.LI(3))
    model[0].raw_beta = nn.Parameter(model[0].raw_beta.double())
    refuses(model, X, "'0' in the forward makes a tensor of float64")
    linear = nn.Linear(3, 3, bias=False).half()
    refuses(nn.Sequential(linear), X, "'0' (Linear) does not take the example", ttc.Error)


@pytest.mark.parametrize(
    "example, message",
    [
        ([1.0], "example input 0 is a float, expected a torch.Tensor"),
        ("x", "the example input is a str, expected a tensor or a tuple of tensors"),
        ((), "the example input is a tuple, expected a tensor or a tuple of tensors"),
        (torch.zeros(2, 3).double(), "example input 0 is float64, expected float32"),
        (torch.tensor(1.0), "example input 0 has shape (), expected at least one dimension"),
        (torch.zeros(0, 3), "example input 0 has shape (0, 3), expected at least one dimension"),
        ((X, X), "cannot be called with 2 example inputs: too many positional arguments"),
        (torch.zeros(2, 4),
         "'0' (Linear) does not take the example: for inputs of shapes [(2, 4)]"),
    ],
)
def test_examples(example, message):
    refuses(nn.Sequential(nn.Linear(3, 3)), example, message, ttc.Error)


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
        ({"target": "tpu"}, "the target 'tpu' is not supported; use target='cpu'"),
        ({"dtype": torch.float16}, "the dtype torch.float16 is not supported; use torch.float32"),
    ],
)
def test_compile_options(options, message):
    with pytest.raises(ttc.UnsupportedError, match=re.escape(message)):
        ttc.compile(nn.ReLU().eval(), X, **options)
