// Which products multiply in bf16, and where is what they multiply rounded?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-narrow-products | FileCheck %s
// RUN: tt-opt %s --split-input-file --ttc-narrow-products --ttc-fuse-timestep | FileCheck %s --check-prefix=FUSED

// An input that two products read is rounded once, where it is made, and f32 goes to whoever else
// reads it.
// CHECK-LABEL: func.func @shared(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x64xf32> {ttc.input = "x"}, %[[W:[^:]*]]: tensor<2x64xf32>
func.func @shared(%x: tensor<?x64xf32> {ttc.input = "x"}, %w: tensor<2x64xf32> {ttc.param = @w},
                  %u: tensor<2x64xf32> {ttc.param = @u})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.output = "z"},
        tensor<?x64xf32> {ttc.output = "h"}) {
  // CHECK-NEXT: %[[H:.*]] = ttc.nest "a"
  // CHECK: math.tanh
  // CHECK: }
  %h = ttc.nest "a" operands(%x : tensor<?x64xf32>) maps [affine_map<(d0, d1) -> (d0, d1)>] -> tensor<?x64xf32> {
  ^bb0(%e: f32):
    %0 = math.tanh %e : f32
    ttc.yield %0 : f32
  }
  // CHECK-NEXT: %[[N:.*]] = ttc.nest "a" operands(%[[H]] : tensor<?x64xf32>) maps [#map] -> tensor<?x64xbf16> {
  // CHECK-NEXT: ^bb0(%[[E:.*]]: f32):
  // CHECK-NEXT: %[[R:.*]] = arith.truncf %[[E]] : f32 to bf16
  // CHECK-NEXT: ttc.yield %[[R]] : bf16
  // CHECK: %[[Y:.*]] = ttc.nest "b" product(%[[N]] : tensor<?x64xbf16>) weights(%[[W]] : tensor<2x64xf32>) maps [] -> tensor<?x2xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32):
  %y = ttc.nest "b" product(%h : tensor<?x64xf32>) weights(%w : tensor<2x64xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%sum: f32):
    ttc.yield %sum : f32
  }
  // CHECK: %[[Z:.*]] = ttc.nest "c" product(%[[N]] : tensor<?x64xbf16>)
  %z = ttc.nest "c" product(%h : tensor<?x64xf32>) weights(%u : tensor<2x64xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%sum: f32):
    ttc.yield %sum : f32
  }
  // CHECK: return %[[Y]], %[[Z]], %[[H]]
  return %y, %z, %h : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x64xf32>
}
// The nest that makes the input rounds it.
// FUSED-LABEL: func.func @shared(
// FUSED-NEXT: %[[BOTH:.*]]:2 = ttc.nest "a" {{.*}} -> tensor<?x64xf32>, tensor<?x64xbf16> {
// FUSED: %[[T:.*]] = math.tanh
// FUSED-NEXT: %[[R:.*]] = arith.truncf %[[T]] : f32 to bf16
// FUSED-NEXT: ttc.yield %[[T]], %[[R]] : f32, bf16
// FUSED: product(%[[BOTH]]#1 : tensor<?x64xbf16>)
// FUSED: product(%[[BOTH]]#1 : tensor<?x64xbf16>)

// -----

// Of two products of a nest, one may be too short; an odd number goes in no pairs; a state is
// rounded where it is read.
// CHECK-LABEL: func.func @some(
// CHECK-SAME: %[[X:[^:]*]]: tensor<31xf32> {{.*}}, %[[O:[^:]*]]: tensor<33xf32> {{.*}}, %[[S:[^:]*]]: tensor<32xf32> {ttc.state
func.func @some(%x: tensor<31xf32> {ttc.input = "x"}, %o: tensor<33xf32> {ttc.input = "o"},
                %s: tensor<32xf32> {ttc.state = @s}, %w: tensor<32x31xf32> {ttc.param = @w},
                %v: tensor<32x33xf32> {ttc.param = @v}, %u: tensor<32x32xf32> {ttc.param = @u})
    -> (tensor<32xf32> {ttc.output = "y"}, tensor<32xf32> {ttc.state = @s}) {
  // CHECK: %[[N:.*]] = ttc.nest "a" operands(%[[S]] : tensor<32xf32>)
  // CHECK: product(%[[X]], %[[O]], %[[N]] : tensor<31xf32>, tensor<33xf32>, tensor<32xbf16>)
  %y = ttc.nest "a" product(%x, %o, %s : tensor<31xf32>, tensor<33xf32>, tensor<32xf32>)
      weights(%w, %v, %u : tensor<32x31xf32>, tensor<32x33xf32>, tensor<32x32xf32>) maps [] -> tensor<32xf32> {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.addf %p, %q : f32
    %1 = arith.addf %0, %r : f32
    ttc.yield %1 : f32
  }
  return %y, %y : tensor<32xf32>, tensor<32xf32>
}

// -----

// f64 stays.
// CHECK-LABEL: func.func @wide(
// CHECK-NEXT: ttc.nest "a" product(%{{.*}} : tensor<64xf64>)
func.func @wide(%x: tensor<64xf64> {ttc.input = "x"}, %w: tensor<2x64xf64> {ttc.param = @w})
    -> (tensor<2xf64> {ttc.output = "y"}) {
  %y = ttc.nest "a" product(%x : tensor<64xf64>) weights(%w : tensor<2x64xf64>) maps [] -> tensor<2xf64> {
  ^bb0(%sum: f64):
    ttc.yield %sum : f64
  }
  return %y : tensor<2xf64>
}
