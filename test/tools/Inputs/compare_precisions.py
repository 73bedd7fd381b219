"""Are numbers in f64 and in f32 close? compare_precisions.py DOUBLE.npy SINGLE.npy COUNT"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import struct
import sys

count = int(sys.argv[3])
double = struct.unpack(f"<{count}d", open(sys.argv[1], "rb").read()[-8 * count:])
single = struct.unpack(f"<{count}f", open(sys.argv[2], "rb").read()[-4 * count:])
largest = max(abs(d - s) for d, s in zip(double, single))
# Rounding to f32 alone is 6e-8 of a number.
print("close but not the same" if 1e-10 < largest < 1e-5 else f"differ by {largest}")
