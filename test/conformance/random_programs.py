"""Which random models there are: what layers and operations follow each other."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random

import tracetorch as tt
from programs import Layer, Node, Program, Shape
from random_models import ALL_NEURONS, RANGES

# On values of any shape; the last dimension is -1 for all of them.
_ACTIVATIONS = [
    "F.relu({0})", "torch.tanh({0})", "torch.sigmoid({0})", "F.gelu({0})", "F.silu({0})",
    "F.leaky_relu({0}, 0.1)", "F.elu({0})", "F.softplus({0})", "F.hardtanh({0})",
    "F.softmax({0}, -1)", "F.mish({0})", "F.hardswish({0})",
]
_ARITHMETIC = [
    "{0} * 0.5 + 1", "1 - {0}", "{0}.clamp(-1, 1)", "{0}.abs()", "{0} / (1 + {0} * {0})",
    "{0} - {0}.mean(-1, keepdim=True)", "torch.cos({0})",
]
_PAIRS = [
    "{0} + {1}", "{0} - {1}", "{0} * torch.sigmoid({1})", "torch.maximum({0}, {1})",
    "({0} + {1}) / 2", "torch.minimum({0}, {1})",
]


class _Writer:
    """Writes a program node by node."""

    def __init__(self, rng: random.Random, extra: Shape, hard: bool, is_sequence: bool):
        self.rng = rng
        self.nodes: list[Node] = []
        self.layers: dict[int, Layer] = {}
        self.extra, self.hard = extra, hard
        self.time = rng.randint(0, 1) if is_sequence else None

    def add(self, shape: Shape, operands: tuple[int, ...] = (), code: str = "") -> int:
        self.nodes.append(Node(shape, operands, None, code))
        return len(self.nodes) - 1

    def layer(self, x: int, shape: Shape, code: str, result: str = "") -> int:
        number = len(self.layers)
        self.layers[number] = Layer(code, self.rng.getrandbits(24))
        self.nodes.append(Node(shape, (x,), number, result))
        return len(self.nodes) - 1

    def shape(self, x: int) -> Shape:
        return self.nodes[x].shape

    def values(self) -> list[int]:
        """What can be computed with: all but tokens."""
        return [n for n, node in enumerate(self.nodes) if not node.tokens]

    def partner(self, x: int) -> int | None:
        """Another value of the same shape."""
        same = [n for n in self.values() if n != x and self.shape(n) == self.shape(x)]
        return self.rng.choice(same) if same else None

    # Layers along the features, which for an image are its channels.

    def neuron(self, x: int) -> int:
        rng, shape, dim = self.rng, self.shape(x), self.feature_dim(x)
        kind, features = rng.choice(ALL_NEURONS), shape[0]
        options = [f"dim={dim}"]
        params = getattr(tt.snn, kind)(1)._dynamic_params
        for name in params:
            low, high = next(r for end, r in RANGES.items() if name.endswith(end))
            of = f", {features}" if rng.random() < 0.7 else ""
            options.append(f"{name}=between({low}, {high}{of})")
        if any(name.endswith("threshold") for name in params):
            if self.hard:
                spike = rng.choice(["heaviside", "torch.sigmoid", "tt.functional.sigmoid4x"])
                step = rng.choice([1.0, 0.5, 0.25])
                options.append(f"spike_fn={spike}, quant_fn=tt.functional.round_ste({step})")
            else:
                spike = rng.choice(["torch.sigmoid", "tt.functional.sigmoid4x"])
                options.append(f"spike_fn={spike}, quant_fn=nn.Identity()")
        return self.layer(x, shape, f"tt.snn.{kind}({features}, {', '.join(options)})")

    def feature_dim(self, x: int) -> int:
        rank = len(self.shape(x))
        positive = 1 + len(self.extra)
        return positive if self.rng.random() < 0.2 else -rank

    def rnn(self, x: int) -> int:
        features, *rest = self.shape(x)
        out = self.rng.choice([features, self.rng.randint(1, 20)])
        kind = self.rng.choice(["SimpleRNN", "LSTM", "GRU"])
        code = f"tt.rnn.{kind}({features}, {out}, {self.feature_dim(x)})"
        return self.layer(x, (out, *rest), code)

    def ssm(self, x: int) -> int:
        rng, features = self.rng, self.shape(x)[0]
        kind = rng.choice(["S4", "S5", "S6", "Mamba"])
        options = f"d_state={rng.randint(1, 8)}, dim={self.feature_dim(x)}"
        if kind in ("S6", "Mamba"):
            options += f", dt_rank={rng.randint(1, 3)}"
        if kind == "Mamba":
            options += f", conv_kernel={rng.randint(1, 4)}"
        code = f"randomise(tt.ssm.{kind}({features}, {options}))"
        return self.layer(x, self.shape(x), code)

    def own(self, x: int) -> int:
        features, *rest = self.shape(x)
        dim = self.feature_dim(x)
        kind = self.rng.choice(["AdaptiveLIB", "Resonator", "MinimalGRU"])
        if kind == "MinimalGRU":
            out = self.rng.randint(1, 20)
            code = f"own_layers.{kind}({features}, {out}, {dim})"
            return self.layer(x, (out, *rest), code)
        return self.layer(x, self.shape(x), f"own_layers.{kind}({features}, {dim})")

    # Layers and operations on the last dimension.

    def linear(self, x: int) -> int:
        rng, shape = self.rng, self.shape(x)
        # Large ones have rows and columns enough for every way to do a product.
        out = rng.choice([shape[-1], rng.randint(1, 40), rng.randint(1, 40), rng.randint(41, 150)])
        bias = "" if rng.random() < 0.7 else ", bias=False"
        code = f"randomise(nn.Linear({shape[-1]}, {out}{bias}))"
        return self.layer(x, (*shape[:-1], out), code)

    def norm(self, x: int) -> int:
        rng, shape = self.rng, self.shape(x)
        features = shape[0]
        codes = [f"nn.LayerNorm({shape[-1]})", f"nn.RMSNorm({shape[-1]}, eps=1e-5)"]
        if not self.extra and self.time is None:
            codes.append(f"nn.BatchNorm{2 if len(shape) == 3 else 1}d({features})")
            groups = rng.choice([g for g in range(1, features + 1) if features % g == 0])
            # A group of one element normalises to zero, whatever its error.
            if features // groups > 1 or len(shape) > 1:
                codes.append(f"nn.GroupNorm({groups}, {features})")
        if shape[-1] < 4:
            # Of few elements, normalising may make a jump.
            codes = codes[2:3]
        if not codes:
            return self.activation(x)
        return self.layer(x, shape, f"randomise({rng.choice(codes)})")

    def activation(self, x: int) -> int:
        return self.add(self.shape(x), (x,), self.rng.choice(_ACTIVATIONS))

    def arithmetic(self, x: int) -> int:
        return self.add(self.shape(x), (x,), self.rng.choice(_ARITHMETIC))

    def pair(self, x: int) -> int:
        other = self.partner(x)
        if other is None:
            return self.arithmetic(x)
        operands = (x, other) if self.rng.random() < 0.5 else (other, x)
        return self.add(self.shape(x), operands, self.rng.choice(_PAIRS))

    def concat(self, x: int) -> int:
        """Along the features."""
        rng, shape = self.rng, self.shape(x)
        fit = [n for n in self.values() if self.shape(n)[1:] == shape[1:]]
        other = rng.choice(fit)
        out = (shape[0] + self.shape(other)[0], *shape[1:])
        return self.add(out, (x, other), f"torch.cat([{{0}}, {{1}}], {-len(shape)})")

    def cut(self, x: int) -> int:
        shape = self.shape(x)
        if shape[-1] < 2:
            return self.arithmetic(x)
        if shape[-1] % 2 == 0 and self.rng.random() < 0.5:
            part = self.rng.randint(0, 1)
            return self.add(
                (*shape[:-1], shape[-1] // 2), (x,), f"{{0}}.chunk(2, -1)[{part}]"
            )
        first = self.rng.randint(0, shape[-1] - 1)
        last = self.rng.randint(first + 1, shape[-1])
        return self.add((*shape[:-1], last - first), (x,), f"{{0}}[..., {first}:{last}]")

    def shared(self, x: int) -> int:
        """A layer that is there already, once more."""
        fit = [
            node for node in self.nodes
            if node.layer is not None and self.shape(node.operands[0]) == self.shape(x)
            and not self.nodes[node.operands[0]].tokens
            # Who calls a cell twice keeps two states for it.
            and "Cell(" not in self.layers[node.layer].code
        ]
        if not fit:
            return self.linear(x)
        node = self.rng.choice(fit)
        self.nodes.append(Node(node.shape, (x,), node.layer, node.code))
        return len(self.nodes) - 1

    # PyTorch's recurrent layers.

    def cell(self, x: int) -> int:
        features, out = self.shape(x)[0], self.rng.randint(1, 20)
        kind = self.rng.choice(["RNNCell", "LSTMCell", "GRUCell"])
        result = "{0}[0]" if kind == "LSTMCell" else ""
        bias = "" if self.rng.random() < 0.7 else ", bias=False"
        return self.layer(x, (out,), f"nn.{kind}({features}, {out}{bias})", result)

    def sequence(self, x: int) -> int:
        features, out = self.shape(x)[0], self.rng.randint(1, 20)
        kind = self.rng.choice(["RNN", "LSTM", "GRU"])
        options = f", num_layers={self.rng.randint(1, 2)}, batch_first={self.time == 1}"
        if kind == "LSTM" and out > 1 and self.rng.random() < 0.2:
            result = self.rng.randint(1, out - 1)
            options += f", proj_size={result}"
            return self.layer(x, (result,), f"nn.LSTM({features}, {out}{options})", "{0}[0]")
        return self.layer(x, (out,), f"nn.{kind}({features}, {out}{options})", "{0}[0]")

    # Images.

    def convolution(self, x: int) -> int:
        rng, (channels, height, width) = self.rng, self.shape(x)
        out = rng.randint(1, 10)
        groups = 1
        if channels % 2 == 0 and rng.random() < 0.3:
            groups, out = 2, 2 * rng.randint(1, 5)
        kernel = rng.choice([k for k in (1, 2, 3) if k <= min(height, width)])
        padding, stride = rng.randint(0, kernel // 2), rng.choice([1, 1, 2])
        sizes = [(s + 2 * padding - kernel) // stride + 1 for s in (height, width)]
        code = (
            f"randomise(nn.Conv2d({channels}, {out}, {kernel}, stride={stride}, "
            f"padding={padding}, groups={groups}))"
        )
        return self.layer(x, (out, *sizes), code)

    def pool(self, x: int) -> int:
        channels, height, width = self.shape(x)
        if min(height, width) < 2 or self.rng.random() < 0.2:
            return self.layer(x, (channels, 1, 2), "nn.AdaptiveAvgPool2d((1, 2))")
        code = self.rng.choice(["F.max_pool2d({0}, 2)", "F.avg_pool2d({0}, 2)"])
        return self.add((channels, height // 2, width // 2), (x,), code)

    def flatten(self, x: int) -> int:
        shape = self.shape(x)
        if self.rng.random() < 0.3:
            return self.add(shape[:1], (x,), "{0}.mean((-2, -1))")
        return self.add((shape[0] * shape[1] * shape[2],), (x,), "{0}.flatten(-3)")


def random_program(rng: random.Random) -> Program:
    """1 to 10 layers and operations; a third fires hard events, a sixth takes sequences."""
    is_sequence = rng.random() < 0.16
    hard = not is_sequence and rng.random() < 0.35
    is_image = not is_sequence and rng.random() < 0.3
    extra = (3,) if not is_image and not is_sequence and rng.random() < 0.3 else ()
    writer = _Writer(rng, extra, hard, is_sequence)

    # The first numbers choose what follows a vector, the second what follows an image.
    choices = {
        writer.linear: (3, 0), writer.neuron: (6, 4), writer.rnn: (2, 1), writer.ssm: (2, 1),
        writer.own: (1, 1),
        writer.norm: (1, 1), writer.activation: (1, 1), writer.arithmetic: (1, 1),
        writer.pair: (2, 2), writer.concat: (1, 1), writer.cut: (1, 0), writer.shared: (1, 1),
        writer.cell: (0 if extra else 1, 0), writer.convolution: (0, 5), writer.pool: (0, 2),
        writer.flatten: (0, 3),
    }
    if is_sequence:
        stateless = (writer.linear, writer.norm, writer.activation, writer.arithmetic,
                     writer.pair, writer.concat, writer.cut)
        choices = {writer.sequence: (6, 0)} | {write: choices[write] for write in stateless}

    shape = (rng.randint(1, 6), rng.randint(2, 8), rng.randint(2, 8))
    writer.add(shape if is_image else (rng.randint(1, 33),))
    if not is_sequence and rng.random() < 0.2:
        writer.add(writer.shape(0))
    if not is_image and not is_sequence and rng.random() < 0.12:
        writer.nodes.append(Node((1,), tokens=rng.randint(2, 30)))
    inputs = len(writer.nodes)
    x = inputs - 1
    if writer.nodes[x].tokens:
        features = rng.randint(1, 20)
        code = f"nn.Embedding({writer.nodes[x].tokens}, {features})"
        x = writer.layer(x, (features,), code, "{0}.flatten(-2)")
    for _ in range(rng.randint(1, 10)):
        if rng.random() < 0.2:
            x = rng.choice(writer.values())
        column = 1 if len(writer.shape(x)) == 3 else 0
        weights = [weight[column] for weight in choices.values()]
        x = rng.choices(list(choices), weights)[0](x)
    made = range(inputs, len(writer.nodes))
    outputs = {len(writer.nodes) - 1}
    if rng.random() < 0.3:
        outputs.add(rng.choice(made))
    # Every input is used.
    unused = [n for n in range(inputs) if not any(n in node.operands for node in writer.nodes)]
    for number in unused:
        outputs.add(writer.arithmetic(number))
    return Program(
        tuple(writer.nodes), writer.layers, tuple(sorted(outputs)), extra, writer.time,
        rng.choice(["float32", "float32", "float64"]),
    )
