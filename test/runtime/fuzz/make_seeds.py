"""Writes the files that the fuzzers begin with: fuzz/make_seeds.py [FAKE_EXECUTABLE]

They are in the repository, small, under seeds/<reader>; this is how they came to be. The
states files come from ttc-fake-executable, which the runtime's tests build.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

SEEDS = Path(__file__).parent / "seeds"


def write(reader: str, name: str, content: bytes) -> None:
    path = SEEDS / reader / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def safetensors(header: dict | str, data: bytes = b"") -> bytes:
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    return struct.pack("<Q", len(text)) + text.encode() + data


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors() -> None:
    write("safetensors", "empty", safetensors("{}"))
    write("safetensors", "spaces", safetensors(
        '  {"a":{"shape":[],"dtype":"U8","data_offsets":[0,1]}} \n', b"1"))
    write("safetensors", "two", safetensors(
        {"__metadata__": {"format": "pt"}, "b": entry("F32", [2, 2], 0, 16),
         "a": entry("I64", [1], 16, 24)}, bytes(24)))
    write("safetensors", "dtypes", safetensors(
        {d: entry(d, [2], 16 * i, 16 * i + 16) for i, d in enumerate(("F64", "I64", "U64", "C64"))},
        bytes(64)))
    write("safetensors", "narrow", safetensors(
        {"f4": entry("F4", [2], 0, 1), "b": entry("BOOL", [1], 1, 2),
         "e": entry("F16", [0, 3], 2, 2), "bf": entry("BF16", [1, 1, 1], 2, 4)},
        b"\x12\x01\0\0"))
    write("safetensors", "escapes", safetensors(
        '{"\\u0077\\n\\"":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}', b"1"))


def make_states(program: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for batch in (1, 3):
            np.save(f"{folder}/x.npy", np.ones((2, batch, 4), np.float32))
            weights = safetensors(
                {"net.1.beta": entry("F32", [4], 0, 16),
                 "net.1.threshold": entry("F32", [], 16, 20)},
                struct.pack("<5f", 0.5, 0.5, 0.5, 0.5, 1))
            Path(f"{folder}/w.safetensors").write_bytes(weights)
            subprocess.run(
                [program, "--weights", f"{folder}/w.safetensors", "--input", f"{folder}/x.npy",
                 "--save-states", f"{folder}/s.safetensors"],
                check=True, stdout=subprocess.DEVNULL)
            states = Path(f"{folder}/s.safetensors").read_bytes()
            write("states", f"batch{batch}", states)
    length = struct.unpack("<Q", states[:8])[0]
    header = json.loads(states[8:8 + length])
    metadata = header["__metadata__"]
    drawing = metadata | {"ttc.rng_seed": "7", "ttc.rng_position": "18446744073709551615"}
    write("states", "drawing", safetensors(header | {"__metadata__": drawing}, states[8 + length:]))
    absent = {k: v for k, v in metadata.items() if not k.startswith("ttc.crc32c.")}
    names = json.dumps(sorted(key for key in header if key[0] != "_"))
    write("states", "absent", safetensors({"__metadata__": absent | {"ttc.absent_states": names}}))
    write("states", "foreign", safetensors({"net.1.mem": entry("F32", [1, 4], 0, 16)}, bytes(16)))


def make_npy() -> None:
    arrays = {
        "f4": np.arange(6, dtype="<f4").reshape(2, 3),
        "f8": np.float64(2),
        "i8": np.arange(3),
        "bool": np.array([True]),
        "fortran": np.asfortranarray(np.ones((2, 2), np.float32)),
        "empty": np.zeros((0, 5), np.int32),
    }
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        write("npy", name, file.getvalue())


def make_torch() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    tied = torch.ones(3)
    batch_norm = torch.nn.BatchNorm1d(2).state_dict()
    kinds = (torch.float64, torch.bfloat16, torch.half, torch.int64, torch.bool)
    dtypes = {str(kind): torch.zeros(2, dtype=kind) for kind in kinds}
    contents = {
        "plain": {"w": weight, "b": torch.zeros(())},
        "module": batch_norm,
        "views": {"t": weight.t(), "row": weight[1], "empty": torch.zeros(0, 3)},
        "tied": {"a": tied, "b": tied},
        "dtypes": dtypes,
        "parameter": {"p": torch.nn.Parameter(torch.ones(2))},
        "untyped": {"w": torch.ones(2, dtype=torch.uint16)},
        "conj": {"w": torch.ones(1, dtype=torch.complex64).conj()},
        "wrapped": {"epoch": 3, "state_dict": OrderedDict(w=torch.ones(1)),
                    "note": ["x", 1.5, None, True]},
        "expanded": {"e": torch.ones(1).expand(4)},
    }
    for name, content in contents.items():
        file = io.BytesIO()
        torch.save(content, file)
        write("torch", name, file.getvalue())
        write("torch", f"{name}.pickle", zipfile.ZipFile(file).read("archive/data.pkl"))
        # Without checksums a change of the pickle is no reason to refuse the archive.
        torch.serialization.set_crc32_options(False)
        file = io.BytesIO()
        torch.save(content, file)
        torch.serialization.set_crc32_options(True)
        write("torch", f"{name}.unchecked", file.getvalue())


def make_shards() -> None:
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"metadata": {"total_size": 8}, "weight_map": {"a": shards[0], "b": shards[1]}}
    write("shards", "index", json.dumps(index).encode())
    write("shards", "pretty", json.dumps(index, indent=2).encode())
    write("shards", "one", json.dumps({"weight_map": {"a": shards[0]}}).encode())
    write("shards", "escape", json.dumps({"weight_map": {"a": "../" + shards[0]}}).encode())


make_safetensors()
make_npy()
make_torch()
make_shards()
if len(sys.argv) > 1:
    make_states(sys.argv[1])
