// Does a model for any batch become one for a given batch, everywhere?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-specialize-batch=batch=8 --verify-diagnostics | FileCheck %s
// RUN: tt-opt %s --split-input-file --ttc-specialize-batch=batch=8 --verify-diagnostics \
// RUN:   | not grep '?'
// RUN: not tt-opt %s --split-input-file --ttc-specialize-batch=batch=0 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ZERO
// RUN: not tt-opt %s --split-input-file --ttc-specialize-batch=batch=-3 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NEGATIVE

// RUN: not tt-opt %s --split-input-file --ttc-specialize-batch=batch=68719476736 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LARGE

// ZERO: error: the batch to compile for must be at least 1, but is 0{{$}}
// NEGATIVE: error: the batch to compile for must be at least 1, but is -3{{$}}
// LARGE: error: with a batch of 68719476736 the tensor 'tensor<?x8xf32>' would have more than 2^38 elements

// Inputs, outputs, states and the values between; a parameter has no batch.
// CHECK: ttc.param @gain : tensor<4xf32>
ttc.param @gain : tensor<4xf32>
// CHECK: ttc.state @last : tensor<8x4xf32>
ttc.state @last : tensor<?x4xf32>
// CHECK: ttc.state @clock : tensor<1xf32>
ttc.state @clock : tensor<1xf32>
// CHECK-LABEL: ttc.model @dynamic(
// CHECK-SAME: %{{.*}}: tensor<8x4xf32> {ttc.name = "x"}, %{{.*}}: tensor<4xf32>) -> (tensor<8x8xf32>, tensor<4xf32>) {
ttc.model @dynamic(%x: tensor<?x4xf32> {ttc.name = "x"}, %y: tensor<4xf32>) -> (tensor<?x8xf32>, tensor<4xf32>) {
  // CHECK-NEXT: ttc.linear "l" (%{{.*}}) : tensor<8x4xf32> -> tensor<8x8xf32>
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: ttc.neuron LI "n" (%{{.*}}) : tensor<8x8xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x8xf32>
  // CHECK-NEXT: ttc.read @last : tensor<8x4xf32>
  %2 = ttc.read @last : tensor<?x4xf32>
  // CHECK-NEXT: ttc.write %{{.*}}, @last : tensor<8x4xf32>
  ttc.write %x, @last : tensor<?x4xf32>
  // CHECK-NEXT: ttc.return %{{.*}}, %{{.*}} : tensor<8x8xf32>, tensor<4xf32>
  ttc.return %1, %y : tensor<?x8xf32>, tensor<4xf32>
}

// -----

// A tensor that was made as large as the batch is static too.
// CHECK-LABEL: ttc.model @own_layer(
ttc.model @own_layer(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x4xf32>
  // CHECK: tensor.empty() : tensor<8x4xf32>
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  // CHECK: linalg.map { math.absf } ins(%{{.*}} : tensor<8x4xf32>) outs(%{{.*}} : tensor<8x4xf32>)
  %0 = linalg.map { math.absf } ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>)
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// The sizes of a slice and of a grown shape, where they were the batch, are known too.
// CHECK-LABEL: ttc.model @own_movements(
ttc.model @own_movements(%x: tensor<?x8xf32>) -> (tensor<?x4xf32>, tensor<?x2x4xf32>) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x8xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 1] [8, 4] [1, 1] : tensor<8x8xf32> to tensor<8x4xf32>
  %0 = tensor.extract_slice %x[0, 1] [%batch, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  // CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2]] output_shape [{{.*}}, 2, 4] : tensor<8x8xf32> into tensor<8x2x4xf32>
  %1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%batch, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  ttc.return %0, %1 : tensor<?x4xf32>, tensor<?x2x4xf32>
}

// -----

// The batch of a stack of states is its second size.
// CHECK: ttc.state @stack : tensor<2x8x4xf32>
ttc.state @stack : tensor<2x?x4xf32>
// CHECK-LABEL: ttc.model @stacked(
ttc.model @stacked(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.read @stack[1] : tensor<8x4xf32>
  %0 = ttc.read @stack[1] : tensor<?x4xf32>
  // CHECK-NEXT: ttc.write %{{.*}}, @stack[0] : tensor<8x4xf32>
  ttc.write %x, @stack[0] : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{the model @static has no dynamic batch that could become 8}}
ttc.model @static(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  ttc.return %x : tensor<1x4xf32>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
}
