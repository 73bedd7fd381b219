// Which parameters and states does each layer bring, by which keys, and when do they clash?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-declare-resources --verify-diagnostics | FileCheck %s

// Raw parameters, in order of name; a linear layer's have no constraint.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @net.0.bias : tensor<8xf32>{{$}}
// CHECK-NEXT:   ttc.param @net.0.weight : tensor<8x4xf32>{{$}}
// CHECK-NEXT:   ttc.param @net.1.weight : tensor<2x8xf32>{{$}}
// CHECK-NEXT:   ttc.param @net.2.raw_beta : tensor<2xf32> constrained(sigmoid)
// CHECK-NEXT:   ttc.param @net.2.raw_bias : tensor<2xf32> constrained(arcsinh)
// CHECK-NEXT:   ttc.param @net.2.raw_threshold : tensor<2xf32> constrained(softplus)
// CHECK-NEXT:   ttc.state @net.2.mem : tensor<?x2xf32>
// CHECK-NEXT:   ttc.model @dynamic(
ttc.model @dynamic(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  // Layers are still whole.
  // CHECK-NEXT: ttc.linear "net.0"
  // CHECK-NEXT: ttc.linear "net.1"
  // CHECK-NEXT: ttc.neuron LIB "net.2"
  %0 = ttc.linear "net.0" (%x) : tensor<?x4xf32> -> tensor<?x8xf32>
  %1 = ttc.linear "net.1" (%0) no_bias : tensor<?x8xf32> -> tensor<?x2xf32>
  %2 = ttc.neuron LIB "net.2" (%1) : tensor<?x2xf32>
  ttc.return %2 : tensor<?x2xf32>
}

// -----

// A state has the shape of the input, a parameter the size of its dimension, or none.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @n.raw_beta : tensor<f32> constrained(sigmoid)
// CHECK-NEXT:   ttc.param @n.raw_bias : tensor<3xf32> constrained(arcsinh)
// CHECK-NEXT:   ttc.param @n.raw_threshold : tensor<3xf32> constrained(softplus)
// CHECK-NEXT:   ttc.state @n.mem : tensor<8x3x5x5xf32>
// CHECK-NEXT:   ttc.model @static(
ttc.model @static(%x: tensor<8x3x5x5xf32>) -> tensor<8x3x5x5xf32> {
  %0 = ttc.neuron LIB "n" (%x) dim(-3) scalar(["beta"]) : tensor<8x3x5x5xf32>
  ttc.return %0 : tensor<8x3x5x5xf32>
}

// -----

// A layer that is used twice has one set of parameters and states.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @n.raw_beta
// CHECK-NEXT:   ttc.state @n.mem
// CHECK-NEXT:   ttc.model @used_twice(
ttc.model @used_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

// -----

// One without states may see tensors of several shapes.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @l.bias : tensor<4xf32>
// CHECK-NEXT:   ttc.param @l.weight : tensor<4x4xf32>
// CHECK-NEXT:   ttc.model @used_on_two_shapes(
ttc.model @used_on_two_shapes(%x: tensor<?x4xf32>, %y: tensor<?x3x4xf32>) -> (tensor<?x4xf32>, tensor<?x3x4xf32>) {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = ttc.linear "l" (%y) : tensor<?x3x4xf32> -> tensor<?x3x4xf32>
  ttc.return %0, %1 : tensor<?x4xf32>, tensor<?x3x4xf32>
}

// -----

// What is declared already stays as it is, in either form.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @n.beta : tensor<4xf32> activated(sigmoid)
// CHECK-NEXT:   ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT:   ttc.state @n.mem : tensor<?x4xf32> at <64 + 0 * batch>
// CHECK-NEXT:   ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT:   ttc.model @declared(
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.raw_bias" : tensor<4xf32> constrained(arcsinh)
ttc.state @"n.mem" : tensor<?x4xf32> at <64 + 0 * batch>
ttc.model @declared(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron LIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// A user's own params and states beside those of layers.
// CHECK:      module {
// CHECK-NEXT:   ttc.param @gain : tensor<4xf32>{{$}}
// CHECK-NEXT:   ttc.state @last : tensor<4xf32>{{$}}
// CHECK-NEXT:   ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT:   ttc.state @n.mem : tensor<4xf32>
// CHECK-NEXT:   ttc.model @own(
ttc.param @gain : tensor<4xf32>
ttc.state @last : tensor<4xf32>
ttc.model @own(%x: tensor<4xf32>) -> tensor<4xf32> {
  %g = ttc.param_value @gain : tensor<4xf32>
  %y = arith.mulf %x, %g : tensor<4xf32>
  ttc.write %y, @last : tensor<4xf32>
  %0 = ttc.neuron LI "n" (%y) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// CHECK:      module {
// CHECK-NEXT:   ttc.model @nothing_to_declare(
ttc.model @nothing_to_declare(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ttc.activation relu (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// M14
ttc.model @two_kinds_under_one_path(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-note @+1 {{the other layer is here}}
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  // expected-error @+1 {{'ttc.neuron' op has the path 'n' of another layer: a layer used twice is written the same way twice, and different layers need different paths}}
  %1 = ttc.neuron LIB "n" (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

// -----

ttc.model @two_shapes_under_one_path(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  // expected-note @+1 {{the other layer is here}}
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x4xf32>
  // expected-error @+1 {{'ttc.linear' op has the path 'l' of another layer: a layer used twice is written the same way twice, and different layers need different paths}}
  %1 = ttc.linear "l" (%0) : tensor<?x4xf32> -> tensor<?x2xf32>
  ttc.return %1 : tensor<?x2xf32>
}

// -----

ttc.model @two_layers_under_one_path(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-note @+1 {{the other layer is here}}
  %0 = ttc.linear "n" (%x) : tensor<?x4xf32> -> tensor<?x4xf32>
  // expected-error @+1 {{'ttc.neuron' op has the path 'n' of another layer: a layer used twice is written the same way twice, and different layers need different paths}}
  %1 = ttc.neuron LI "n" (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

// -----

// expected-note @+1 {{declared otherwise here}}
ttc.param @"l.weight" : tensor<2x4xf32>
ttc.model @a_param_of_another_shape(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'ttc.linear' op needs ttc.param @"l.weight" of type 'tensor<8x4xf32>'}}
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x8xf32>
  ttc.return %0 : tensor<?x8xf32>
}

// -----

// expected-note @+1 {{declared otherwise here}}
ttc.param @"n.raw_beta" : tensor<f32> constrained(sigmoid)
ttc.model @a_raw_param_of_another_shape(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op needs ttc.param @"n.raw_beta" of type 'tensor<4xf32>'}}
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// expected-note @+1 {{declared otherwise here}}
ttc.param @"n.mem" : tensor<4xf32>
ttc.model @a_param_for_a_state(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.neuron' op needs ttc.state @"n.mem" of type 'tensor<4xf32>'}}
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-note @+1 {{declared otherwise here}}
ttc.state @"n.mem" : tensor<4xf32>
ttc.model @a_state_of_another_shape(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op needs ttc.state @"n.mem" of type 'tensor<?x4xf32>'}}
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
  ttc.param @w : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 2}}
module {
  ttc.model @first(%x: tensor<4xf32>) -> tensor<4xf32> {
    ttc.return %x : tensor<4xf32>
  }
  ttc.model @second(%x: tensor<4xf32>) -> tensor<4xf32> {
    ttc.return %x : tensor<4xf32>
  }
}

// -----

ttc.model @states_of_two_shapes(%x: tensor<?x4xf32>, %y: tensor<?x3x4xf32>) -> (tensor<?x4xf32>, tensor<?x3x4xf32>) {
  // expected-note @+1 {{the other layer is here}}
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  // expected-error @+1 {{'ttc.neuron' op has the path 'n' of another layer: a layer used twice is written the same way twice, and different layers need different paths}}
  %1 = ttc.neuron LI "n" (%y) : tensor<?x3x4xf32>
  ttc.return %0, %1 : tensor<?x4xf32>, tensor<?x3x4xf32>
}
