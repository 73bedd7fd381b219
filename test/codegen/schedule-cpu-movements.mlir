// How are elements moved: through maps, into parts of a tensor, out of a table?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-prepare-weights --ttc-plan-states --ttc-schedule-cpu --canonicalize --cse | FileCheck %s

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

// Neighbours of the result that lie apart in the operand are gathered.
// CHECK-LABEL: func.func @transposed.step(
func.func @transposed(%x: tensor<16x3xf32> {ttc.input = "x"}) -> (tensor<3x16xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[OFFSETS:.*]] = arith.constant dense<[0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45]> : vector<16xindex>
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %c3 step %c1 {
  // CHECK: %[[E:.*]] = vector.gather %{{.*}}[%[[ROW]]] [%[[OFFSETS]]]
  // CHECK: vector.store %[[E]]
  %0 = ttc.nest "" operands(%x : tensor<16x3xf32>) maps [affine_map<(i, j) -> (j, i)>] -> tensor<3x16xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<3x16xf32>
}

// -----

// Every second element from the third on; the partial vector gathers what exists alone.
// CHECK-LABEL: func.func @strided.step(
func.func @strided(%x: tensor<64xf32> {ttc.input = "x"}) -> (tensor<20xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[OFFSETS:.*]] = arith.constant dense<[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]>
  // CHECK-DAG: %[[ALL:.*]] = arith.constant dense<true> : vector<16xi1>
  // CHECK: vector.gather %{{.*}}[%c2] [%[[OFFSETS]]], %[[ALL]]
  // CHECK: %[[MASK:.*]] = vector.constant_mask [4]
  // CHECK: %[[E:.*]] = vector.gather %{{.*}}[%c34] [%[[OFFSETS]]], %[[MASK]]
  // CHECK: vector.maskedstore %{{.*}}[%c16], %[[MASK]], %[[E]]
  %0 = ttc.nest "" operands(%x : tensor<64xf32>) maps [affine_map<(i) -> (i * 2 + 2)>] -> tensor<20xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<20xf32>
}

// -----

// CHECK-LABEL: func.func @reversed.step(
func.func @reversed(%x: tensor<16xf32> {ttc.input = "x"}) -> (tensor<16xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[OFFSETS:.*]] = arith.constant dense<[0, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15]>
  // CHECK: vector.gather %{{.*}}[%c15] [%[[OFFSETS]]]
  %0 = ttc.nest "" operands(%x : tensor<16xf32>) maps [affine_map<(i) -> (15 - i)>] -> tensor<16xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<16xf32>
}

// -----

// One element for a whole vector is loaded once and spread.
// CHECK-LABEL: func.func @spread.step(
func.func @spread(%x: tensor<?xf32> {ttc.input = "x"}) -> (tensor<?x16xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c1 {
  // CHECK: %[[E:.*]] = memref.load %{{.*}}[%[[ROW]]]
  // CHECK-NEXT: vector.broadcast %[[E]] : f32 to vector<16xf32>
  // CHECK-NOT: vector.gather
  %0 = ttc.nest "" operands(%x : tensor<?xf32>) maps [affine_map<(i, j) -> (i)>] -> tensor<?x16xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<?x16xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Tensors put together
//===----------------------------------------------------------------------===//

// Rows of 16 and of 32 side by side: each part in turn, none of the result twice.
// CHECK-LABEL: func.func @joined.step(
func.func @joined(%x: tensor<?x16xf32> {ttc.input = "x"}, %y: tensor<?x32xf32> {ttc.input = "y"}) -> (tensor<?x48xf32> {ttc.output = "z"}) {
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %[[BATCH:.*]] step %c1 {
  // CHECK-DAG: %[[FROM:.*]] = arith.muli %[[ROW]], %c16
  // CHECK-DAG: %[[TO:.*]] = arith.muli %[[ROW]], %c48
  // CHECK-DAG: %[[E:.*]] = vector.load %{{.*}}[%[[FROM]]]
  // CHECK: vector.store %[[E]], %[[Z:.*]][%[[TO]]]
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %[[BATCH]] step %c1 {
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c32 step %c16 {
  // CHECK: %[[ROWS:.*]] = arith.muli %[[ROW]], %c48
  // CHECK: %[[BEHIND:.*]] = arith.addi %[[ROWS]], %c16
  // CHECK: %[[TO:.*]] = arith.addi %[[BEHIND]], %[[AT]]
  // CHECK: vector.store %{{.*}}, %[[Z]][%[[TO]]]
  // CHECK-NOT: scf.for
  // CHECK: return
  %0 = ttc.assemble (%x, %y : tensor<?x16xf32>, tensor<?x32xf32>) at [[0, 0], [0, 16]] -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// -----

// Joined along the first dimension, each part is a copy.
// CHECK-LABEL: func.func @stacked.step(
func.func @stacked(%x: tensor<2x16xf32> {ttc.input = "x"}, %y: tensor<1x16xf32> {ttc.input = "y"}) -> (tensor<3x16xf32> {ttc.output = "z"}) {
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c32 step %c16 {
  // CHECK-NEXT: %[[E:.*]] = vector.load %{{.*}}[%[[AT]]]
  // CHECK-NEXT: vector.store %[[E]], %[[Z:.*]][%[[AT]]]
  // CHECK: vector.store %{{.*}}, %[[Z]][%c32]
  // CHECK-NOT: scf.for
  // CHECK: return
  %0 = ttc.assemble (%x, %y : tensor<2x16xf32>, tensor<1x16xf32>) at [[0, 0], [2, 0]] -> tensor<3x16xf32>
  return %0 : tensor<3x16xf32>
}

// -----

// What is padded is filled first, then the part is laid over it: from element 1 * 20 + 3 on.
// CHECK-LABEL: func.func @padded.step(
func.func @padded(%x: tensor<4x16xf32> {ttc.input = "x"}) -> (tensor<6x20xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[FILL:.*]] = arith.constant dense<-1.500000e+00> : vector<16xf32>
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c112 step %c16 {
  // CHECK-NEXT: vector.store %[[FILL]], %[[Y:.*]][%[[AT]]]
  // CHECK: %[[MASK:.*]] = vector.constant_mask [8]
  // CHECK: vector.maskedstore %[[Y]][%c112], %[[MASK]], %[[FILL]]
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %c4 step %c1 {
  // CHECK: %[[ROWS:.*]] = arith.muli %[[ROW]], %c20
  // CHECK: %[[TO:.*]] = arith.addi %[[ROWS]], %c23
  // CHECK: vector.store %{{.*}}, %[[Y]][%[[TO]]]
  %0 = ttc.assemble (%x : tensor<4x16xf32>) at [[1, 3]] fill(-1.5) -> tensor<6x20xf32>
  return %0 : tensor<6x20xf32>
}

// -----

// Columns of one element: the lanes of a vector go to places that lie a row apart.
// CHECK-LABEL: func.func @columns.step(
func.func @columns(%x: tensor<16x1xf32> {ttc.input = "x"}, %y: tensor<16x2xf32> {ttc.input = "y"}) -> (tensor<16x3xf32> {ttc.output = "z"}) {
  // CHECK-DAG: %[[OFFSETS:.*]] = arith.constant dense<[0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45]>
  // CHECK: %[[E:.*]] = vector.load
  // CHECK: vector.scatter %{{.*}}[%c0] [%[[OFFSETS]]], %{{.*}}, %[[E]]
  %0 = ttc.assemble (%x, %y : tensor<16x1xf32>, tensor<16x2xf32>) at [[0, 0], [0, 1]] -> tensor<16x3xf32>
  return %0 : tensor<16x3xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Rows of a table
//===----------------------------------------------------------------------===//

// Whatever number comes, nothing outside of the table is read: compared without a sign, a
// negative number is a large one.
ttc.param @table : tensor<100x20xf32>
// CHECK-LABEL: func.func @rows.step(
func.func @rows(%ids: tensor<?xi64> {ttc.input = "ids"}, %table: tensor<100x20xf32> {ttc.param = @table}) -> (tensor<?x20xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %[[AT:.*]] = %c0 to %{{.*}} step %c1 {
  // CHECK-NEXT: %[[ID:.*]] = memref.load %{{.*}}[%[[AT]]] : memref<?xi64>
  // CHECK-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[ID]] : i64 to index
  // CHECK-NEXT: %[[ROW:.*]] = arith.minui %[[NUMBER]], %c99
  // CHECK-NEXT: %[[FROM:.*]] = arith.muli %[[ROW]], %c20
  // CHECK-NEXT: %[[TO:.*]] = arith.muli %[[AT]], %c20
  // CHECK-NEXT: %[[E:.*]] = vector.load %{{.*}}[%[[FROM]]]
  // CHECK-NEXT: vector.store %[[E]], %{{.*}}[%[[TO]]]
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  %0 = ttc.gather (%table, %ids) : tensor<100x20xf32>, tensor<?xi64> -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

// -----

// Numbers of four bytes, in two dimensions.
ttc.param @table : tensor<100x16xf32>
// CHECK-LABEL: func.func @short_numbers.step(
func.func @short_numbers(%ids: tensor<3x5xi32> {ttc.input = "ids"}, %table: tensor<100x16xf32> {ttc.param = @table}) -> (tensor<3x5x16xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c15 step %c1 {
  // CHECK-NEXT: %[[ID:.*]] = memref.load %{{.*}}[%[[AT]]] : memref<15xi32>
  // CHECK-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[ID]] : i32 to index
  // CHECK-NEXT: arith.minui %[[NUMBER]], %c99
  %0 = ttc.gather (%table, %ids) : tensor<100x16xf32>, tensor<3x5xi32> -> tensor<3x5x16xf32>
  return %0 : tensor<3x5x16xf32>
}
