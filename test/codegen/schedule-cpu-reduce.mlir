// Which way do the vectors of a reduction go, and what do they share?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-prepare-weights --ttc-plan-states --ttc-schedule-cpu --canonicalize --cse | FileCheck %s

// Neighbours in the window: a register of partial results, in which the neutral element
// stands where there is no element, and its lanes at the end, halves first.
// CHECK-LABEL: func.func @along_the_window.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
func.func @along_the_window(%x: tensor<?x40xf32> {ttc.input = "x"}) -> (tensor<?xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[LEAST:.*]] = arith.constant dense<0xFF800000> : vector<16xf32>
  // CHECK: scf.for %{{.*}} = %c0 to %[[BATCH]] step %c1 {
  // CHECK: %[[PART:.*]] = scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(%[[M:[^ ]*]] = %[[LEAST]]) -> (vector<16xf32>) {
  // CHECK: %[[E:.*]] = vector.load
  // CHECK-NEXT: %[[NEXT:.*]] = arith.maximumf %[[M]], %[[E]]
  // CHECK-NEXT: scf.yield %[[NEXT]]
  // CHECK: %[[MASK:.*]] = vector.constant_mask [8] : vector<16xi1>
  // CHECK: %[[LAST:.*]] = vector.maskedload %{{.*}}, %[[MASK]]
  // CHECK-NEXT: %[[OR_LEAST:.*]] = arith.select %[[MASK]], %[[LAST]], %[[LEAST]]
  // CHECK-NEXT: %[[ALL:.*]] = arith.maximumf %[[PART]], %[[OR_LEAST]] : vector<16xf32>
  // CHECK-NEXT: %[[LOW:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [0, 1, 2, 3, 4, 5, 6, 7]
  // CHECK-NEXT: %[[HIGH:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [8, 9, 10, 11, 12, 13, 14, 15]
  // CHECK-NEXT: arith.maximumf %[[LOW]], %[[HIGH]] : vector<8xf32>
  // CHECK: arith.maximumf {{.*}} : vector<4xf32>
  // CHECK: arith.maximumf {{.*}} : vector<2xf32>
  // CHECK: arith.maximumf {{.*}} : vector<1xf32>
  // CHECK: memref.store
  %0 = ttc.reduce max "" operands(%x : tensor<?x40xf32>) maps [affine_map<(i, k) -> (i, k)>] window [40] -> tensor<?xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<?xf32>
}

// -----

// The neutral element of each kind, where one vector is the whole window.
// CHECK-LABEL: func.func @neutral_elements.step(
func.func @neutral_elements(%x: tensor<10xf32> {ttc.input = "x"}) -> (tensor<f32> {ttc.output = "y"}, tensor<f32> {ttc.output = "z"}) {
  // CHECK-DAG: %[[MOST:.*]] = arith.constant dense<0x7F800000> : vector<16xf32>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK-NOT: scf.for
  // CHECK: %[[MASK:.*]] = vector.constant_mask [10]
  // CHECK: arith.select %[[MASK]], %{{.*}}, %[[MOST]]
  // CHECK: arith.minimumf %{{.*}} : vector<8xf32>
  %0 = ttc.reduce min "" operands(%x : tensor<10xf32>) maps [affine_map<(k) -> (k)>] window [10] -> tensor<f32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  // cos(0) is 1: what the region makes of an element that is not there is dropped too.
  // CHECK: %[[COS:.*]] = math.cos
  // CHECK: arith.select %[[MASK]], %[[COS]], %[[ZERO]]
  %1 = ttc.reduce add "" operands(%x : tensor<10xf32>) maps [affine_map<(k) -> (k)>] window [10] -> tensor<f32> {
  ^bb0(%a: f32):
    %2 = math.cos %a : f32
    ttc.yield %2 : f32
  }
  return %0, %1 : tensor<f32>, tensor<f32>
}

// -----

// Neighbours in the result: each lane sums its own element, in the order of the window;
// four vectors at once.
// CHECK-LABEL: func.func @along_the_result.step(
func.func @along_the_result(%x: tensor<40x128xf32> {ttc.input = "x"}) -> (tensor<128xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c128 step %c64 {
  // CHECK: %[[SUMS:.*]]:4 = scf.for %[[K:.*]] = %c0 to %c40 step %c1 iter_args(
  // CHECK-COUNT-4: vector.load
  // CHECK: scf.yield
  // CHECK-COUNT-4: vector.store %[[SUMS]]#
  // CHECK-NOT: vector.shuffle
  // CHECK: return
  %0 = ttc.reduce add "" operands(%x : tensor<40x128xf32>) maps [affine_map<(i, k) -> (k, i)>] window [40] -> tensor<128xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<128xf32>
}

// -----

// A row's end is masked; a short window is written out.
// CHECK-LABEL: func.func @end_of_a_row.step(
func.func @end_of_a_row(%x: tensor<?x22xf32> {ttc.input = "x"}) -> (tensor<?x20xf32> {ttc.output = "y"}) {
  // CHECK: scf.for
  // CHECK: %[[MASK:.*]] = vector.constant_mask [4]
  // CHECK-NOT: scf.for
  // CHECK: vector.store
  // CHECK: vector.maskedstore %{{.*}}, %[[MASK]]
  %0 = ttc.reduce max "" operands(%x : tensor<?x22xf32>) maps [affine_map<(b, i, k) -> (b, i + k)>] window [3] -> tensor<?x20xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<?x20xf32>
}

// -----

// A product of two activations: a tile of two rows by four vectors shares what it loads,
// and multiplies and adds at once. The row that is left is a tile of its own.
// CHECK-LABEL: func.func @tiles.step(
func.func @tiles(%x: tensor<7x10xf32> {ttc.input = "x"}, %y: tensor<10x64xf32> {ttc.input = "y"}) -> (tensor<7x64xf32> {ttc.output = "z"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c6 step %c2 {
  // CHECK: %[[SUMS:.*]]:8 = scf.for %{{.*}} = %c0 to %c10 step %c1 iter_args(
  // CHECK-NOT: scf.for
  // CHECK: scf.yield {{.*}}vector<16xf32>
  // CHECK-COUNT-8: vector.store %[[SUMS]]#
  // CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} = %c0 to %c10 step %c1 iter_args(
  // CHECK-COUNT-4: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.yield
  // CHECK-COUNT-4: vector.store %[[SUMS]]#
  // CHECK: return
  %0 = ttc.reduce add "" operands(%x, %y : tensor<7x10xf32>, tensor<10x64xf32>)
      maps [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>] window [10] -> tensor<7x64xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<7x64xf32>
}

// -----

// What the tile shares: four vectors of one operand, two scalars of the other, eight sums.
// CHECK-LABEL: func.func @shared_loads.step(
func.func @shared_loads(%x: tensor<2x10xf32> {ttc.input = "x"}, %y: tensor<10x64xf32> {ttc.input = "y"}) -> (tensor<2x64xf32> {ttc.output = "z"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c10 step %c1 iter_args(
  // CHECK-DAG: %[[X0:.*]] = vector.broadcast
  // CHECK-DAG: %[[Y0:.*]] = vector.load
  // CHECK-DAG: vector.fma %[[X0]], %[[Y0]]
  // CHECK-COUNT-3: vector.load
  // CHECK-NOT: vector.load
  // CHECK: %[[X1:.*]] = vector.broadcast
  // CHECK: vector.fma %[[X1]], %[[Y0]]
  // CHECK-NOT: vector.load
  // CHECK-NOT: memref.load
  // CHECK: scf.yield
  %0 = ttc.reduce add "" operands(%x, %y : tensor<2x10xf32>, tensor<10x64xf32>)
      maps [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>] window [10] -> tensor<2x64xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<2x64xf32>
}

// -----

// A convolution over pixels: output channels share a vector of the input, and each
// multiplies it with a scalar of its own kernel. The sum goes over input channels, rows and
// columns in that order; the columns are written out.
ttc.param @w : tensor<8x3x3x3xf32>
// CHECK-LABEL: func.func @convolution.step(
func.func @convolution(%x: tensor<3x6x18xf32> {ttc.input = "x"}, %w: tensor<8x3x3x3xf32> {ttc.param = @w}) -> (tensor<8x4x16xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1 {
  // CHECK: %[[SUMS:.*]]:8 = scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(
  // CHECK-NEXT: scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(
  // CHECK: vector.load
  // CHECK-COUNT-8: vector.fma
  // CHECK: vector.load
  // CHECK-COUNT-8: vector.fma
  // CHECK: vector.load
  // CHECK-COUNT-8: vector.fma
  // CHECK-NEXT: scf.yield
  // CHECK-COUNT-8: vector.store %[[SUMS]]#
  %0 = ttc.reduce add "" operands(%x, %w : tensor<3x6x18xf32>, tensor<8x3x3x3xf32>)
      maps [affine_map<(o, i, j, c, k, l) -> (c, i + k, j + l)>, affine_map<(o, i, j, c, k, l) -> (o, c, k, l)>]
      window [3, 3, 3] -> tensor<8x4x16xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<8x4x16xf32>
}

// -----

// Pairs of a long batch: a vector goes along the batch, and gathers what lies two apart.
// CHECK-LABEL: func.func @along_the_batch.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
func.func @along_the_batch(%x: tensor<?x2xf32> {ttc.input = "x"}) -> (tensor<?xf32> {ttc.output = "y"}) {
  // CHECK-DAG: %[[OFFSETS:.*]] = arith.constant dense<[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]>
  // CHECK: %[[REST:.*]] = arith.remui %[[BATCH]], %c16
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[BATCH]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %c16 {
  // CHECK-COUNT-2: vector.gather %{{.*}} [%[[OFFSETS]]]
  // CHECK: vector.store
  // CHECK: scf.for %{{.*}} = %[[WHOLE]] to %[[BATCH]] step %c16 {
  // CHECK: vector.maskedstore
  %0 = ttc.reduce max "" operands(%x : tensor<?x2xf32>) maps [affine_map<(i, k) -> (i, k)>] window [2] -> tensor<?xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<?xf32>
}

// -----

// A sum of products over a window of neighbours uses the multiply-add for whole vectors.
// CHECK-LABEL: func.func @dot_product.step(
func.func @dot_product(%x: tensor<40xf32> {ttc.input = "x"}, %y: tensor<40xf32> {ttc.input = "y"}) -> (tensor<f32> {ttc.output = "z"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(%[[SUM:[^ ]*]] =
  // CHECK: %[[NEXT:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[SUM]]
  // CHECK-NEXT: scf.yield %[[NEXT]]
  // CHECK: arith.addf {{.*}} : vector<8xf32>
  %0 = ttc.reduce add "" operands(%x, %y : tensor<40xf32>, tensor<40xf32>) maps [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>]
      window [40] -> tensor<f32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<f32>
}

// -----

// The same with one operand: a square.
// CHECK-LABEL: func.func @squares.step(
func.func @squares(%x: tensor<?x32xf32> {ttc.input = "x"}) -> (tensor<?xf32> {ttc.output = "y"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(%[[SUM:[^ ]*]] =
  // CHECK: %[[E:.*]] = vector.load
  // CHECK-NEXT: vector.fma %[[E]], %[[E]], %[[SUM]]
  %0 = ttc.reduce add "" operands(%x : tensor<?x32xf32>) maps [affine_map<(i, k) -> (i, k)>] window [32] -> tensor<?xf32> {
  ^bb0(%a: f32):
    %1 = arith.mulf %a, %a : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<?xf32>
}

// -----

// A batch that is fixed has the order of any batch: one row of it goes along the window as
// well, and 64 rows of pairs along the batch.
// CHECK-LABEL: func.func @fixed_batch.step(
func.func @fixed_batch(%x: tensor<1x40xf32> {ttc.input = "x"}, %p: tensor<64x2xf32> {ttc.input = "p"})
    -> (tensor<1xf32> {ttc.output = "y"}, tensor<64xf32> {ttc.output = "q"}) {
  // CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(
  // CHECK: vector.shuffle
  %0 = ttc.reduce add "" operands(%x : tensor<1x40xf32>) maps [affine_map<(i, k) -> (i, k)>] window [40] -> tensor<1xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  // CHECK: vector.gather
  // CHECK-NOT: vector.shuffle
  // CHECK: return
  %1 = ttc.reduce add "" operands(%p : tensor<64x2xf32>) maps [affine_map<(i, k) -> (i, k)>] window [2] -> tensor<64xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0, %1 : tensor<1xf32>, tensor<64xf32>
}

// -----

// The read-out of a state-space layer: 20 sums of 16 neighbours each. 16 of them have a register
// of partial results each, and become one in four steps, two and two; the others go by themselves.
// CHECK-LABEL: func.func @read_out.step(
func.func @read_out(%h: tensor<?x20x16xf32> {ttc.input = "h"}, %c: tensor<?x16xf32> {ttc.input = "c"}) -> (tensor<?x20xf32> {ttc.output = "y"}) {
  // CHECK-NOT: vector.gather
  // CHECK-COUNT-16: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: vector.shuffle %[[A:[^,]*]], %[[B:[^ ]*]] [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23] : vector<16xf32>, vector<16xf32>
  // CHECK-NEXT: vector.shuffle %[[A]], %[[B]] [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]
  // CHECK-COUNT-15: arith.addf {{.*}} : vector<16xf32>
  // CHECK-NOT: arith.addf
  // CHECK: vector.store {{.*}} vector<16xf32>
  // CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1 {
  // CHECK: vector.fma
  // CHECK: arith.addf {{.*}} : vector<8xf32>
  // CHECK: memref.store
  // CHECK-NOT: vector.gather
  // CHECK: return
  %0 = ttc.reduce add "" operands(%h, %c : tensor<?x20x16xf32>, tensor<?x16xf32>)
      maps [affine_map<(b, i, k) -> (b, i, k)>, affine_map<(b, i, k) -> (b, k)>] window [16] -> tensor<?x20xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<?x20xf32>
}
