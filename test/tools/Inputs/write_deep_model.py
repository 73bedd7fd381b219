"""Writes a model of many layers, one behind the other: write_deep_model.py LAYERS"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import sys

layers = int(sys.argv[1])
print("ttc.model @deep(%x0: tensor<?x4xf32>) -> tensor<?x4xf32> {")
for i in range(layers):
    print(f'  %y{i} = ttc.linear "{i}.a" (%x{i}) : tensor<?x4xf32> -> tensor<?x4xf32>')
    print(f'  %x{i + 1} = ttc.neuron LIB "{i}.b" (%y{i}) : tensor<?x4xf32>')
print(f"  ttc.return %x{layers} : tensor<?x4xf32>\n}}")
