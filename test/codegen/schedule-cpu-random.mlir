// Are random numbers Philox4x32-10 on (element, stream, timestep), keyed by the seed?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file %step-passes | FileCheck %s

// The generator lies where the block of states begins; a step moves it on by one.
// CHECK: module attributes {ttc.generator, {{.*}}ttc.states_size = #ttc.bytes<64 + 0 * batch>}
// CHECK-LABEL: func.func @draw.step(
// CHECK-SAME: %[[STATES:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @draw(%x: tensor<32xf32>) -> tensor<32xf32> {
  // CHECK-DAG: %[[M0:.*]] = arith.constant dense<-766435501> : vector<16xi32>
  // CHECK-DAG: %[[M1:.*]] = arith.constant dense<-845247145> : vector<16xi32>
  // CHECK-DAG: %[[W0:.*]] = arith.constant dense<-1640531527> : vector<16xi32>
  // CHECK-DAG: %[[W1:.*]] = arith.constant dense<-1150833019> : vector<16xi32>
  // CHECK: %[[STATES8:.*]] = memref.reinterpret_cast %[[STATES]] to offset: [0], sizes: [16]
  // CHECK: %[[WORDS:.*]] = memref.view %[[STATES8]][%c0][] : {{.*}} to memref<2xi64>
  // CHECK-DAG: %[[SEED:.*]] = memref.load %[[WORDS]][%c0]
  // CHECK-DAG: %[[POSITION:.*]] = memref.load %[[WORDS]][%c1]
  // Ten rounds of two products: of the last one, one alone reaches the word that is drawn,
  // and of one in front of it the low half. What is drawn is 24 bits times 2^-24.
  // CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16 {
  // CHECK-DAG: vector.broadcast %[[SEED]]
  // CHECK-DAG: vector.broadcast %[[POSITION]]
  // CHECK-COUNT-18: arith.mului_extended %{{.*}}, {{%[^ ]*}} : vector<16xi32>
  // CHECK-NOT: arith.mului_extended
  // CHECK: %[[BITS:.*]] = arith.shrui
  // CHECK-NEXT: %[[NUMBER:.*]] = arith.sitofp %[[BITS]] : vector<16xi32> to vector<16xf32>
  // CHECK-NEXT: %[[U:.*]] = arith.mulf %[[NUMBER]], %[[UNIT:.*]] : vector<16xf32>
  // CHECK-NEXT: vector.store %[[U]]
  // CHECK: %[[NOW:.*]] = memref.load %[[WORDS]][%c1]
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[NOW]], %c1_i64
  // CHECK-NEXT: memref.store %[[NEXT]], %[[WORDS]][%c1]
  // CHECK-NEXT: return
  %0 = ttc.uniform stream(5) like (%x) : tensor<32xf32>
  ttc.return %0 : tensor<32xf32>
}

// -----

// Doubles take 53 bits from two words.
// CHECK-LABEL: func.func @doubles.step(
ttc.model @doubles(%x: tensor<8xf64>) -> tensor<8xf64> {
  // CHECK-COUNT-2: arith.sitofp %{{.*}} : vector<8xi32> to vector<8xf64>
  // CHECK: arith.mulf
  // CHECK-NEXT: arith.addf
  // CHECK-NEXT: %[[U:.*]] = arith.mulf
  // CHECK-NEXT: vector.store %[[U]]
  %0 = ttc.uniform stream(0) like (%x) : tensor<8xf64>
  ttc.return %0 : tensor<8xf64>
}

// -----

// Which element it is does not depend on the loops: in a tile of a product it is row times
// columns plus column.
// CHECK-LABEL: func.func @behind_a_product.step(
ttc.model @behind_a_product(%x: tensor<6x8xf32>, %p: tensor<6x16xf32>) -> tensor<6x16xf32> {
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %c6 step %c1 {
  // CHECK: %[[ELEMENT:.*]] = arith.muli %[[ROW]], %c16
  // CHECK: %[[FIRST:.*]] = arith.index_cast %[[ELEMENT]] : index to i64
  // CHECK: vector.broadcast %[[FIRST]] : i64 to vector<16xi64>
  // CHECK: arith.mului_extended
  // CHECK: arith.cmpf olt
  %0 = ttc.linear "l" (%x) no_bias : tensor<6x8xf32> -> tensor<6x16xf32>
  %u = ttc.uniform stream(0) like (%p) : tensor<6x16xf32>
  %1 = ttc.quantize (probabilistic) %0, %u : tensor<6x16xf32>
  ttc.return %1 : tensor<6x16xf32>
}
