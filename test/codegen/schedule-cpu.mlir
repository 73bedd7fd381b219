// Which loops, vectors and memory does a model become?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-to-scheduled | FileCheck %s

// The entry: inputs, outputs, prepared weights, states, scratch, the batch.
// CHECK: module attributes {ttc.prepared_size = 1280 : i64, ttc.scratch_size = #ttc.bytes<2048 + 0 * batch>, ttc.states_size = #ttc.bytes<128 + 0 * batch>} {
// CHECK-LABEL: func.func @one_row.step(
// CHECK-SAME: %[[IN:[^:]*]]: memref<i8> {llvm.noalias}, %[[OUT:[^:]*]]: memref<i8> {llvm.noalias}, %[[PREPARED:[^:]*]]: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias}, %[[SCRATCH:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @one_row(%x: tensor<1x8xf32>) -> tensor<1x32xf32> {
  // CHECK: %[[IN8:.*]] = memref.reinterpret_cast %[[IN]]
  // CHECK: %[[X:.*]] = memref.view %[[IN8]]
  // CHECK: %[[STATES8:.*]] = memref.reinterpret_cast %[[STATES]]
  // CHECK: %[[MEM:.*]] = memref.view %[[STATES8]]
  // CHECK: %[[OUT8:.*]] = memref.reinterpret_cast %[[OUT]]
  // CHECK: %[[Y:.*]] = memref.view %[[OUT8]]
  // The accumulators start at the bias and stay in registers: one scalar of the input,
  // two vectors of the panel, two sums.
  // CHECK: %[[BIAS0:.*]] = vector.load
  // CHECK: %[[BIAS1:.*]] = vector.load
  // CHECK-NEXT: %[[ACC:.*]]:2 = scf.for %[[K:.*]] = %c0 to %c8 step %c1 iter_args(%[[A0:[^ ]*]] = %[[BIAS0]], %[[A1:[^ ]*]] = %[[BIAS1]])
  // CHECK-DAG: %[[W0:.*]] = vector.load %[[W:.*]][%{{.*}}] : memref<256xf32>, vector<16xf32>
  // CHECK-DAG: %[[W1:.*]] = vector.load %[[W]][%{{.*}}] : memref<256xf32>, vector<16xf32>
  // CHECK-DAG: %[[S:.*]] = memref.load %[[X]][%[[K]]]
  // CHECK-DAG: %[[B:.*]] = vector.broadcast %[[S]] : f32 to vector<16xf32>
  // CHECK-DAG: %[[N0:.*]] = vector.fma %[[W0]], %[[B]], %[[A0]]
  // CHECK-DAG: %[[N1:.*]] = vector.fma %[[W1]], %[[B]], %[[A1]]
  // CHECK: scf.yield %[[N0]], %[[N1]]
  // CHECK-NEXT: }
  // The update follows on them: the state is read and written once, in place.
  // CHECK: %[[OLD:.*]] = vector.load %[[MEM]][%c0]
  // CHECK: %[[DECAYED:.*]] = arith.mulf %[[OLD]]
  // CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[DECAYED]], %[[ACC]]#0
  // CHECK-DAG: vector.store %[[NEW]], %[[Y]][%c0]
  // CHECK-DAG: vector.store %[[NEW]], %[[MEM]][%c0]
  // CHECK: arith.addf %{{.*}}, %[[ACC]]#1
  // CHECK-NOT: scf.for
  // CHECK: return
  %0 = ttc.linear "l" (%x) : tensor<1x8xf32> -> tensor<1x32xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<1x32xf32>
  ttc.return %1 : tensor<1x32xf32>
}

// -----

// Few accumulators wait for each other: four chains over contiguous parts of the sum,
// which are added pairwise. The last columns are masked where they are stored.
// CHECK-LABEL: func.func @chains.step(
ttc.model @chains(%x: tensor<64xf32>) -> tensor<10xf32> {
  // CHECK: %[[MASK:.*]] = vector.constant_mask [10] : vector<16xi1>
  // CHECK: %[[BIAS:.*]] = vector.maskedload
  // CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %c0 to %c16 step %c1 iter_args(%{{[^ ]*}} = %[[BIAS]], %{{[^ ]*}} = %cst, %{{[^ ]*}} = %cst, %{{[^ ]*}} = %cst)
  // CHECK-COUNT-4: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.yield
  // CHECK: %[[LOW:.*]] = arith.addf %[[ACC]]#0, %[[ACC]]#1
  // CHECK-NEXT: %[[HIGH:.*]] = arith.addf %[[ACC]]#2, %[[ACC]]#3
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[LOW]], %[[HIGH]]
  // CHECK-NEXT: vector.maskedstore %{{.*}}, %[[MASK]], %[[SUM]]
  %0 = ttc.linear "l" (%x) : tensor<64xf32> -> tensor<10xf32>
  ttc.return %0 : tensor<10xf32>
}

// -----

// What four chains do not divide is left to the last one.
// CHECK-LABEL: func.func @rest_of_the_chains.step(
ttc.model @rest_of_the_chains(%x: tensor<66xf32>) -> tensor<16xf32> {
  // CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %c0 to %c16 step %c1
  // CHECK: %[[LAST:.*]] = scf.for %{{.*}} = %c64 to %c66 step %c1 iter_args(%[[A:[^ ]*]] = %[[ACC]]#3)
  // CHECK: %[[SUM:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[A]]
  // CHECK-NEXT: scf.yield %[[SUM]]
  // CHECK: arith.addf %[[ACC]]#2, %[[LAST]]
  %0 = ttc.linear "l" (%x) no_bias : tensor<66xf32> -> tensor<16xf32>
  ttc.return %0 : tensor<16xf32>
}

// -----

// Rows of a batch are taken several at a time, and one by one at the end.
// CHECK-LABEL: func.func @batch.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
ttc.model @batch(%x: tensor<?x8xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[REST:.*]] = arith.remui %[[BATCH]], %[[ROWS:.*]] : index
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[BATCH]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %[[ROWS]] {
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  // CHECK: scf.for %{{.*}} = %[[WHOLE]] to %[[BATCH]] step %c1 {
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  %0 = ttc.linear "l" (%x) : tensor<?x8xf32> -> tensor<?x64xf32>
  ttc.return %0 : tensor<?x64xf32>
}

// -----

// Without a product: dimensions that no parameter tells apart are one loop, and a
// quantizer becomes a rounding.
// CHECK-LABEL: func.func @elementwise.step(
ttc.model @elementwise(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  // 2 x 3, then 20: a vector of 16 and one of 4.
  // CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 {
  // CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 {
  // CHECK-NOT: scf.for
  // CHECK: vector.load %{{.*}} : memref<120xf32>, vector<16xf32>
  // CHECK: %[[BETA:.*]] = memref.load %{{.*}} : memref<3xf32>
  // CHECK: vector.broadcast %[[BETA]]
  // CHECK: %[[SCALED:.*]] = arith.divf %{{.*}}, %[[STEP:.*]] : vector<16xf32>
  // CHECK-NEXT: %[[ROUNDED:.*]] = math.roundeven %[[SCALED]]
  // CHECK-NEXT: arith.mulf %[[ROUNDED]], %[[STEP]]
  // CHECK: vector.constant_mask [4]
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  %0 = ttc.neuron LIB "n" (%x) dim(1) spike(heaviside) quant(round, 0.5)
      : tensor<2x3x4x5xf32>
  ttc.return %0 : tensor<2x3x4x5xf32>
}

// -----

// All elements of any batch are one row; its end is masked.
// CHECK-LABEL: func.func @elementwise_batch.step(
ttc.model @elementwise_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[SIZE:.*]] = arith.muli %{{.*}}, %c4
  // CHECK: %[[REST:.*]] = arith.remui %[[SIZE]], %c16
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[SIZE]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %c16 {
  // CHECK: vector.store
  // CHECK: scf.for %{{.*}} = %[[WHOLE]] to %[[SIZE]] step %c16 {
  // CHECK: %[[MASK:.*]] = vector.create_mask %[[REST]]
  // CHECK: vector.maskedstore %{{.*}}, %[[MASK]]
  %0 = ttc.activation relu (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// What one nest leaves for the next lies in the scratch, behind the tile.
// CHECK: ttc.scratch_size = #ttc.bytes<2112 + 0 * batch>
// CHECK-LABEL: func.func @between_layers.step(
// CHECK-SAME: %[[SCRATCH:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @between_layers(%x: tensor<8xf32>) -> tensor<16xf32> {
  // CHECK: %[[SCRATCH8:.*]] = memref.reinterpret_cast %[[SCRATCH]] to offset: [0], sizes: [2112]
  // CHECK: %[[HIDDEN:.*]] = memref.view %[[SCRATCH8]][%c2048][]
  // CHECK: vector.store %{{.*}}, %[[HIDDEN]]
  // CHECK: memref.load %[[HIDDEN]]
  %0 = ttc.linear "a" (%x) : tensor<8xf32> -> tensor<16xf32>
  %1 = ttc.linear "b" (%0) : tensor<16xf32> -> tensor<16xf32>
  ttc.return %1 : tensor<16xf32>
}

// -----

// A matrix is packed into panels once; what comes raw is activated, in double precision.
// CHECK: ttc.prepared_size = 1152
// CHECK-LABEL: func.func @prepare.prepare.entry(
// CHECK-SAME: %[[BIAS:[^:]*]]: memref<i8> {llvm.noalias}, %[[WEIGHT:[^:]*]]: memref<i8> {llvm.noalias}, %[[BETA:[^:]*]]: memref<i8> {llvm.noalias}, %[[RAW:[^:]*]]: memref<i8> {llvm.noalias}, %[[PREPARED:[^:]*]]: memref<i8> {llvm.noalias}) {
ttc.model @prepare(%x: tensor<16xf32>) -> tensor<10xf32> {
  // Ten rows of 16 become 16 rows of 16: padding is zero and reads nothing outside.
  // CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %[[ROW:.*]], %c10
  // CHECK-NEXT: %[[READABLE:.*]] = arith.select %[[EXISTS]], %[[ROW]], %c0
  // CHECK: %[[W:.*]] = memref.load
  // CHECK-NEXT: %[[PADDED:.*]] = arith.select %[[EXISTS]], %[[W]], %cst
  // CHECK: memref.store %[[PADDED]], %{{.*}} : memref<256xf32>
  // CHECK: %[[FLAG:.*]] = memref.load %{{.*}}[%c2] : memref<3xi8>
  // CHECK: %[[IS_RAW:.*]] = arith.cmpi ne, %[[FLAG]]
  // CHECK: %[[GIVEN:.*]] = memref.load
  // CHECK: arith.extf %[[GIVEN]] : f32 to f64
  // CHECK: math.exp %{{.*}} : f64
  // CHECK: %[[ACTIVATED:.*]] = arith.truncf
  // CHECK: arith.select %[[IS_RAW]], %[[ACTIVATED]], %[[GIVEN]]
  %0 = ttc.linear "l" (%x) : tensor<16xf32> -> tensor<10xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<10xf32>
  ttc.return %1 : tensor<10xf32>
}

// -----

// Two states that swap: both are set aside before either is overwritten.
ttc.state @a : tensor<16xf32>
ttc.state @b : tensor<16xf32>
// CHECK-LABEL: func.func @swap.step(
ttc.model @swap(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: memref.load %[[STATE1:.*]][%{{.*}}]
  // CHECK-NEXT: memref.store %{{.*}}, %[[ASIDE1:.*]][%{{.*}}]
  // CHECK: memref.load %[[STATE2:.*]][%{{.*}}]
  // CHECK-NEXT: memref.store %{{.*}}, %[[ASIDE2:.*]][%{{.*}}]
  // CHECK: memref.load %[[ASIDE1]][%{{.*}}]
  // CHECK-NEXT: memref.store %{{.*}}, %[[STATE2]][%{{.*}}]
  // CHECK: memref.load %[[ASIDE2]][%{{.*}}]
  // CHECK-NEXT: memref.store %{{.*}}, %[[STATE1]][%{{.*}}]
  %0 = ttc.read @a : tensor<16xf32>
  %1 = ttc.read @b : tensor<16xf32>
  ttc.write %0, @b : tensor<16xf32>
  ttc.write %1, @a : tensor<16xf32>
  %y = ttc.activation relu (%x) : tensor<16xf32>
  ttc.return %y : tensor<16xf32>
}

// -----

// The old value is an output: it is copied out before the state is overwritten.
ttc.state @last : tensor<16xf32>
// CHECK-LABEL: func.func @delay.step(
// CHECK-SAME: %[[IN:[^:]*]]: memref<i8> {llvm.noalias}, %[[OUT:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias},
ttc.model @delay(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[STATES8:.*]] = memref.reinterpret_cast %[[STATES]]
  // CHECK-NEXT: %[[LAST:.*]] = memref.view %[[STATES8]]
  // CHECK: %[[OUT8:.*]] = memref.reinterpret_cast %[[OUT]]
  // CHECK-NEXT: %[[Y:.*]] = memref.view %[[OUT8]]
  // CHECK: memref.load %[[LAST]]
  // CHECK-NEXT: memref.store %{{.*}}, %[[Y]]
  // CHECK: %[[IN8:.*]] = memref.reinterpret_cast %[[IN]]
  // CHECK-NEXT: %[[X:.*]] = memref.view %[[IN8]]
  // CHECK: memref.load %[[X]]
  // CHECK-NEXT: memref.store %{{.*}}, %[[LAST]]
  %0 = ttc.read @last : tensor<16xf32>
  ttc.write %x, @last : tensor<16xf32>
  ttc.return %0 : tensor<16xf32>
}

// -----

// A reduction: a register of partial results, then its lanes.
// CHECK-LABEL: func.func @softmax.step(
ttc.model @softmax(%x: tensor<40xf32>) -> tensor<40xf32> {
  // CHECK: %[[PART:.*]] = scf.for %{{.*}} = %c0 to %c32 step %c16 iter_args(%[[M:[^ ]*]] =
  // CHECK: arith.maximumf %[[M]], %{{.*}} : vector<16xf32>
  // The neutral element stands where there is none.
  // CHECK: vector.maskedload
  // CHECK: arith.maximumf %[[PART]]
  // CHECK: vector.reduction <maximumf>
  // CHECK: vector.reduction <add>
  %0 = ttc.softmax (%x) : tensor<40xf32>
  ttc.return %0 : tensor<40xf32>
}
