"""Whether layers compute, compiled, what PyTorch's and traceTorch's compute."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from agreement import compared
from torch import nn
from ttc.exporting import export_model


class Each(nn.Module):
    """Gives what each layer makes of the input."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        return [layer(x) for layer in self.layers]


def with_statistics(layer):
    """The layer with other values than a new one has."""
    for tensor in (*layer.parameters(), *layer.buffers()):
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    return layer


FAMILIES = {
    "convolutions of lines": ((2, 4, 9), [
        nn.Conv1d(4, 6, 3),
        nn.Conv1d(4, 6, 4, padding="same", bias=False),
        nn.Conv1d(4, 8, 3, 2, 1, groups=4),
        nn.Conv1d(4, 6, 3, padding="valid", dilation=2),
        nn.Conv1d(4, 6, 3, padding=1, padding_mode="circular"),
        nn.ConvTranspose1d(4, 6, 3, 2, 1, 1),
        nn.MaxPool1d(2),
        nn.AvgPool1d(3, 2, 1),
        nn.AdaptiveAvgPool1d(4),
        nn.AdaptiveMaxPool1d(2),
        nn.ZeroPad1d((1, 0)),
    ]),
    "convolutions of images": ((2, 4, 8, 7), [
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Conv2d(4, 8, (3, 2), (2, 1), (1, 0), dilation=(1, 2), groups=2),
        nn.Conv2d(4, 4, 3, groups=4, bias=False),
        nn.ConvTranspose2d(4, 6, 3, 2, groups=2),
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, dilation=2),
        nn.MaxPool2d(3, 2, 1),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d((3, None)),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(3),
        nn.Upsample(scale_factor=2),
        nn.ZeroPad2d((1, 0, 2, 0)),
        nn.PixelShuffle(2),
        nn.ConstantPad2d((1, 2, 0, 1), 3.0),
        nn.Softmax2d(),
        nn.ChannelShuffle(2),
        nn.LocalResponseNorm(3),
    ]),
    "convolutions of volumes": ((1, 2, 4, 5, 4), [
        nn.Conv3d(2, 3, 2),
        nn.MaxPool3d(2),
        nn.AvgPool3d(2, 1),
        nn.AdaptiveAvgPool3d(2),
    ]),
    "normalisations": ((3, 4, 6), [
        nn.BatchNorm1d(4),
        nn.BatchNorm1d(4, affine=False),
        nn.LayerNorm(6),
        nn.LayerNorm((4, 6), bias=False),
        nn.LayerNorm(6, elementwise_affine=False),
        nn.GroupNorm(2, 4),
        nn.GroupNorm(2, 4, affine=False),
        nn.InstanceNorm1d(4, affine=True),
        nn.InstanceNorm1d(4, track_running_stats=True),
        nn.RMSNorm(6),
        nn.RMSNorm((4, 6), eps=1e-3, elementwise_affine=False),
    ]),
    "normalisations of images": ((2, 4, 3, 3), [
        nn.BatchNorm2d(4), nn.InstanceNorm2d(4), nn.GroupNorm(4, 4),
    ]),
    "activations": ((3, 6), [
        nn.PReLU(), nn.PReLU(6), nn.GLU(), nn.Softmax(1), nn.LogSoftmax(-1), nn.Softmin(1),
        nn.CELU(2.0), nn.SELU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(), nn.LogSigmoid(),
        nn.Tanhshrink(), nn.Softsign(), nn.Softplus(2.0, 5.0), nn.Hardtanh(0, 1), nn.ReLU6(),
        nn.ELU(0.5), nn.RReLU(), nn.Threshold(0.1, 0.2), nn.Softshrink(), nn.Hardshrink(),
        nn.Unflatten(1, (2, 3)), nn.BatchNorm1d(6),
    ]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_layers(family):
    shape, layers = FAMILIES[family]
    compared(Each([with_statistics(layer) for layer in layers]), torch.randn(shape))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_embedding(dtype, shape):
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3))
    ids = torch.arange(6)[:3 * len(shape)].remainder(5).to(dtype).reshape(shape)
    compiled = compared(model, ids)
    compiled.zero_states()
    with pytest.raises(ttc.Error, match=r"'input' has the value 5 at \[0.*; 0 to 4 are"):
        compiled(torch.full_like(ids, 5))
    with pytest.raises(ttc.Error, match="is float32, expected int(64|32): convert it with"):
        compiled(ids.float())


# traceTorch's layers, whatever the dimension that they work along.


@pytest.mark.parametrize("dim", [-1, -2, -3, 1])
@pytest.mark.parametrize(
    "make",
    [
        lambda dim: tt.rnn.SimpleRNN(4, 5, dim),
        lambda dim: tt.rnn.LSTM(4, 5, dim),
        lambda dim: tt.rnn.GRU(4, 5, dim),
        lambda dim: tt.ssm.S4(4, 3, dim),
        lambda dim: tt.ssm.S5(4, 3, dim),
        lambda dim: tt.ssm.S6(4, 3, 2, dim),
        lambda dim: tt.ssm.Mamba(4, 3, dim, 2, 3),
        lambda dim: tt.ssm.Mamba(4, 3, dim, conv_kernel=1),
    ],
    ids=["SimpleRNN", "LSTM", "GRU", "S4", "S5", "S6", "Mamba", "Mamba without a convolution"],
)
def test_recurrent_and_state_space_layers(make, dim):
    shape = [2, 2, 2, 2]
    shape[dim] = 4
    model = nn.Sequential(make(dim)).eval()
    compiled = compared(model, torch.randn(shape), steps=5)
    reference = make(dim)
    reference.load_state_dict(model[0].state_dict())
    compiled.zero_states()
    x = torch.randn(shape)
    with torch.no_grad():
        for _ in range(3):
            compiled(x), reference(x)
    states = compiled.save_states()
    assert set(states) == {f"0.{name}" for name in reference._state_names}
    for key, state in states.items():
        torch.testing.assert_close(state, getattr(reference, key[2:]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer, keys",
    [
        (tt.rnn.LSTM(3, 4), ["gate_layers.weight", "gate_layers.bias"]),
        (tt.ssm.Mamba(3), ["in_proj.weight", "out_proj.weight", "conv_weights", "conv_bias",
                           "ssm_proj.weight", "dt_proj.weight", "dt_proj.bias", "A_log", "D"]),
        (nn.BatchNorm1d(3), ["weight", "bias", "running_mean", "running_var"]),
    ],
)
def test_keys(layer, keys):
    exported = export_model(nn.Sequential(layer).eval(), torch.zeros(2, 3), "net")
    assert list(exported.weights) == [f"0.{key}" for key in keys]


@pytest.mark.parametrize(
    "layer, shape, line",
    [
        (tt.rnn.LSTM(3, 4, -2), (2, 3, 5),
         'ttc.rnn lstm "0" (%input) dim(-2) : tensor<?x3x5xf32> -> tensor<?x4x5xf32>'),
        (tt.ssm.S6(3, 5, 2), (2, 3),
         'ttc.s6 "0" (%input) d_state(5) dt_rank(2) : tensor<?x3xf32> -> tensor<?x3xf32>'),
        (tt.ssm.Mamba(3, 5, 1), (2, 3),
         'ttc.mamba "0" (%input) d_state(5) dim(1) dt_rank(1) conv_kernel(4) : '
         'tensor<?x3xf32> -> tensor<?x3xf32>'),
        (nn.Conv2d(2, 4, (3, 4), 2, "valid", (1, 2), 2), (1, 2, 9, 9),
         'ttc.conv "0" (%input) kernel([3, 4]) stride([2, 2]) dilation([1, 2]) groups(2) : '
         'tensor<?x2x9x9xf32> -> tensor<?x4x4x2xf32>'),
        (nn.Conv1d(2, 4, 4, padding="same"), (1, 2, 9),
         'ttc.conv "0" (%input) kernel([4]) padding([1], [2]) : '
         'tensor<?x2x9xf32> -> tensor<?x4x9xf32>'),
        (nn.GroupNorm(2, 4, affine=False), (1, 4),
         'ttc.group_norm "0" (%input) groups(2) eps(1.0e-05) no_affine : tensor<?x4xf32>'),
        (nn.Embedding(7, 3), None, 'ttc.embedding "0" (%input) rows(7) : '
                                   'tensor<?xi64> -> tensor<?x3xf32>'),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (1, 2, 5, 5),
         'ttc.pool average (%input) kernel([3, 3]) stride([2, 2]) padding([1, 1]) '
         'exclude_padding : tensor<?x2x5x5xf32> -> tensor<?x2x3x3xf32>'),
    ],
)
def test_spelling(layer, shape, line):
    example = torch.tensor([1, 2]) if shape is None else torch.zeros(shape)
    text = export_model(nn.Sequential(layer).eval(), example, "net").text
    assert text.splitlines()[1].strip() == f"%0 = {line}"


def test_weights_of_parametrizations():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))
    compared(nn.Sequential(layer, nn.ReLU()), torch.randn(3, 6))


def test_a_module_used_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)
            self.norm = nn.LayerNorm(4)

        def forward(self, x):
            return self.linear(self.norm(self.linear(x)))

    compiled = compared(Twice(), torch.randn(3, 4))
    keys = {"linear.weight", "linear.bias", "norm.weight", "norm.bias"}
    assert set(compiled.state_dict()) == keys


# Random numbers.


@pytest.mark.parametrize(
    "quantizer, values",
    [
        (tt.functional.stochastic_round_ste(), {0.0, 1.0}),
        (tt.functional.stochastic_round_ste(0.5), {0.0, 0.5, 1.0}),
        (tt.functional.probabilistic_ste(), None),
    ],
)
def test_stochastic_quantizers(quantizer, values):
    model = nn.Sequential(tt.snn.LIB(64, quant_fn=quantizer)).eval()
    compiled = ttc.compile(model, torch.zeros(8, 64))
    xs = torch.rand(20, 8, 64)
    compiled.seed(7)
    first = compiled.run(xs)
    compiled.zero_states()
    other = compiled.run(xs)
    compiled.zero_states()
    compiled.seed(7)
    again = torch.stack([compiled(x) for x in xs])
    assert torch.equal(first, again) and not torch.equal(first, other)
    smooth = ttc.compile(nn.Sequential(tt.snn.LIB(64)).eval(), torch.zeros(8, 64))
    # Of the first step, where the states are the same, the mean is that of the probabilities.
    compiled.zero_states(), smooth.zero_states()
    x = torch.full((512, 64), 0.9)
    p = smooth(x)
    found = compiled(x)
    expected = p * p if values is None else p
    assert abs(float(found.mean() - expected.mean())) < 0.02
    if values is not None:
        assert set(found.unique().tolist()) <= values
