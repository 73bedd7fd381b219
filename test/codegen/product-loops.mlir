// Does the product's inner loop keep its sums in registers, and call nothing?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: ttc dense.mlir --emit=asm --mcpu=v4 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=V4
// RUN: ttc dense.mlir --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=V4-BATCH
// RUN: ttc dense.mlir --emit=asm --mcpu=v3 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=V3
// RUN: ttc dense.mlir --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=V3-BATCH
// RUN: ttc dense.mlir --emit=asm --mcpu=v2 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=V2
// RUN: ttc events.mlir --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck events.mlir --check-prefix=V4
// RUN: ttc events.mlir --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py | FileCheck events.mlir --check-prefix=V3
// RUN: ttc convolution.mlir --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck convolution.mlir --check-prefix=V4
// RUN: ttc doubles.mlir --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck doubles.mlir --check-prefix=V4
// RUN: ttc dense.mlir --emit=asm --mcpu=v4 --batch=1 --storage=bf16 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=BF16
// RUN: ttc dense.mlir --emit=asm --mcpu=v4 --weights-storage=int8 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=INT8
// RUN: ttc dense.mlir --emit=asm --mcpu=v3 --batch=1 --weights-storage=int8 | %python %S/Inputs/summarize_asm.py | FileCheck dense.mlir --check-prefix=INT8-V3

// Regressions here are silent: the bits stay right, the time does not. The loops of one
// row read each weight once, straight from memory; those of several rows multiply it with
// a scalar of each row.

//--- dense.mlir
// V4: net.step: calls nothing
// V4: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack, {{[34]}} others
// V4: net.step: loop: 8 vfmadd231ps zmm from memory, 4 vbroadcastss zmm from memory, 0 on the stack, 3 others
// V4: {{^}}step: calls net.step

// Of several rows, as many sums as 32 registers hold beside the weights: tiles of 12 x 2
// here; then single rows. Of both matrices.
// V4-BATCH: net.step: calls nothing
// V4-BATCH: net.step: loop: 24 vfmadd231ps zmm, {{6|12}} vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 24 vfmadd231ps zmm, {{6|12}} vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 8 vfmadd231ps zmm from memory, 4 vbroadcastss zmm from memory, 0 on the stack,

// V3: net.step: calls nothing
// V3: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
// V3: net.step: loop: 12 vfmadd231ps ymm from memory, 4 vbroadcastss ymm from memory, 0 on the stack,

// 16 registers hold 12 sums beside the weights.
// V3-BATCH: net.step: calls nothing
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm, {{[0-9]+}} vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm, {{[0-9]+}} vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm from memory, 4 vbroadcastss ymm from memory, 0 on the stack,

// Without a fused multiply-add: as many products as sums.
// V2: net.step: calls nothing
// V2: net.step: loop: 8 addps xmm, 8 mulps xmm, 0 on the stack,

// Short weights are widened on their way: as many products as before, none of them from memory.
// BF16: net.step: calls nothing
// BF16: net.step: loop: 16 vfmadd231ps zmm, 1 vbroadcastss zmm from memory, 0 on the stack,

// The same in 8 bits: each vector of weights is loaded and widened by two instructions, once for
// the rows of a tile.
// INT8: net.step: calls nothing
// INT8: net.step: loop: 24 vfmadd231ps zmm, {{6|12}} vbroadcastss zmm from memory, 2 vcvtdq2ps zmm, 2 vpmovsxbd zmm from memory, 0 on the stack,
// INT8: net.step: loop: 16 vcvtdq2ps zmm, 16 vfmadd231ps zmm, 16 vpmovsxbd zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack,
// INT8-V3: net.step: calls nothing
// INT8-V3: net.step: loop: 8 vcvtdq2ps ymm, 8 vfmadd231ps ymm, 8 vpmovsxbd ymm from memory, 1 vbroadcastss ymm from memory, 0 on the stack,
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x20xf32> {
  %0 = ttc.activation tanh (%x) : tensor<?x64xf32>
  %1 = ttc.linear "a" (%0) : tensor<?x64xf32> -> tensor<?x256xf32>
  %2 = ttc.neuron LIB "n" (%1) : tensor<?x256xf32>
  %3 = ttc.linear "b" (%2) : tensor<?x256xf32> -> tensor<?x20xf32>
  ttc.return %3 : tensor<?x20xf32>
}

//--- events.mlir
// The loop over the active inputs has as many products, and two loads to find them. On a CPU
// that cannot compress, the list is made of scalars.
// V4: net.step: calls nothing
// V4: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack,
// V4: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack,
// V3: net.step: calls nothing
// V3: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
// V3: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
ttc.model @net(%x: tensor<64xf32>) -> tensor<256xf32> {
  %0 = ttc.linear "a" (%x) : tensor<64xf32> -> tensor<256xf32>
  ttc.return %0 : tensor<256xf32>
}

//--- convolution.mlir
// A row of pixels by eight output channels, three columns of the kernel: each sum stays in its
// register, each vector of pixels is loaded once for all channels.
// V4: net.step: calls nothing
// V4: net.step: loop: {{24|72}} vfmadd231ps zmm{{.*}}, 0 on the stack,
ttc.model @net(%x: tensor<3x18x18xf32>) -> tensor<16x16x16xf32> {
  %0 = ttc.conv "c" (%x) kernel([3, 3]) : tensor<3x18x18xf32> -> tensor<16x16x16xf32>
  ttc.return %0 : tensor<16x16x16xf32>
}

//--- doubles.mlir
// V4: net.step: calls nothing
// V4: net.step: loop: 16 vfmadd231pd zmm from memory, 1 vbroadcastsd zmm from memory, 0 on the stack,
ttc.model @net(%x: tensor<31xf64>) -> tensor<128xf64> {
  %0 = ttc.linear "a" (%x) : tensor<31xf64> -> tensor<128xf64>
  ttc.return %0 : tensor<128xf64>
}
