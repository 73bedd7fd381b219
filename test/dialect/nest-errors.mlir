// Which shapes, maps and regions do nests, reductions and their kin refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

func.func @no_results(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has no results}}
  "ttc.nest"(%x) <{label = "n", maps = [affine_map<(d0) -> (d0)>],
                   operandSegmentSizes = array<i32: 0, 0, 1>}> ({
  ^bb0(%a: f32):
    ttc.yield
  }) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @results_of_two_shapes(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has results of several shapes: all have the shape of its domain}}
  %0:2 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>]
      -> tensor<4xf32>, tensor<8xf32> {
  ^bb0(%a: f32):
    ttc.yield %a, %a : f32, f32
  }
  return
}

// -----

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

func.func @product_without_a_weight(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product that lacks its input or its weight}}
  %0 = "ttc.nest"(%x) <{label = "n", maps = [],
                        operandSegmentSizes = array<i32: 1, 0, 0>}> ({
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }) : (tensor<?x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @weight_without_an_input(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product that lacks its input or its weight}}
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w, %w : tensor<2x4xf32>, tensor<2x4xf32>)
      maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_with_a_vector(%x: tensor<?x4xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<4xf32>', which does not make 'tensor<?x4xf32>'}}
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<4xf32>) maps [] -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_over_other_features(%x: tensor<?x4xf32>, %w: tensor<2x8xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<2x8xf32>', which does not make 'tensor<?x2xf32>'}}
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x8xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_of_another_size(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<2x4xf32>', which does not make 'tensor<?x3xf32>'}}
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x3xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_of_a_scalar(%x: tensor<f32>, %w: tensor<1x1xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<f32>' by 'tensor<1x1xf32>', which does not make 'tensor<f32>'}}
  %0 = ttc.nest "n" product(%x : tensor<f32>) weights(%w : tensor<1x1xf32>) maps [] -> tensor<f32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

// Every product is looked at, not the first alone.
func.func @second_product(%x: tensor<?x4xf32>, %h: tensor<?x2xf32>, %w: tensor<2x4xf32>, %u: tensor<3x2xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x2xf32>' by 'tensor<3x2xf32>', which does not make 'tensor<?x2xf32>'}}
  %0 = ttc.nest "n" product(%x, %h : tensor<?x4xf32>, tensor<?x2xf32>)
      weights(%w, %u : tensor<2x4xf32>, tensor<3x2xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// A product's tiles are rows and columns of (2 * 3, 4): one operand goes backwards through
// a column, the other changes from one outer row to the next alone.
func.func @operand_that_is_transposed(%x: tensor<3x4xf32>, %w: tensor<3x4xf32>, %t: tensor<3x3xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product, but does not read operand 0 along its rows}}
  %0 = ttc.nest "n" product(%x : tensor<3x4xf32>) weights(%w : tensor<3x4xf32>)
      operands(%t : tensor<3x3xf32>) maps [affine_map<(d0, d1) -> (d1, d0)>] -> tensor<3x3xf32> {
  ^bb0(%acc: f32, %a: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @operand_of_the_outer_rows(%x: tensor<2x3x4xf32>, %w: tensor<5x4xf32>, %c: tensor<2xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product, but does not read operand 0 along its rows}}
  %0 = ttc.nest "n" product(%x : tensor<2x3x4xf32>) weights(%w : tensor<5x4xf32>)
      operands(%c : tensor<2xf32>) maps [affine_map<(d0, d1, d2) -> (d0)>] -> tensor<2x3x5xf32> {
  ^bb0(%acc: f32, %a: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

func.func @a_map_too_few(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has 2 operands, but 1 maps}}
  %0 = ttc.nest "n" operands(%x, %x : tensor<4xf32>, tensor<4xf32>)
      maps [affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_of_another_domain(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0, d1) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_of_another_rank(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<4x4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<4x4xf32>)
      maps [affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// Element 4 + 1 of 5 is one too far; that of a tensor of 6 is not.
func.func @map_beyond_the_end(%x: tensor<6xf32>, %y: tensor<5xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 1 of type 'tensor<5xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x, %y : tensor<6xf32>, tensor<5xf32>)
      maps [affine_map<(d0) -> (d0 + 1)>, affine_map<(d0) -> (d0 + 1)>] -> tensor<5xf32> {
  ^bb0(%a: f32, %b: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// Backwards from 4 reaches 0, from 3 it reaches -1.
func.func @map_before_the_beginning(%x: tensor<5xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 1 of type 'tensor<5xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x, %x : tensor<5xf32>, tensor<5xf32>)
      maps [affine_map<(d0) -> (4 - d0)>, affine_map<(d0) -> (3 - d0)>] -> tensor<5xf32> {
  ^bb0(%a: f32, %b: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_that_divides(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0) -> (d0 floordiv 2)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_with_a_symbol(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0)[s0] -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// A batch may be as large as it likes: nothing fixed is as long, nor is a part of it known.
func.func @fixed_size_along_the_batch(%x: tensor<8xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<8xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<8xf32>)
      maps [affine_map<(d0, d1) -> (d0)>] -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @one_row_of_the_batch(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<?x4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<?x4xf32>)
      maps [affine_map<(d0) -> (0, d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @next_row_of_the_batch(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<?x4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<?x4xf32>)
      maps [affine_map<(d0, d1) -> (d0 + 1, d1)>] -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @every_second_row_of_the_batch(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<?x4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.nest "n" operands(%x : tensor<?x4xf32>)
      maps [affine_map<(d0, d1) -> (d0 * 2, d1)>] -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

func.func @region_without_the_accumulator(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a region of 0 arguments, expected 1}}
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
    %zero = arith.constant 0.0 : f32
    ttc.yield %zero : f32
  }
  return
}

// -----

func.func @region_of_doubles(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a region whose argument 0 is 'f64', expected 'f32'}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f64):
    ttc.yield %a : f64
  }
  return
}

// -----

// A state may be stored narrower than what it is computed with: each has its own type.
func.func @narrow_operand(%x: tensor<4xf32>, %s: tensor<4xbf16>) {
  // expected-error @+1 {{'ttc.nest' op has a region whose argument 1 is 'f32', expected 'bf16'}}
  %0 = ttc.nest "n" operands(%x, %s : tensor<4xf32>, tensor<4xbf16>)
      maps [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @yields_doubles(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op yields 'f64' as element of result 0, expected 'f32'}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = arith.extf %a : f32 to f64
    ttc.yield %1 : f64
  }
  return
}

// -----

func.func @yields_too_few(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op yields 1 values for 2 results}}
  %0:2 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>]
      -> tensor<4xf32>, tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @a_value_from_outside(%x: tensor<4xf32>, %s: f32) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    // expected-error @+1 {{'arith.addf' op using value defined outside the region}}
    %1 = arith.addf %a, %s : f32
    ttc.yield %1 : f32
  }
  return
}

// -----

func.func @yield_elsewhere(%a: f32) {
  // expected-error @+1 {{'ttc.yield' op expects parent op to be one of 'ttc.nest, ttc.reduce'}}
  ttc.yield %a : f32
}

// -----

//===----------------------------------------------------------------------===//
// Quantizers and random numbers
//===----------------------------------------------------------------------===//

func.func @quantizer_of_nothing(%p: f32) -> f32 {
  // M10
  // expected-error @+1 {{the step of a quantizer must be a positive number, but is INF}}
  %s = ttc.quantize (round, 0x7FF0000000000000) %p : f32
  return %s : f32
}

// -----

func.func @rounding_by_chance(%p: f32, %u: f32) -> f32 {
  // expected-error @+1 {{'ttc.quantize' op round takes no random number}}
  %s = ttc.quantize (round) %p, %u : f32
  return %s : f32
}

// -----

func.func @chance_without_a_number(%p: f32) -> f32 {
  // expected-error @+1 {{'ttc.quantize' op stochastic_round needs a random number}}
  %s = ttc.quantize (stochastic_round, 0.5) %p : f32
  return %s : f32
}

// -----

func.func @probability_without_a_number(%p: f32) -> f32 {
  // expected-error @+1 {{'ttc.quantize' op probabilistic needs a random number}}
  %s = ttc.quantize (probabilistic) %p : f32
  return %s : f32
}

// -----

func.func @stream_below_zero(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{attribute 'stream' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = ttc.uniform stream(-1) like (%x) : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Which element is drawn is known in a nest alone.
func.func @draw_in_a_reduction(%x: tensor<4xf32>) {
  %0 = ttc.reduce add "n" operands(%x : tensor<4xf32>) maps [affine_map<(k) -> (k)>] window [4] -> tensor<f32> {
  ^bb0(%a: f32):
    // expected-error @+1 {{'ttc.draw' op expects parent op 'ttc.nest'}}
    %u = ttc.draw stream(0) : f32
    ttc.yield %u : f32
  }
  return
}

// -----

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

func.func @empty_window(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.reduce' op has a window with the size 0, expected sizes of at least 1}}
  %0 = ttc.reduce add "n" operands(%x : tensor<?x4xf32>)
      maps [affine_map<(d0, k) -> (d0, k)>] window [0] -> tensor<?xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// Not along the batch: a sum's order would depend on it.
func.func @window_of_the_batch(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.reduce' op reads operand 0 of type 'tensor<?x4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.reduce add "n" operands(%x : tensor<?x4xf32>)
      maps [affine_map<(d0, k) -> (k, d0)>] window [4] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

// Windows of 3, 2 apart, over 8: the third would end behind the last element.
func.func @window_beyond_the_end(%x: tensor<8xf32>) {
  // expected-error @+1 {{'ttc.reduce' op reads operand 0 of type 'tensor<8xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.reduce max "n" operands(%x : tensor<8xf32>)
      maps [affine_map<(d0, k) -> (d0 * 2 + k)>] window [3] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_without_the_window(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.reduce' op reads operand 0 of type 'tensor<4xf32>' through a map that does not pick one of its elements everywhere}}
  %0 = ttc.reduce min "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0) -> (d0)>] window [2] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @reduction_of_two_operands(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.reduce' op has a region of 1 arguments, expected 2}}
  %0 = ttc.reduce add "n" operands(%x, %x : tensor<4xf32>, tensor<4xf32>)
      maps [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>] window [4] -> tensor<f32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @reduction_of_nothing(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.reduce' op yields 0 values for 1 results}}
  %0 = ttc.reduce add "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(k) -> (k)>] window [4] -> tensor<f32> {
  ^bb0(%a: f32):
    ttc.yield
  }
  return
}

// -----

//===----------------------------------------------------------------------===//
// Assembled and gathered tensors
//===----------------------------------------------------------------------===//

func.func @offset_too_few(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has 2 inputs, but 1 offsets}}
  %0 = ttc.assemble (%a, %b : tensor<?x2xf32>, tensor<?x3xf32>) at [[0, 0]] fill(0.0) -> tensor<?x5xf32>
  return
}

// -----

func.func @offset_of_another_rank(%a: tensor<?x2xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 0 of type 'tensor<?x2xf32>' that does not lie in 'tensor<?x5xf32>'}}
  %0 = ttc.assemble (%a : tensor<?x2xf32>) at [[0]] fill(0.0) -> tensor<?x5xf32>
  return
}

// -----

// 3 columns from column 3 on do not fit 5; 2 do.
func.func @part_beyond_the_end(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 1 of type 'tensor<?x3xf32>' that does not lie in 'tensor<?x5xf32>'}}
  %0 = ttc.assemble (%a, %b : tensor<?x2xf32>, tensor<?x3xf32>) at [[0, 3], [0, 3]] fill(0.0) -> tensor<?x5xf32>
  return
}

// -----

func.func @part_before_the_beginning(%a: tensor<2xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 0 of type 'tensor<2xf32>' that does not lie in 'tensor<5xf32>'}}
  %0 = ttc.assemble (%a : tensor<2xf32>) at [[-1]] fill(0.0) -> tensor<5xf32>
  return
}

// -----

func.func @rows_beside_the_batch(%a: tensor<?x2xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 0 of type 'tensor<?x2xf32>' that does not lie in 'tensor<?x2xf32>'}}
  %0 = ttc.assemble (%a : tensor<?x2xf32>) at [[1, 0]] fill(0.0) -> tensor<?x2xf32>
  return
}

// -----

func.func @part_of_the_batch(%a: tensor<1x2xf32>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 0 of type 'tensor<1x2xf32>' that does not lie in 'tensor<?x2xf32>'}}
  %0 = ttc.assemble (%a : tensor<1x2xf32>) at [[0, 0]] fill(0.0) -> tensor<?x2xf32>
  return
}

// -----

func.func @part_of_another_type(%a: tensor<2xf64>) {
  // expected-error @+1 {{'ttc.assemble' op has an input 0 of type 'tensor<2xf64>' that does not lie in 'tensor<2xf32>'}}
  %0 = ttc.assemble (%a : tensor<2xf64>) at [[0]] -> tensor<2xf32>
  return
}

// -----

func.func @rows_of_a_vector(%table: tensor<10xf32>, %ids: tensor<?xi64>) {
  // expected-error @+1 {{'ttc.gather' op makes 'tensor<?xf32>' of a table 'tensor<10xf32>' and numbers 'tensor<?xi64>': it takes a matrix, and a row of it replaces each number}}
  %0 = ttc.gather (%table, %ids) : tensor<10xf32>, tensor<?xi64> -> tensor<?xf32>
  return
}

// -----

func.func @rows_of_another_length(%table: tensor<10x4xf32>, %ids: tensor<?xi64>) {
  // expected-error @+1 {{'ttc.gather' op makes 'tensor<?x3xf32>' of a table 'tensor<10x4xf32>' and numbers 'tensor<?xi64>': it takes a matrix, and a row of it replaces each number}}
  %0 = ttc.gather (%table, %ids) : tensor<10x4xf32>, tensor<?xi64> -> tensor<?x3xf32>
  return
}

// -----

func.func @rows_of_another_type(%table: tensor<10x4xf32>, %ids: tensor<3xi32>) {
  // expected-error @+1 {{'ttc.gather' op makes 'tensor<3x4xf64>' of a table 'tensor<10x4xf32>' and numbers 'tensor<3xi32>': it takes a matrix, and a row of it replaces each number}}
  %0 = ttc.gather (%table, %ids) : tensor<10x4xf32>, tensor<3xi32> -> tensor<3x4xf64>
  return
}

// -----

func.func @rows_of_the_batch(%table: tensor<?x4xf32>, %ids: tensor<3xi64>) {
  // expected-error @+1 {{'ttc.gather' op makes 'tensor<3x4xf32>' of a table 'tensor<?x4xf32>' and numbers 'tensor<3xi64>': it takes a matrix, and a row of it replaces each number}}
  %0 = ttc.gather (%table, %ids) : tensor<?x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return
}

// -----

func.func @numbers_that_are_floats(%table: tensor<10x4xf32>, %ids: tensor<3xf32>) {
  // expected-error @+1 {{'ttc.gather' op operand #1 must be ranked tensor of}}
  %0 = ttc.gather (%table, %ids) : tensor<10x4xf32>, tensor<3xf32> -> tensor<3x4xf32>
  return
}
