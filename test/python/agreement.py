"""Whether a compiled model computes what the module does."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import copy

import torch
import ttc
from torch import nn
from torch.utils import _pytree as pytree


class Many(nn.Module):
    """Gives what each of several functions makes of the input: one library for all of them."""

    def __init__(self, functions, **parts):
        super().__init__()
        self.functions = functions
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return {name: function(self, x) for name, function in self.functions.items()}


def many(*functions, **parts):
    """A model of these functions; `f3` is the output of the fourth."""
    return Many({f"f{number}": function for number, function in enumerate(functions)}, **parts)


def compared(model, *examples, steps=3, rtol=1e-4, atol=1e-5, **options):
    """Compiles the model, and compares some timesteps with the model's own, on another batch."""
    model = model.eval()
    compiled = ttc.compile(model, examples, **options)
    reference = copy.deepcopy(model)
    for module in reference.modules():
        if hasattr(module, "zero_states"):
            module.zero_states()
    is_dynamic = compiled._live.model.inputs[0].shape[0] == -1
    for _ in range(steps):
        inputs = []
        for example in examples:
            if is_dynamic:
                example = torch.cat([example, example[:1]])
            noise = torch.randn_like if example.is_floating_point() else torch.Tensor.contiguous
            inputs.append(noise(example))
        with torch.no_grad():
            expected = reference(*inputs)
            found = compiled(*inputs)
        same(found, expected, rtol, atol)
    return compiled


def same(found, expected, rtol=1e-4, atol=1e-5):
    """Checks that two outputs are alike, in their structure too."""
    found, found_spec = pytree.tree_flatten(found)
    expected, spec = pytree.tree_flatten(expected)
    assert found_spec == spec
    for name, a, b in zip(range(len(found)), found, expected):
        torch.testing.assert_close(
            a, b.to(a.dtype), rtol=rtol, atol=atol, equal_nan=True,
            msg=lambda text, name=name: f"output {name}: {text}",
        )
