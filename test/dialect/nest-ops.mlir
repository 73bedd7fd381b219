// Are nests, reductions and their kin printed as they are read?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s | FileCheck %s
// RUN: tt-opt %s | tt-opt | FileCheck %s
// RUN: tt-opt %s --mlir-print-op-generic | tt-opt | FileCheck %s
// RUN: tt-opt %s --emit-bytecode | tt-opt | FileCheck %s
// RUN: tt-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// CHECK-DAG: #[[IDENTITY:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[WINDOW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 * 2 + d2)>

// GENERIC-LABEL: sym_name = "nest"
// CHECK-LABEL: func.func @nest(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[H:[^:]*]]: tensor<?x2xf32>, %[[W:[^:]*]]: tensor<2x4xf32>, %[[U:[^:]*]]: tensor<2x2xf32>, %[[B:[^:]*]]: tensor<2xf32>)
func.func @nest(%x: tensor<?x4xf32>, %h: tensor<?x2xf32>, %w: tensor<2x4xf32>, %u: tensor<2x2xf32>, %b: tensor<2xf32>) {
  // GENERIC: operandSegmentSizes = array<i32: 1, 1, 0>
  // CHECK-NEXT: ttc.nest "a" product(%[[X]] : tensor<?x4xf32>) weights(%[[W]] : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  %0 = ttc.nest "a" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32):
  ^bb0(%acc: f32):
    // CHECK-NEXT: ttc.yield %[[ACC]] : f32
    ttc.yield %acc : f32
  }
  // GENERIC: operandSegmentSizes = array<i32: 2, 2, 2>
  // CHECK: ttc.nest "b" product(%[[X]], %[[H]] : tensor<?x4xf32>, tensor<?x2xf32>) weights(%[[W]], %[[U]] : tensor<2x4xf32>, tensor<2x2xf32>)
  // CHECK-SAME: operands(%[[H]], %[[B]] : tensor<?x2xf32>, tensor<2xf32>) maps [#[[IDENTITY]], #[[COLUMN]]] -> tensor<?x2xf32>, tensor<?x2xbf16> {
  %1:2 = ttc.nest "b" product(%x, %h : tensor<?x4xf32>, tensor<?x2xf32>)
      weights(%w, %u : tensor<2x4xf32>, tensor<2x2xf32>)
      operands(%h, %b : tensor<?x2xf32>, tensor<2xf32>)
      maps [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>]
      -> tensor<?x2xf32>, tensor<?x2xbf16> {
  ^bb0(%sum0: f32, %sum1: f32, %old: f32, %bias: f32):
    %narrow = arith.truncf %sum1 : f32 to bf16
    // CHECK: ttc.yield %{{.*}}, %{{.*}} : f32, bf16
    ttc.yield %sum0, %narrow : f32, bf16
  }
  // Without operands: a number everywhere.
  // GENERIC: operandSegmentSizes = array<i32: 0, 0, 0>
  // CHECK: ttc.nest "" maps [] -> tensor<f64> {
  %2 = ttc.nest "" maps [] -> tensor<f64> {
    // CHECK-NEXT: %[[ONE:.*]] = arith.constant
    %one = arith.constant 1.0 : f64
    // CHECK-NEXT: ttc.yield %[[ONE]] : f64
    ttc.yield %one : f64
  }
  return
}

// CHECK-LABEL: func.func @reduce(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x9xf32>, %[[Y:[^:]*]]: tensor<?x9xf32>)
func.func @reduce(%x: tensor<?x9xf32>, %y: tensor<?x9xf32>) {
  // CHECK-NEXT: ttc.reduce max "pool" operands(%[[X]] : tensor<?x9xf32>) maps [#[[WINDOW]]] window [3] -> tensor<?x4xf32> {
  %0 = ttc.reduce max "pool" operands(%x : tensor<?x9xf32>)
      maps [affine_map<(d0, d1, d2) -> (d0, d1 * 2 + d2)>] window [3] -> tensor<?x4xf32> {
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32):
  ^bb0(%a: f32):
    // CHECK-NEXT: ttc.yield %[[A]] : f32
    ttc.yield %a : f32
  }
  // CHECK: ttc.reduce add "" operands(%[[X]], %[[Y]] : tensor<?x9xf32>, tensor<?x9xf32>) maps [#{{.*}}, #{{.*}}] window [9] -> tensor<?xf32> {
  %1 = ttc.reduce add "" operands(%x, %y : tensor<?x9xf32>, tensor<?x9xf32>)
      maps [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>] window [9] -> tensor<?xf32> {
  ^bb0(%a: f32, %b: f32):
    %2 = arith.mulf %a, %b : f32
    ttc.yield %2 : f32
  }
  // A window of two dimensions, and one of none.
  // CHECK: ttc.reduce min "" operands(%[[X]] : tensor<?x9xf32>) maps [#{{.*}}] window [3, 3] -> tensor<?xf32> {
  %3 = ttc.reduce min "" operands(%x : tensor<?x9xf32>)
      maps [affine_map<(d0, d1, d2) -> (d0, d1 * 3 + d2)>] window [3, 3] -> tensor<?xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  // CHECK: ttc.reduce min "" operands(%[[X]] : tensor<?x9xf32>) maps [#[[IDENTITY]]] window [] -> tensor<?x9xf32> {
  %4 = ttc.reduce min "" operands(%x : tensor<?x9xf32>) maps [affine_map<(d0, d1) -> (d0, d1)>] window []
      -> tensor<?x9xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// CHECK-LABEL: func.func @movements(
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x2xf32>, %[[B:[^:]*]]: tensor<?x3xf32>, %[[T:[^:]*]]: tensor<10x4xf32>, %[[I:[^:]*]]: tensor<?x5xi32>)
func.func @movements(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>, %table: tensor<10x4xf32>, %ids: tensor<?x5xi32>) {
  // GENERIC: "ttc.assemble"(%{{.*}}, %{{.*}}) <{fill = 5.000000e-01 : f64, offsets = {{\[}}[0, 0], [0, 3]]}>
  // CHECK-NEXT: ttc.assemble (%[[A]], %[[B]] : tensor<?x2xf32>, tensor<?x3xf32>) at {{\[}}[0, 0], [0, 3]] fill(5.000000e-01) -> tensor<?x6xf32>
  %0 = ttc.assemble (%a, %b : tensor<?x2xf32>, tensor<?x3xf32>) at [[0, 0], [0, 3]] fill(0.5) -> tensor<?x6xf32>
  // CHECK-NEXT: ttc.assemble (%[[A]], %[[B]] : tensor<?x2xf32>, tensor<?x3xf32>) at {{\[}}[0, 3], [0, 0]] -> tensor<?x5xf32>
  %1 = ttc.assemble (%a, %b : tensor<?x2xf32>, tensor<?x3xf32>) at [[0, 3], [0, 0]] -> tensor<?x5xf32>
  // CHECK-NEXT: ttc.gather (%[[T]], %[[I]]) : tensor<10x4xf32>, tensor<?x5xi32> -> tensor<?x5x4xf32>
  %2 = ttc.gather (%table, %ids) : tensor<10x4xf32>, tensor<?x5xi32> -> tensor<?x5x4xf32>
  return
}

// CHECK-LABEL: func.func @random_numbers(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x2xf32>)
func.func @random_numbers(%x: tensor<?x2xf32>) {
  // CHECK-NEXT: ttc.uniform stream(3) like (%[[X]]) : tensor<?x2xf32>
  %0 = ttc.uniform stream(3) like (%x) : tensor<?x2xf32>
  // CHECK-NEXT: ttc.nest
  %1 = ttc.nest "" operands(%x : tensor<?x2xf32>) maps [affine_map<(d0, d1) -> (d0, d1)>] -> tensor<?x2xf32> {
  ^bb0(%p: f32):
    // CHECK: %[[U:.*]] = ttc.draw stream(0) : f32
    %u = ttc.draw stream(0) : f32
    // CHECK-NEXT: %[[S:.*]] = ttc.quantize(stochastic_round, 0.5) %{{.*}}, %[[U]] : f32
    %s = ttc.quantize (stochastic_round, 0.5) %p, %u : f32
    // CHECK-NEXT: ttc.quantize(probabilistic) %[[S]], %[[U]] : f32
    %t = ttc.quantize (probabilistic) %s, %u : f32
    ttc.yield %t : f32
  }
  return
}
