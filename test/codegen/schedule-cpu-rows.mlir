// Which operations go through a batch together, row by row?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-prepare-weights --ttc-plan-states --ttc-schedule-cpu --canonicalize --cse | FileCheck %s

ttc.param @b : tensor<512xf32>
// One loop over the batch, in which a row goes through both: the second finds in the nearest
// cache what the first has left. The row of a flattened tensor is where that of the other is.
// CHECK-LABEL: func.func @row_by_row.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
func.func @row_by_row(%x: tensor<?x16x32xf32> {ttc.input = "x"}, %b: tensor<512xf32> {ttc.param = @b})
    -> (tensor<?x512xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %[[BATCH]] step %c1 {
  // CHECK: arith.muli %[[ROW]], %c2048
  // CHECK: scf.for %{{.*}} = %c0 to %c512 step %c16 {
  // CHECK: math.tanh
  // CHECK: scf.for %{{.*}} = %c0 to %c512 step %c16 {
  // CHECK: arith.addf
  // CHECK: return
  %0 = ttc.nest "" operands(%x : tensor<?x16x32xf32>) maps [affine_map<(i, j, k) -> (i, j, k)>] -> tensor<?x16x32xf32> {
  ^bb0(%a: f32):
    %2 = math.tanh %a : f32
    ttc.yield %2 : f32
  }
  %flat = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<?x16x32xf32> into tensor<?x512xf32>
  %1 = ttc.nest "" operands(%flat, %b : tensor<?x512xf32>, tensor<512xf32>) maps [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>] -> tensor<?x512xf32> {
  ^bb0(%a: f32, %c: f32):
    %2 = arith.addf %a, %c : f32
    ttc.yield %2 : f32
  }
  return %1 : tensor<?x512xf32>
}

// -----

// Short rows: a loop over all elements is better than many short ones.
// CHECK-LABEL: func.func @short_rows.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
func.func @short_rows(%x: tensor<?x32xf32> {ttc.input = "x"}) -> (tensor<?x32xf32> {ttc.output = "y"}) {
  // CHECK-NOT: scf.for %{{.*}} = %c0 to %[[BATCH]] step %c1
  // CHECK: math.tanh
  // CHECK: math.absf
  // CHECK: return
  %0 = ttc.nest "" operands(%x : tensor<?x32xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<?x32xf32> {
  ^bb0(%a: f32):
    %2 = math.tanh %a : f32
    ttc.yield %2 : f32
  }
  %1 = ttc.nest "" operands(%0 : tensor<?x32xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<?x32xf32> {
  ^bb0(%a: f32):
    %2 = math.absf %a : f32
    ttc.yield %2 : f32
  }
  return %1 : tensor<?x32xf32>
}

// -----

// A batch that is known to fit into the cache.
// CHECK-LABEL: func.func @small_batch.step(
func.func @small_batch(%x: tensor<3x512xf32> {ttc.input = "x"}) -> (tensor<3x512xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c1536 step %c16
  // CHECK: scf.for %{{.*}} = %c0 to %c1536 step %c16
  %0 = ttc.nest "" operands(%x : tensor<3x512xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<3x512xf32> {
  ^bb0(%a: f32):
    %2 = math.tanh %a : f32
    ttc.yield %2 : f32
  }
  %1 = ttc.nest "" operands(%0 : tensor<3x512xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<3x512xf32> {
  ^bb0(%a: f32):
    %2 = math.absf %a : f32
    ttc.yield %2 : f32
  }
  return %1 : tensor<3x512xf32>
}

// -----

// Rows that need each other stay apart: the second reads one row of the first for all of its own.
// CHECK-LABEL: func.func @other_rows.step(
func.func @other_rows(%x: tensor<400x512xf32> {ttc.input = "x"}) -> (tensor<400x512xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c204800 step %c16
  // CHECK: math.tanh
  %0 = ttc.nest "" operands(%x : tensor<400x512xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<400x512xf32> {
  ^bb0(%a: f32):
    %2 = math.tanh %a : f32
    ttc.yield %2 : f32
  }
  %1 = ttc.nest "" operands(%0 : tensor<400x512xf32>) maps [affine_map<(i, j) -> (0, j)>] -> tensor<400x512xf32> {
  ^bb0(%a: f32):
    %2 = math.absf %a : f32
    ttc.yield %2 : f32
  }
  return %1 : tensor<400x512xf32>
}

// -----

// A state that is put together anew is written where it lies, since nobody reads the old one any
// more: no copy follows the columns that come last.
ttc.state @s : tensor<?x256x4xf32>
// CHECK-LABEL: func.func @assembled_in_place.step(
// CHECK-SAME: %{{[^:]*}}: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias},
func.func @assembled_in_place(%x: tensor<?x256x1xf32> {ttc.input = "x"}, %s: tensor<?x256x4xf32> {ttc.state = @s})
    -> (tensor<?x256x4xf32> {ttc.state = @s}) {
  // CHECK: memref.reinterpret_cast %[[STATES]]
  // CHECK: %[[NEW:.*]] = memref.view
  // CHECK: vector.maskedstore
  // CHECK: vector.maskedstore %[[NEW]]
  // CHECK: vector.scatter %[[NEW]]
  // CHECK-NOT: scf.for
  // CHECK: return
  %0 = ttc.nest "" operands(%s : tensor<?x256x4xf32>) maps [affine_map<(i, j, k) -> (i, j, k + 1)>] -> tensor<?x256x3xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  %1 = ttc.assemble (%0, %x : tensor<?x256x3xf32>, tensor<?x256x1xf32>) at [[0, 0, 0], [0, 0, 3]] -> tensor<?x256x4xf32>
  return %1 : tensor<?x256x4xf32>
}

// -----

// Not while something reads the old one later: it is put together elsewhere and copied.
ttc.state @s : tensor<?x256x4xf32>
// CHECK-LABEL: func.func @read_later.step(
func.func @read_later(%x: tensor<?x256x1xf32> {ttc.input = "x"}, %s: tensor<?x256x4xf32> {ttc.state = @s})
    -> (tensor<?x256xf32> {ttc.output = "y"}, tensor<?x256x4xf32> {ttc.state = @s}) {
  // CHECK: vector.scatter
  // CHECK: arith.addf
  // CHECK: scf.for
  // CHECK: %[[ALL:.*]] = vector.load
  // CHECK-NEXT: vector.store %[[ALL]]
  %0 = ttc.nest "" operands(%s : tensor<?x256x4xf32>) maps [affine_map<(i, j, k) -> (i, j, k + 1)>] -> tensor<?x256x3xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  %1 = ttc.assemble (%0, %x : tensor<?x256x3xf32>, tensor<?x256x1xf32>) at [[0, 0, 0], [0, 0, 3]] -> tensor<?x256x4xf32>
  %2 = ttc.nest "" operands(%s, %1 : tensor<?x256x4xf32>, tensor<?x256x4xf32>) maps [affine_map<(i, j) -> (i, j, 0)>, affine_map<(i, j) -> (i, j, 3)>] -> tensor<?x256xf32> {
  ^bb0(%a: f32, %c: f32):
    %3 = arith.addf %a, %c : f32
    ttc.yield %3 : f32
  }
  return %2, %1 : tensor<?x256xf32>, tensor<?x256x4xf32>
}
