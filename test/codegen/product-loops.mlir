// Does the product's inner loop keep its sums in registers, and call nothing?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=asm --mcpu=v4 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck %s --check-prefix=V4
// RUN: ttc %s --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck %s --check-prefix=V4-BATCH
// RUN: ttc %s --emit=asm --mcpu=v3 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck %s --check-prefix=V3
// RUN: ttc %s --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py | FileCheck %s --check-prefix=V3-BATCH
// RUN: ttc %s --emit=asm --mcpu=v2 --batch=1 | %python %S/Inputs/summarize_asm.py | FileCheck %s --check-prefix=V2

// Regressions here are silent: the bits stay right, the time does not. The loops of one
// row read each weight once, straight from memory; those of several rows multiply it with
// a scalar of each row.

// V4: net.step: calls nothing
// V4-NEXT: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack, 3 others
// V4: net.step: loop: 8 vfmadd231ps zmm from memory, 4 vbroadcastss zmm from memory, 0 on the stack, 3 others
// V4-NEXT: {{^}}step: calls net.step

// Of several rows, as many sums as 32 registers hold beside the weights: tiles of 12 x 2
// here; then single rows. Of both matrices.
// V4-BATCH: net.step: calls nothing
// V4-BATCH: net.step: loop: 24 vfmadd231ps zmm, {{6|12}} vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 24 vfmadd231ps zmm, {{6|12}} vbroadcastss zmm from memory, 0 on the stack,
// V4-BATCH: net.step: loop: 8 vfmadd231ps zmm from memory, 4 vbroadcastss zmm from memory, 0 on the stack,

// V3: net.step: calls nothing
// V3-NEXT: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
// V3: net.step: loop: 12 vfmadd231ps ymm from memory, 4 vbroadcastss ymm from memory, 0 on the stack,

// 16 registers hold 12 sums beside the weights.
// V3-BATCH: net.step: calls nothing
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm, {{[0-9]+}} vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 16 vfmadd231ps ymm from memory, 2 vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm, {{[0-9]+}} vbroadcastss ymm from memory, 0 on the stack,
// V3-BATCH: net.step: loop: 12 vfmadd231ps ymm from memory, 4 vbroadcastss ymm from memory, 0 on the stack,

// Without a fused multiply-add: as many products as sums.
// V2: net.step: calls nothing
// V2-NEXT: net.step: loop: 8 addps xmm, 8 mulps xmm, 0 on the stack,
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x20xf32> {
  %0 = ttc.linear "a" (%x) : tensor<?x64xf32> -> tensor<?x256xf32>
  %1 = ttc.neuron LIB "n" (%0) quant(round) : tensor<?x256xf32>
  %2 = ttc.linear "b" (%1) : tensor<?x256xf32> -> tensor<?x20xf32>
  ttc.return %2 : tensor<?x20xf32>
}
