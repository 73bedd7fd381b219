"""Whether a model takes its weights from every kind of checkpoint, and the same bits from each."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import re

import pytest
import safetensors.torch
import torch
import tracetorch as tt
import ttc
from torch import nn
from ttc import toolchain

KINDS = ["net.safetensors", "net.pt", "net.bin", "net.safetensors.index.json",
         "pytorch_model.bin.index.json"]


class Net(tt.Model):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, 4), tt.snn.SRLIB(4), tt.rnn.LSTM(4, 4), nn.Linear(4, 2)
        )

    def forward(self, x):
        return self.net(x)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return Net().eval()


def write(weights, folder):
    """The same weights as each kind of checkpoint."""
    safetensors.torch.save_file(weights, folder / "net.safetensors")
    torch.save(weights, folder / "net.pt")
    torch.save({"state_dict": weights}, folder / "net.bin")
    keys = sorted(weights)
    for index, shard, save in (
        ("net.safetensors.index.json", "net-0000{}-of-00002.safetensors",
         safetensors.torch.save_file),
        ("pytorch_model.bin.index.json", "pytorch_model-0000{}-of-00002.bin", torch.save),
    ):
        where = {key: shard.format(1 + number % 2) for number, key in enumerate(keys)}
        for name in set(where.values()):
            save({key: weights[key] for key in keys if where[key] == name}, folder / name)
        (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": where}))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights")
    ttc.export(model, torch.zeros(2, 3), path / "exported")
    toolchain.run_driver(path / "exported.mlir", path / "libnet.so")
    write(safetensors.torch.load_file(path / "exported.safetensors"), path)
    return path


@pytest.fixture(scope="module")
def expected(folder):
    xs = torch.randn(4, 2, 3)
    return xs, ttc.load(folder / "libnet.so", weights=folder / "net.safetensors").run(xs)


@pytest.mark.parametrize("kind", KINDS)
def test_load(folder, expected, kind):
    xs, ys = expected
    c = ttc.load(folder / "libnet.so", weights=folder / kind)
    assert torch.equal(c.run(xs), ys)
    c.TTcompile()
    assert "net.1.beta" in c.state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_load_state_dict(folder, expected, kind):
    xs, ys = expected
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    other = {key: tensor + 1 for key, tensor in weights.items()}
    c = ttc.load(folder / "libnet.so", weights=other)
    assert not torch.equal(c.run(xs), ys)
    states = c.save_states()
    assert c.load_state_dict(str(folder / kind)) == ([], [])
    assert all(torch.equal(c.save_states()[key], states[key]) for key in states)
    c.zero_states()
    assert torch.equal(c.run(xs), ys)


@pytest.mark.parametrize("kind", KINDS)
def test_the_driver(folder, expected, kind, tmp_path):
    xs, ys = expected
    library = tmp_path / "libinside.so"
    toolchain.run_driver(folder / "exported.mlir", library, [f"--weights={folder / kind}"])
    assert torch.equal(ttc.load(library).run(xs), ys)


def test_arrays_of_numpy(folder, expected):
    xs, ys = expected
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    arrays = {key: tensor.numpy() for key, tensor in weights.items()}
    c = ttc.load(folder / "libnet.so", weights=arrays)
    assert torch.equal(c.run(xs), ys)
    c.load_state_dict(arrays)
    c.zero_states()
    assert torch.equal(c.run(xs), ys)


def test_narrow_and_transposed_weights(model, folder, tmp_path):
    """F16 in a torch.save file is widened exactly; a transposed tensor is read by its strides."""
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    narrow = {key: tensor.half() for key, tensor in weights.items()}
    turned = {
        key: tensor.t().contiguous().t() if tensor.ndim == 2 else tensor
        for key, tensor in weights.items()
    }
    assert any(not tensor.is_contiguous() for tensor in turned.values())
    torch.save(narrow, tmp_path / "narrow.pt")
    torch.save(turned, tmp_path / "turned.pt")
    xs = torch.randn(4, 2, 3)
    for path, same in (("narrow.pt", {k: t.float() for k, t in narrow.items()}),
                       ("turned.pt", weights)):
        found = ttc.load(folder / "libnet.so", weights=tmp_path / path).run(xs)
        assert torch.equal(found, ttc.load(folder / "libnet.so", weights=same).run(xs))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda w: w.pop("net.0.bias"), "'net.0.bias' is missing"),
        (lambda w: w.update(extra=torch.zeros(1)), "'extra' is unknown"),
        (lambda w: w.update({"net.0.bias": torch.zeros(3)}),
         "'net.0.bias' has shape (3,), expected (4,)"),
        (lambda w: w.update({"net.0.bias": torch.zeros(4).double()}),
         "'net.0.bias' is float64, expected float32"),
        (lambda w: w.update({"net.0.bias": torch.zeros(4, dtype=torch.complex64)}),
         "'net.0.bias' has the dtype C64, with which ttc does not compute"),
    ],
)
def test_weights_that_do_not_fit(folder, expected, tmp_path, change, message):
    xs, ys = expected
    weights = safetensors.torch.load_file(folder / "net.safetensors")
    change(weights)
    torch.save(weights, tmp_path / "net.pt")
    c = ttc.load(folder / "libnet.so", weights=folder / "net.safetensors")
    with pytest.raises(ttc.Error, match=re.escape(message)):
        c.load_state_dict(tmp_path / "net.pt")
    assert torch.equal(c.run(xs), ys)


class Hook:
    """What would print if a pickle were executed."""

    def __reduce__(self):
        return print, ("executed",)


def test_files_that_are_not_what_they_should_be(folder, tmp_path, capfd):
    library = folder / "libnet.so"
    torch.save({"w": Hook()}, tmp_path / "hook.pt")
    with pytest.raises(ttc.Error, match="hook.pt.*(print|global|Forbidden)"):
        ttc.load(library, weights=tmp_path / "hook.pt")
    assert capfd.readouterr().out == ""
    (folder / "net.pt").rename(tmp_path / "net.safetensors")
    (tmp_path / "copy.pt").write_bytes((tmp_path / "net.safetensors").read_bytes())
    with pytest.raises(ttc.Error, match="net.safetensors.*zip"):
        ttc.load(library, weights=tmp_path / "net.safetensors")
    (tmp_path / "net.safetensors").rename(folder / "net.pt")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "old.pt",
               _use_new_zipfile_serialization=False)
    with pytest.raises(ttc.Error, match="old.pt.*LegacyFormat"):
        ttc.load(library, weights=tmp_path / "old.pt")
    index = tmp_path / "net.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "gone.safetensors"}}))
    with pytest.raises(ttc.Error, match="gone.safetensors.*MissingShard"):
        ttc.load(library, weights=index)
