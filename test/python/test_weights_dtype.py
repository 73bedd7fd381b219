"""Are weights kept in fewer bits what they should be, in every form of a product?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy

import pytest
import torch
import tracetorch as tt
import ttc
from small_model import Net, refuses
from torch import nn
from ttc import toolchain

NARROW = [torch.bfloat16, torch.float16, torch.int8]
TINY = torch.finfo(torch.float32).tiny


class Gated(tt.Model):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(40, 72), tt.snn.LIB(72), tt.rnn.GRU(72, 48), nn.Linear(48, 20),
        )

    def forward(self, x):
        return self.net(x)


class Firing(tt.Model):
    """Hard events, so that products take the form over active inputs alone."""

    def __init__(self):
        super().__init__()
        fires = tt.functional.round_ste()
        self.net = nn.Sequential(
            nn.Linear(90, 300), tt.snn.LIB(300, quant_fn=fires, threshold=2.0),
            nn.Linear(300, 10), tt.snn.LI(10),
        )

    def forward(self, x):
        return self.net(x)


def with_exact_weights(model, dtype):
    """A copy whose matrices the type can have: computed with, they give the bits of f32.

    In eight bits that takes a scale that is a power of two: each row of a matrix, and of every
    part of one that is packed by itself, has a weight of 127 times it.
    """
    model = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2:
                continue
            if dtype is not torch.int8:
                parameter.copy_(parameter.to(dtype))
                continue
            parameter.copy_(torch.randint(-127, 128, parameter.shape) / 1024)
            parameter[:, 0] = parameter[:, -1] = 127 / 1024
    return model


def quantized(weight):
    """The matrix that is stored in eight bits, and the scale of each row."""
    scale = (weight.abs().amax(-1, keepdim=True) / 127).clamp_min(TINY)
    return torch.round(weight / scale) * scale, scale


def same_states(a, b):
    a, b = a.save_states(), b.save_states()
    return a.keys() == b.keys() and all(
        a[key].dtype is torch.float32 and torch.equal(a[key], b[key]) for key in a
    )


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("make, percent", [(Gated, 100), (Firing, 100), (Firing, 10)])
def test_exact_weights_give_the_bits_of_f32(dtype, make, percent):
    model = with_exact_weights(make().eval(), dtype)
    xs = torch.randn(30, 17, model.net[0].in_features)
    xs *= torch.rand(xs.shape) * 100 < percent
    wide = ttc.compile(model, xs[0])
    narrow = ttc.compile(model, xs[0], weights_dtype=dtype)
    for batch in (1, 3, 17):
        x = xs[:, :batch].contiguous()
        wide.zero_states(), narrow.zero_states()
        assert torch.equal(narrow.run(x), wide.run(x))
        assert same_states(narrow, wide)


@pytest.mark.parametrize("batch", [None, 17])
@pytest.mark.parametrize("make", [Gated, Firing])
def test_all_forms_have_the_same_bits(make, batch):
    model = make().eval()
    xs = torch.randn(30, 17, model.net[0].in_features)
    xs[::2] *= torch.rand(xs[::2].shape) < 0.1
    whole = ttc.compile(model, xs[0], batch=batch, weights_dtype=torch.int8)
    ys = whole.run(xs)
    whole.zero_states()
    assert torch.equal(torch.stack([whole(x) for x in xs]), ys)
    single = ttc.compile(model, xs[0, :1], weights_dtype=torch.int8)
    for row in (0, 2, 16):
        single.zero_states()
        assert torch.equal(single.run(xs[:, row:row + 1].contiguous()), ys[:, row:row + 1])
    for rows in (slice(0, 3), slice(4, 17)):
        single.zero_states()
        assert torch.equal(single.run(xs[:, rows].contiguous()), ys[:, rows])


@pytest.mark.parametrize("inputs, outputs", [(1, 1), (7, 5), (64, 10), (100, 40), (256, 256)])
def test_a_product_is_off_by_half_a_scale_an_input(inputs, outputs):
    layer = nn.Linear(inputs, outputs).eval()
    x = torch.randn(17, inputs)
    found = ttc.compile(layer, x, weights_dtype=torch.int8)(x).double()
    weight, scale = quantized(layer.weight.detach())
    stored = x.double() @ weight.double().T + layer.bias.detach().double()
    # What is left is the rounding of a sum in f32, of at most so many terms.
    magnitude = x.double().abs() @ weight.double().abs().T + layer.bias.detach().abs()
    assert ((found - stored).abs() <= (inputs + 4) * 2.0**-24 * magnitude).all()
    exact = x.double() @ layer.weight.detach().double().T + layer.bias.detach().double()
    most = 0.5001 * scale.T * x.abs().sum(-1, keepdim=True)
    assert ((found - exact).abs() <= most + inputs * 2.0**-23 * magnitude).all()


def test_rows_of_any_magnitude():
    layer = nn.Linear(50, 6).eval()
    with torch.no_grad():
        layer.weight[0] = 0.0
        layer.weight[1] *= 1e-37  # scales are normal numbers: these are multiples of the least
        layer.weight[2] *= 1e30
        layer.weight[3, 7] = float("nan")
        layer.weight[4, 7] = float("-inf")
    bias = layer.bias.detach()
    compiled = ttc.compile(layer, torch.zeros(2, 50), weights_dtype=torch.int8)
    # Whether few inputs are active or many.
    for x in (torch.randn(3, 50), torch.randn(1, 50) * (torch.arange(50) == 3)):
        y = compiled(x)
        assert torch.equal(y[:, 0], bias[0].expand(len(x)))
        assert torch.equal(y[:, 1], bias[1].expand(len(x)))  # as of f32: far below its last place
        weight, scale = quantized(layer.weight[2].detach())
        most = 0.5001 * scale.double() * x.double().abs().sum(-1) + 1e25
        assert ((y[:, 2].double() - x.double() @ layer.weight[2].double()).abs() <= most).all()
        assert y[:, 3:5].isnan().all() and not y[:, 5].isnan().any()


def test_a_weight_too_large_for_16_bits_is_not_left_out_with_an_input_of_zero():
    layer = nn.Linear(64, 4).eval()
    with torch.no_grad():
        layer.weight[0, 7] = 1e5
    x = (torch.arange(64) == 3).float()[None]
    y = ttc.compile(layer, x, weights_dtype=torch.float16)(x)
    assert y[0, 0].isnan() and y[0, 1:].isfinite().all()


def test_embedded_and_loaded_weights_have_the_same_bits(tmp_path):
    model = Net().eval()
    xs = torch.randn(20, 3, 3)
    ttc.export(model, xs[0], tmp_path / "net")
    weights = tmp_path / "net.safetensors"
    for dtype, name in ((torch.int8, "int8"), (torch.float16, "f16")):
        loaded, embedded = tmp_path / f"{name}.so", tmp_path / f"{name}-weights.so"
        options = [f"--weights-storage={name}"]
        toolchain.run_driver(tmp_path / "net.mlir", loaded, options)
        toolchain.run_driver(
            tmp_path / "net.mlir", embedded, [*options, "--weights", str(weights)]
        )
        ys = ttc.load(loaded, weights).run(xs)
        assert torch.equal(ttc.load(embedded).run(xs), ys)
        assert torch.equal(ttc.compile(model, xs[0], weights_dtype=dtype).run(xs), ys)


def test_states_move_between_models_that_differ_in_their_weights_storage(tmp_path):
    model = Net().eval()
    xs = torch.randn(12, 2, 3)
    wide = ttc.compile(model, xs[0])
    wide.run(xs[:6])
    wide.save_states_file(tmp_path / "wide.safetensors")
    for dtype in NARROW:
        narrow = ttc.compile(model, xs[0], weights_dtype=dtype)
        narrow.load_states_file(tmp_path / "wide.safetensors")
        assert narrow.timestep == 6 and same_states(narrow, wide)
        narrow.run(xs[6:])
        narrow.save_states_file(tmp_path / "narrow.safetensors")
        other = ttc.compile(model, xs[0])
        other.load_states_file(tmp_path / "narrow.safetensors")
        assert other.timestep == 12 and same_states(other, narrow)
    # Not where the states themselves are of another type.
    short = ttc.compile(model, xs[0], dtype=torch.bfloat16)
    with refuses("wide.safetensors"):
        short.load_states_file(tmp_path / "wide.safetensors")


def test_states_may_be_short_and_weights_not():
    model, x = Net().eval(), torch.randn(2, 3)
    narrow = ttc.compile(model, x, dtype=torch.bfloat16, weights_dtype=torch.float32)
    assert torch.equal(narrow(x), ttc.compile(model, x)(x)), "states begin as zeros"
    assert {state.dtype for state in narrow.save_states().values()} == {torch.bfloat16}


def test_other_weights_can_be_loaded():
    model, x = Net().eval(), torch.randn(2, 3)
    compiled = ttc.compile(model, x, weights_dtype=torch.int8)
    other = Net().eval()
    compiled.load_state_dict(other.state_dict())
    assert torch.equal(compiled(x), ttc.compile(other, x, weights_dtype=torch.int8)(x))


def test_refused():
    model, x = nn.Linear(4, 3).eval(), torch.zeros(2, 4)
    with refuses("computes in f64: narrower states or weights would give that up"):
        ttc.compile(model, x, dtype=torch.float64, weights_dtype=torch.int8)
    with refuses("the weights_dtype torch.uint8 is not supported; use"):
        ttc.compile(model, x, weights_dtype=torch.uint8)
