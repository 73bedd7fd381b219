"""Do products in bf16 multiply the rounded numbers and sum in f32, in every form?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
import tracetorch as tt
import ttc
from small_model import refuses
from torch import nn
from torch.nn.utils import parametrize

BF16 = torch.bfloat16


def firing(inputs, hidden, outputs):
    fires = tt.functional.round_ste()
    return nn.Sequential(
        nn.Linear(inputs, hidden), tt.snn.LIB(hidden, quant_fn=fires, threshold=2.0),
        nn.Linear(hidden, outputs), tt.snn.LI(outputs),
    )


MODELS = {
    "gated": (40, lambda: nn.Sequential(
        nn.Linear(40, 72), tt.snn.LIB(72), tt.rnn.GRU(72, 48), nn.Linear(48, 20))),
    "PyTorch's cells": (64, lambda: nn.Sequential(
        nn.Linear(64, 50), nn.Tanh(), nn.GRUCell(50, 38), nn.Linear(38, 33))),
    "state spaces": (48, lambda: nn.Sequential(
        nn.Linear(48, 64), tt.ssm.S6(64), tt.ssm.Mamba(64), nn.Linear(64, 7))),
    "firing": (90, lambda: firing(90, 300, 10)),
    "narrow and odd": (34, lambda: firing(34, 35, 33)),
}


class Model(tt.Model):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)


def make(name):
    inputs, layers = MODELS[name]
    return Model(layers()).eval(), inputs


def same_states(a, b):
    a, b = a.save_states(), b.save_states()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("batch", [1, 3, 17])
@pytest.mark.parametrize("inputs, outputs", [(32, 1), (34, 5), (64, 10), (100, 40), (256, 300)])
def test_a_product_multiplies_rounded_numbers_and_sums_in_f32(inputs, outputs, batch):
    layer = nn.Linear(inputs, outputs).eval()
    x = torch.randn(batch, inputs)
    found = ttc.compile(layer, x, products_dtype=BF16)(x).double()
    rounded, weight = x.to(BF16).double(), layer.weight.detach().to(BF16).double()
    bias = layer.bias.detach().double()
    magnitude = rounded.abs() @ weight.abs().T + bias.abs()
    assert ((found - (rounded @ weight.T + bias)).abs() <= (inputs + 4) * 2.0**-24 * magnitude).all()
    assert not torch.equal(found.float(), ttc.compile(layer, x)(x)), "nothing was rounded"


@pytest.mark.parametrize("inputs", [1, 16, 31, 33, 99])
def test_few_and_odd_inputs_stay_f32(inputs):
    layer, x = nn.Linear(inputs, 20).eval(), torch.randn(4, inputs)
    assert torch.equal(ttc.compile(layer, x, products_dtype=BF16)(x), ttc.compile(layer, x)(x))


def test_an_input_that_is_not_finite():
    layer, x = nn.Linear(64, 33).eval(), torch.randn(5, 64)
    x[1, 3], x[2, 63], x[3, 0] = float("nan"), float("inf"), 3.4e38  # the last is infinite in bf16
    y = ttc.compile(layer, x, products_dtype=BF16)(x)
    assert y[1].isnan().all() and not y[2:4].isfinite().any() and y[::4].isfinite().all()


@pytest.mark.parametrize("weight", [float("inf"), float("nan"), 3.4e38])
def test_a_weight_that_is_not_finite_is_not_left_out_with_an_input_of_zero(weight):
    """The last one is infinite in bf16 alone."""
    layer = nn.Linear(64, 4).eval()
    with torch.no_grad():
        layer.weight[0, 7] = weight
    x = (torch.arange(64) == 3).float()[None]
    y = ttc.compile(layer, x, products_dtype=BF16)(x)
    assert y[0, 0].isnan() and y[0, 1:].isfinite().all()


@pytest.mark.parametrize("name", MODELS)
def test_all_forms_have_the_same_bits(name):
    """A step, a sequence, rows alone and in batches, active inputs alone and all of them."""
    model, inputs = make(name)
    all_xs = torch.randn(30, 17, inputs)
    whole = ttc.compile(model, all_xs[0], products_dtype=BF16, threads=2)
    dense = ttc.compile(model, all_xs[0], products_dtype=BF16, schedule="events=off")
    for percent in (100, 10, 1):
        xs = all_xs * (torch.rand(all_xs.shape) * 100 < percent)
        dense.zero_states()
        ys, states = dense.run(xs), dense.save_states()
        for threads in (1, 2):
            whole.set_threads(threads)
            whole.zero_states()
            assert torch.equal(whole.run(xs), ys) and same_states(whole, dense)
            whole.zero_states()
            assert torch.equal(torch.stack([whole(x) for x in xs]), ys)
        for rows in (slice(0, 1), slice(16, 17), slice(3, 5), slice(0, 13), slice(2, 16)):
            whole.zero_states()
            assert torch.equal(whole.run(xs[:, rows].contiguous()), ys[:, rows])
        # Saved in the middle, and resumed.
        whole.zero_states()
        whole.run(xs[:11])
        dense.load_states(whole.save_states())
        assert torch.equal(dense.run(xs[11:]), ys[11:])
        assert all(torch.equal(dense.save_states()[key], states[key]) for key in states)


class _Rounded(nn.Module):
    def forward(self, weight):
        return weight.to(BF16).to(weight.dtype)


def test_a_network_is_that_of_rounded_numbers():
    """Rectified, and in PyTorch with its weights and inputs rounded by hand."""
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 96), nn.ReLU(),
                          nn.Linear(96, 10)).eval()
    x = torch.randn(17, 64)
    found = ttc.compile(model, x, products_dtype=BF16)(x)
    with torch.no_grad():
        y = x.double()
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.double()
                parametrize.register_parametrization(layer, "weight", _Rounded())
                y = layer(y.float().to(BF16).double())
            else:
                y = layer(y)
    # A sum that is rounded otherwise may lie on the other side of the middle of two bf16: an input
    # of the next layer is then 2^-8 of itself elsewhere.
    assert torch.allclose(found.double(), y, rtol=2e-3, atol=2e-3)
    exact = nn.Sequential(*model)
    for layer in exact:
        if isinstance(layer, nn.Linear):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert (found.double() - exact(x.double())).abs().max() > 1e-3, "nothing was rounded"


def test_states_move_between_models_that_differ_in_their_products(tmp_path):
    model, inputs = make("gated")
    xs = torch.randn(12, 2, inputs)
    wide, narrow = ttc.compile(model, xs[0]), ttc.compile(model, xs[0], products_dtype=BF16)
    wide.run(xs[:6])
    wide.save_states_file(tmp_path / "wide.safetensors")
    narrow.load_states_file(tmp_path / "wide.safetensors")
    assert narrow.timestep == 6 and same_states(narrow, wide)
    assert torch.allclose(narrow.run(xs[6:]), wide.run(xs[6:]), atol=0.05)


@pytest.mark.parametrize("dtype", [BF16, None])
@pytest.mark.parametrize("weights_dtype", [BF16, torch.float32, None])
def test_beside_narrow_storage(dtype, weights_dtype):
    """What products read is the same, whatever the weights of others are kept in."""
    model, inputs = make("gated")
    xs = torch.randn(10, 3, inputs)
    options = {"products_dtype": BF16, "dtype": dtype}
    ys = ttc.compile(model, xs[0], weights_dtype=weights_dtype, **options).run(xs)
    assert torch.equal(ys, ttc.compile(model, xs[0], **options).run(xs))


def test_refused():
    model, x = nn.Linear(64, 3).eval(), torch.zeros(2, 64)
    with refuses("the products_dtype torch.float16 is not supported; use"):
        ttc.compile(model, x, products_dtype=torch.float16)
    with refuses("--products=bf16 rounds weights to bf16, but they are to be stored as int8"):
        ttc.compile(model, x, products_dtype=BF16, weights_dtype=torch.int8)
    with refuses("--products=tf32 is for GPUs, but the target is cpu"):
        ttc.compile(model, x, products_dtype="tf32")
    with refuses("computes in f64: products in bf16 would give that up"):
        ttc.compile(model, x, products_dtype=BF16, dtype=torch.float64)
