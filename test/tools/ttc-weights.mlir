// Are weights embedded that fit the model, and others refused by name?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json > net.json

// With weights the object carries them, prepared.
// RUN: %python %S/Inputs/write_weights.py net.safetensors < net.json
// RUN: ttc %s --weights net.safetensors --emit=llvm | FileCheck %s --check-prefix=EMBEDDED
// EMBEDDED: @prepared = private {{.*}}constant {{.*}} align 64
// RUN: ttc %s --emit=llvm | FileCheck %s --check-prefix=WITHOUT
// WITHOUT-NOT: @prepared =
// WITHOUT: @ttc_model_net

// RUN: (ttc %s --weights missing.safetensors 2> error.txt; test $? -eq 1)
// RUN: FileCheck %s --check-prefix=MISSING --input-file=error.txt
// MISSING: ttc-weights.mlir: error: There is no file 'missing.safetensors'. [NotFound]

// RUN: cp %s text.safetensors && not ttc %s --weights text.safetensors 2>&1 | FileCheck %s --check-prefix=TEXT
// TEXT: ttc-weights.mlir: error: Cannot read 'text.safetensors': its first eight bytes claim a header of {{[0-9]+}} bytes, at most 100000000 are read. [HeaderTooLarge]

// M21
// RUN: %python %S/Inputs/write_weights.py --transpose l.weight turned.safetensors < net.json
// RUN: not ttc %s --weights turned.safetensors 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: The weights of 'turned.safetensors' do not fit the model 'net': 'l.weight' has the shape [4, 2], [2, 4] is expected. [ShapeMismatch]
// RUN: %python %S/Inputs/write_weights.py --drop n.raw_beta few.safetensors < net.json
// RUN: not ttc %s --weights few.safetensors 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: error: The weights of 'few.safetensors' do not fit the model 'net': neither 'n.raw_beta' nor 'n.beta' is there. [MissingKey]

// Weights belong in code: at the other levels they would be ignored in silence.
// RUN: not ttc %s --weights net.safetensors --emit=json 2>&1 | FileCheck %s --check-prefix=LEVEL
// LEVEL: error: --weights embeds weights into code, which this --emit does not write: leave it out, or emit llvm, asm, obj, lib, shared or exe

// RUN: ls | not grep -E '\.so$|\.h$|tmp$'
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x2xf32>
  ttc.return %1 : tensor<?x2xf32>
}
