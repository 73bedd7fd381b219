"""Whether the neuron with an adaptive threshold is one thing, built in or a user's own layer."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from pathlib import Path

import pytest
import torch
import ttc
from checking import follow
from comparing import error_in_tolerances
from conftest import SEED
from own_layers import AdaptiveLIB
from random_models import seeded
from safetensors.torch import save_file
from torch import nn
from ttc import toolchain

NEURONS = 7
STEPS = 50

LAYOUTS = {  # of the input, and where the neurons are
    "one": ((NEURONS,), -1),
    "a batch": ((4, NEURONS), -1),
    "a grid": ((2, NEURONS, 3), 1),
    "from behind": ((3, NEURONS, 2, 2), -3),
}


def built_in(layer: AdaptiveLIB, shape: tuple[int, ...], dim: int, folder: Path):
    """The built-in op with the weights of the user's layer, one of them in compiled form."""
    type_ = f"tensor<{'x'.join(map(str, shape))}xf32>"
    (folder / "net.mlir").write_text(
        f"ttc.model @net(%x: {type_}) -> {type_} {{\n"
        f'  %0 = ttc.adaptive_neuron "0" (%x) dim({dim}) : {type_}\n'
        f"  ttc.return %0 : {type_}\n"
        "}\n"
    )
    weights = {
        f"0.{name}": tensor.detach().expand(NEURONS).contiguous()
        for name, tensor in layer.state_dict().items() if name != "raw_beta"
    }
    save_file(weights | {"0.beta": layer.beta.detach().clone()}, folder / "net.safetensors")
    toolchain.run_driver(folder / "net.mlir", folder / "libnet.so")
    return ttc.load(folder / "libnet.so", weights=folder / "net.safetensors")


@pytest.mark.parametrize("name", LAYOUTS)
def test_both_agree(name: str, tmp_path: Path):
    shape, dim = LAYOUTS[name]
    seeded(SEED, "adaptive neuron", name)
    model = nn.Sequential(AdaptiveLIB(NEURONS, dim=dim)).eval()
    inputs = 0.5 + 0.5 * torch.randn(STEPS, *shape)
    own = ttc.compile(model, inputs[0])
    native = built_in(model[0], shape, dim, tmp_path)
    follow(native, model, (inputs,))
    follow(own, model, (inputs,))

    # The rules agree, and so do their sequences and what a stop in the middle leaves.
    own.zero_states()
    native.zero_states()
    expected = own.run(inputs)
    first = native.run(inputs[:20])
    states = native.save_states()
    assert states.keys() == own.save_states().keys() == {"0.mem", "0.adapt"}
    assert states["0.adapt"].abs().max() > 0.01  # the threshold has grown
    native.zero_states()
    native.load_states(states)
    found = torch.cat([first, native.run(inputs[20:])])
    assert error_in_tolerances(found, expected) <= 1.0
