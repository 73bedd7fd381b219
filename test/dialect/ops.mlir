// Is every op printed as it is read, in its custom form, its generic form and as bytecode?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s | FileCheck %s
// RUN: tt-opt %s | tt-opt | FileCheck %s
// RUN: tt-opt %s --mlir-print-op-generic | tt-opt | FileCheck %s
// RUN: tt-opt %s --emit-bytecode | tt-opt | FileCheck %s
// RUN: tt-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// CHECK: ttc.param @l.weight : tensor<8x4xf32>{{$}}
ttc.param @"l.weight" : tensor<8x4xf32>
// CHECK: ttc.param @n.raw_beta : tensor<8xf32> constrained(sigmoid)
ttc.param @"n.raw_beta" : tensor<8xf32> constrained(sigmoid)
// CHECK: ttc.param @n.raw_scale : tensor<f32> constrained(identity)
ttc.param @"n.raw_scale" : tensor<f32> constrained(identity)
// CHECK: ttc.param @n.threshold : tensor<8xf32> activated(softplus)
ttc.param @"n.threshold" : tensor<8xf32> activated(softplus)
// CHECK: ttc.param @n.bias : tensor<8xf32> activated(arcsinh)
ttc.param @"n.bias" : tensor<8xf32> activated(arcsinh)

// A key that is no identifier is quoted.
// CHECK: ttc.state @"ls[0].mem" : tensor<?x8xf32>{{$}}
ttc.state @"ls[0].mem" : tensor<?x8xf32>
// CHECK: ttc.state @mem : tensor<8xf32> at <64 + 0 * batch>
ttc.state @mem : tensor<8xf32> at <64 + 0 * batch>

// GENERIC-LABEL: sym_name = "states"
// CHECK-LABEL: ttc.model @states(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32> {ttc.name = "x"}) -> (tensor<?x8xf32> {ttc.name = "y"}) {
ttc.model @states(%x: tensor<?x8xf32> {ttc.name = "x"}) -> (tensor<?x8xf32> {ttc.name = "y"}) {
  // GENERIC: "ttc.read"() <{state = @"ls[0].mem"}> : () -> tensor<?x8xf32>
  // CHECK: %[[OLD:.*]] = ttc.read @"ls[0].mem" : tensor<?x8xf32>
  %old = ttc.read @"ls[0].mem" : tensor<?x8xf32>
  // GENERIC: "ttc.write"(%{{.*}}) <{state = @"ls[0].mem"}> : (tensor<?x8xf32>) -> ()
  // CHECK: ttc.write %[[X]], @"ls[0].mem" : tensor<?x8xf32>
  ttc.write %x, @"ls[0].mem" : tensor<?x8xf32>
  // CHECK: ttc.return %[[OLD]] : tensor<?x8xf32>
  ttc.return %old : tensor<?x8xf32>
}

// CHECK: ttc.state @stack : tensor<2x?x8xf32>
ttc.state @stack : tensor<2x?x8xf32>
// CHECK-LABEL: ttc.model @stacked_states(
ttc.model @stacked_states(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[OLD:.*]] = ttc.read @stack[1] : tensor<?x8xf32>
  %old = ttc.read @stack[1] : tensor<?x8xf32>
  // CHECK: ttc.write %{{.*}}, @stack[0] : tensor<?x8xf32>
  ttc.write %x, @stack[0] : tensor<?x8xf32>
  // CHECK: %[[ALL:.*]] = ttc.read @stack : tensor<2x?x8xf32>
  %all = ttc.read @stack : tensor<2x?x8xf32>
  // CHECK: ttc.write %[[ALL]], @stack : tensor<2x?x8xf32>
  ttc.write %all, @stack : tensor<2x?x8xf32>
  ttc.return %old : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @params(
ttc.model @params(%x: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  // CHECK: %[[W:.*]] = ttc.param_value @l.weight : tensor<8x4xf32>
  %w = ttc.param_value @"l.weight" : tensor<8x4xf32>
  // CHECK: ttc.return %[[W]], %{{.*}} : tensor<8x4xf32>, tensor<8x4xf32>
  ttc.return %w, %x : tensor<8x4xf32>, tensor<8x4xf32>
}

// CHECK-LABEL: ttc.model @linear(
ttc.model @linear(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  // CHECK: ttc.linear "a" (%{{.*}}) : tensor<?x3x4xf32> -> tensor<?x3x8xf32>
  %0 = ttc.linear "a" (%x) : tensor<?x3x4xf32> -> tensor<?x3x8xf32>
  // CHECK: ttc.linear "b" (%{{.*}}) no_bias : tensor<?x3x8xf32> -> tensor<?x3x2xf32>
  %1 = ttc.linear "b" (%0) no_bias : tensor<?x3x8xf32> -> tensor<?x3x2xf32>
  ttc.return %1 : tensor<?x3x2xf32>
}

// GENERIC-LABEL: sym_name = "neuron"
// CHECK-LABEL: ttc.model @neuron(
ttc.model @neuron(%x: tensor<?x3x8xf32>) -> tensor<?x3x8xf32> {
  // What is the default is not written.
  // GENERIC: "ttc.neuron"(%{{.*}}) <{dim = -1 : i64, kind = "LI", path = "a", quant = {{.*}}identity{{.*}}, spike = {{.*}}sigmoid4x{{.*}}}>
  // CHECK: ttc.neuron LI "a" (%{{.*}}) : tensor<?x3x8xf32>
  %0 = ttc.neuron LI "a" (%x) : tensor<?x3x8xf32>
  // CHECK: ttc.neuron LIB "b" (%{{.*}}) : tensor<?x3x8xf32>
  %1 = ttc.neuron LIB "b" (%0) dim(-1) spike(sigmoid4x) quant(identity) : tensor<?x3x8xf32>
  // CHECK: ttc.neuron LIB "c" (%{{.*}}) quant(round) : tensor<?x3x8xf32>
  %2 = ttc.neuron LIB "c" (%1) quant(round, 1.0) : tensor<?x3x8xf32>
  // A dimension keeps the sign that it was given.
  // CHECK: ttc.neuron SLIT "d" (%{{.*}}) dim(2) spike(sigmoid) : tensor<?x3x8xf32>
  %3 = ttc.neuron SLIT "d" (%2) spike(sigmoid) dim(2) : tensor<?x3x8xf32>
  // CHECK: ttc.neuron DSRLITS "e" (%{{.*}}) dim(-2) spike(heaviside) quant(round, 0.25) scalar(["bias", "pos_beta"]) : tensor<?x3x8xf32>
  %4 = ttc.neuron DSRLITS "e" (%3) scalar(["bias", "pos_beta"]) quant(round, 0.25) spike(heaviside) dim(-2)
      : tensor<?x3x8xf32>
  ttc.return %4 : tensor<?x3x8xf32>
}

// CHECK-LABEL: ttc.model @activation(
ttc.model @activation(%x: tensor<f32>) -> tensor<f32> {
  // CHECK: ttc.activation relu (%{{.*}}) : tensor<f32>
  %0 = ttc.activation relu (%x) : tensor<f32>
  // CHECK: ttc.activation leaky_relu (%{{.*}}) alpha(0.1) : tensor<f32>
  %1 = ttc.activation leaky_relu (%0) alpha(0.1) : tensor<f32>
  // CHECK: ttc.activation elu (%{{.*}}) : tensor<f32>
  %2 = ttc.activation elu (%1) : tensor<f32>
  // CHECK: ttc.activation gelu (
  %3 = ttc.activation gelu (%2) : tensor<f32>
  // CHECK: ttc.activation gelu_tanh (
  %4 = ttc.activation gelu_tanh (%3) : tensor<f32>
  // CHECK: ttc.activation silu (
  %5 = ttc.activation silu (%4) : tensor<f32>
  // CHECK: ttc.activation tanh (
  %6 = ttc.activation tanh (%5) : tensor<f32>
  // CHECK: ttc.activation sigmoid (
  %7 = ttc.activation sigmoid (%6) : tensor<f32>
  // CHECK: ttc.activation softplus (
  %8 = ttc.activation softplus (%7) : tensor<f32>
  // CHECK: ttc.activation hardtanh (
  %9 = ttc.activation hardtanh (%8) : tensor<f32>
  ttc.return %9 : tensor<f32>
}

// CHECK-LABEL: ttc.model @softmax(
ttc.model @softmax(%x: tensor<?x3x10xf32>) -> tensor<?x3x10xf32> {
  // CHECK: ttc.softmax (%{{.*}}) : tensor<?x3x10xf32>
  %0 = ttc.softmax (%x) : tensor<?x3x10xf32>
  ttc.return %0 : tensor<?x3x10xf32>
}

// CHECK-LABEL: ttc.model @flatten(
ttc.model @flatten(%x: tensor<?x2x3x4xf32>) -> tensor<?x24xf32> {
  // CHECK: ttc.flatten (%{{.*}}) dims(1, 2) : tensor<?x2x3x4xf32> -> tensor<?x6x4xf32>
  %0 = ttc.flatten (%x) dims(1, 2) : tensor<?x2x3x4xf32> -> tensor<?x6x4xf32>
  // CHECK: ttc.flatten (%{{.*}}) dims(1, -1) : tensor<?x6x4xf32> -> tensor<?x24xf32>
  %1 = ttc.flatten (%0) dims(1, -1) : tensor<?x6x4xf32> -> tensor<?x24xf32>
  // A dynamic batch may be flattened into itself.
  // CHECK: ttc.flatten (%{{.*}}) dims(0, 0) : tensor<?x24xf32> -> tensor<?x24xf32>
  %2 = ttc.flatten (%1) dims(0, 0) : tensor<?x24xf32> -> tensor<?x24xf32>
  ttc.return %2 : tensor<?x24xf32>
}

// CHECK-LABEL: func.func @quantize(
func.func @quantize(%p: f32, %v: vector<16xf32>, %t: tensor<4xf32>) {
  // CHECK: ttc.quantize(identity) %{{.*}} : f32
  %0 = ttc.quantize (identity) %p : f32
  // CHECK: ttc.quantize(round) %{{.*}} : vector<16xf32>
  %1 = ttc.quantize (round) %v : vector<16xf32>
  // CHECK: ttc.quantize(round, 0.1) %{{.*}} : tensor<4xf32>
  %2 = ttc.quantize (round, 0.1) %t : tensor<4xf32>
  return
}
