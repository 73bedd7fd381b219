// How do parameters come to be declared by the values that training moves?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-decompile-params --verify-diagnostics | FileCheck %s
// RUN: tt-opt %S/decompile-params.mlir --split-input-file --ttc-decompile-params \
// RUN:   --ttc-compile-params --verify-diagnostics | FileCheck %s --check-prefix=BACK

// CHECK:      ttc.param @l.weight : tensor<4x4xf32>{{$}}
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<f32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)

// Compiling is the inverse.
// BACK:      ttc.param @l.weight : tensor<4x4xf32>{{$}}
// BACK-NEXT: ttc.param @n.beta : tensor<4xf32> activated(sigmoid)
// BACK-NEXT: ttc.param @n.bias : tensor<4xf32> activated(arcsinh)
// BACK-NEXT: ttc.param @n.threshold : tensor<f32> activated(softplus)
// BACK-NEXT: ttc.param @n.scale : tensor<4xf32> activated(identity)
// BACK-NEXT: ttc.param @n.alpha : tensor<4xf32> activated(sigmoid)
ttc.param @"l.weight" : tensor<4x4xf32>
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.threshold" : tensor<f32> activated(softplus)
ttc.param @"n.scale" : tensor<4xf32> activated(identity)
ttc.param @"n.raw_alpha" : tensor<4xf32> constrained(sigmoid)

// -----

// expected-error @+1 {{'ttc.param' op is already used in its compiled form: decompile-params runs before expand-layers}}
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.model @expanded(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ttc.param_value @"n.beta" : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}
