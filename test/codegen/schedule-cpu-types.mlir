// Which vectors and memory do elements of other sizes get?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file %step-passes | FileCheck %s

// Half the lanes for twice the bytes: sums, panels and the update.
// CHECK-LABEL: func.func @doubles.prepare.entry(
// CHECK: call @doubles.prepare.pack_f64_f64(%{{.*}}, %{{.*}}, %c0, %{{.*}}, %c8, %c4, %c4, %c1, %c8, %c0,
// CHECK-LABEL: func.func @doubles.step(
ttc.model @doubles(%x: tensor<4xf64>) -> tensor<8xf64> {
  // CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %c0 to %c4 step %c1 iter_args(%{{.*}} = %{{.*}}) -> (vector<8xf64>) {
  // CHECK: memref.load %{{.*}}[%[[K]]] : memref<4xf64>
  // CHECK: vector.fma {{.*}} : vector<8xf64>
  // CHECK: math.tanh %{{.*}} : vector<8xf64>
  // CHECK-NOT: f32
  // CHECK: return
  %0 = ttc.linear "l" (%x) : tensor<4xf64> -> tensor<8xf64>
  %1 = ttc.activation tanh (%0) : tensor<8xf64>
  ttc.return %1 : tensor<8xf64>
}

// -----

// A sum of doubles: lanes of 8, in both directions.
// CHECK-LABEL: func.func @sums_of_doubles.step(
ttc.model @sums_of_doubles(%x: tensor<?x24xf64>) -> tensor<?xf64> {
  // CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(%{{.*}} = %{{.*}}) -> (vector<8xf64>) {
  // CHECK: arith.addf %{{.*}} : vector<4xf64>
  %0 = ttc.aggregate sum (%x) dims([1]) : tensor<?x24xf64> -> tensor<?xf64>
  ttc.return %0 : tensor<?xf64>
}

// -----

// A short state takes half the memory, and is computed with in full.
ttc.state @sum : tensor<16xbf16>
// CHECK: ttc.states_size = #ttc.bytes<64 + 0 * batch>
// CHECK-LABEL: func.func @short_state.step(
ttc.model @short_state(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[KEPT:.*]] = vector.load %[[STATE:.*]][%c0] : memref<16xbf16>, vector<16xbf16>
  // CHECK: %[[OLD:.*]] = arith.extf %[[KEPT]] : vector<16xbf16> to vector<16xf32>
  // CHECK: %[[NEW:.*]] = arith.addf %[[OLD]], %{{.*}} : vector<16xf32>
  // CHECK: %[[SHORT:.*]] = arith.truncf %[[NEW]] : vector<16xf32> to vector<16xbf16>
  // CHECK-DAG: vector.store %[[SHORT]], %[[STATE]][%c0] : memref<16xbf16>, vector<16xbf16>
  // CHECK-DAG: vector.store %[[NEW]], %{{.*}} : memref<16xf32>, vector<16xf32>
  %kept = ttc.read @sum : tensor<16xbf16>
  %old = arith.extf %kept : tensor<16xbf16> to tensor<16xf32>
  %new = arith.addf %old, %x : tensor<16xf32>
  %short = arith.truncf %new : tensor<16xf32> to tensor<16xbf16>
  ttc.write %short, @sum : tensor<16xbf16>
  ttc.return %new : tensor<16xf32>
}

// -----

// Packed weights may be short: they are rounded once, and widened where they are multiplied.
// A bias is not packed.
module attributes {ttc.packed_storage = bf16} {
  // CHECK-LABEL: func.func @short_weights.prepare.entry(
  // CHECK: call @short_weights.prepare.pack_f32_bf16(
  // CHECK-LABEL: func.func @short_weights.prepare.pack_f32_bf16(
  // CHECK: %[[W:.*]] = memref.load {{.*}} : memref<?xf32>
  // CHECK: %[[PADDED:.*]] = arith.select %{{.*}}, %[[W]]
  // CHECK: %[[SHORT:.*]] = arith.truncf %[[PADDED]] : f32 to bf16
  // CHECK: memref.store %[[SHORT]], %{{.*}} : memref<?xbf16>
  // CHECK-LABEL: func.func @short_weights.step(
  ttc.model @short_weights(%x: tensor<8xf32>) -> tensor<16xf32> {
    // CHECK: scf.for
    // CHECK: %[[SHORT:.*]] = vector.load {{.*}}xbf16>, vector<16xbf16>
    // CHECK: %[[W:.*]] = arith.extf %[[SHORT]] : vector<16xbf16> to vector<16xf32>
    // CHECK: vector.fma %[[W]], %{{.*}} : vector<16xf32>
    // CHECK: scf.yield
    // CHECK: vector.load %{{.*}} : memref<16xf32>, vector<16xf32>
    %0 = ttc.linear "l" (%x) : tensor<8xf32> -> tensor<16xf32>
    ttc.return %0 : tensor<16xf32>
  }
}

// -----

// Or whole numbers: a row's are multiples of a scale, 1/127 of its largest weight, and lie behind
// the panels. The product is summed with the numbers, and multiplied once.
module attributes {ttc.packed_storage = i8} {
  // CHECK: ttc.prepared_size = 256
  // CHECK-LABEL: func.func @whole_numbers.prepare.entry(
  // CHECK: call @whole_numbers.prepare.pack_f32_i8(%{{.*}}, %{{.*}}, %c0, %c64, %c16, %c8, %c8, %c1, %c16, %c0, %c192)
  // CHECK-LABEL: func.func @whole_numbers.prepare.pack_f32_i8(
  // CHECK-DAG: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // CHECK-DAG: %[[LEAST:.*]] = arith.constant 1.17549435E-38 : f32
  // CHECK-DAG: %[[INFINITY:.*]] = arith.constant 0x7F800000 : f32
  // CHECK: %[[LARGEST:.*]] = scf.for {{.*}} -> (f32) {
  // CHECK: arith.maximumf
  // CHECK: %[[FINITE:.*]] = arith.cmpf olt, %[[LARGEST]], %[[INFINITY]]
  // CHECK: %[[KEPT:.*]] = arith.andi %[[FINITE]], %[[EXISTS:.*]] : i1
  // CHECK: %[[PART:.*]] = arith.divf %[[LARGEST]], %{{.*}} : f32
  // CHECK: %[[SCALE:.*]] = arith.maximumf %[[PART]], %[[LEAST]]
  // CHECK: scf.for
  // CHECK: %[[RATIO:.*]] = arith.divf %{{.*}}, %[[SCALE]]
  // CHECK: %[[DEFINED:.*]] = arith.select %[[KEPT]], %[[RATIO]], %{{.*}} : f32
  // CHECK: %[[ROUNDED:.*]] = math.roundeven %[[DEFINED]]
  // CHECK: %[[NUMBER:.*]] = arith.fptosi %[[ROUNDED]] : f32 to i8
  // CHECK: memref.store %[[NUMBER]], %{{.*}} : memref<?xi8>
  // CHECK: %[[OR_NAN:.*]] = arith.select %[[FINITE]], %[[SCALE]], %[[NAN]]
  // CHECK: %[[STORED:.*]] = arith.select %[[EXISTS]], %[[OR_NAN]], %{{.*}} : f32
  // CHECK: memref.store %[[STORED]], %{{.*}} : memref<?xf32>
  // CHECK-LABEL: func.func @whole_numbers.step(
  ttc.model @whole_numbers(%x: tensor<8xf32>) -> tensor<16xf32> {
    // CHECK: %[[SUM:.*]] = scf.for
    // CHECK: %[[NUMBERS:.*]] = vector.load {{.*}} : memref<128xi8>, vector<16xi8>
    // CHECK: %[[WIDE:.*]] = arith.extsi %[[NUMBERS]] : vector<16xi8> to vector<16xi32>
    // CHECK: %[[W:.*]] = arith.sitofp %[[WIDE]] : vector<16xi32> to vector<16xf32>
    // CHECK: vector.fma %[[W]], %{{.*}} : vector<16xf32>
    // CHECK: scf.yield
    // CHECK: %[[SCALES:.*]] = vector.load {{.*}} : memref<16xf32>, vector<16xf32>
    // CHECK: %[[PRODUCT:.*]] = arith.mulf %[[SUM]], %[[SCALES]] : vector<16xf32>
    // CHECK: %[[BIAS:.*]] = vector.load
    // CHECK: arith.addf %[[PRODUCT]], %[[BIAS]]
    %0 = ttc.linear "l" (%x) : tensor<8xf32> -> tensor<16xf32>
    ttc.return %0 : tensor<16xf32>
  }
}

// -----

// A place of a stack lies behind those before it: rows of 32 bytes here, in a block that
// begins behind a state of fixed size.
ttc.state @clock : tensor<1xf32>
ttc.state @stack : tensor<3x?x8xf32>
// CHECK: ttc.states_size = #ttc.bytes<64 + 128 * batch>
// CHECK-LABEL: func.func @places.step(
// CHECK-SAME: %[[IN:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[BATCH:[^:]*]]: index) {
ttc.model @places(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-DAG: %[[TWO_ROWS:.*]] = arith.muli %[[BATCH]], %c64
  // CHECK-DAG: %[[START:.*]] = arith.addi %[[TWO_ROWS]], %c64
  // CHECK-DAG: memref.view %{{.*}}[%[[START]]][
  %0 = ttc.read @stack[2] : tensor<?x8xf32>
  ttc.write %x, @stack[1] : tensor<?x8xf32>
  ttc.return %0 : tensor<?x8xf32>
}
