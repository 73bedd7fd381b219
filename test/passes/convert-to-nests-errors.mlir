// What of a timestep cannot be compiled, and what is said of it?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-convert-to-nests --verify-diagnostics

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

func.func @product_of_all(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.reduce' op is neither a product with a matrix nor a sum, a maximum or a minimum over a window: it cannot be compiled}}
  %0 = linalg.reduce { arith.mulf } ins(%x : tensor<3x4xf32>) outs(%s : tensor<3xf32>) dimensions = [1]
  return %0 : tensor<3xf32>
}

// -----

// maxnumf would forget a NaN.
func.func @maximum_without_nan(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.reduce' op is neither a product with a matrix nor}}
  %0 = linalg.reduce { arith.maxnumf } ins(%x : tensor<3x4xf32>) outs(%s : tensor<3xf32>) dimensions = [1]
  return %0 : tensor<3xf32>
}

// -----

#input = affine_map<(i, k) -> (i, k)>
#output = affine_map<(i, k) -> (i)>
func.func @recurrence(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.generic' op is neither a product with a matrix nor}}
  %0 = linalg.generic {indexing_maps = [#input, #output], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x4xf32>) outs(%s : tensor<3xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %1 = arith.mulf %acc, %a : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

#input = affine_map<(i, k) -> (i, k)>
#output = affine_map<(i, k) -> (i)>
func.func @two_sums_at_once(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.generic' op is neither a product with a matrix nor}}
  %0:2 = linalg.generic {indexing_maps = [#input, #output, #output], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x4xf32>) outs(%s, %s : tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %1 = arith.addf %b, %a : f32
    %2 = arith.addf %c, %a : f32
    linalg.yield %1, %2 : f32, f32
  } -> (tensor<3xf32>, tensor<3xf32>)
  return %0#0 : tensor<3xf32>
}

// -----

// The order of a sum may not depend on the batch.
func.func @sum_over_the_batch(%x: tensor<?x4xf32> {ttc.input = "x"}, %s: tensor<4xf32> {ttc.state = @s}) -> tensor<4xf32> {
  // expected-error @+1 {{'linalg.reduce' op is neither a product with a matrix nor}}
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<?x4xf32>) outs(%s : tensor<4xf32>) dimensions = [0]
  return %0 : tensor<4xf32>
}

// -----

#input = affine_map<(i, k) -> (i, k)>
#output = affine_map<(i, k) -> (i)>
func.func @sum_of_positions(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.generic' op is neither a product with a matrix nor}}
  %0 = linalg.generic {indexing_maps = [#input, #output], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x4xf32>) outs(%s : tensor<3xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %1 = linalg.index 1 : index
    %2 = arith.index_cast %1 : index to i32
    %3 = arith.sitofp %2 : i32 to f32
    %4 = arith.mulf %a, %3 : f32
    %5 = arith.addf %acc, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

#all = affine_map<(i) -> (i)>
func.func @position(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with each of its elements written once: it cannot be compiled}}
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    %1 = linalg.index 0 : index
    %2 = arith.index_cast %1 : index to i32
    %3 = arith.sitofp %2 : i32 to f32
    linalg.yield %3 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

#all = affine_map<(i) -> (i)>
func.func @element_from_outside(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with each of its elements written once: it cannot be compiled}}
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    %1 = arith.mulf %a, %first : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @fill_with_an_element(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  // expected-error @+1 {{'linalg.fill' op is not elementwise, with each of its elements written once: it cannot be compiled}}
  %0 = linalg.fill ins(%first : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

#all = affine_map<(i, j) -> (i, j)>
#swapped = affine_map<(i, j) -> (j, i)>
func.func @results_in_two_orders(%x: tensor<3x3xf32> {ttc.input = "x"}) -> (tensor<3x3xf32>, tensor<3x3xf32>) {
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with each of its elements written once: it cannot be compiled}}
  %0:2 = linalg.generic {indexing_maps = [#all, #all, #swapped], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x3xf32>) outs(%x, %x : tensor<3x3xf32>, tensor<3x3xf32>) {
  ^bb0(%a: f32, %o0: f32, %o1: f32):
    linalg.yield %a, %a : f32, f32
  } -> (tensor<3x3xf32>, tensor<3x3xf32>)
  return %0#0, %0#1 : tensor<3x3xf32>, tensor<3x3xf32>
}

// -----

// An element of the result for each pair: which one stays would be the loops' order.
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @elements_written_several_times(%x: tensor<3x3xf32> {ttc.input = "x"}, %y: tensor<3xf32> {ttc.input = "y"}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with each of its elements written once: it cannot be compiled}}
  %0 = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x3xf32>) outs(%y : tensor<3xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @truth_values(%x: tensor<4xf32> {ttc.input = "x"}, %y: tensor<4xf32> {ttc.input = "y"}) -> tensor<4xf32> {
  // expected-error @+1 {{'arith.cmpf' op computes with 'tensor<4xi1>': a timestep computes with floats alone; compare with ttc.compare, choose with ttc.where, and give numbers of rows to an embedding as they are}}
  %0 = arith.cmpf olt, %x, %y : tensor<4xf32>
  // expected-error @+1 {{'arith.select' op computes with 'tensor<4xi1>'}}
  %1 = arith.select %0, %x, %y : tensor<4xi1>, tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @numbers_of_rows(%ids: tensor<?xi64> {ttc.input = "ids"}) -> tensor<?xf32> {
  // expected-error @+1 {{'arith.sitofp' op computes with 'tensor<?xi64>': a timestep computes with floats alone}}
  %0 = arith.sitofp %ids : tensor<?xi64> to tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// One operation's error does not hide another's.
#all = affine_map<(i) -> (i)>
func.func @two_errors(%x: tensor<4xf32> {ttc.input = "x"}, %y: tensor<?x4xf32> {ttc.input = "y"}) -> (tensor<4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  // expected-error @+1 {{'linalg.fill' op is not elementwise}}
  %0 = linalg.fill ins(%first : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{'tensor.concat' op joins along the batch}}
  %1 = tensor.concat dim(0) %y, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0, %1 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Movements
//===----------------------------------------------------------------------===//

func.func @pad_with_an_element(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<6xf32> {
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  // expected-error @+1 {{'tensor.pad' op pads with what is not a constant, or by sizes that are not: it cannot be compiled}}
  %0 = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %first : f32
  } : tensor<4xf32> to tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @pad_by_the_batch(%x: tensor<?x4xf32> {ttc.input = "x"}) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  // expected-error @+1 {{'tensor.pad' op pads with what is not a constant, or by sizes that are not: it cannot be compiled}}
  %0 = tensor.pad %x low[0, %n] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x4xf32> to tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

func.func @join_batches(%x: tensor<?x4xf32> {ttc.input = "x"}) -> tensor<?x4xf32> {
  // expected-error @+1 {{'tensor.concat' op joins along the batch: it cannot be compiled}}
  %0 = tensor.concat dim(0) %x, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @slice_at_the_batch(%x: tensor<?x4xf32> {ttc.input = "x"}, %y: tensor<8xf32> {ttc.input = "y"}) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  // expected-error @+1 {{'tensor.extract_slice' op has an offset or a stride that is not known: it cannot be compiled}}
  %0 = tensor.extract_slice %y[%n] [4] [1] : tensor<8xf32> to tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @insert_slice(%x: tensor<4xf32> {ttc.input = "x"}, %y: tensor<8xf32> {ttc.input = "y"}) -> tensor<8xf32> {
  // expected-error @+1 {{'tensor.insert_slice' op cannot be compiled: a timestep is made of elementwise operations, products with matrices, reductions, and movements of elements}}
  %0 = tensor.insert_slice %x into %y[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Nothing says what is in it.
func.func @uninitialised(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // expected-error @+1 {{'tensor.empty' op cannot be compiled: a timestep is made of}}
  %0 = tensor.empty() : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
  func.func @not_a_step(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
