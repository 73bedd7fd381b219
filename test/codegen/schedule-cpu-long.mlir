// Is a long step compiled operation by operation, and a short one whole?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t
// RUN: tt-opt %t/long.mlir --ttc-to-scheduled | FileCheck %t/long.mlir
// RUN: tt-opt %t/short.mlir --ttc-to-scheduled | FileCheck %t/short.mlir
// RUN: ttc %t/long.mlir --emit=obj -o %t/long.o
// RUN: llvm-nm --extern-only --defined-only %t/long.o | FileCheck %s --check-prefix=SYMBOLS --implicit-check-not='{{.}}'
// SYMBOLS: {{^[0-9a-f]+}} D ttc_model_long

//--- long.mlir
// The time of LLVM's optimiser grows faster than a function.
// CHECK-LABEL: func.func @long.step(
// CHECK-SAME: %[[A0:[^:]*]]: memref<i8> {llvm.noalias}, %[[A1:[^:]*]]: memref<i8> {llvm.noalias}, %[[A2:[^:]*]]: memref<i8> {llvm.noalias}, %[[A3:[^:]*]]: memref<i8> {llvm.noalias}, %[[A4:[^:]*]]: memref<i8> {llvm.noalias}, %[[A5:[^:]*]]: index) {
// CHECK-NEXT: call @long.step.0(%[[A0]], %[[A1]], %[[A2]], %[[A3]], %[[A4]], %[[A5]])
// CHECK: call @long.step.8(%[[A0]], %[[A1]], %[[A2]], %[[A3]], %[[A4]], %[[A5]])
// CHECK-NEXT: return
// CHECK-LABEL: func.func @long.step.0(
// CHECK: vector.fma
// CHECK-LABEL: func.func @long.step.8(
// CHECK: vector.fma
// CHECK-NOT: func.func @long.step.9(
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
