// Is a long step compiled operation by operation, and a short one whole?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t
// RUN: tt-opt %t/long.mlir %step-passes | FileCheck %t/long.mlir
// RUN: tt-opt %t/short.mlir %step-passes | FileCheck %t/short.mlir
// RUN: tt-opt %t/gates.mlir %step-passes | FileCheck %t/gates.mlir
// RUN: ttc %t/long.mlir --emit=obj -o %t/long.o
// RUN: llvm-nm --extern-only --defined-only %t/long.o | FileCheck %s --check-prefix=SYMBOLS --implicit-check-not='{{.}}'
// SYMBOLS: {{^[0-9a-f]+}} D ttc_model_long

//--- long.mlir
// The time of LLVM's optimiser grows faster than a function.
// Operations that are the same but for where their tensors lie share a function, which is
// told that.
// CHECK: func.func @long.step.0(
// CHECK: vector.fma
// CHECK: func.func @long.step.1(
// CHECK: vector.fma
// CHECK: func.func @long.step.2(
// CHECK: vector.fma
// CHECK-NOT: func.func @long.step.3(
// CHECK: func.func @long.step(
// CHECK-NOT: vector.fma
// CHECK: call @long.step.0(
// CHECK-COUNT-7: call @long.step.1(
// CHECK: call @long.step.2(
// CHECK-NEXT: return
ttc.model @long(%x0: tensor<16xf32>) -> tensor<16xf32> {
  %x1 = ttc.linear "1" (%x0) : tensor<16xf32> -> tensor<16xf32>
  %x2 = ttc.linear "2" (%x1) : tensor<16xf32> -> tensor<16xf32>
  %x3 = ttc.linear "3" (%x2) : tensor<16xf32> -> tensor<16xf32>
  %x4 = ttc.linear "4" (%x3) : tensor<16xf32> -> tensor<16xf32>
  %x5 = ttc.linear "5" (%x4) : tensor<16xf32> -> tensor<16xf32>
  %x6 = ttc.linear "6" (%x5) : tensor<16xf32> -> tensor<16xf32>
  %x7 = ttc.linear "7" (%x6) : tensor<16xf32> -> tensor<16xf32>
  %x8 = ttc.linear "8" (%x7) : tensor<16xf32> -> tensor<16xf32>
  %x9 = ttc.linear "9" (%x8) : tensor<16xf32> -> tensor<16xf32>
  ttc.return %x9 : tensor<16xf32>
}

//--- short.mlir
// CHECK-LABEL: func.func @short.step(
// CHECK-NOT: call
// CHECK: return
// CHECK-NOT: func.func
ttc.model @short(%x0: tensor<16xf32>) -> tensor<16xf32> {
  %x1 = ttc.linear "1" (%x0) : tensor<16xf32> -> tensor<16xf32>
  %x2 = ttc.linear "2" (%x1) : tensor<16xf32> -> tensor<16xf32>
  %x3 = ttc.linear "3" (%x2) : tensor<16xf32> -> tensor<16xf32>
  %x4 = ttc.linear "4" (%x3) : tensor<16xf32> -> tensor<16xf32>
  %x5 = ttc.linear "5" (%x4) : tensor<16xf32> -> tensor<16xf32>
  %x6 = ttc.linear "6" (%x5) : tensor<16xf32> -> tensor<16xf32>
  %x7 = ttc.linear "7" (%x6) : tensor<16xf32> -> tensor<16xf32>
  %x8 = ttc.linear "8" (%x7) : tensor<16xf32> -> tensor<16xf32>
  ttc.return %x8 : tensor<16xf32>
}

//--- gates.mlir
// A nest of eight products counts as eight: one more operation makes two functions.
// CHECK: func.func @gates.step(
// CHECK: call @gates.step.0(
// CHECK-NEXT: call @gates.step.1(
// CHECK-NOT: call
// CHECK: return
ttc.model @gates(%x: tensor<8xf32>) -> tensor<16xf32> {
  %0 = ttc.torch_rnn lstm "l" (%x) layers(1) hidden(16) cell : tensor<8xf32> -> tensor<16xf32>
  %1 = ttc.linear "o" (%0) : tensor<16xf32> -> tensor<16xf32>
  ttc.return %1 : tensor<16xf32>
}
