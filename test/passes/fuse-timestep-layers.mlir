// Is a layer with gates one nest, whose weights are parts of its parameters?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file %nest-passes | FileCheck %s

// Four gates, each of the input and of the hidden state; both states come out of it.
// CHECK-LABEL: func.func @lstm.prepare(
// CHECK-COUNT-8: tensor.extract_slice
// CHECK-NOT: ttc.nest
// CHECK-LABEL: func.func @lstm(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32> {ttc.input =
// CHECK-SAME: %[[H:[^:]*]]: tensor<?x4xf32> {ttc.state = @l.h})
// CHECK-NEXT: %{{.*}}:2 = ttc.nest "l" product(
// CHECK-SAME: : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x4xf32>) weights(
// CHECK-SAME: -> tensor<?x4xf32>, tensor<?x4xf32> {
// CHECK-NOT: ttc.nest
// CHECK: return
ttc.model @lstm(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %0 = ttc.torch_rnn lstm "l" (%x) layers(1) hidden(4) cell : tensor<?x8xf32> -> tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// A leaky neuron behind a matrix, with what it fires.
// CHECK-LABEL: func.func @spiking(
// CHECK-NEXT: ttc.nest "l+n" product(
// CHECK: ttc.quantize(round)
// CHECK-NOT: ttc.nest
ttc.model @spiking(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x8xf32> -> tensor<?x4xf32>
  %1 = ttc.neuron SLITS "n" (%0) quant(round) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}
