// Where are the inputs of a product listed that are not zero, and the others left out?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file %step-passes | FileCheck %s

// The numbers of the active inputs are compressed to a list. A NaN is active.
// CHECK-LABEL: func.func @events.step(
ttc.model @events(%x: tensor<32xf32>) -> tensor<96xf32> {
  // CHECK: %[[POSITION:.*]] = scf.for %[[K:.*]] = %c0 to %c32 step %c16 iter_args(%[[AT:[^ ]*]] = %c0) -> (index) {
  // CHECK: %[[E:.*]] = vector.load %[[X:.*]][%[[K]]]
  // CHECK: %[[ACTIVE:.*]] = arith.cmpf une, %[[E]], %{{.*}}
  // CHECK: %[[NUMBERS:.*]] = llvm.call_intrinsic "llvm.experimental.vector.compress"(%{{.*}}, %[[ACTIVE]], %{{.*}})
  // CHECK: vector.store %[[NUMBERS]], %[[LIST:.*]][%[[AT]]]
  // CHECK: math.ctpop
  // Few of them, and finite weights: 0 times infinity would be a NaN.
  // CHECK: %[[FEW:.*]] = arith.cmpi ule
  // CHECK: %[[SUM:.*]] = memref.load %[[W:.*]][%c3072]
  // CHECK: %[[FINITE:.*]] = arith.cmpf oeq, %[[SUM]]
  // CHECK: %[[SKIPS:.*]] = arith.andi %[[FEW]], %[[FINITE]]
  // CHECK: %[[SUMS:.*]]:6 = scf.if %[[SKIPS]]
  // CHECK: scf.for %[[I:.*]] = %c0 to %[[POSITION]] step %c1 iter_args(
  // CHECK: %[[NUMBER:.*]] = memref.load %[[LIST]][%[[I]]]
  // CHECK: %[[K:.*]] = arith.index_castui %[[NUMBER]]
  // CHECK: memref.load %[[X]][%[[K]]]
  // CHECK-COUNT-6: vector.fma
  // CHECK: } else {
  // CHECK: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args(
  // CHECK-COUNT-6: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: return
  %0 = ttc.linear "l" (%x) : tensor<32xf32> -> tensor<96xf32>
  ttc.return %0 : tensor<96xf32>
}

// -----

// What a neuron fires and a rectifier passes may be mostly zeros…
// CHECK-LABEL: func.func @fired.step(
ttc.model @fired(%x: tensor<8xf32>) -> tensor<16xf32> {
  // CHECK-COUNT-2: scf.if
  // CHECK-NOT: scf.if
  // CHECK: return
  %0 = ttc.linear "a" (%x) : tensor<8xf32> -> tensor<64xf32>
  %1 = ttc.neuron LIB "n" (%0) quant(round) : tensor<64xf32>
  %2 = ttc.linear "b" (%1) : tensor<64xf32> -> tensor<64xf32>
  %3 = ttc.activation relu (%2) : tensor<64xf32>
  %4 = ttc.linear "c" (%3) : tensor<64xf32> -> tensor<16xf32>
  ttc.return %4 : tensor<16xf32>
}

// -----

// …what a tanh makes is not, a state is not, and a short row is not worth a list.
// CHECK-LABEL: func.func @dense.step(
ttc.model @dense(%x: tensor<31xf32>) -> tensor<64xf32> {
  // CHECK-NOT: scf.if
  // CHECK: return
  %0 = ttc.linear "a" (%x) : tensor<31xf32> -> tensor<64xf32>
  %1 = ttc.activation tanh (%0) : tensor<64xf32>
  %2 = ttc.torch_rnn rnn_tanh "r" (%1) layers(1) hidden(64) cell : tensor<64xf32> -> tensor<64xf32>
  ttc.return %2 : tensor<64xf32>
}

// -----

// Rows that would fill tiles are looked at first, four tiles' at once: if many of their inputs
// are active they go in tiles, which take all inputs; else each row goes by itself, with a list.
// CHECK-LABEL: func.func @batch.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
ttc.model @batch(%x: tensor<?x32xf32>) -> tensor<?x96xf32> {
  // CHECK: scf.for %[[FIRST:.*]] = %c0 to %[[BATCH]] step %c48 {
  // CHECK: %[[ARE_MANY:.*]] = scf.if
  // CHECK: arith.cmpf une
  // CHECK: arith.cmpf ogt
  // CHECK: scf.if %[[ARE_MANY]]
  // CHECK-NOT: vector.compress
  // CHECK: scf.for %{{.*}} = %[[FIRST]] to %{{.*}} step %c12 {
  // CHECK: scf.for {{.*}} iter_args(
  // CHECK-NOT: vector.compress
  // CHECK: vector.fma
  // CHECK: scf.for %{{.*}} step %c1 {
  // CHECK: vector.compress
  %0 = ttc.linear "l" (%x) : tensor<?x32xf32> -> tensor<?x96xf32>
  ttc.return %0 : tensor<?x96xf32>
}
