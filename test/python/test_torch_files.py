"""Files that torch.save writes, read by the runtime: the same bits as torch.load gives, or a sentence."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import collections
import ctypes
import functools
import io
import os
import warnings
import zipfile
from ctypes import byref

import pytest
import torch
from torch import nn

from ttc import native
from ttc.errors import Error

# What the runtime calls each dtype of PyTorch; safetensors' names where those exist.
DTYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.complex64: "C64",
    torch.complex128: "complex128",
    torch.complex32: "complex32",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e8m0fnu: "F8_E8M0",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.float4_e2m1fn_x2: "float4_e2m1fn_x2",
    torch.bits8: "bits8",
    torch.bits16: "bits16",
}
WRAPPINGS = ("state_dict", "model_state_dict", "model")


def tensor_of(dtype):
    """Six values with many different bits, none of them NaN."""
    size = dtype.itemsize
    count = 0x3B if dtype is not torch.bool else 2
    raw = torch.tensor([(7 * i + 1) % count for i in range(6 * size)], dtype=torch.uint8)
    return raw.view(dtype).reshape(2, 3)


def bits_of(tensor):
    """The bytes of a tensor made dense, in order."""
    tensor = tensor.detach()
    flat = torch.empty(tensor.shape, dtype=tensor.dtype)
    if tensor.numel():
        # Bits have no arithmetic, but they can be moved.
        size = tensor.element_size()
        number = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}.get(size)
        if number:
            flat.view(number).copy_(tensor.view(number))
        else:
            flat.copy_(tensor)
    return ctypes.string_at(flat.data_ptr(), flat.numel() * flat.element_size())


def read(path):
    """Of every tensor in a file: its dtype's name, shape and bytes, through the C API."""
    weights = native.Weights.open(path)
    library, result = native.library(), {}
    sizes = {name: dtype.itemsize for dtype, name in DTYPES.items()}
    for index in range(library.ttc_weights_count(weights.pointer)):
        tensor = native.CTensor()
        native.call("ttc_weights_at", weights.pointer, index, byref(tensor))
        dtype = library.ttc_weights_dtype(weights.pointer, index).decode()
        shape = tuple(tensor.shape[i] for i in range(tensor.rank))
        count = sizes[dtype]
        for size in shape:
            count *= size
        data = ctypes.string_at(tensor.data, count) if count else b""
        result[tensor.name.decode()] = (dtype, shape, data)
    return result


def state_dict_of(loaded):
    for key in WRAPPINGS:
        inner = loaded.get(key)
        if isinstance(inner, dict) and any(map(torch.is_tensor, inner.values())):
            return inner
    return loaded


def expected(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = state_dict_of(torch.load(path, weights_only=True, map_location="cpu"))
    return {
        key: (DTYPES[value.dtype], tuple(value.shape), bits_of(value))
        for key, value in loaded.items()
        if isinstance(value, torch.Tensor)
    }


def network():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(8, 3), nn.LSTM(3, 5, 2)
    )


def tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    return model.state_dict()


def views():
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    return {
        "whole": base,
        "tail": base[1:],
        "inner": base[1, 2],
        "element": base[2, 3, 4],
        "column": base[:, :, 2],
        "steps": base[::2, 1::2, ::3],
        "turned": base.permute(2, 0, 1),
        "windows": base.flatten().as_strided((4, 10), (5, 1)),
        "diagonal": base[0].diagonal(),
        "nothing": base[3:],
    }


def scalar_before_transposed():
    return {"a": torch.tensor(2.5), "b": torch.arange(6.0).reshape(2, 3).T}


def trained():
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 2])
    return model, optimizer, schedule


def checkpoint(key):
    model, optimizer, schedule = trained()
    return {
        "epoch": 3,
        key: model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(),
        "rng": torch.get_rng_state().tolist()[:16],
        "loss": 0.25,
    }


def beside():
    return {
        "w": torch.ones(3),
        "epoch": 3,
        "lr": 1e-3,
        "big": 2**62,
        "negative": -(2**40),
        "on": True,
        "off": False,
        "none": None,
        "text": "ä€😀",
        "bytes": b"abc\xff",
        "list": [1, [2, [3, ()]], {"a": {"b": (1, 2, 3, 4)}}],
        "set": {1, 2},
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "complex": 1 + 2j,
        "counts": collections.Counter("aab"),
        "ordered": collections.OrderedDict(a=1),
    }


def with_attribute():
    tensor = torch.arange(3.0)
    tensor.note = "kept by PyTorch"
    return {"w": tensor}


def parameter_with_attribute():
    parameter = nn.Parameter(torch.arange(3.0))
    parameter.note = {"a": 1}
    return {"w": parameter}


def many():
    return {f"layer.{i}.w": torch.full((2,), float(i)) for i in range(3000)}


def aliases():
    tensor = torch.arange(4.0)
    return {"a": tensor, "b": tensor, "c": tensor[1:], "d": tensor[:2]}


FORMS = {
    "state dict": lambda: network().state_dict(),
    "plain dict": lambda: dict(network().state_dict()),
    "parameters": lambda: dict(network().named_parameters()),
    "keep_vars": lambda: network().state_dict(keep_vars=True),
    "nothing": dict,
    "state dict of nothing": lambda: nn.ReLU().state_dict(),
    "one tensor": lambda: {"w": torch.arange(5.0)},
    "scalar": lambda: {"w": torch.tensor(2.5)},
    "empty": lambda: {"w": torch.empty(0), "v": torch.empty(3, 0, 2), "u": torch.ones(1)},
    "only empty": lambda: {"w": torch.empty(0, dtype=torch.int64)},
    "rank 7": lambda: {"w": torch.arange(128.0).reshape(1, 2, 2, 4, 2, 2, 2)},
    "tied": tied,
    "views": views,
    "aliases": aliases,
    "scalar before transposed": scalar_before_transposed,
    "expanded": lambda: {"w": torch.tensor([1.0, 2.0]).expand(50, 2), "one": torch.ones(())},
    "channels last": lambda: {
        "w": torch.arange(120.0).reshape(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    },
    "bools": lambda: {"mask": torch.tensor([True, False, True])},
    "special values": lambda: {
        "w": torch.tensor([float("inf"), float("-inf"), float("nan"), -0.0, 1e-45])
    },
    "gradients": lambda: {"w": torch.ones(2, requires_grad=True)},
    "checkpoint, state_dict": lambda: checkpoint("state_dict"),
    "checkpoint, model_state_dict": lambda: checkpoint("model_state_dict"),
    "checkpoint, model": lambda: checkpoint("model"),
    "a generator's state beside": lambda: {
        "model": tied(),
        "rng": torch.get_rng_state(),
        "more": [torch.ones(3)],
    },
    "a description beside": lambda: {**tied(), "model": {"depth": 2}},
    "values beside": beside,
    "attribute": with_attribute,
    "parameter with attribute": parameter_with_attribute,
    "buffers": lambda: {"w": nn.Buffer(torch.ones(3))},
    "three thousand": many,
    "large": lambda: {"w": torch.arange(300_000, dtype=torch.int32)},
    "odd sizes": lambda: {f"w{n}": torch.arange(n, dtype=torch.uint8) for n in range(1, 9)},
    "names": lambda: {
        "ä€😀": torch.ones(1),
        "a b/../c\n%s\\": torch.ones(2),
        "n" * 70_000: torch.ones(3),
    },
    **{
        f"dtype {name}": functools.partial(lambda dtype: {"w": tensor_of(dtype)}, dtype)
        for dtype, name in DTYPES.items()
    },
}


def check(path):
    reference = expected(path)
    assert read(path) == reference
    return reference


@pytest.mark.parametrize("form", FORMS)
def test_the_bits_of_torch_load(form, tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(FORMS[form](), path)
    reference = check(path)
    assert reference or form in ("nothing", "state dict of nothing")


@pytest.mark.parametrize("name", ["w.pt", "a b.c.pth", "ä.bin", "noextension", "x..pt", "-.pt"])
def test_any_name_of_the_file(name, tmp_path):
    torch.save(FORMS["tied"](), tmp_path / name)
    check(tmp_path / name)


def test_a_file_written_to_a_buffer(tmp_path):
    buffer = io.BytesIO()
    torch.save(FORMS["views"](), buffer)
    (tmp_path / "w.pt").write_bytes(buffer.getvalue())
    check(tmp_path / "w.pt")


def test_pickle_protocol_3(tmp_path):
    torch.save(FORMS["checkpoint, model"](), tmp_path / "w.pt", pickle_protocol=3)
    check(tmp_path / "w.pt")


def test_without_checksums(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(FORMS["views"](), tmp_path / "w.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    check(tmp_path / "w.pt")


@pytest.mark.parametrize("alignment", [64, 4096])
def test_alignment_of_storages(alignment, tmp_path):
    torch.utils.serialization.config.save.storage_alignment = alignment
    try:
        torch.save(FORMS["odd sizes"](), tmp_path / "w.pt")
    finally:
        torch.utils.serialization.config.save.storage_alignment = 64
    check(tmp_path / "w.pt")


def test_stored_again_by_another_zip_writer(tmp_path):
    torch.save(FORMS["views"](), tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as old, zipfile.ZipFile(tmp_path / "v.pt", "w") as new:
        for info in reversed(old.infolist()):
            with new.open(info.filename, "w", force_zip64="data/" in info.filename) as member:
                member.write(old.read(info))
    check(tmp_path / "v.pt")


def test_more_than_four_gibibytes(tmp_path):
    path = tmp_path / "w.pt"
    with torch.serialization.skip_data():  # leaves holes, which take no room
        tensors = {
            "a": torch.empty(3 << 30, dtype=torch.uint8),
            "b": torch.empty((5 << 30) // 4),
            "c": torch.empty(10),
        }
        torch.save(tensors, path)
    with zipfile.ZipFile(path) as archive, open(path, "r+b") as file:
        info = archive.getinfo("w/data/2")
        assert info.header_offset > 8 << 30
        file.seek(info.header_offset + 26)
        name, extra = int.from_bytes(file.read(2), "little"), int.from_bytes(file.read(2), "little")
        file.seek(info.header_offset + 30 + name + extra)
        file.write(bits_of(torch.arange(10.0)))
    weights = native.Weights.open(path)
    sizes, tensor = [], native.CTensor()
    for index in range(3):
        native.call("ttc_weights_at", weights.pointer, index, byref(tensor))
        sizes.append(tensor.shape[0])
    assert sizes == [3 << 30, (5 << 30) // 4, 10]
    assert torch.equal(native.copy_tensor(tensor), torch.arange(10.0))


# What PyTorch reads, but the runtime refuses, and why.
REFUSED = {
    "a tensor alone": (lambda: torch.ones(2), "NotStateDict"),
    "a list": (lambda: [torch.ones(2)], "NotStateDict"),
    "a number": (lambda: 3, "NotStateDict"),
    "no tensors": (lambda: {"epoch": 3}, "NotStateDict"),
    "an optimizer": (lambda: trained()[1].state_dict(), "NotStateDict"),
    "numbers for keys": (lambda: {0: torch.ones(2)}, "NonStringKey"),
    "no name": (lambda: {"": torch.ones(2)}, "EmptyName"),
    "tensors in a list": (lambda: {"w": torch.ones(2), "l": [torch.ones(2)]}, "UnexpectedValue"),
    "dicts of dicts": (lambda: {"model": {"a": {"w": torch.ones(2)}}}, "UnexpectedValue"),
    "two state dicts": (lambda: {"model": tied(), "state_dict": tied()}, "AmbiguousStateDict"),
    "a huge integer": (lambda: {"w": torch.ones(2), "seed": 2**64}, "CorruptPickle"),
    "a huge expansion": (
        lambda: {"w": torch.ones(1).expand(1 << 17, 1 << 12)},
        "ExpandedTooLarge",
    ),
    "nested too deep": (
        lambda: {"w": torch.ones(1), "n": functools.reduce(lambda x, _: [x], range(120), 0)},
        "DepthLimit",
    ),
    "sparse": (lambda: {"w": torch.eye(3).to_sparse()}, "UnsupportedTensorKind"),
    "sparse rows": (lambda: {"w": torch.eye(3).to_sparse_csr()}, "UnsupportedTensorKind"),
    "meta": (lambda: {"w": torch.ones(3, device="meta")}, "UnsupportedTensorKind"),
    "conjugated": (
        lambda: {"w": torch.ones(3, dtype=torch.complex64).conj()},
        "UnsupportedTensorKind",
    ),
    "quantised": (
        lambda: {"w": torch.quantize_per_tensor(torch.ones(3), 0.5, 0, torch.qint8)},
        "UnsupportedTensorKind",
    ),
    "nested tensors": (
        lambda: {"w": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])},
        "UnsupportedTensorKind",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", REFUSED)
def test_refused_with_a_sentence(form, tmp_path):
    make, cause = REFUSED[form]
    path = tmp_path / "weights.pt"
    torch.save(make(), path)
    torch.load(path, weights_only=True)
    with pytest.raises(Error, match=rf"weights\.pt.*\[{cause}\]"):
        read(path)


class Attack:
    def __reduce__(self):
        return os.system, ("exit 1",)


class Subclass(torch.Tensor):
    pass


def cyclic():
    cycle = []
    cycle.append(cycle)
    return {"w": torch.ones(1), "cycle": cycle}


def module_with_hook():
    model = nn.Linear(2, 2)
    model.register_forward_hook(test_refused_by_both)
    return model


# What neither reads.
HOSTILE = {
    "a module": (network, "ForbiddenGlobal"),
    "a module with a hook": (module_with_hook, "ForbiddenGlobal"),
    "an attack": (lambda: {"w": torch.ones(1), "x": Attack()}, "ForbiddenGlobal"),
    "a function": (lambda: {"w": torch.ones(1), "f": torch.nn.functional.relu}, "ForbiddenGlobal"),
    "a class": (lambda: {"w": torch.ones(1), "c": nn.Linear}, "ForbiddenGlobal"),
    "a subclass": (
        lambda: {"w": torch.ones(2).as_subclass(Subclass)},
        "ForbiddenGlobal",
    ),
    "a defaultdict": (
        lambda: {"w": torch.ones(1), "d": collections.defaultdict(int)},
        "ForbiddenGlobal",
    ),
    "a slice": (lambda: {"w": torch.ones(1), "s": slice(1)}, "ForbiddenGlobal"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", HOSTILE)
def test_refused_by_both(form, tmp_path):
    make, cause = HOSTILE[form]
    path = tmp_path / "weights.pt"
    torch.save(make(), path)
    with pytest.raises(Exception):
        torch.load(path, weights_only=True)
    with pytest.raises(Error, match=rf"\[{cause}\]"):
        read(path)


def test_a_module_is_refused_by_the_name_of_its_class(tmp_path):
    torch.save(network(), tmp_path / "w.pt")
    with pytest.raises(Error, match=r"torch\.nn\.modules\.container\.Sequential.*state_dict\(\)"):
        read(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("protocol", [4, 5])
def test_later_protocols_say_how_to_save(protocol, tmp_path):
    torch.save(FORMS["tied"](), tmp_path / "w.pt", pickle_protocol=protocol)
    with pytest.raises(Exception):
        torch.load(tmp_path / "w.pt", weights_only=True)
    with pytest.raises(Error, match=r"pickle_protocol=2.*\[ForbiddenOpcode\]"):
        read(tmp_path / "w.pt")


def test_the_legacy_format_says_how_to_convert(tmp_path):
    torch.save(FORMS["tied"](), tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(Error, match=r"weights_only=True.*\[LegacyFormat\]"):
        read(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore")
def test_torchscript_says_what_to_save(tmp_path):
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "w.pt")
    with pytest.raises(Error, match=r"state_dict\(\).*\[TorchScriptArchive\]"):
        read(tmp_path / "w.pt")


def test_a_cycle_is_refused(tmp_path):
    torch.save(cyclic(), tmp_path / "w.pt")
    torch.load(tmp_path / "w.pt", weights_only=True)
    with pytest.raises(Error, match=r"\[Cycle\]"):
        read(tmp_path / "w.pt")


def test_every_flipped_byte_is_refused_or_harmless(tmp_path):
    """A flip is refused, or lies in padding, or in data whose checksums nobody asked for."""
    path = tmp_path / "w.pt"
    torch.save({"w": torch.arange(4.0), "v": torch.ones(3, dtype=torch.int64)}, path)
    whole, reference = path.read_bytes(), check(path)
    refused = 0
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 0x10
        path.write_bytes(flipped)
        try:
            found = read(path)
        except Error:
            refused += 1
            continue
        assert found.keys() == reference.keys()
        for key, (dtype, shape, _) in reference.items():
            assert found[key][:2] == (dtype, shape)
    assert refused > len(whole) / 3


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "w.pt"
    torch.save({"w": torch.arange(4.0)}, path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(Error):
            read(path)
