"""Writes inputs of which few are not zero, weights, and what comes of them: write_events.py

Into the present directory: rows.npy (timesteps, 24 equal rows, 100 inputs), row.npy (one of
them), weights.safetensors of small integers, so that every order of a sum has the same bits,
and infinite.safetensors, in which the first weight is infinite.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import struct

INPUTS, OUTPUTS, ROWS = 100, 40, 24


def write_npy(path, shape, values):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.write(struct.pack(f"<{len(values)}f", *values))


def write_weights(path, values):
    entry = {"dtype": "F32", "shape": [OUTPUTS, INPUTS], "data_offsets": [0, 4 * len(values)]}
    text = json.dumps({"l.weight": entry}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + struct.pack(f"<{len(values)}f", *values))


# None, one at either end, a few, every second one, all but a few, all.
timesteps = [
    [0] * INPUTS,
    [3] + [0] * (INPUTS - 1),
    [0] * (INPUTS - 1) + [-2],
    [k % 5 if k % 17 == 0 else 0 for k in range(INPUTS)],
    [k % 2 for k in range(INPUTS)],
    [0 if k in (0, 31, 99) else 1 for k in range(INPUTS)],
    [k % 7 + 1 for k in range(INPUTS)],
    [0] * 50 + [float("nan")] + [0] * 49,
]
weights = [[(13 * n + 7 * k) % 9 - 4 for k in range(INPUTS)] for n in range(OUTPUTS)]
expected = [[sum(x * w for x, w in zip(row, line)) for line in weights] for row in timesteps]
write_npy("row.npy", (len(timesteps), 1, INPUTS), [x for row in timesteps for x in row])
write_npy("rows.npy", (len(timesteps), ROWS, INPUTS), [x for row in timesteps for x in row * ROWS])
write_npy("expected.npy", (len(timesteps), 1, OUTPUTS), [y for row in expected for y in row])
write_npy("expected_rows.npy", (len(timesteps), ROWS, OUTPUTS),
          [y for row in expected for y in row * ROWS])
write_weights("weights.safetensors", [w for line in weights for w in line])
write_weights("infinite.safetensors", [float("inf")] + [w for line in weights for w in line][1:])
