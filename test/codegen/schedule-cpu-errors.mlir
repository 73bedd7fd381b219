// What is not ready to be scheduled, or cannot be?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-schedule-cpu --verify-diagnostics
// RUN: not tt-opt %S/schedule-cpu-units.mlir %nest-passes --ttc-schedule-cpu="schedule=tile=many" 2>&1 | FileCheck %s
//
// CHECK: error: the schedule's tile is a whole number from 1 to 64, but 'many' was given

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
}

// -----

module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
  // expected-error @+1 {{is not ready to be scheduled: prepare-weights and plan-states run before schedule-cpu}}
  func.func @not_prepared(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32> {ttc.output = "y"}) {
    return %x : tensor<4xf32>
  }
}

// -----

module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
  // expected-error @+1 {{is not ready to be scheduled: prepare-weights and plan-states run before schedule-cpu}}
  func.func @prepare_is_missing(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32> {ttc.output = "y"})
      attributes {ttc.prepare = @nowhere} {
    return %x : tensor<4xf32>
  }
}

// -----

func.func @not_planned.prepare() {
  return
}
// expected-error @+1 {{is not ready to be scheduled: prepare-weights and plan-states run before schedule-cpu}}
func.func @not_planned(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32> {ttc.output = "y"})
    attributes {ttc.prepare = @not_planned.prepare} {
  return %x : tensor<4xf32>
}

// -----

module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
  func.func @matrix_of_the_input.prepare() {
    return
  }
  func.func @matrix_of_the_input(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.input = "w"})
      -> (tensor<2xf32> {ttc.output = "y"}) attributes {ttc.prepare = @matrix_of_the_input.prepare} {
    // expected-error @+1 {{'ttc.nest' op multiplies by a matrix that is not known before the timestep: it cannot be compiled}}
    %0 = ttc.nest "" product(%x : tensor<4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<2xf32> {
    ^bb0(%acc: f32):
      ttc.yield %acc : f32
    }
    return %0 : tensor<2xf32>
  }
}

// -----

// One of several products is enough.
module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
  ttc.param @w : tensor<2x4xf32>
  func.func @second_matrix.prepare(%w: tensor<2x4xf32> {ttc.param = @w}) -> tensor<2x4xf32> {
    return %w : tensor<2x4xf32>
  }
  func.func @second_matrix(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index}, %v: tensor<2x4xf32> {ttc.input = "v"})
      -> (tensor<2xf32> {ttc.output = "y"}) attributes {ttc.prepare = @second_matrix.prepare} {
    // expected-error @+1 {{'ttc.nest' op multiplies by a matrix that is not known before the timestep: it cannot be compiled}}
    %0 = ttc.nest "" product(%x, %x : tensor<4xf32>, tensor<4xf32>) weights(%w, %v : tensor<2x4xf32>, tensor<2x4xf32>) maps [] -> tensor<2xf32> {
    ^bb0(%a: f32, %b: f32):
      ttc.yield %b : f32
    }
    return %0 : tensor<2xf32>
  }
}

// -----

module attributes {ttc.states_size = #ttc.bytes<0 + 0 * batch>} {
  // expected-error @+1 {{names @w, but no ttc.param declares it}}
  func.func @undeclared.prepare(%w: tensor<2x4xf32> {ttc.param = @w}) -> tensor<2x4xf32> {
    return %w : tensor<2x4xf32>
  }
  func.func @undeclared(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index})
      -> (tensor<2x4xf32> {ttc.output = "y"}) attributes {ttc.prepare = @undeclared.prepare} {
    return %w : tensor<2x4xf32>
  }
}
