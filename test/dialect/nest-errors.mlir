// Which shapes, maps and regions does a nest refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

func.func @no_results(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has no results}}
  "ttc.nest"(%x) <{label = "n", maps = [affine_map<(d0) -> (d0)>],
                   operandSegmentSizes = array<i32: 0, 0, 0, 1>}> ({
  ^bb0(%a: f32):
    ttc.yield
  }) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @results_of_two_types(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has results of several types: all have the shape of its domain}}
  %0:2 = ttc.nest "n" operands(%x : tensor<4xf32>) maps [affine_map<(d0) -> (d0)>]
      -> tensor<4xf32>, tensor<8xf32> {
  ^bb0(%a: f32):
    ttc.yield %a, %a : f32, f32
  }
  return
}

// -----

func.func @product_without_a_weight(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product that lacks its input or its weight}}
  %0 = "ttc.nest"(%x) <{label = "n", maps = [],
                        operandSegmentSizes = array<i32: 1, 0, 0, 0>}> ({
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }) : (tensor<?x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @bias_without_a_product(%b: tensor<2xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a product that lacks its input or its weight}}
  %0 = "ttc.nest"(%b) <{label = "n", maps = [],
                        operandSegmentSizes = array<i32: 0, 0, 1, 0>}> ({
    %zero = arith.constant 0.0 : f32
    ttc.yield %zero : f32
  }) : (tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @product_with_a_vector(%x: tensor<?x4xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<4xf32>', which does not make 'tensor<?x4xf32>'}}
  %0 = ttc.nest "n" product(%x, %w : tensor<?x4xf32>, tensor<4xf32>) maps [] -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_over_other_features(%x: tensor<?x4xf32>, %w: tensor<2x8xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<2x8xf32>', which does not make 'tensor<?x2xf32>'}}
  %0 = ttc.nest "n" product(%x, %w : tensor<?x4xf32>, tensor<2x8xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @product_of_another_size(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op multiplies 'tensor<?x4xf32>' by 'tensor<2x4xf32>', which does not make 'tensor<?x3xf32>'}}
  %0 = ttc.nest "n" product(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) maps [] -> tensor<?x3xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

func.func @bias_of_another_size(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'ttc.nest' op adds a bias of type 'tensor<3xf32>' to rows of 2}}
  %0 = ttc.nest "n" product(%x, %w, %b : tensor<?x4xf32>, tensor<2x4xf32>, tensor<3xf32>)
      maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return
}

// -----

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

func.func @map_of_another_rank(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 through a map that does not pick one of its elements for each of the domain's}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0, d1) -> (d0)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @map_that_shifts(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 through a map that does not pick one of its elements for each of the domain's}}
  %0 = ttc.nest "n" operands(%x : tensor<4xf32>)
      maps [affine_map<(d0) -> (d0 + 1)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @operand_of_another_size(%x: tensor<8xf32>) {
  // expected-error @+1 {{'ttc.nest' op reads operand 0 of type 'tensor<8xf32>' over a domain of type 'tensor<?x4xf32>'}}
  %0 = ttc.nest "n" operands(%x : tensor<8xf32>)
      maps [affine_map<(d0, d1) -> (d1)>] -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  return
}

// -----

func.func @region_without_the_accumulator(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'ttc.nest' op has a region of 0 arguments, expected 1}}
  %0 = ttc.nest "n" product(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
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
  // expected-error @+1 {{'ttc.yield' op expects parent op 'ttc.nest'}}
  ttc.yield %a : f32
}

// -----

func.func @quantizer_of_nothing(%p: f32) -> f32 {
  // M10
  // expected-error @+1 {{the step of a quantizer must be a positive number, but is INF}}
  %s = ttc.quantize (round, 0x7FF0000000000000) %p : f32
  return %s : f32
}

// -----

func.func @reduction_of_a_scalar(%x: tensor<f32>) {
  // expected-error @+1 {{'ttc.reduce' op makes 'tensor<f32>' of 'tensor<f32>', but it takes a static last dimension away}}
  %0 = ttc.reduce add %x : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @reduction_over_the_batch(%x: tensor<?xf32>) {
  // expected-error @+1 {{'ttc.reduce' op makes 'tensor<f32>' of 'tensor<?xf32>', but it takes a static last dimension away}}
  %0 = ttc.reduce max %x : tensor<?xf32> -> tensor<f32>
  return
}

// -----

func.func @reduction_of_the_first_dimension(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'ttc.reduce' op makes 'tensor<3xf32>' of 'tensor<2x3xf32>', but it takes a static last dimension away}}
  %0 = ttc.reduce add %x : tensor<2x3xf32> -> tensor<3xf32>
  return
}
