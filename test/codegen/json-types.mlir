// Does the table say what elements are, which numbers an input may have, and whether it draws?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t
// RUN: ttc %t/doubles.mlir --emit=json | FileCheck %t/doubles.mlir
// RUN: ttc %t/numbers.mlir --emit=json | FileCheck %t/numbers.mlir
// RUN: ttc %t/draws.mlir --emit=json | FileCheck %t/draws.mlir
// RUN: ttc %t/numbers.mlir --emit=llvm | FileCheck %t/numbers.mlir --check-prefix=LLVM
// RUN: ttc %t/draws.mlir --emit=llvm | FileCheck %t/draws.mlir --check-prefix=LLVM

//--- doubles.mlir
// CHECK: "inputs": [
// CHECK: "dtype": "f64"
// CHECK: "outputs": [
// CHECK: "dtype": "f64"
// CHECK: "params": [
// CHECK: "dtype": "f64"
// CHECK: "states": [
// CHECK: "dtype": "f64"
ttc.model @net(%x: tensor<?x4xf64>) -> tensor<?x4xf64> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf64>
  ttc.return %0 : tensor<?x4xf64>
}

//--- numbers.mlir
// An input that picks rows has the number of them beside it: the smaller one of two tables,
// through a change of shape as well. One that nothing picks with has none.
// CHECK: "inputs": [
// CHECK-NEXT: {
// CHECK-NEXT: "dtype": "i64",
// CHECK-NEXT: "limit": 7,
// CHECK-NEXT: "name": "word"
// CHECK: "dtype": "i32",
// CHECK-NEXT: "limit": 12,
// CHECK-NEXT: "name": "grid",
// CHECK-NEXT: "shape": [
// CHECK-NEXT: 2,
// CHECK-NEXT: 3
// CHECK: "dtype": "f32",
// CHECK-NEXT: "name": "x"
// CHECK: "outputs": [
// In the binary the limits are a table, 0 for an input without one.
// LLVM: @limits = private constant [3 x i64] [i64 7, i64 12, i64 0]
ttc.param @large.weight : tensor<10x4xf32>
ttc.model @net(%w: tensor<?xi64> {ttc.name = "word"}, %g: tensor<2x3xi32> {ttc.name = "grid"}, %x: tensor<4xf32> {ttc.name = "x"})
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<6x4xf32>, tensor<4xf32>) {
  %0 = ttc.embedding "large" (%w) rows(10) : tensor<?xi64> -> tensor<?x4xf32>
  %1 = ttc.embedding "small" (%w) rows(7) : tensor<?xi64> -> tensor<?x4xf32>
  %flat = tensor.collapse_shape %g [[0, 1]] : tensor<2x3xi32> into tensor<6xi32>
  %2 = ttc.embedding "other" (%flat) rows(12) : tensor<6xi32> -> tensor<6x4xf32>
  ttc.return %0, %1, %2, %x : tensor<?x4xf32>, tensor<?x4xf32>, tensor<6x4xf32>, tensor<4xf32>
}

//--- draws.mlir
// CHECK: "draws_random_numbers": true,
// The block of states begins with the generator, 64 bytes.
// CHECK: "offset": {
// CHECK-NEXT: "fixed": 64,
// CHECK: "states_bytes": {
// CHECK-NEXT: "fixed": 128,
// No limits; the descriptor ends with 1 and 0.
// LLVM: @ttc_model_net = {{.*}}ptr @run, ptr null, i32 1, i32 0, ptr null, i32 1, i32 0, ptr null, ptr null, ptr null }
ttc.state @last : tensor<4xf32>
ttc.model @net(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ttc.uniform stream(0) like (%x) : tensor<4xf32>
  %1 = ttc.read @last : tensor<4xf32>
  ttc.write %0, @last : tensor<4xf32>
  ttc.return %1 : tensor<4xf32>
}
