// Where does each state lie in a session's one block?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-plan-states | FileCheck %s

// In order of name, each at a multiple of 64 bytes.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<640 + 0 * batch>} {
// CHECK-NEXT: ttc.state @c : tensor<128xf32> at <128 + 0 * batch>
ttc.state @c : tensor<128xf32>
// CHECK-NEXT: ttc.state @a : tensor<1xf32> at <0 + 0 * batch>
ttc.state @a : tensor<1xf32>
// CHECK-NEXT: ttc.state @b : tensor<4x4xf32> at <64 + 0 * batch>
ttc.state @b : tensor<4x4xf32>

// -----

// Each row of a batch is rounded up, so that every batch is aligned.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<0 + 704 * batch>} {
// CHECK-NEXT: ttc.state @n.mem : tensor<?x10xf32> at <0 + 0 * batch>
ttc.state @"n.mem" : tensor<?x10xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x2x3x4xf32> at <0 + 64 * batch>
ttc.state @"n.rec" : tensor<?x2x3x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x128xf32> at <0 + 192 * batch>
ttc.state @"n.syn" : tensor<?x128xf32>

// -----

// Static states first, whatever their name: behind them the batch is the only factor.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<128 + 128 * batch>} {
// CHECK-NEXT: ttc.state @a : tensor<?xf32> at <128 + 0 * batch>
ttc.state @a : tensor<?xf32>
// CHECK-NEXT: ttc.state @b : tensor<16xf32> at <0 + 0 * batch>
ttc.state @b : tensor<16xf32>
// CHECK-NEXT: ttc.state @c : tensor<?x16xf32> at <128 + 64 * batch>
ttc.state @c : tensor<?x16xf32>
// CHECK-NEXT: ttc.state @d : tensor<f32> at <64 + 0 * batch>
ttc.state @d : tensor<f32>

// -----

// What stood there before is planned anew.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<64 + 0 * batch>} {
// CHECK-NEXT: ttc.state @a : tensor<4xf32> at <0 + 0 * batch>
module attributes {ttc.states_size = #ttc.bytes<1 + 2 * batch>} {
  ttc.state @a : tensor<4xf32> at <4096 + 8 * batch>
}

// -----

// CHECK: module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
ttc.param @no_states : tensor<4xf32>

// -----

// A stack is one state: its places follow each other, the rows of each as they are; the
// whole is rounded up. One of fixed sizes needs no batch.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<128 + 320 * batch>} {
// CHECK-NEXT: ttc.state @after : tensor<?x4xf32> at <128 + 0 * batch>
ttc.state @after : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @fixed : tensor<3x8xf32> at <0 + 0 * batch>
ttc.state @fixed : tensor<3x8xf32>
// CHECK-NEXT: ttc.state @stack : tensor<3x?x20xf32> at <128 + 64 * batch>
ttc.state @stack : tensor<3x?x20xf32>

// -----

// Two bytes and eight.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<0 + 192 * batch>} {
// CHECK-NEXT: ttc.state @double : tensor<?x10xf64> at <0 + 0 * batch>
ttc.state @double : tensor<?x10xf64>
// CHECK-NEXT: ttc.state @short : tensor<?x32xbf16> at <0 + 128 * batch>
ttc.state @short : tensor<?x32xbf16>

// -----

// Where random numbers are drawn, the block begins with the generator.
// CHECK: module attributes {ttc.generator, ttc.states_size = #ttc.bytes<128 + 64 * batch>} {
// CHECK-NEXT: ttc.state @a : tensor<4xf32> at <64 + 0 * batch>
ttc.state @a : tensor<4xf32>
// CHECK-NEXT: ttc.state @b : tensor<?x4xf32> at <128 + 0 * batch>
ttc.state @b : tensor<?x4xf32>
func.func @draws(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  %0 = ttc.nest "" maps [] -> tensor<4xf32> {
    %u = ttc.draw stream(0) : f32
    ttc.yield %u : f32
  }
  return %0 : tensor<4xf32>
}
