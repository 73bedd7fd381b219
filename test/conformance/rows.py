"""What the conformance table has a row for: every layer, and the shapes that it is tested on."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import own_layers
import torch
import tracetorch as tt
from random_models import ALL_NEURONS, make_inputs, make_neuron
from torch import nn

DTYPES = {"f32": torch.float32, "f64": torch.float64}
# The leading batch dimension, and what the table calls the batch: behind 2, there is one of 3.
BATCHES = {1: "1", 4: "4", 2: "(2, 3)"}
ONE_BATCH = "PyTorch's takes one batch dimension"


@dataclass(frozen=True)
class Layout:
    """The shape of one timestep without its batch dimensions, and the layer's dim in it."""

    dim: int | None
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A row of the table (or three: one a dim)."""

    section: str
    name: str
    make: Callable[[random.Random, Layout], nn.Module]
    layouts: tuple[Layout, ...]
    only_one_batch: str = ""  # why it takes no second batch dimension; empty if it does
    inputs: Callable[[random.Random, tuple[int, ...], torch.dtype], torch.Tensor] = make_inputs

    def __str__(self) -> str:
        return f"{self.section}: {self.name}"


def along_dims(size: int) -> tuple[Layout, ...]:
    """Features last, before the last, and as the channels of an image."""
    return (Layout(-1, (size,)), Layout(-2, (size, 5)), Layout(-3, (size, 3, 4)))


def randomise(layer: nn.Module) -> nn.Module:
    """Moves every parameter off its default, which may be zeros or ones."""
    with torch.no_grad():
        for param in layer.parameters():
            param += 0.2 * torch.randn(param.shape)
        for name, buffer in layer.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.5 * torch.randn(buffer.shape))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape))
    return layer


# The reference package's layers.


def _spiking(section: str, kind: str, step: float | None) -> Case:
    def make(rng: random.Random, layout: Layout) -> nn.Module:
        return make_neuron(rng, kind, layout.shape[0], layout.dim, "sigmoid4x", step)

    return Case(section, kind, make, along_dims(11))


def _built(expression: str, layout: Layout) -> nn.Module:
    """The layer that an expression of `dim` makes."""
    names = {**vars(nn), **vars(own_layers), "tt": tt, "dim": layout.dim}
    return randomise(eval(expression, names))


def _expression(
    section: str,
    expression: str,
    *layouts: Layout,
    only_one_batch: str = "",
    inputs: Callable = make_inputs,
) -> Case:
    def make(rng: random.Random, layout: Layout) -> nn.Module:
        return _built(expression, layout)

    return Case(section, expression, make, layouts, only_one_batch, inputs)


SPIKING = [_spiking("Spiking layers", kind, None) for kind in ALL_NEURONS]
EVENTS = [
    _spiking("Spiking layers that fire whole events", kind, 1.0)
    for kind in ALL_NEURONS if kind.endswith(("B", "T", "TS"))
]

RNN = [
    _expression("RNN layers", f"tt.rnn.{kind}(6, {size}, dim)", *along_dims(6))
    for kind in ("SimpleRNN", "LSTM", "GRU") for size in (6, 9)
]

SSM = [
    _expression("State-space layers", f"tt.ssm.{expression}", *along_dims(7))
    for expression in (
        "S4(7, dim=dim)",
        "S4(7, d_state=5, dim=dim)",
        "S5(7, dim=dim)",
        "S5(7, d_state=5, dim=dim)",
        "S6(7, dim=dim)",
        "S6(7, d_state=5, dt_rank=3, dim=dim)",
        "Mamba(7, dim=dim)",
        "Mamba(7, d_state=5, dt_rank=3, conv_kernel=2, dim=dim)",
        "Mamba(7, d_state=5, conv_kernel=1, dim=dim)",
    )
]

OWN = [
    _expression("Layers that a user wrote", expression, *along_dims(6))
    for expression in (
        "AdaptiveLIB(6, dim)", "MinimalGRU(6, 6, dim)", "MinimalGRU(6, 9, dim)",
        "Resonator(6, dim)",
    )
]

# PyTorch's.

_TORCH_RECURRENT = [
    f"{kind}(6, 9{options})"
    for kind in ("RNN", "LSTM", "GRU")
    for options in ("", ", num_layers=3", ", bias=False", ", num_layers=2, batch_first=True")
] + [
    "RNN(6, 9, nonlinearity='relu')",
    "LSTM(6, 9, proj_size=4)",
    "LSTM(6, 9, num_layers=2, proj_size=4, bias=False)",
] + [
    f"{kind}(6, 9{options})"
    for kind in ("RNNCell", "LSTMCell", "GRUCell")
    for options in ("", ", bias=False")
] + ["RNNCell(6, 9, nonlinearity='relu')"]

TORCH_RECURRENT = [
    _expression("PyTorch's recurrent layers", e, Layout(None, (6,)), only_one_batch=ONE_BATCH)
    for e in _TORCH_RECURRENT
]


def _ordinary(expression: str, *shapes: tuple[int, ...], **options: Any) -> Case:
    layouts = [Layout(None, shape) for shape in shapes]
    return _expression("Ordinary layers", expression, *layouts, **options)


def _image(expression: str, *shapes: tuple[int, ...]) -> Case:
    return _ordinary(expression, *shapes, only_one_batch=ONE_BATCH)


def _indices(rng: random.Random, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.randint(10, (50, *shape))


_SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-6, -1e-6, 3.0, -3.0, 20.0, -20.0, 90.0, -90.0, 500.0, -500.0]


def _wide(rng: random.Random, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Inputs with the values where activations bend, saturate or overflow among them."""
    inputs = 4 * torch.randn(50, *shape, dtype=dtype)
    inputs.view(-1)[:len(_SPECIAL)] = torch.tensor(_SPECIAL, dtype=dtype)
    return inputs


_ACTIVATIONS = [
    "ReLU()", "ReLU6()", "LeakyReLU()", "LeakyReLU(0.2)", "ELU()", "ELU(0.5)", "CELU()",
    "CELU(0.7)", "SELU()", "GELU()", "GELU('tanh')", "SiLU()", "Mish()", "Tanh()", "Sigmoid()",
    "LogSigmoid()", "Softplus()", "Softplus(beta=2, threshold=5)", "Hardtanh()",
    "Hardtanh(-0.5, 2)", "Hardsigmoid()", "Hardswish()", "Softsign()", "Tanhshrink()",
]

ORDINARY = [
    _ordinary("Linear(7, 12)", (7,), (4, 7)),
    _ordinary("Linear(33, 70, bias=False)", (33,)),
    _ordinary("Identity()", (7,)),
    _ordinary("Dropout(0.5)", (7,)),
    _ordinary("Flatten(-2)", (3, 5)),
    _ordinary("Flatten(-3)", (3, 4, 5)),
    _ordinary("Unflatten(-1, (3, 4))", (12,)),
    _image("Conv1d(3, 5, 3)", (3, 11)),
    _image("Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)", (4, 11)),
    _image("Conv1d(3, 5, 4, padding='same')", (3, 11)),
    _image("Conv2d(3, 5, 3)", (3, 7, 8)),
    _image("Conv2d(3, 5, 3, padding=1)", (3, 7, 8)),
    _image("Conv2d(3, 5, 3, padding='valid', bias=False)", (3, 7, 8)),
    _image("Conv2d(8, 17, 3, padding='same')", (8, 9, 9)),
    _image("Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(1, 2), groups=2)", (4, 9, 8)),
    _image("Conv2d(4, 8, 3, dilation=(2, 1), groups=4)", (4, 9, 8)),
    _image("Conv2d(6, 11, 1)", (6, 5, 5)),
    _image("Conv3d(2, 4, 3, padding=1, stride=(1, 2, 1))", (2, 4, 5, 4)),
    _image("ConvTranspose1d(3, 5, 3, stride=2, padding=1, output_padding=1)", (3, 7)),
    _image("ConvTranspose2d(3, 5, 3)", (3, 5, 6)),
    _image("ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2, bias=False)", (4, 5, 6)),
    _image("ConvTranspose2d(3, 4, 3, stride=(3, 2), dilation=2, output_padding=(2, 1))", (3, 4, 5)),
    _image("ConvTranspose3d(2, 3, 2, stride=2)", (2, 3, 4, 3)),
    _image("MaxPool1d(3)", (3, 11)),
    _image("MaxPool2d(2)", (3, 8, 7)),
    _image("MaxPool2d(3, stride=2, padding=1)", (3, 8, 7)),
    _image("MaxPool2d(3, stride=2, ceil_mode=True)", (3, 8, 7)),
    _image("MaxPool2d((2, 3), dilation=2)", (3, 8, 9)),
    _image("MaxPool3d(2)", (2, 4, 5, 4)),
    _image("AvgPool1d(3, stride=2)", (3, 11)),
    _image("AvgPool2d(2)", (3, 8, 7)),
    _image("AvgPool2d(3, stride=2, padding=1)", (3, 8, 7)),
    _image("AvgPool2d(3, stride=2, padding=1, count_include_pad=False)", (3, 8, 7)),
    _image("AvgPool3d(2)", (2, 4, 5, 4)),
    _image("AdaptiveAvgPool1d(4)", (3, 12)),
    _image("AdaptiveAvgPool1d(3)", (3, 7)),
    _image("AdaptiveAvgPool2d(1)", (3, 5, 6)),
    _image("AdaptiveAvgPool2d((2, 4))", (3, 5, 6)),
    _image("AdaptiveAvgPool3d(2)", (2, 4, 5, 4)),
    _image("AdaptiveMaxPool1d(3)", (3, 7)),
    _image("AdaptiveMaxPool2d((2, 3))", (3, 5, 6)),
    _image("AdaptiveMaxPool3d(2)", (2, 4, 5, 4)),
    _image("BatchNorm1d(7)", (7,), (7, 5)),
    _image("BatchNorm1d(7, affine=False, eps=1e-3)", (7,)),
    _image("BatchNorm2d(3)", (3, 5, 6)),
    _image("BatchNorm3d(2)", (2, 3, 4, 3)),
    _ordinary("LayerNorm(16)", (16,), (4, 16)),
    _ordinary("LayerNorm((5, 6))", (5, 6)),
    _ordinary("LayerNorm(16, elementwise_affine=False)", (16,)),
    _ordinary("LayerNorm(16, bias=False, eps=1e-3)", (16,)),
    _ordinary("RMSNorm(16)", (16,)),
    _ordinary("RMSNorm((3, 5), eps=1e-4, elementwise_affine=False)", (3, 5)),
    _image("GroupNorm(2, 6)", (6,), (6, 4, 5)),
    _image("GroupNorm(2, 6, affine=False)", (6, 4)),
    _image("InstanceNorm1d(4)", (4, 9)),
    _image("InstanceNorm2d(4, affine=True)", (4, 5, 6)),
    _image("InstanceNorm3d(3, affine=True)", (3, 4, 5, 4)),
    _ordinary("Embedding(10, 6)", (5,), inputs=_indices),
    *(_ordinary(e, (21,), (3, 16), inputs=_wide) for e in _ACTIVATIONS),
    _ordinary("PReLU()", (16,)),
    _image("PReLU(5)", (5, 6)),
    *(
        _expression("Ordinary layers", e, *along_dims(8))
        for e in ("Softmax(dim)", "LogSoftmax(dim)", "GLU(dim)")
    ),
]


class Operation(nn.Module):
    """What an expression of x and the parameters computes."""

    def __init__(self, expression: str):
        super().__init__()
        self.w = nn.Parameter(torch.randn(5, 6))
        self.b = nn.Parameter(torch.randn(5))
        self.weight = nn.Parameter(torch.randn(4, 5, 3))
        names: dict[str, Any] = {"torch": torch, "F": nn.functional}
        exec(f"def forward(self, x):\n    return {expression}\n", names)
        self._function = names["forward"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._function(self, x)


def _operation(expression: str, *shapes: tuple[int, ...], only_one_batch: str = "") -> Case:
    """`{dim}` in the expression stands for each of three."""

    def make(rng: random.Random, layout: Layout) -> nn.Module:
        return Operation(expression.format(dim=layout.dim))

    layouts = tuple(Layout(None, shape) for shape in shapes)
    if "{dim}" in expression:
        layouts = along_dims(6)
    name = expression.format(dim="dim")
    return Case("Operations of a forward", name, make, layouts, only_one_batch)


OPERATIONS = [
    *(
        _operation(e, (6,), (5, 6))
        for e in (
            "x + x * 2 - 0.5", "1 - x", "2 / (x * x + 1)", "-x", "x / 3", "x ** 2", "x ** 3",
            "(x.abs() + 0.1) ** 0.5", "x.exp()", "(x.abs() + 0.1).log()", "x.abs().sqrt()",
            "(x * x + 0.5).rsqrt()", "x.sin() + x.cos()", "torch.erf(x)", "x.floor() + x.ceil()",
            "torch.round(x * 3)", "x.clamp(-0.5, 0.7)", "x.clamp(min=0)", "torch.minimum(x, 1 - x)",
            "torch.maximum(x, -x)", "torch.where(x > 0.2, x, x * 0.1)", "(x >= 0) * x",
            "x.expm1() + torch.log1p(x * x)", "torch.relu(x) * torch.sigmoid(x)",
            "x + torch.zeros_like(x) + torch.ones_like(x)", "x[..., 1:4]", "x[..., ::2]",
            "x[..., 2]", "x[..., None] * 2", "x.unsqueeze(-1).squeeze(-1)", "F.pad(x, (1, 2))",
            "torch.roll(x, 2, -1)", "x - x.mean(-1, keepdim=True)", "x.softmax(-1)",
            "torch.cat([x, x * x], -1)", "torch.stack([x, -x], -1)", "F.linear(x, self.w, self.b)",
            "x @ self.w.T", "x * self.w[0] + self.b[0]", "F.layer_norm(x, (6,))",
            "x.unflatten(-1, (2, 3)).flatten(-2)", "torch.sign(x) + torch.tanh(x)",
        )
    ),
    *(
        _operation(e)
        for e in (
            "x.sum({dim})", "x.mean({dim}, keepdim=True)", "x.amax({dim})", "x.amin({dim})",
            "x.max({dim}).values", "x.chunk(2, {dim})[1]", "torch.split(x, [1, 5], {dim})[1]",
            "x.unbind({dim})[3]", "torch.cat([x, -x], {dim})", "torch.stack([x, x + 1], {dim})",
            "x.narrow({dim}, 1, 3)", "x.select({dim}, 2)", "F.softmax(x, {dim})",
            "x.log_softmax({dim})", "x.unsqueeze({dim})", "F.glu(x, {dim})",
        )
    ),
    _operation("x.transpose(-1, -2)", (5, 6)),
    _operation("x.movedim(-3, -1)", (3, 5, 6)),
    _operation("x.permute(0, 2, 1)", (5, 6), only_one_batch="the expression says its rank"),
    _operation("x @ x.transpose(-1, -2)", (5, 6)),
    _operation("torch.matmul(self.w, x)", (6, 4)),
    _operation("x.sum((-2, -1)) / 30", (5, 6)),
    _operation("x.mean((-2, -1), keepdim=True) * x", (5, 6)),
    _operation("x.unsqueeze(-2).expand(*x.shape[:-1], 4, 6) * 2", (6,)),
    _operation("F.conv1d(x, self.weight)", (5, 9), only_one_batch=ONE_BATCH),
    _operation("F.max_pool2d(F.relu(x), 2)", (2, 6, 6), only_one_batch=ONE_BATCH),
    _operation("F.avg_pool2d(x, 2)", (2, 6, 6), only_one_batch=ONE_BATCH),
]

CASES = [*SPIKING, *RNN, *SSM, *OWN, *TORCH_RECURRENT, *ORDINARY, *OPERATIONS]
