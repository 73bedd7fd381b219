// Does the report say which weights are stored narrower, and which are not?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --weights-storage=int8 --emit=obj -o %t.o --report | FileCheck %s

// 4 x 3 x 9 weights of 4 bytes; 144 x 10 of one, in panels of 16 columns, with 16 scales and 10
// biases.
// CHECK: c {{ *}}144 windows of 27 {{ *}}432 {{.*}} vectors of 16, weights as they are
// CHECK: l {{ *}}144 -> 10 {{ *}}2408 {{.*}} panels of 1 x 16, 1 a pass, weights int8, sums in 4 chains
ttc.model @net(%x: tensor<3x8x8xf32>) -> tensor<10xf32> {
  %0 = ttc.conv "c" (%x) kernel([3, 3]) : tensor<3x8x8xf32> -> tensor<4x6x6xf32>
  %1 = ttc.flatten (%0) dims(0, 2) : tensor<4x6x6xf32> -> tensor<144xf32>
  %2 = ttc.linear "l" (%1) : tensor<144xf32> -> tensor<10xf32>
  ttc.return %2 : tensor<10xf32>
}
