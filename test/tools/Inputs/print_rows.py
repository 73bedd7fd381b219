"""Prints f32 numbers from standard input, a line for every so many: print_rows.py LENGTH"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import struct
import sys

length = int(sys.argv[1])
data = sys.stdin.buffer.read()
for start in range(0, len(data), 4 * length):
    row = struct.unpack_from(f"<{length}f", data, start)
    # A NaN has a sign, which says nothing.
    print(*("nan" if x != x else f"{x:g}" for x in row))
