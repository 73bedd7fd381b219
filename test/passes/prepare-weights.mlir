// What of a timestep is computed once, when the weights are known?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-prepare-weights --verify-diagnostics | FileCheck %s

#all = affine_map<(i) -> (i)>
#row = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>

// A nest of parameters only is hoisted; the step takes its result in their place.
// CHECK-LABEL: func.func @hoisted.prepare(
// CHECK-SAME: %[[P:[^:]*]]: tensor<4xf32> {ttc.param = @p}) -> tensor<4xf32> {
// CHECK-NEXT: %[[N:.*]] = ttc.nest "n" operands(%[[P]] :
// CHECK: return %[[N]]
// CHECK-LABEL: func.func @hoisted(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"},
// CHECK-SAME: %[[Q:[^:]*]]: tensor<4xf32> {ttc.prepared = 0 : index},
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x4xf32> {ttc.state = @s})
// CHECK-SAME: attributes {ttc.prepare = @hoisted.prepare}
func.func @hoisted(%x: tensor<?x4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p},
                   %s: tensor<?x4xf32> {ttc.state = @s})
    -> (tensor<?x4xf32> {ttc.output = "y"}, tensor<?x4xf32> {ttc.state = @s}) {
  %0 = ttc.nest "n" operands(%p : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  // CHECK-NEXT: ttc.nest "n" operands(%[[X]], %[[S]], %[[Q]] :
  // CHECK-NOT: math.exp
  %2 = ttc.nest "n" operands(%x, %s, %0 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<4xf32>)
      maps [#row, #row, #column] -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %3 = arith.mulf %b, %c : f32
    %4 = arith.addf %3, %a : f32
    ttc.yield %4 : f32
  }
  return %2, %2 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

#all = affine_map<(i) -> (i)>

// A parameter that the step reads as well is prepared too; one that nothing reads is not.
// CHECK-LABEL: func.func @still_needed.prepare(
// CHECK-SAME: %[[P:[^:]*]]: tensor<4xf32> {ttc.param = @p}, %{{[^:]*}}: tensor<4xf32> {ttc.param = @unused}) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK: return %[[P]], %{{.*}} :
// CHECK-LABEL: func.func @still_needed(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {ttc.input = "x"}, %[[A:[^:]*]]: tensor<4xf32> {ttc.prepared = 0 : index}, %[[B:[^:]*]]: tensor<4xf32> {ttc.prepared = 1 : index})
func.func @still_needed(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p},
                        %u: tensor<4xf32> {ttc.param = @unused}) -> (tensor<4xf32> {ttc.output = "y"}) {
  %0 = ttc.nest "" operands(%p : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  // CHECK-NEXT: ttc.nest "" operands(%[[X]], %[[A]], %[[B]] :
  %2 = ttc.nest "" operands(%x, %p, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      maps [#all, #all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %3 = arith.mulf %b, %c : f32
    %4 = arith.addf %3, %a : f32
    ttc.yield %4 : f32
  }
  return %2 : tensor<4xf32>
}

// -----

#all = affine_map<(i) -> (i)>

// What is made of hoisted values is hoisted with them, a change of shape as well.
// CHECK-LABEL: func.func @a_chain.prepare(
// CHECK: %[[FIRST:.*]] = ttc.nest "first"
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape
// CHECK: %[[SECOND:.*]] = ttc.nest "second" operands(%[[FIRST]], %[[FLAT]] :
// CHECK: return %[[SECOND]]
// CHECK-LABEL: func.func @a_chain(
func.func @a_chain(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p},
                   %q: tensor<2x2xf32> {ttc.param = @q}) -> (tensor<4xf32> {ttc.output = "y"}) {
  %0 = ttc.nest "first" operands(%p : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  %flat = tensor.collapse_shape %q [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  %2 = ttc.nest "second" operands(%0, %flat : tensor<4xf32>, tensor<4xf32>) maps [#all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %3 = arith.addf %a, %b : f32
    ttc.yield %3 : f32
  }
  // CHECK-NEXT: ttc.nest "step"
  // CHECK-NOT: ttc.nest
  %4 = ttc.nest "step" operands(%x, %2 : tensor<4xf32>, tensor<4xf32>) maps [#all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %5 = arith.mulf %a, %b : f32
    ttc.yield %5 : f32
  }
  return %4 : tensor<4xf32>
}

// -----

#all = affine_map<(i) -> (i)>

// A state changes: nothing that reads it is hoisted.
// CHECK-LABEL: func.func @of_a_state.prepare(
// CHECK-NOT: ttc.nest
// CHECK-LABEL: func.func @of_a_state(
func.func @of_a_state(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p},
                      %s: tensor<4xf32> {ttc.state = @s})
    -> (tensor<4xf32> {ttc.output = "y"}, tensor<4xf32> {ttc.state = @s}) {
  // CHECK: ttc.nest
  %0 = ttc.nest "" operands(%p, %s : tensor<4xf32>, tensor<4xf32>) maps [#all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %x, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A product stays in the step, though both of its factors are known: only there is it packed.
// CHECK-LABEL: func.func @product_of_parameters.prepare(
// CHECK-NOT: ttc.nest
// CHECK-LABEL: func.func @product_of_parameters(
func.func @product_of_parameters(%x: tensor<2xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p},
                                 %w: tensor<2x4xf32> {ttc.param = @w}) -> (tensor<2xf32> {ttc.output = "y"}) {
  // CHECK: ttc.nest "" product(
  %0 = ttc.nest "" product(%p : tensor<4xf32>) weights(%w : tensor<2x4xf32>) operands(%x : tensor<2xf32>)
      maps [affine_map<(i) -> (i)>] -> tensor<2xf32> {
  ^bb0(%acc: f32, %a: f32):
    %1 = arith.addf %acc, %a : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<2xf32>
}

// -----

// A part of a matrix is a prepared value of its own; the matrix is not, if nothing else reads it.
// CHECK-LABEL: func.func @slices.prepare(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4x8xf32> {ttc.param = @w}) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
// CHECK-DAG: %[[TOP:.*]] = tensor.extract_slice %[[W]][0, 4] [2, 4] [1, 1]
// CHECK-DAG: %[[BOTTOM:.*]] = tensor.extract_slice %[[W]][2, 4] [2, 4] [1, 1]
// CHECK: return %[[TOP]], %[[BOTTOM]]
// CHECK-LABEL: func.func @slices(
// CHECK-SAME: %[[A:[^:]*]]: tensor<2x4xf32> {ttc.prepared = 0 : index}, %[[B:[^:]*]]: tensor<2x4xf32> {ttc.prepared = 1 : index})
func.func @slices(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x8xf32> {ttc.param = @w}) -> (tensor<2xf32> {ttc.output = "y"}) {
  // CHECK-NEXT: ttc.nest "" product(%{{.*}} weights(%[[A]], %[[B]] :
  %top = tensor.extract_slice %w[0, 4] [2, 4] [1, 1] : tensor<4x8xf32> to tensor<2x4xf32>
  %bottom = tensor.extract_slice %w[2, 4] [2, 4] [1, 1] : tensor<4x8xf32> to tensor<2x4xf32>
  %0 = ttc.nest "" product(%x, %x : tensor<4xf32>, tensor<4xf32>) weights(%top, %bottom : tensor<2x4xf32>, tensor<2x4xf32>)
      maps [] -> tensor<2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<2xf32>
}

// -----

#all = affine_map<(i) -> (i)>

// A constant is known before any weight is; the step has a place for it though it has no param.
// CHECK-LABEL: func.func @constants.prepare() -> tensor<2xf32> {
// CHECK-NEXT: %[[C:.*]] = arith.constant dense<[5.000000e-01, 2.500000e-01]>
// CHECK-NEXT: return %[[C]]
// CHECK-LABEL: func.func @constants(
func.func @constants(%x: tensor<2xf32> {ttc.input = "x"}) -> (tensor<2xf32> {ttc.output = "y"}) {
  // CHECK-NOT: arith.constant
  // CHECK: ttc.nest
  %c = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %0 = ttc.nest "" operands(%x, %c : tensor<2xf32>, tensor<2xf32>) maps [#all, #all] -> tensor<2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<2xf32>
}

// -----

#all = affine_map<(i) -> (i)>

// Sums, joined parts and rows of tables of weights are weights too.
// CHECK-LABEL: func.func @other_operations.prepare(
// CHECK: ttc.reduce
// CHECK: ttc.assemble
// CHECK: ttc.gather
// CHECK-LABEL: func.func @other_operations(
func.func @other_operations(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4x3xf32> {ttc.param = @p}, %q: tensor<2xf32> {ttc.param = @q},
                            %t: tensor<9x4xf32> {ttc.param = @t}) -> (tensor<4xf32> {ttc.output = "y"}) {
  // CHECK-NEXT: ttc.nest "step"
  // CHECK-NOT: ttc.{{reduce|assemble|gather}}
  // CHECK: return
  %ids = arith.constant dense<8> : tensor<1xi64>
  %0 = ttc.reduce add "" operands(%p : tensor<4x3xf32>) maps [affine_map<(i, k) -> (i, k)>] window [3] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  %1 = ttc.assemble (%q, %q : tensor<2xf32>, tensor<2xf32>) at [[0], [2]] -> tensor<4xf32>
  %2 = ttc.gather (%t, %ids) : tensor<9x4xf32>, tensor<1xi64> -> tensor<1x4xf32>
  %3 = tensor.collapse_shape %2 [[0, 1]] : tensor<1x4xf32> into tensor<4xf32>
  %4 = ttc.nest "step" operands(%x, %0, %1, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) maps [#all, #all, #all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %5 = arith.mulf %a, %b : f32
    %6 = arith.mulf %c, %d : f32
    %7 = arith.mulf %5, %6 : f32
    ttc.yield %7 : f32
  }
  return %4 : tensor<4xf32>
}

// -----

// A random number is another one in each timestep, though its only operand is a parameter.
// CHECK-LABEL: func.func @random_numbers.prepare(
// CHECK-NOT: ttc.draw
// CHECK-LABEL: func.func @random_numbers(
func.func @random_numbers(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p}) -> (tensor<4xf32> {ttc.output = "y"}) {
  // CHECK: ttc.draw
  %0 = ttc.nest "" operands(%p : tensor<4xf32>) maps [affine_map<(i) -> (i)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %u = ttc.draw stream(0) : f32
    %1 = ttc.quantize (probabilistic) %a, %u : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<4xf32>
}

// -----

// How large a batch is, prepare does not know.
// CHECK-LABEL: func.func @of_the_batch.prepare(
// CHECK-SAME: %[[P:[^:]*]]: tensor<4xf32> {ttc.param = @p}) -> tensor<4xf32> {
// CHECK-NEXT: return %[[P]]
// CHECK-LABEL: func.func @of_the_batch(
func.func @of_the_batch(%x: tensor<?x4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p}) -> (tensor<?x4xf32> {ttc.output = "y"}) {
  // CHECK: ttc.nest
  %0 = ttc.nest "" operands(%p : tensor<4xf32>) maps [affine_map<(i, j) -> (j)>] -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return %0 : tensor<?x4xf32>
}

// -----

// A parameter that is an output.
// CHECK-LABEL: func.func @an_output.prepare(
// CHECK-SAME: %[[P:[^:]*]]: tensor<4xf32> {ttc.param = @p}) -> tensor<4xf32> {
// CHECK-LABEL: func.func @an_output(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<4xf32> {ttc.prepared = 0 : index})
func.func @an_output(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p}) -> (tensor<4xf32> {ttc.output = "y"}) {
  // CHECK-NEXT: return %[[Q]]
  return %p : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @no_parameters.prepare() {
// CHECK-NEXT: return
// CHECK-LABEL: func.func @no_parameters(
// CHECK-SAME: %{{[^:]*}}: tensor<4xf32> {ttc.input = "x"}) ->
func.func @no_parameters(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32> {ttc.output = "y"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{has its prepare function already}}
func.func @twice(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32> {ttc.output = "y"})
    attributes {ttc.prepare = @twice.prepare} {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
}
