// What becomes one nest, and what must stay apart?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-fuse-timestep --verify-diagnostics | FileCheck %s

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>

// A linear layer and the arithmetic behind it are one nest; its label is their paths.
// CHECK-LABEL: func.func @product_and_update(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"}, %[[W:[^:]*]]: tensor<2x4xf32> {ttc.param = @w}, %[[B:[^:]*]]: tensor<2xf32> {ttc.param = @b}, %[[S:[^:]*]]: tensor<?x2xf32> {ttc.state = @s})
func.func @product_and_update(
    %x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %b: tensor<2xf32> {ttc.param = @b}, %s: tensor<?x2xf32> {ttc.state = @s})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
  // CHECK-NEXT: %[[N:.*]] = ttc.nest "net.0+net.1" product(%[[X]], %[[W]], %[[B]] : tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>)
  // CHECK-SAME: operands(%[[S]] : tensor<?x2xf32>) maps [#{{.*}}] -> tensor<?x2xf32> {
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32, %[[OLD:[^:]*]]: f32):
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[OLD]] : f32
  // CHECK-NEXT: ttc.yield %[[SUM]] : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%n) : tensor<?x2xf32>
  %init = linalg.broadcast ins(%b : tensor<2xf32>) outs(%empty : tensor<?x2xf32>) dimensions = [0]
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32> loc("net.0")
  %y = arith.addf %p, %s : tensor<?x2xf32> loc("net.1")
  // CHECK: return %[[N]], %[[N]]
  return %y, %y : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>
// CHECK-LABEL: func.func @product_onto_zero(
func.func @product_onto_zero(%x: tensor<3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w})
    -> tensor<3x2xf32> {
  // CHECK-NEXT: ttc.nest "" product(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<2x4xf32>) maps [] -> tensor<3x2xf32> {
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32):
  // CHECK-NEXT: ttc.yield %[[ACC]]
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x2xf32>) -> tensor<3x2xf32>
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %p : tensor<3x2xf32>
}

// -----

// What a product is added to is an operand of the nest.
#input = affine_map<(n, k) -> (k)>
#weight = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
// CHECK-LABEL: func.func @product_onto_a_tensor(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[W:[^:]*]]: tensor<2x4xf32> {{.*}}, %[[S:[^:]*]]: tensor<2xf32>
func.func @product_onto_a_tensor(
    %x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %s: tensor<2xf32> {ttc.state = @s}) -> tensor<2xf32> {
  // CHECK-NEXT: ttc.nest "" product(%[[X]], %[[W]] : tensor<4xf32>, tensor<2x4xf32>) operands(%[[S]] : tensor<2xf32>)
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32, %[[INIT:[^:]*]]: f32):
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[INIT]]
  // CHECK-NEXT: ttc.yield %[[SUM]]
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<4xf32>, tensor<2x4xf32>) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  return %p : tensor<2xf32>
}

// -----

// Any spelling of a product is read by its maps.
#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>
// CHECK-LABEL: func.func @matmul(
func.func @matmul(%x: tensor<3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
                  %s: tensor<3x2xf32> {ttc.state = @s}) -> tensor<3x2xf32> {
  // CHECK-NEXT: ttc.nest "" product(
  %p = linalg.matmul indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%s : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %p : tensor<3x2xf32>
}

// -----

// Two products are two nests: the second needs all of the first.
#input = affine_map<(n, k) -> (k)>
#weight = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
// CHECK-LABEL: func.func @two_products(
func.func @two_products(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x4xf32> {ttc.param = @w},
                        %b: tensor<4xf32> {ttc.param = @b}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[FIRST:.*]] = ttc.nest "" product(
  // CHECK: math.absf
  // CHECK: ttc.nest "" product(%[[FIRST]],
  // CHECK-NOT: ttc.nest
  %0 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<4xf32>, tensor<4x4xf32>) outs(%b : tensor<4xf32>) -> tensor<4xf32>
  %1 = math.absf %0 : tensor<4xf32>
  %2 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%1, %w : tensor<4xf32>, tensor<4x4xf32>) outs(%b : tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A parameter along the product's columns fits its tiles…
#input = affine_map<(i, j, n, k) -> (i, j, k)>
#weight = affine_map<(i, j, n, k) -> (n, k)>
#output = affine_map<(i, j, n, k) -> (i, j, n)>
#all = affine_map<(i, j, n) -> (i, j, n)>
#column = affine_map<(i, j, n) -> (n)>
#once = affine_map<(i, j, n) -> ()>
// CHECK-LABEL: func.func @fused_along_the_last_dimension(
func.func @fused_along_the_last_dimension(
    %x: tensor<?x3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %s: tensor<?x3x2xf32> {ttc.state = @s}, %d: tensor<2xf32> {ttc.param = @d},
    %t: tensor<f32> {ttc.param = @t}) -> tensor<?x3x2xf32> {
  // CHECK-NEXT: ttc.nest "" product(
  // CHECK-NOT: ttc.nest
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<?x3x4xf32>, tensor<2x4xf32>) outs(%s : tensor<?x3x2xf32>) -> tensor<?x3x2xf32>
  %y = linalg.generic {indexing_maps = [#all, #column, #once, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %d, %t : tensor<?x3x2xf32>, tensor<2xf32>, tensor<f32>) outs(%s : tensor<?x3x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %old: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %c : f32
    linalg.yield %1 : f32
  } -> tensor<?x3x2xf32>
  return %y : tensor<?x3x2xf32>
}

// -----

// …one along another dimension does not: the neurons' `dim` is not the product's.
#input = affine_map<(i, j, n, k) -> (i, j, k)>
#weight = affine_map<(i, j, n, k) -> (n, k)>
#output = affine_map<(i, j, n, k) -> (i, j, n)>
#all = affine_map<(i, j, n) -> (i, j, n)>
#row = affine_map<(i, j, n) -> (j)>
// CHECK-LABEL: func.func @not_fused_along_another_dimension(
func.func @not_fused_along_another_dimension(
    %x: tensor<?x3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %s: tensor<?x3x2xf32> {ttc.state = @s}, %d: tensor<3xf32> {ttc.param = @d}) -> tensor<?x3x2xf32> {
  // CHECK-NEXT: %[[P:.*]] = ttc.nest "" product(
  // CHECK: ttc.nest "" operands(%[[P]], %{{.*}} : tensor<?x3x2xf32>, tensor<3xf32>)
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<?x3x4xf32>, tensor<2x4xf32>) outs(%s : tensor<?x3x2xf32>) -> tensor<?x3x2xf32>
  %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %d : tensor<?x3x2xf32>, tensor<3xf32>) outs(%s : tensor<?x3x2xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x3x2xf32>
  return %y : tensor<?x3x2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

// Operations on tensors and linalg's are spellings of one thing; a value with two users is
// computed once, and comes out if it is a result.
// CHECK-LABEL: func.func @a_chain(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {{.*}}, %[[S:[^:]*]]: tensor<?x4xf32>
func.func @a_chain(%x: tensor<?x4xf32> {ttc.input = "x"}, %s: tensor<?x4xf32> {ttc.state = @s})
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK-NEXT: %[[N:.*]]:2 = ttc.nest "" operands(%[[X]], %[[S]] : tensor<?x4xf32>, tensor<?x4xf32>)
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32):
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[A]], %[[B]]
  // CHECK-NEXT: %[[TANH:.*]] = math.tanh %[[SUM]]
  // CHECK-NEXT: %[[OUT:.*]] = arith.mulf %[[TANH]], %[[SUM]]
  // CHECK-NEXT: ttc.yield %[[SUM]], %[[OUT]]
  // CHECK: return %[[N]]#1, %[[N]]#0
  %0 = linalg.map { arith.addf } ins(%x, %s : tensor<?x4xf32>, tensor<?x4xf32>) outs(%x : tensor<?x4xf32>)
  %1 = math.tanh %0 : tensor<?x4xf32>
  %2 = arith.mulf %1, %0 : tensor<?x4xf32>
  return %2, %0 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// What is read twice is loaded once, what nothing uses is not stored.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @simplified(
func.func @simplified(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.nest "" operands(%{{[^,]*}} : tensor<4xf32>) maps [#{{[^,]*}}] -> tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32):
  // CHECK: ttc.yield %{{[^,]*}} : f32
  %0:2 = linalg.generic {indexing_maps = [#all, #all, #all, #all], iterator_types = ["parallel"]}
      ins(%x, %x : tensor<4xf32>, tensor<4xf32>) outs(%x, %x : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %1 = arith.mulf %a, %b : f32
    linalg.yield %1, %a : f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<4xf32>
}

// -----

// A value that is needed in another place before cannot move down.
#input = affine_map<(n, k) -> (k)>
#weight = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
// CHECK-LABEL: func.func @used_before_the_consumer(
func.func @used_before_the_consumer(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x4xf32> {ttc.param = @w},
                                    %s: tensor<4xf32> {ttc.state = @s}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[FIRST:.*]] = ttc.nest "" operands(
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: math.absf
  // CHECK: ttc.nest "" product(%[[FIRST]], %{{.*}} operands(%{{.*}}, %[[FIRST]] :
  // CHECK-NOT: ttc.nest
  %0 = math.absf %x : tensor<4xf32>
  %1 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%0, %w : tensor<4xf32>, tensor<4x4xf32>) outs(%s : tensor<4xf32>) -> tensor<4xf32>
  %2 = arith.addf %1, %0 : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// What depends on parameters only is not drawn into the step: prepare-weights hoists it.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @of_parameters(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[P:[^:]*]]: tensor<4xf32>
func.func @of_parameters(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[EXP:.*]] = ttc.nest "" operands(%[[P]] :
  // CHECK: ttc.nest "" operands(%[[X]], %[[EXP]] :
  %0 = math.exp %p : tensor<4xf32>
  %1 = arith.mulf %x, %0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A change of shape moves no element and stays between its nests.
// CHECK-LABEL: func.func @flatten_between(
func.func @flatten_between(%x: tensor<?x2x4xf32> {ttc.input = "x"}) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[N:.*]] = ttc.nest
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[N]]
  // CHECK-NEXT: ttc.nest "" operands(%[[FLAT]] :
  %0 = math.absf %x : tensor<?x2x4xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<?x2x4xf32> into tensor<?x8xf32>
  %2 = math.sqrt %1 : tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// A softmax: two reductions, and a nest behind each that reads its row's result.
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x4xf32>
func.func @softmax(%x: tensor<3x4xf32> {ttc.input = "x"}) -> tensor<3x4xf32> {
  %least = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %low = linalg.fill ins(%least : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  // CHECK-NEXT: %[[MAX:.*]] = ttc.reduce max %[[X]] : tensor<3x4xf32> -> tensor<3xf32>
  %0 = linalg.reduce { arith.maximumf } ins(%x : tensor<3x4xf32>) outs(%low : tensor<3xf32>) dimensions = [1]
  // CHECK-NEXT: %[[EXP:.*]] = ttc.nest "" operands(%[[X]], %[[MAX]] :
  %1 = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<3x4xf32>, tensor<3xf32>) outs(%x : tensor<3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %2 = arith.subf %a, %b : f32
    %3 = math.exp %2 : f32
    linalg.yield %3 : f32
  } -> tensor<3x4xf32>
  // CHECK: %[[SUM:.*]] = ttc.reduce add %[[EXP]] : tensor<3x4xf32> -> tensor<3xf32>
  %4 = linalg.reduce { arith.addf } ins(%1 : tensor<3x4xf32>) outs(%none : tensor<3xf32>) dimensions = [1]
  // CHECK-NEXT: ttc.nest "" operands(%[[EXP]], %[[SUM]] :
  %5 = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%1, %4 : tensor<3x4xf32>, tensor<3xf32>) outs(%x : tensor<3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %6 = arith.divf %a, %b : f32
    linalg.yield %6 : f32
  } -> tensor<3x4xf32>
  return %5 : tensor<3x4xf32>
}

// -----

// Constants come along into the region, from inside and outside; a quantizer stays whole.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @constants(
func.func @constants(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.nest
  // CHECK: %[[TWO:.*]] = arith.constant 2.0
  // CHECK: arith.mulf %{{.*}}, %[[TWO]]
  // CHECK: ttc.quantize(round, 0.5)
  %two = arith.constant 2.0 : f32
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    %1 = arith.mulf %a, %two : f32
    %2 = ttc.quantize (round, 0.5) %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A tensor of one value everywhere is that value.
// CHECK-LABEL: func.func @splat(
func.func @splat(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.nest "" operands(%{{[^,]*}} : tensor<4xf32>)
  // CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK-NEXT: arith.mulf %{{.*}}, %[[HALF]] : f32
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %0 = arith.mulf %x, %half : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_uses_it(
func.func @nothing_uses_it(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: return
  %0 = math.exp %x : tensor<4xf32>
  return %x : tensor<4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// What cannot be compiled
//===----------------------------------------------------------------------===//

#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (k, n)>
#output = affine_map<(i, n, k) -> (i, n)>
func.func @product_with_a_transposed_matrix(
    %x: tensor<3x4xf32> {ttc.input = "x"}, %w: tensor<4x2xf32> {ttc.param = @w}, %s: tensor<3x2xf32> {ttc.state = @s})
    -> tensor<3x2xf32> {
  // expected-error @+1 {{'linalg.contract' op is not the product of the last dimension with a matrix (out, in): it cannot be compiled}}
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<4x2xf32>) outs(%s : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %p : tensor<3x2xf32>
}

// -----

func.func @transposition(%x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<4x3xf32> {ttc.input = "y"}) -> tensor<4x3xf32> {
  // expected-error @+1 {{'linalg.transpose' op is not elementwise, with every operand read in the order of the result: it cannot be compiled}}
  %0 = linalg.transpose ins(%x : tensor<3x4xf32>) outs(%y : tensor<4x3xf32>) permutation = [1, 0]
  return %0 : tensor<4x3xf32>
}

// -----

func.func @sum_from_a_tensor(%x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<3xf32> {ttc.input = "y"}) -> tensor<3xf32> {
  // expected-error @+1 {{'linalg.reduce' op is not a sum from 0 or a maximum from -inf along the last dimension: it cannot be compiled}}
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%y : tensor<3xf32>) dimensions = [1]
  return %0 : tensor<3xf32>
}

// -----

func.func @sum_along_the_first_dimension(%x: tensor<3x4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{'linalg.reduce' op is not a sum from 0 or a maximum from -inf along the last dimension: it cannot be compiled}}
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%init : tensor<4xf32>) dimensions = [0]
  return %0 : tensor<4xf32>
}

// -----

func.func @product_of_all(%x: tensor<3x4xf32> {ttc.input = "x"}) -> tensor<3xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %init = linalg.fill ins(%one : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  // expected-error @+1 {{'linalg.reduce' op is not a sum from 0 or a maximum from -inf along the last dimension: it cannot be compiled}}
  %0 = linalg.reduce { arith.mulf } ins(%x : tensor<3x4xf32>) outs(%init : tensor<3xf32>) dimensions = [1]
  return %0 : tensor<3xf32>
}

// -----

#all = affine_map<(i) -> (i)>
func.func @position(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with every operand read in the order of the result: it cannot be compiled}}
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
  // expected-error @+1 {{'linalg.generic' op is not elementwise, with every operand read in the order of the result: it cannot be compiled}}
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    %1 = arith.mulf %a, %first : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @constant_of_several_values(%x: tensor<2xf32> {ttc.input = "x"}) -> tensor<2xf32> {
  // expected-error @+1 {{'arith.constant' op cannot be compiled: a timestep is made of elementwise operations, products with matrices, reductions, and changes of shape}}
  %c = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %0 = arith.mulf %x, %c : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @slice(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<2xf32> {
  // expected-error @+1 {{'tensor.extract_slice' op cannot be compiled: a timestep is made of elementwise operations, products with matrices, reductions, and changes of shape}}
  %0 = tensor.extract_slice %x[0] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
  func.func @not_a_step(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
