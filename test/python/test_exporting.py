"""Whether modules become the model IR and the weights that they should."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy
import operator
import textwrap

import pytest
import safetensors.torch
import torch
import tracetorch as tt
import ttc
from torch import nn
from torch.nn import functional as F
from ttc.exporting import export_model

ALL_NEURONS = [name for name in tt.snn.__all__ if name != "Layer"]


class Calls(nn.Module):
    """A module whose forward is the given function."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.function(self, x)


def exported(model, *examples, **options):
    return export_model(model.eval(), examples, "net", **options)


def body(model, *examples, **options):
    """The lines between the model's first and its last."""
    lines = exported(model, *examples, **options).text.splitlines()[1:-1]
    return "\n".join(line.strip() for line in lines)


def expect(text):
    return textwrap.dedent(text).strip()


# Whole models.


def test_a_classifier():
    model = nn.Sequential(
        nn.Linear(64, 128),
        tt.snn.LIB(128, quant_fn=tt.functional.round_ste()),
        nn.Linear(128, 10, bias=False),
        tt.snn.DSRLITS(10, bias_rank=0, quant_fn=tt.functional.round_ste(0.5)),
    )
    assert exported(model, torch.zeros(4, 64)).text == expect("""
        ttc.model @net(%input: tensor<?x64xf32> {ttc.name = "input"}) -> tensor<?x10xf32> {
          %0 = ttc.linear "0" (%input) : tensor<?x64xf32> -> tensor<?x128xf32>
          %1 = ttc.neuron LIB "1" (%0) quant(round) : tensor<?x128xf32>
          %2 = ttc.linear "2" (%1) no_bias : tensor<?x128xf32> -> tensor<?x10xf32>
          %3 = ttc.neuron DSRLITS "3" (%2) quant(round, 0.5) scalar(["bias"]) : tensor<?x10xf32>
          ttc.return %3 : tensor<?x10xf32>
        }
    """) + "\n"


def test_several_inputs_and_outputs():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.lib = tt.snn.LIB(3)

        def forward(self, left, right=None, gain=2):
            assert gain == 2
            return self.lib(left), left - right

    first, *lines = exported(Model(), torch.zeros(2, 3), torch.zeros(2, 3)).text.splitlines()
    assert first == (
        'ttc.model @net(%left: tensor<?x3xf32> {ttc.name = "left"}, '
        '%right: tensor<?x3xf32> {ttc.name = "right"}) -> (tensor<?x3xf32>, tensor<?x3xf32>) {'
    )
    assert lines == [
        '  %0 = ttc.neuron LIB "lib" (%left) : tensor<?x3xf32>',
        "  %1 = arith.subf %left, %right : tensor<?x3xf32>",
        "  ttc.return %0, %1 : tensor<?x3xf32>, tensor<?x3xf32>",
        "}",
    ]


def test_a_model_that_is_one_layer_has_the_path_layer():
    result = exported(tt.snn.LIB(3), torch.zeros(2, 3))
    assert '%0 = ttc.neuron LIB "layer" (%x) : tensor<?x3xf32>' in result.text
    assert list(result.weights) == ["layer.raw_beta", "layer.raw_threshold", "layer.raw_bias"]
    assert list(result.state_dict) == ["raw_beta", "raw_threshold", "raw_bias"]


@pytest.mark.parametrize("name", ["a-b", "7", "x.y", "ünit"])
def test_names_become_symbols(name):
    text = export_model(nn.ReLU().eval(), torch.zeros(2, 3), name).text
    symbol = {"a-b": "a_b", "7": "_7", "x.y": "x_y", "ünit": "_nit"}[name]
    assert text.startswith(f"ttc.model @{symbol}(")


# Layers.


@pytest.mark.parametrize("kind", ALL_NEURONS)
def test_every_neuron(kind):
    layer = getattr(tt.snn, kind)(5)
    result = exported(nn.Sequential(layer), torch.zeros(2, 5))
    assert f'%0 = ttc.neuron {kind} "0" (%input) : tensor<?x5xf32>' in result.text
    assert set(result.weights) == {f"0.{name}" for name in layer.state_dict()}


@pytest.mark.parametrize(
    "dim, shape, type",
    [
        (-1, (2, 3, 4), "tensor<?x3x4xf32>"),
        (-2, (2, 3, 4), "tensor<?x3x4xf32>"),
        (1, (2, 3, 4), "tensor<?x3x4xf32>"),
        (2, (2, 3, 4), "tensor<?x3x4xf32>"),
        (-3, (2, 3, 4), "tensor<2x3x4xf32>"),
        (0, (2, 3, 4), "tensor<2x3x4xf32>"),
        (-1, (4,), "tensor<4xf32>"),
        (0, (4,), "tensor<4xf32>"),
    ],
)
def test_dim_and_the_dynamic_batch(dim, shape, type):
    spelled = "" if dim == -1 else f" dim({dim})"
    assert body(nn.Sequential(tt.snn.LI(shape[dim], dim=dim)), torch.zeros(shape)) == expect(f"""
        %0 = ttc.neuron LI "0" (%input){spelled} : {type}
        ttc.return %0 : {type}
    """)


@pytest.mark.parametrize(
    "layer, line",
    [
        (nn.ReLU(), "relu (%input)"),
        (nn.ReLU(inplace=True), "relu (%input)"),
        (nn.LeakyReLU(0.2), "leaky_relu (%input) alpha(0.2)"),
        (nn.LeakyReLU(1e-5), "leaky_relu (%input) alpha(1.0e-05)"),
        (nn.ELU(2), "elu (%input) alpha(2.0)"),
        (nn.GELU(), "gelu (%input)"),
        (nn.GELU("tanh"), "gelu_tanh (%input)"),
        (nn.SiLU(), "silu (%input)"),
        (nn.Tanh(), "tanh (%input)"),
        (nn.Sigmoid(), "sigmoid (%input)"),
        (nn.Softplus(), "softplus (%input)"),
        (nn.Hardtanh(), "hardtanh (%input)"),
    ],
)
def test_activation_layers(layer, line):
    assert body(nn.Sequential(layer), torch.zeros(2, 3)).startswith(
        f"%0 = ttc.activation {line} : tensor<?x3xf32>"
    )


@pytest.mark.parametrize("layer", [nn.Identity(), nn.Dropout(), nn.AlphaDropout()])
def test_layers_that_change_nothing(layer):
    model = nn.Sequential(layer, nn.Tanh())
    assert body(model, torch.zeros(2, 3)).startswith("%0 = ttc.activation tanh (%input)")


@pytest.mark.parametrize(
    "layer, shape, line",
    [
        (nn.Flatten(), (2, 3, 4, 5),
         "(%input) dims(1, -1) : tensor<?x3x4x5xf32> -> tensor<?x60xf32>"),
        (nn.Flatten(2, 3), (2, 3, 4, 5),
         "(%input) dims(2, -1) : tensor<?x3x4x5xf32> -> tensor<?x3x20xf32>"),
        (nn.Flatten(0), (3, 4), "(%input) dims(0, -1) : tensor<3x4xf32> -> tensor<12xf32>"),
    ],
)
def test_flatten(layer, shape, line):
    assert body(nn.Sequential(layer), torch.zeros(shape)).startswith(f"%0 = ttc.flatten {line}")


def test_a_subclass_that_computes_the_same_is_its_base():
    class Renamed(tt.snn.LIB):
        pass

    assert "ttc.neuron LIB" in body(nn.Sequential(Renamed(3)), torch.zeros(2, 3))


# Spike functions and quantizers.


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).float()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


@pytest.mark.parametrize(
    "function, kind",
    [
        (tt.functional.sigmoid4x, None),
        (lambda v: torch.sigmoid(4 * v), None),
        (torch.sigmoid, "sigmoid"),
        (F.sigmoid, "sigmoid"),
        (nn.Sigmoid(), "sigmoid"),
        (lambda v: torch.heaviside(v, torch.tensor(1.0)), "heaviside"),
        (lambda v: torch.heaviside(v, torch.ones_like(v)), "heaviside"),
        (lambda v: (v >= 0).float(), "heaviside"),
        (lambda v: (v >= 0).to(v.dtype), "heaviside"),
        (lambda v: torch.where(v >= 0, 1.0, 0.0), "heaviside"),
        (Step.apply, "heaviside"),
    ],
)
def test_spike_functions(function, kind):
    spelled = "" if kind is None else f" spike({kind})"
    line = f'%0 = ttc.neuron LIB "0" (%input){spelled} : tensor<?x3xf32>'
    assert line in body(nn.Sequential(tt.snn.LIB(3, spike_fn=function)), torch.zeros(2, 3))


@pytest.mark.parametrize(
    "function, spelled",
    [
        (nn.Identity(), ""),
        (lambda v: v, ""),
        (torch.round, " quant(round)"),
        (tt.functional.stochastic_round_ste(), " quant(stochastic_round)"),
        (tt.functional.stochastic_round_ste(0.5), " quant(stochastic_round, 0.5)"),
        (tt.functional.probabilistic_ste(), " quant(probabilistic)"),
        (tt.functional.round_ste(), " quant(round)"),
        (tt.functional.round_ste(0.25), " quant(round, 0.25)"),
        (tt.functional.round_ste(1e-6), " quant(round, 1.0e-06)"),
    ],
)
def test_quantizers(function, spelled):
    line = f'%0 = ttc.neuron LIB "0" (%input){spelled} : tensor<?x3xf32>'
    assert line in body(nn.Sequential(tt.snn.LIB(3, quant_fn=function)), torch.zeros(2, 3))


# What a forward may do.


@pytest.mark.parametrize(
    "function, line",
    [
        (lambda m, x: torch.relu(x), "ttc.activation relu (%x)"),
        (lambda m, x: x.relu(), "ttc.activation relu (%x)"),
        (lambda m, x: F.relu(x, inplace=True), "ttc.activation relu (%x)"),
        (lambda m, x: F.leaky_relu(x, 0.5), "ttc.activation leaky_relu (%x) alpha(0.5)"),
        (lambda m, x: F.leaky_relu(x), "ttc.activation leaky_relu (%x) alpha(0.01)"),
        (lambda m, x: F.elu(input=x), "ttc.activation elu (%x) alpha(1.0)"),
        (lambda m, x: F.gelu(x, approximate="tanh"), "ttc.activation gelu_tanh (%x)"),
        (lambda m, x: F.silu(x), "ttc.activation silu (%x)"),
        (lambda m, x: torch.sigmoid(x), "ttc.activation sigmoid (%x)"),
        (lambda m, x: x.sigmoid(), "ttc.activation sigmoid (%x)"),
        (lambda m, x: torch.tanh(x), "ttc.activation tanh (%x)"),
        (lambda m, x: F.softplus(x), "ttc.activation softplus (%x)"),
        (lambda m, x: F.hardtanh(x), "ttc.activation hardtanh (%x)"),
        (lambda m, x: x + x, "arith.addf %x, %x"),
        (lambda m, x: x - x, "arith.subf %x, %x"),
        (lambda m, x: x * x, "arith.mulf %x, %x"),
        (lambda m, x: x / x, "arith.divf %x, %x"),
        (lambda m, x: torch.add(x, x), "arith.addf %x, %x"),
        (lambda m, x: operator.add(x, x), "arith.addf %x, %x"),
        (lambda m, x: x.mul(x), "arith.mulf %x, %x"),
    ],
)
def test_operations(function, line):
    assert body(Calls(function), torch.zeros(2, 3)).startswith(f"%0 = {line} : tensor<?x3xf32>")


@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: x.flatten(1),
        lambda m, x: torch.flatten(x, start_dim=1),
        lambda m, x: x.view(x.shape[0], -1),
        lambda m, x: x.view(x.size(0), 12),
        lambda m, x: x.reshape(-1, 12),
        lambda m, x: torch.reshape(x, (x.size(0), -1)),
    ],
)
def test_spellings_of_flatten(function):
    line = body(Calls(function), torch.zeros(2, 3, 4)).splitlines()[0]
    assert line.startswith("%0 = ttc.flatten (%x) dims(1, ")
    assert line.endswith(": tensor<?x3x4xf32> -> tensor<?x12xf32>")


@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: x.contiguous(),
        lambda m, x: x.clone().detach().float(),
        lambda m, x: x.view(x.shape),
        lambda m, x: F.dropout(x, 0.5, m.training),
    ],
)
def test_operations_that_change_nothing(function):
    assert body(Calls(function), torch.zeros(2, 3)) == "ttc.return %x : tensor<?x3xf32>"


def test_the_same_layer_twice_is_one_set_of_weights():
    model = Calls(lambda m, x: m.lib(m.lib(x)), lib=tt.snn.LIB(3))
    result = exported(model, torch.zeros(2, 3))
    assert result.text.count('ttc.neuron LIB "lib"') == 2
    assert list(result.weights) == ["lib.raw_beta", "lib.raw_threshold", "lib.raw_bias"]


def test_the_same_layer_under_two_names_has_the_first():
    lib = tt.snn.LIB(3)
    model = Calls(lambda m, x: m.b(m.a(x)), a=lib, b=lib)
    result = exported(model, torch.zeros(2, 3))
    assert result.text.count('ttc.neuron LIB "a"') == 2
    assert result.aliases == {"b": "a"}
    assert set(result.state_dict) == set(model.state_dict())


def test_layers_in_plain_python_attributes():
    class Holder:
        def __init__(self):
            self.layer = tt.snn.LI(3)

    model = Calls(
        lambda m, x: m.holder.layer(m.named["key"](m.ls[1][0](m.ls[0](x)))),
        ls=[tt.snn.LI(3), (tt.snn.LIB(3),)],
        named={"key": nn.Linear(3, 3)},
        holder=Holder(),
    )
    result = exported(model, torch.zeros(2, 3))
    for path in ('LI "ls[0]"', 'LIB "ls[1][0]"', 'linear "named[key]"', 'LI "holder.layer"'):
        assert path in result.text
    assert "ls[1][0].raw_beta" in result.weights


def test_unused_layers_are_in_the_state_dict_only():
    model = Calls(lambda m, x: m.used(x), used=tt.snn.LI(3), unused=nn.Linear(3, 3))
    result = exported(model, torch.zeros(2, 3))
    assert list(result.weights) == ["used.raw_beta"]
    assert set(result.state_dict) == set(model.state_dict())


def test_a_stateful_layer_whose_output_is_unused_stays():
    def forward(m, x):
        m.lib(x)
        return torch.relu(x)

    assert 'ttc.neuron LIB "lib"' in body(Calls(forward, lib=tt.snn.LIB(3)), torch.zeros(2, 3))


def test_raw_and_compiled_parameters():
    model = nn.Sequential(tt.snn.LIB(3), tt.snn.LI(3))
    model[1].TTcompile()
    result = exported(model, torch.zeros(2, 3))
    assert list(result.weights) == [
        "0.raw_beta", "0.raw_threshold", "0.raw_bias", "1.beta"
    ]
    assert torch.equal(result.weights["1.beta"], torch.full((3,), 0.9))


@pytest.mark.parametrize("batch, size", [(None, "?"), (1, "1"), (7, "7")])
def test_batch(batch, size):
    text = exported(nn.Sequential(tt.snn.LI(3)), torch.zeros(4, 3), batch=batch).text
    assert f"tensor<{size}x3xf32>" in text


# What stays as it was.


def test_the_model_is_left_as_it_is():
    calls = []
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), tt.snn.DSRLITS(3))
    model.register_forward_hook(lambda *arguments: calls.append(arguments))
    model[0].register_forward_hook(lambda *arguments: calls.append(arguments))
    for _ in range(2):
        model(torch.randn(2, 3))  # leaves states that carry a gradient's history
    states = {name: getattr(model[2], name) for name in model[2]._state_names}
    before, attributes = copy.deepcopy(model.state_dict()), [set(vars(m)) for m in model.modules()]
    calls.clear()

    with pytest.warns(UserWarning, match="is in training mode; it is exported as in eval mode"):
        export_model(model, torch.zeros(2, 3), "net")

    assert not calls
    assert all(module.training for module in (model, *model))
    assert all(getattr(model[2], name) is state for name, state in states.items())
    assert [set(vars(module)) for module in model.modules()] == attributes
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


# Files.


def test_files(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), tt.snn.LIB(4, beta_rank=0)).eval()
    ttc.export(model, torch.zeros(2, 3), tmp_path / "net")
    ttc.export(model, torch.zeros(5, 3), str(tmp_path / "again" / "net").replace("again/", "b."))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "b.net.mlir", "b.net.safetensors", "net.mlir", "net.safetensors"
    ]
    for suffix in ("mlir", "safetensors"):
        first = (tmp_path / f"net.{suffix}").read_bytes()
        second = (tmp_path / f"b.net.{suffix}").read_bytes()
        assert first.replace(b"@net", b"@b_net") == second
    weights = safetensors.torch.load_file(tmp_path / "net.safetensors")
    assert {key: tuple(tensor.shape) for key, tensor in weights.items()} == {
        "0.weight": (4, 3), "0.bias": (4,),
        "1.raw_beta": (), "1.raw_threshold": (4,), "1.raw_bias": (4,),
    }
    assert all(torch.equal(weights[key], model.state_dict()[key]) for key in weights)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ttc.Error, match=r"net.safetensors' cannot be written: No such file"):
        ttc.export(nn.ReLU().eval(), torch.zeros(2, 3), tmp_path / "missing" / "net")
