"""Do a GPU's matrix units multiply what is rounded to bf16 or tf32, and sum in f32, in every form?

Without a GPU the same kernels run on an emulator, whose threads take turns in an order of its own.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import importlib

import pytest
import torch
import ttc
from comparing import assert_same_bits
from conftest import FULL, SEED
from gpus import EMULATED, assemble
from random_models import seeded
from test_threads import WIDE
from test_zoo import ZOO
from torch import nn

BF16, TF32 = torch.bfloat16, "tf32"
PRODUCTS = pytest.mark.parametrize("products", [BF16, TF32], ids=["bf16", "tf32"])
FRACTION_BITS = {BF16: 7, TF32: 10}
STEPS = 3

pytestmark = pytest.mark.usefixtures("emulator")


def on_gpu(model: nn.Module, example, **options) -> ttc.CompiledModel:
    return ttc.compile(model.eval(), example, **EMULATED, **options)


def rounded(x: torch.Tensor, products) -> torch.Tensor:
    if products == BF16:
        return x.to(BF16).double()
    away_from_zero = (x.view(torch.int32) + 0x1000) & ~0x1FFF
    return away_from_zero.view(torch.float32).double()


@PRODUCTS
@pytest.mark.parametrize("batch", [1, 9, 33, 70])
@pytest.mark.parametrize("inputs, outputs", [(32, 1), (34, 5), (64, 32), (100, 41), (256, 300)])
def test_a_product_multiplies_rounded_numbers_and_sums_in_f32(inputs, outputs, batch, products):
    seeded(SEED, "gpu", "products", inputs, batch)
    layer = nn.Linear(inputs, outputs)
    x = torch.randn(batch, inputs)
    compiled = on_gpu(layer, x, products_dtype=products)
    found = compiled(x).double()
    weight, bias = rounded(layer.weight.detach(), products), layer.bias.detach().double()
    input_ = rounded(x, products)
    magnitude = input_.abs() @ weight.abs().T + bias.abs()
    error = (found - (input_ @ weight.T + bias)).abs()
    assert (error <= (inputs + 4) * 2.0**-24 * magnitude).all()
    assert not torch.equal(found.float(), on_gpu(layer, x)(x)), "nothing was rounded"


@pytest.mark.parametrize("inputs", [1, 16, 31])
@PRODUCTS
def test_few_inputs_stay_f32(inputs, products):
    layer, x = nn.Linear(inputs, 20), torch.randn(4, inputs)
    assert torch.equal(on_gpu(layer, x, products_dtype=products)(x), on_gpu(layer, x)(x))


def test_odd_inputs_are_multiplied_in_tf32_and_not_in_bf16():
    layer, x = nn.Linear(67, 20), torch.randn(4, 67)
    exact = on_gpu(layer, x)(x)
    assert torch.equal(on_gpu(layer, x, products_dtype=BF16)(x), exact)
    found = on_gpu(layer, x, products_dtype=TF32)(x)
    assert not torch.equal(found, exact) and torch.allclose(found, exact, atol=5e-3)


@PRODUCTS
def test_numbers_that_are_not_finite(products):
    layer, x = nn.Linear(72, 33), torch.randn(5, 72)
    x[1, 3], x[2, 71] = float("nan"), float("inf")
    y = on_gpu(layer, x, products_dtype=products)(x)
    assert y[1].isnan().all() and not y[2].isfinite().any() and y[[0, 3, 4]].isfinite().all()
    with torch.no_grad():
        layer.weight[7, 70] = float("nan")
    y = on_gpu(layer, x, products_dtype=products)(x)
    assert y[:, 7].isnan().all() and y[[0, 3, 4]][:, [0, 1, 6, 8, 32]].isfinite().all()


@PRODUCTS
def test_a_nan_whose_ones_are_in_its_last_bits(products):
    """Matrix units do not look at these: without them it would be infinite."""
    nan = torch.tensor([0x7F800001], dtype=torch.int32).view(torch.float32)
    layer, x = nn.Linear(64, 8), torch.randn(3, 64)
    x[1, 7] = nan
    with torch.no_grad():
        layer.weight[3, 5] = nan
    y = on_gpu(layer, x, products_dtype=products)(x)
    assert y[1].isnan().all() and y[:, 3].isnan().all() and y[[0, 2]][:, :3].isfinite().all()


@PRODUCTS
@pytest.mark.parametrize("order", ["ascending", "shuffle:3"])
@pytest.mark.parametrize("name", [name for name in WIDE if name != "stochastic"])
def test_all_forms_have_the_same_bits(name, order, products, monkeypatch):
    """A step, a sequence, rows alone and in batches, and states that were resumed."""
    monkeypatch.setenv("TTC_EMULATOR_ORDER", order)
    seeded(SEED, "gpu", "products", name)
    model = WIDE[name]()
    compiled = on_gpu(model, torch.zeros(2, 70), products_dtype=products)
    inputs = torch.randn(STEPS, 37, 70).relu()
    whole = torch.stack([compiled(x) for x in inputs])
    states = compiled.save_states()
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs), whole)
    assert_same_bits(compiled.save_states(), states, "states after run")
    for rows in (slice(0, 1), slice(36, 37), slice(5, 21)):
        compiled.zero_states()
        assert torch.equal(compiled.run(inputs[:, rows].contiguous()), whole[:, rows])
    compiled.zero_states()
    compiled.run(inputs[:1])
    middle = compiled.save_states()
    compiled.zero_states()
    compiled.load_states(middle)
    assert torch.equal(compiled.run(inputs[1:]), whole[1:])


@PRODUCTS
@pytest.mark.parametrize("name", ["gru", "lstm", "s6"])
def test_near_the_exact_products(name, products):
    """What is rounded differs by its roundings; hard events could make all of them."""
    seeded(SEED, "gpu", "products", "near", name)
    model = WIDE[name]()
    inputs = torch.randn(STEPS, 11, 70)
    found = on_gpu(model, inputs[0], products_dtype=products).run(inputs)
    exact = on_gpu(model, inputs[0]).run(inputs)
    difference = (found - exact).abs().max() / exact.abs().max()
    assert 0 < difference < 4 * 2.0 ** -FRACTION_BITS[products], difference


@pytest.mark.parametrize("weights_dtype", [BF16, torch.float16, torch.int8, torch.float32])
def test_tf32_beside_narrow_weights(weights_dtype):
    """tf32 holds all that these hold: inputs alone are rounded."""
    seeded(SEED, "gpu", "tf32", str(weights_dtype))
    layer, x = nn.Linear(96, 40), torch.randn(21, 96)
    options = {"weights_dtype": weights_dtype}
    exact_inputs = rounded(x, TF32).float()
    found = on_gpu(layer, x, products_dtype=TF32, **options)(x)
    expected = on_gpu(layer, x, **options)(exact_inputs)
    if weights_dtype == torch.float32:
        expected = nn.functional.linear(exact_inputs, rounded(layer.weight, TF32).float(), layer.bias)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_bf16_beside_weights_that_stay_f32():
    """As on a CPU: what products read is the same, whatever the weights of others are kept in."""
    seeded(SEED, "gpu", "bf16", "f32")
    layer, x = nn.Linear(96, 40), torch.randn(21, 96)
    found = on_gpu(layer, x, products_dtype=BF16, dtype=BF16, weights_dtype=torch.float32)(x)
    expected = ttc.compile(layer, x, products_dtype=BF16, dtype=BF16, weights_dtype=torch.float32)(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_cpu_beside_it_multiplies_f32():
    seeded(SEED, "gpu", "cpu beside")
    layer, x = nn.Linear(96, 40).eval(), torch.randn(21, 96)
    expected = {"cpu,cuda": ttc.compile(layer, x)(x),
                "cuda,cpu": on_gpu(layer, x, products_dtype=TF32)(x)}
    for target, y in expected.items():
        both = ttc.compile(layer, x, target=target, gpu_arch="emulated", products_dtype=TF32)
        assert torch.equal(both(x), y), target


def test_f64_is_refused():
    layer, x = nn.Linear(96, 40), torch.zeros(2, 96)
    with pytest.raises(ttc.Error, match="computes in f64: products in tf32 would give that up"):
        on_gpu(layer, x, dtype=torch.float64, products_dtype=TF32)


@PRODUCTS
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("name", sorted(path.stem for path in ZOO.glob("*.py")))
def test_zoo_is_assembled(name, architecture, products, tmp_path, monkeypatch):
    if (architecture, products) != ("sm_90", BF16) and not FULL:
        pytest.skip("this is one of those that only --full assembles")
    monkeypatch.syspath_prepend(ZOO)
    zoo = importlib.import_module(name)
    seeded(SEED, "zoo", name)
    said = assemble(zoo.model(), zoo.example(), architecture, tmp_path,
                    f"--products={'bf16' if products == BF16 else products}")
    assert "Compiling entry function 'ttc_run'" in said
