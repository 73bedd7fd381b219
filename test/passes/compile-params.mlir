// How do parameters come to be declared by the values that layers use?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-compile-params --verify-diagnostics | FileCheck %s

// Every constraint; parameters without one stay, as do compiled ones.
// CHECK:      ttc.param @l.weight : tensor<4x4xf32>{{$}}
// CHECK-NEXT: ttc.param @n.beta : tensor<4xf32> activated(sigmoid)
// CHECK-NEXT: ttc.param @n.bias : tensor<4xf32> activated(arcsinh)
// CHECK-NEXT: ttc.param @n.threshold : tensor<f32> activated(softplus)
// CHECK-NEXT: ttc.param @n.scale : tensor<4xf32> activated(identity)
// CHECK-NEXT: ttc.param @n.alpha : tensor<4xf32> activated(sigmoid)
ttc.param @"l.weight" : tensor<4x4xf32>
ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
ttc.param @"n.raw_bias" : tensor<4xf32> constrained(arcsinh)
ttc.param @"n.raw_threshold" : tensor<f32> constrained(softplus)
ttc.param @"n.raw_scale" : tensor<4xf32> constrained(identity)
ttc.param @"n.alpha" : tensor<4xf32> activated(sigmoid)

// -----

// Only the last part of a key is the name.
// CHECK: ttc.param @raw_net.0.raw_raw_beta.beta : tensor<4xf32> activated(sigmoid)
ttc.param @"raw_net.0.raw_raw_beta.raw_beta" : tensor<4xf32> constrained(sigmoid)

// -----

// A layer that is still whole does not see which form is declared.
// CHECK: ttc.param @n.beta : tensor<4xf32> activated(sigmoid)
ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @whole(
ttc.model @whole(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.neuron LI "n"
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.param' op is already used in its raw form: compile-params runs before expand-layers}}
ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
ttc.model @expanded(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ttc.param_value @"n.raw_beta" : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// A parameter in both forms is one too many.
// expected-note @+1 {{see existing symbol definition here}}
ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
// expected-error @+1 {{redefinition of symbol named 'n.beta'}}
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
