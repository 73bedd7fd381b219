"""Writes weights that fit a model: the model's JSON table in, a .safetensors file out.

    ttc net.mlir --emit=json | write_weights.py [--transpose KEY] [--drop KEY] net.safetensors

The values repeat a short pattern, so that every run has the same ones. Parameters with a
raw form are written raw. --transpose turns a shape around, --drop leaves a key out.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import argparse
import json
import math
import struct
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--transpose", action="append", default=[])
parser.add_argument("--drop", action="append", default=[])
parser.add_argument("output")
options = parser.parse_args()

header, data = {}, b""
for param in json.load(sys.stdin)["params"]:
    key = param.get("raw_name", param["name"])
    if key in options.drop:
        continue
    shape = param["shape"]
    if key in options.transpose:
        shape = shape[::-1]
    count = math.prod(shape)
    values = [((7 * i + len(key)) % 11 - 5) / 8 for i in range(count)]
    begin = len(data)
    data += struct.pack(f"<{count}f", *values)
    header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
text = json.dumps(header).encode()
with open(options.output, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
