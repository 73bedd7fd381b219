"""Writes a .npy file of f32 that repeats a short pattern: write_npy.py FILE SIZE..."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import math
import struct
import sys

path, shape = sys.argv[1], tuple(int(size) for size in sys.argv[2:])
header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
values = [(5 * i % 13 - 4) / 4 for i in range(math.prod(shape))]
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    file.write(struct.pack(f"<{len(values)}f", *values))
