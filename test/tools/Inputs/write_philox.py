"""Writes what ttc.uniform draws: write_philox.py DTYPE STREAM SEED TIMESTEPS SIZE FILE.npy

Philox4x32-10 as its paper has it (Salmon, Moraes, Dror and Shaw, 2011), in plain integers, on
the counter (element, stream, timestep) and keyed by the seed.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import struct
import sys

MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for number in range(10):
        if number:
            k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
        even, odd = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [odd >> 32 ^ c[1] ^ k[0], odd & MASK, even >> 32 ^ c[3] ^ k[1], even & MASK]
    return c


# The answers that its authors publish with it.
assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([MASK] * 4, [MASK] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def draw(dtype, element, stream, timestep, seed):
    words = philox([element, stream, timestep & MASK, timestep >> 32], [seed & MASK, seed >> 32])
    if dtype == "f32":
        return (words[0] >> 8) * 2.0**-24
    return ((words[0] >> 5) * 2**26 + (words[1] >> 6)) * 2.0**-53


dtype, file = sys.argv[1], sys.argv[6]
stream, seed, timesteps, size = (int(word) for word in sys.argv[2:6])
values = [draw(dtype, i, stream, t, seed) for t in range(timesteps) for i in range(size)]
header = str({"descr": {"f32": "<f4", "f64": "<f8"}[dtype], "fortran_order": False,
              "shape": (timesteps, size)}).encode()
header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
with open(file, "wb") as out:
    out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    out.write(struct.pack(f"<{len(values)}{'f' if dtype == 'f32' else 'd'}", *values))
