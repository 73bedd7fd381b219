"""Whether the operations of a forward compute, compiled, what PyTorch computes."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pytest
import torch
from agreement import compared, many, same
from torch import nn
from torch.nn import functional as F


def parts():
    return {
        "p": nn.Parameter(torch.randn(6)),
        "q": nn.Parameter(torch.randn(6, 6)),
        "s": nn.Parameter(torch.randn(())),
        "lin": nn.Linear(6, 6),
    }


FAMILIES = {
    "scalars": ((3, 6), [
        lambda m, x: x * 0.5,
        lambda m, x: 1 - x,
        lambda m, x: 2 / (x * x + 1),
        lambda m, x: x / 3 + 1e-3,
        lambda m, x: torch.add(x, 2, alpha=3),
        lambda m, x: x % 2,
        lambda m, x: x // 2,
        lambda m, x: torch.fmod(x, 2),
        lambda m, x: torch.rsub(x, 1),
    ]),
    "parameters": ((3, 6), [
        lambda m, x: x + m.p,
        lambda m, x: m.p - x,
        lambda m, x: m.s * x + m.p * 2,
        lambda m, x: torch.sub(x, m.p, alpha=2),
        lambda m, x: torch.lerp(x, m.p, 0.3),
        lambda m, x: torch.addcmul(x, x, m.p, value=2),
        lambda m, x: torch.addcdiv(x, x, m.p * m.p + 1),
        lambda m, x: x + torch.tensor([1.0, 2, 3, 4, 5, 6]),
        lambda m, x: x * torch.arange(6),
        lambda m, x: torch.zeros(x.shape[0], 6) + x * torch.ones_like(x) + torch.full_like(x, 2),
        lambda m, x: x[:, :1] - x,
        lambda m, x: x[:, :, None] * x[:, None],
    ]),
    "powers": ((3, 6), [
        lambda m, x: x ** 2,
        lambda m, x: x ** 3,
        lambda m, x: 2 ** x,
        lambda m, x: (x * x) ** x,
        lambda m, x: (x * x) ** 0.5,
        lambda m, x: (x * x + 1) ** -1,
        lambda m, x: x.abs() ** 2.5,
        lambda m, x: x.exp() + torch.expm1(x),
        lambda m, x: torch.log(x * x + 1) + torch.log1p(x * x) + torch.log2(x * x + 1),
        lambda m, x: (x * x).sqrt() + (x * x + 1).rsqrt() + (x * x + 1).reciprocal(),
        lambda m, x: torch.hypot(x, m.p) + x.square(),
    ]),
    "elements": ((3, 6), [
        lambda m, x: -x + x.abs() + x.sign(),
        lambda m, x: x.sin() + x.cos(),
        lambda m, x: x.atan() + torch.tanh(x) + x.sinh(),
        lambda m, x: torch.erf(x) + torch.erfc(x),
        lambda m, x: x.floor() + x.ceil() + x.round() + x.trunc() + x.frac(),
        lambda m, x: torch.minimum(x, m.p) + torch.maximum(x, -x) + torch.min(x, m.p),
        lambda m, x: x.clamp(-1, 0.5) + x.clamp(min=0.1) + torch.clip(x, max=m.p),
    ]),
    "choices": ((3, 6), [
        lambda m, x: torch.where(x > 0, x, 0.1 * x),
        lambda m, x: torch.where(x > m.p, 1.0, m.p),
        lambda m, x: (x > 0).float() * x + (x <= 0.5) * 2.0,
        lambda m, x: ((x > 0) & (x < 1) | (x < -1)).to(x.dtype) + (~(x >= 0)).float(),
        lambda m, x: ((x > 0) ^ (x > 1)).float() + (x == x).float() + (x != x).float(),
        lambda m, x: x.masked_fill(x > 0, -1.0),
        lambda m, x: torch.heaviside(x, m.s),
        lambda m, x: (x > 1).any(1).float() + (x > -9).all(1).float(),
        lambda m, x: torch.nan_to_num(x / x.relu()),
    ]),
    "reductions": ((3, 4, 6), [
        lambda m, x: x.sum(1),
        lambda m, x: x.sum((1, 2)),
        lambda m, x: x.mean(-1, keepdim=True),
        lambda m, x: x.amax(1) + x.amin(1),
        lambda m, x: x.max(1).values + x.min(1)[0],
        lambda m, x: x.std(1) + x.var(1, unbiased=False),
        lambda m, x: torch.logsumexp(x, 2),
        lambda m, x: x.norm(dim=2) + x.norm(p=1, dim=2),
        lambda m, x: F.normalize(x, dim=2),
        lambda m, x: F.cosine_similarity(x, x * 2 + 1, dim=2),
    ]),
    "products": ((3, 4, 6), [
        lambda m, x: x @ m.q,
        lambda m, x: x @ m.p,
        lambda m, x: torch.matmul(x, x.transpose(1, 2)),
        lambda m, x: torch.bmm(x.mT, x),
        lambda m, x: F.linear(x, m.q, m.p),
        lambda m, x: F.linear(x, m.lin.weight, m.lin.bias) + m.lin(x),
        lambda m, x: F.linear(x, m.lin.weight),
        lambda m, x: torch.einsum("btf,gf->btg", x, m.q),
        lambda m, x: torch.einsum("btf,bsf->bts", x, x),
        lambda m, x: torch.einsum("btf,btf->bt", x, x),
        lambda m, x: torch.einsum("btf->bft", x),
        lambda m, x: torch.einsum("...f,f->...", x, m.p),
    ]),
    "matrices": ((3, 6), [
        lambda m, x: x @ m.q,
        lambda m, x: x @ m.q.T,
        lambda m, x: x @ torch.tril(m.q),
        lambda m, x: x @ torch.eye(6),
        lambda m, x: torch.addmm(m.p, x, m.q),
        lambda m, x: torch.einsum("bi,oi->bo", x, m.q),
        lambda m, x: torch.einsum("bi,bj->bij", x, x),
        lambda m, x: x @ m.p,
    ]),
    "parts": ((3, 6), [
        lambda m, x: torch.cat(x.chunk(2, 1)[::-1], 1),
        lambda m, x: torch.cat(x.split([1, 2, 3], -1)[1:], 1),
        lambda m, x: sum(x.unbind(1)),
        lambda m, x: torch.stack([x, x * 2], 1),
        lambda m, x: torch.stack(x.unbind(1)[::-1], -1),
        lambda m, x: x[..., 1:3],
        lambda m, x: x[:, 0],
        lambda m, x: x[:, None, ::2],
        lambda m, x: x[:, -2:],
        lambda m, x: x[:, [0, 2, 3]],
        lambda m, x: x.index_select(1, torch.tensor([4, 4, 0])),
        lambda m, x: x.roll(1, 1) + torch.roll(x, -2, -1),
        lambda m, x: x.flip(1),
        lambda m, x: x.diff(dim=1),
        lambda m, x: F.pad(x, (1, 2)) + F.pad(x, (0, 3), value=2.0),
        lambda m, x: F.pad(x, (-1, 1)),
        lambda m, x: F.glu(x),
    ]),
    "views": ((3, 4, 6), [
        lambda m, x: x.reshape(x.shape[0], -1),
        lambda m, x: x.view(x.size(0), 2, 2, -1),
        lambda m, x: x.flatten(1).unflatten(1, (3, 8)),
        lambda m, x: x.permute(0, 2, 1) + x.movedim(1, -1),
        lambda m, x: x.swapaxes(1, 2) * 2,
        lambda m, x: x.unsqueeze(1).squeeze(1),
        lambda m, x: x[:, :, None].expand(-1, -1, 3, -1),
        lambda m, x: x.repeat(1, 2, 1),
        lambda m, x: x.repeat_interleave(2, 1) if False else x.tile(1, 1, 2),
        lambda m, x: x[:, 1, 2:5],
    ]),
    "activations": ((3, 6), [
        lambda m, x: F.relu(x) + F.relu6(x * 4) + F.leaky_relu(x, 0.3),
        lambda m, x: F.gelu(x) + F.gelu(x, approximate="tanh"),
        lambda m, x: F.elu(x, 0.5) + F.selu(x) + F.celu(x, 2.0),
        lambda m, x: F.silu(x) + F.mish(x) + F.hardswish(x) + F.hardsigmoid(x),
        lambda m, x: F.logsigmoid(x) + F.tanhshrink(x) + F.softsign(x),
        lambda m, x: F.softplus(x) + F.softplus(x, 2.0, 10.0),
        lambda m, x: F.hardtanh(x) + F.hardtanh(x, -0.5, 0.25),
        lambda m, x: F.softshrink(x) + F.hardshrink(x) + F.threshold(x, 0.1, 2.0) + F.rrelu(x),
        lambda m, x: F.prelu(x, m.p) + F.prelu(x, m.s.reshape(1)),
        lambda m, x: F.softmax(x, -1) + F.log_softmax(x, 1) + F.softmin(x, 1),
        lambda m, x: torch.sigmoid(x) + torch.special.expit(x) + torch.logit(x.sigmoid()),
    ]),
    "normalisations": ((3, 4, 6), [
        lambda m, x: F.layer_norm(x, (6,), m.p, m.p),
        lambda m, x: F.layer_norm(x, (4, 6)),
        lambda m, x: F.rms_norm(x, (6,), m.p),
        lambda m, x: F.group_norm(x, 2),
        lambda m, x: F.instance_norm(x),
        lambda m, x: F.softmax(x, 1),
        lambda m, x: F.batch_norm(x.mT, m.p, m.p * m.p + 1, m.p, m.p),
    ]),
    "images": ((2, 4, 6, 6), [
        lambda m, x: F.interpolate(x, scale_factor=2),
        lambda m, x: F.pixel_shuffle(x, 2),
        lambda m, x: F.pixel_unshuffle(x, 2),
        lambda m, x: F.max_pool2d(x, 2) + F.avg_pool2d(x, 2),
        lambda m, x: F.max_pool2d(x, 3, 1, 1),
        lambda m, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda m, x: F.adaptive_avg_pool2d(x, 3) + F.adaptive_max_pool2d(x, 3),
        lambda m, x: F.adaptive_avg_pool2d(x, 1),
        lambda m, x: F.max_pool1d(x.flatten(2), 3),
    ]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_operations(family):
    shape, functions = FAMILIES[family]
    compared(many(*functions, **parts()), torch.randn(shape))


def test_in_place():
    def forward(m, x):
        y = x * 1
        y += m.p
        y.mul_(2).clamp_(-1, 1)
        z = F.relu(y, inplace=True)
        return z + y

    compared(many(forward, **parts()), torch.randn(3, 6))


def test_control_flow_that_depends_on_shapes():
    def forward(m, x):
        for column in range(x.shape[1]):
            x = x * 0.5 + m.p[column]
        return x if x.ndim == 2 else -x

    compared(many(forward, **parts()), torch.randn(3, 6))


def test_outputs_as_the_forward_gives_them():
    class Model(nn.Module):
        def forward(self, x, y):
            return {"sum": x + y, "parts": [x, (y, x - y)]}, x * y

    compared(Model(), torch.randn(2, 3), torch.randn(2, 3))


def test_a_function_of_a_fixed_batch():
    model = many(lambda m, x: x.mean(), lambda m, x: x @ x.T)
    with pytest.warns(UserWarning, match="the batch is fixed"):
        compared(model, torch.randn(3, 4))


def test_layers_of_the_forwards_own_parameters():
    """Functions of parameters that are no module's `weight` and `bias`, and of those that are."""
    model = many(
        lambda m, x: F.conv2d(x, m.kernel, m.shift, padding=1),
        lambda m, x: F.conv2d(x, m.kernel, stride=2),
        lambda m, x: F.conv_transpose2d(x, m.kernel),
        lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, padding=1),
        lambda m, x: m.conv(x),
        kernel=nn.Parameter(torch.randn(4, 4, 3, 3)), shift=nn.Parameter(torch.randn(4)),
        conv=nn.Conv2d(4, 4, 3),
    )
    compiled = compared(model, torch.randn(2, 4, 5, 5))
    assert set(compiled.state_dict()) == set(model.state_dict())
    doubled = {key: 2 * value for key, value in compiled.state_dict().items()}
    compiled.load_state_dict(doubled)
    model.load_state_dict(doubled)
    x = torch.randn(3, 4, 5, 5)
    with torch.no_grad():
        same(compiled(x), model(x))


def test_an_embedding_of_the_forwards_own_table():
    model = many(
        lambda m, x: F.embedding(x, m.table), table=nn.Parameter(torch.randn(5, 3))
    )
    compared(model, torch.tensor([1, 4, 0]))


def test_float64():
    model = many(
        lambda m, x: m.lin(x) * 0.1 + torch.exp(x), lambda m, x: x @ m.q + m.p,
        lambda m, x: F.softmax(x, 1) + F.gelu(x) + torch.erf(x).sum(1, keepdim=True), **parts(),
    ).double()
    compared(model, torch.randn(3, 6).double(), rtol=1e-12, atol=1e-12)
