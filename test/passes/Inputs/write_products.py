"""Writes a threaded model that adds products of one input: write_products.py COUNT"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import sys

count = int(sys.argv[1])
weights = ", ".join(f"%w{i}: tensor<4x4xf32> {{ttc.param = @w{i}}}" for i in range(count))
print(f'func.func @sum(%x: tensor<4xf32> {{ttc.input = "x"}}, {weights}) -> tensor<4xf32> {{')
for i in range(count):
    print(f'  %p{i} = ttc.nest "" product(%x : tensor<4xf32>) weights(%w{i} : tensor<4x4xf32>)'
          " maps [] -> tensor<4xf32> {\n  ^bb0(%acc: f32):\n    ttc.yield %acc : f32\n  }")
print("  %s0 = arith.addf %p0, %p1 : tensor<4xf32>")
for i in range(2, count):
    print(f"  %s{i - 1} = arith.addf %s{i - 2}, %p{i} : tensor<4xf32>")
print(f"  return %s{count - 2} : tensor<4xf32>\n}}")
