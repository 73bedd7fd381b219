"""Writes a threaded model that adds its inputs, as many as it is told: write_sum.py COUNT"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import sys

count = int(sys.argv[1])
inputs = ", ".join(f'%x{i}: tensor<4xf32> {{ttc.input = "x{i}"}}' for i in range(count))
print(f"func.func @sum({inputs}) -> tensor<4xf32> {{")
print("  %s0 = arith.addf %x0, %x1 : tensor<4xf32>")
for i in range(2, count):
    print(f"  %s{i - 1} = arith.addf %s{i - 2}, %x{i} : tensor<4xf32>")
print(f"  return %s{count - 2} : tensor<4xf32>\n}}")
