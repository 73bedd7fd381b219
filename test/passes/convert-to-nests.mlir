// Which nests, reductions and movements do the spellings of arithmetic become?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-convert-to-nests | FileCheck %s

//===----------------------------------------------------------------------===//
// Products with a matrix of weights
//===----------------------------------------------------------------------===//

#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>
// The nest is called as the layer is.
// CHECK-LABEL: func.func @product_onto_zero(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {{.*}}, %[[W:[^:]*]]: tensor<2x4xf32>
func.func @product_onto_zero(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w})
    -> tensor<?x2xf32> {
  // CHECK: %[[P:.*]] = ttc.nest "net.0" product(%[[X]] : tensor<?x4xf32>) weights(%[[W]] : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32):
  // CHECK-NEXT: ttc.yield %[[ACC]]
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%n) : tensor<?x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32> loc("net.0")
  // CHECK: return %[[P]]
  return %p : tensor<?x2xf32>
}

// -----

// What a product is added to is a nest of its own, which fusion brings back: a tensor is
// its operand, a bias is read along the columns, a number is a constant.
#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>
// CHECK-DAG: #[[IDENTITY:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @product_onto_others(
// CHECK-SAME: %[[S:[^:]*]]: tensor<3x2xf32> {ttc.state = @s}, %[[B:[^:]*]]: tensor<2xf32> {ttc.param = @b})
func.func @product_onto_others(
    %x: tensor<3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %s: tensor<3x2xf32> {ttc.state = @s}, %b: tensor<2xf32> {ttc.param = @b})
    -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  // CHECK: %[[P0:.*]] = ttc.nest "" product(
  // CHECK: %[[Y0:.*]] = ttc.nest "" operands(%[[S]], %[[P0]] : {{.*}}) maps [#[[IDENTITY]], #[[IDENTITY]]]
  // CHECK-NEXT: ^bb0(%[[INIT:[^:]*]]: f32, %[[SUM:[^:]*]]: f32):
  // CHECK-NEXT: %[[ALL:.*]] = arith.addf %[[SUM]], %[[INIT]]
  // CHECK-NEXT: ttc.yield %[[ALL]]
  %p0 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%s : tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK: %[[P1:.*]] = ttc.nest "" product(
  // CHECK: %[[Y1:.*]] = ttc.nest "" operands(%[[B]], %[[P1]] : {{.*}}) maps [#[[COLUMN]], #[[IDENTITY]]]
  %empty = tensor.empty() : tensor<3x2xf32>
  %bias = linalg.broadcast ins(%b : tensor<2xf32>) outs(%empty : tensor<3x2xf32>) dimensions = [0]
  %p1 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%bias : tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK: %[[P2:.*]] = ttc.nest "" product(
  // CHECK: %[[Y2:.*]] = ttc.nest "" operands(%[[P2]] :
  // CHECK-NEXT: ^bb0(%[[SUM:[^:]*]]: f32):
  // CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.0{{.*}}e-01 : f32
  // CHECK-NEXT: arith.addf %[[SUM]], %[[HALF]]
  %half = arith.constant 0.5 : f32
  %fill = linalg.fill ins(%half : f32) outs(%empty : tensor<3x2xf32>) -> tensor<3x2xf32>
  %p2 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%fill : tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK: return %[[Y0]], %[[Y1]], %[[Y2]]
  return %p0, %p1, %p2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// By its maps, whatever the operation is called, and whatever the rank.
#input = affine_map<(i, n, k) -> (i, k)>
#weight = affine_map<(i, n, k) -> (n, k)>
#output = affine_map<(i, n, k) -> (i, n)>
#input3 = affine_map<(b, i, n, k) -> (b, i, k)>
#weight3 = affine_map<(b, i, n, k) -> (n, k)>
#output3 = affine_map<(b, i, n, k) -> (b, i, n)>
// CHECK-LABEL: func.func @other_spellings(
func.func @other_spellings(
    %x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<?x3x4xf32> {ttc.input = "y"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %s: tensor<3x2xf32> {ttc.state = @s}, %t: tensor<?x3x2xf32> {ttc.state = @t}) -> (tensor<3x2xf32>, tensor<?x3x2xf32>) {
  // CHECK: ttc.nest "" product(%{{[^ ]*}} : tensor<3x4xf32>)
  %0 = linalg.matmul indexing_maps = [#input, #weight, #output]
      ins(%x, %w : tensor<3x4xf32>, tensor<2x4xf32>) outs(%s : tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK: ttc.nest "" product(%{{[^ ]*}} : tensor<?x3x4xf32>)
  %1 = linalg.contract indexing_maps = [#input3, #weight3, #output3]
      ins(%y, %w : tensor<?x3x4xf32>, tensor<2x4xf32>) outs(%t : tensor<?x3x2xf32>) -> tensor<?x3x2xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<?x3x2xf32>
}

// -----

// Only weights are packed, and only rows by columns: a matrix that is an activation, or
// lies the other way, is a sum over a window.
#input = affine_map<(n, k) -> (k)>
#matrix = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
#transposed = affine_map<(n, k) -> (k, n)>
// CHECK-DAG: #[[SECOND:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[BOTH:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[SWAPPED:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @products_that_do_not_fit(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[M:[^:]*]]: tensor<2x4xf32> {ttc.input = "m"}, %[[T:[^:]*]]: tensor<4x2xf32>
func.func @products_that_do_not_fit(%x: tensor<4xf32> {ttc.input = "x"}, %m: tensor<2x4xf32> {ttc.input = "m"},
                                    %t: tensor<4x2xf32> {ttc.param = @t}) -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: ttc.reduce{{ +}}add "" operands(%[[X]], %[[M]] : {{.*}}) maps [#[[SECOND]], #[[BOTH]]] window [4] -> tensor<2xf32> {
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32):
  // CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[A]], %[[B]]
  // CHECK-NEXT: ttc.yield %[[PRODUCT]]
  %0 = linalg.contract indexing_maps = [#input, #matrix, #output]
      ins(%x, %m : tensor<4xf32>, tensor<2x4xf32>) outs(%none : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: ttc.reduce{{ +}}add "" operands(%[[X]], %[[T]] : {{.*}}) maps [#[[SECOND]], #[[SWAPPED]]] window [4] -> tensor<2xf32> {
  %1 = linalg.contract indexing_maps = [#input, #transposed, #output]
      ins(%x, %t : tensor<4xf32>, tensor<4x2xf32>) outs(%none : tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

// From the neutral element nothing is added; from anything else it is, afterwards.
// CHECK-LABEL: func.func @sums(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x4xf32> {ttc.input = "x"}, %[[S:[^:]*]]: tensor<3xf32>
func.func @sums(%x: tensor<3x4xf32> {ttc.input = "x"}, %s: tensor<3xf32> {ttc.state = @s})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %from0 = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %from1 = linalg.fill ins(%one : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  // CHECK: %[[R0:.*]] = ttc.reduce{{ +}}add "" operands(%[[X]] : tensor<3x4xf32>) maps [#{{.*}}] window [4] -> tensor<3xf32> {
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32):
  // CHECK-NEXT: ttc.yield %[[A]]
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%from0 : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[R1:.*]] = ttc.reduce
  // CHECK: %[[Y1:.*]] = ttc.nest "" operands(%[[R1]] :
  // CHECK-NEXT: ^bb0(%[[B:[^:]*]]: f32):
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
  // CHECK-NEXT: arith.addf %{{.*}}
  %1 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%from1 : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[R2:.*]] = ttc.reduce
  // CHECK: %[[Y2:.*]] = ttc.nest "" operands(%[[S]], %[[R2]] :
  // CHECK: arith.addf
  %2 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%s : tensor<3xf32>) dimensions = [1]
  // CHECK: return %[[R0]], %[[Y1]], %[[Y2]]
  return %0, %1, %2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// The neutral element of a maximum is -inf, of a minimum +inf: 0 is not.
// CHECK-LABEL: func.func @extremes(
func.func @extremes(%x: tensor<3x4xf32> {ttc.input = "x"})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %least = arith.constant 0xFF800000 : f32
  %most = arith.constant 0x7F800000 : f32
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %low = linalg.fill ins(%least : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %high = linalg.fill ins(%most : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  // CHECK: %[[MAX:.*]] = ttc.reduce{{ +}}max
  %0 = linalg.reduce { arith.maximumf } ins(%x : tensor<3x4xf32>) outs(%low : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[MIN:.*]] = ttc.reduce{{ +}}min
  %1 = linalg.reduce { arith.minimumf } ins(%x : tensor<3x4xf32>) outs(%high : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[R2:.*]] = ttc.reduce{{ +}}max
  // CHECK: %[[Y2:.*]] = ttc.nest "" operands(%[[R2]] :
  // CHECK: arith.maximumf
  %2 = linalg.reduce { arith.maximumf } ins(%x : tensor<3x4xf32>) outs(%none : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[R3:.*]] = ttc.reduce{{ +}}min
  // CHECK: %[[Y3:.*]] = ttc.nest "" operands(%[[R3]] :
  // CHECK: %[[LOW:.*]] = arith.constant 0xFF800000
  // CHECK: arith.minimumf
  %3 = linalg.reduce { arith.minimumf } ins(%x : tensor<3x4xf32>) outs(%low : tensor<3xf32>) dimensions = [1]
  // CHECK: %[[R4:.*]] = ttc.reduce{{ +}}add
  // CHECK: %[[Y4:.*]] = ttc.nest "" operands(%[[R4]] :
  // CHECK: arith.addf
  %4 = linalg.reduce { arith.addf } ins(%x : tensor<3x4xf32>) outs(%high : tensor<3xf32>) dimensions = [1]
  // CHECK: return %[[MAX]], %[[MIN]], %[[Y2]], %[[Y3]], %[[Y4]]
  return %0, %1, %2, %3, %4 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// The result's dimensions come first, then the window's, whatever the loops' order was.
#input = affine_map<(k, i, l, j) -> (i, j, k, l)>
#output = affine_map<(k, i, l, j) -> (j, i)>
// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d2, d3)>
// CHECK-LABEL: func.func @order_of_the_loops(
func.func @order_of_the_loops(%x: tensor<2x3x4x5xf32> {ttc.input = "x"}) -> tensor<3x2xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3x2xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK: ttc.reduce{{ +}}add "" operands(%{{.*}} : tensor<2x3x4x5xf32>) maps [#[[INPUT]]] window [4, 5] -> tensor<3x2xf32> {
  %0 = linalg.generic {indexing_maps = [#input, #output], iterator_types = ["reduction", "parallel", "reduction", "parallel"]}
      ins(%x : tensor<2x3x4x5xf32>) outs(%none : tensor<3x2xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %1 = arith.addf %acc, %a : f32
    linalg.yield %1 : f32
  } -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// A convolution with a stride: windows that overlap, and a kernel that is read through
// two of four dimensions.
#input = affine_map<(b, o, i, k) -> (b, o * 2 + k)>
#kernel = affine_map<(b, o, i, k) -> (i, k)>
#output = affine_map<(b, o, i, k) -> (b, i, o)>
// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2 * 2 + d3)>
// CHECK-DAG: #[[KERNEL:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-LABEL: func.func @convolution(
func.func @convolution(%x: tensor<?x9xf32> {ttc.input = "x"}, %k: tensor<5x3xf32> {ttc.param = @k},
                       %init: tensor<?x5x4xf32> {ttc.state = @s}) -> tensor<?x5x4xf32> {
  // CHECK: ttc.reduce{{ +}}add "" operands(%{{.*}}, %{{.*}} : {{.*}}) maps [#[[INPUT]], #[[KERNEL]]] window [3] -> tensor<?x5x4xf32> {
  %0 = linalg.generic {indexing_maps = [#input, #kernel, #output], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %k : tensor<?x9xf32>, tensor<5x3xf32>) outs(%init : tensor<?x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<?x5x4xf32>
  return %0 : tensor<?x5x4xf32>
}

// -----

// What is summed may be any function of the elements, with constants from inside and
// outside; the accumulator may stand on either side; an operand that nothing reads goes.
#input = affine_map<(i, k) -> (i, k)>
#output = affine_map<(i, k) -> (i)>
// CHECK-LABEL: func.func @function_of_the_elements(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x4xf32>
func.func @function_of_the_elements(%x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<3x4xf32> {ttc.input = "y"}) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  // CHECK: ttc.reduce{{ +}}add "" operands(%[[X]] : tensor<3x4xf32>)
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32):
  // CHECK-NOT: arith.addf
  // CHECK: %[[TWO:.*]] = arith.constant 2.0
  // CHECK: %[[TWICE:.*]] = arith.mulf %[[A]], %[[TWO]]
  // CHECK: %[[LESS:.*]] = arith.subf %[[TWICE]], %{{.*}}
  // CHECK-NEXT: ttc.yield %[[LESS]]
  %0 = linalg.generic {indexing_maps = [#input, #input, #output], iterator_types = ["parallel", "reduction"]}
      ins(%x, %y : tensor<3x4xf32>, tensor<3x4xf32>) outs(%none : tensor<3xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %half = arith.constant 0.5 : f32
    %1 = arith.mulf %a, %two : f32
    %2 = arith.subf %1, %half : f32
    %3 = arith.addf %2, %acc : f32
    linalg.yield %3 : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

// Operations on tensors and linalg's are spellings of one thing: a nest each.
// CHECK-LABEL: func.func @spellings(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {{.*}}, %[[S:[^:]*]]: tensor<?x4xf32>
func.func @spellings(%x: tensor<?x4xf32> {ttc.input = "x"}, %s: tensor<?x4xf32> {ttc.state = @s}) -> tensor<?x4xf32> {
  // CHECK: %[[SUM:.*]] = ttc.nest "" operands(%[[X]], %[[S]] :
  // CHECK: arith.addf
  %0 = linalg.map { arith.addf } ins(%x, %s : tensor<?x4xf32>, tensor<?x4xf32>) outs(%x : tensor<?x4xf32>)
  // CHECK: %[[TANH:.*]] = ttc.nest "l" operands(%[[SUM]] :
  // CHECK: math.tanh
  %1 = math.tanh %0 : tensor<?x4xf32> loc("l")
  // CHECK: ttc.nest "" operands(%[[TANH]], %[[SUM]] :
  // CHECK: arith.mulf
  %2 = arith.mulf %1, %0 : tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

// What an operation starts with is read only where its region does.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @what_it_starts_with(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[S:[^:]*]]: tensor<4xf32>
func.func @what_it_starts_with(%x: tensor<4xf32> {ttc.input = "x"}, %s: tensor<4xf32> {ttc.state = @s})
    -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: ttc.nest "" operands(%[[X]] :
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  // CHECK: ttc.nest "" operands(%[[X]], %[[S]] :
  %1 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    %2 = arith.addf %old, %a : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// The loops go as the results do: two results that are written transposed read their
// operand transposed.
#as_is = affine_map<(i, j) -> (i, j)>
#swapped = affine_map<(i, j) -> (j, i)>
// CHECK-DAG: #[[SWAPPED:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[FIRST:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @written_transposed(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x4xf32> {{.*}}, %[[Y:[^:]*]]: tensor<4xf32>
func.func @written_transposed(%x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<4xf32> {ttc.input = "y"})
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %empty = tensor.empty() : tensor<4x3xf32>
  // CHECK: ttc.nest "" operands(%[[X]], %[[Y]] : {{.*}}) maps [#[[SWAPPED]], #[[FIRST]]] -> tensor<4x3xf32>, tensor<4x3xf32> {
  %0:2 = linalg.generic {indexing_maps = [#as_is, affine_map<(i, j) -> (j)>, #swapped, #swapped], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<3x4xf32>, tensor<4xf32>) outs(%empty, %empty : tensor<4x3xf32>, tensor<4x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o0: f32, %o1: f32):
    linalg.yield %a, %b : f32, f32
  } -> (tensor<4x3xf32>, tensor<4x3xf32>)
  return %0#0, %0#1 : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// Transpositions and reversals are maps.
// CHECK-DAG: #[[PERMUTED:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-DAG: #[[REVERSED:.*]] = affine_map<(d0) -> (-d0 + 3)>
// CHECK-LABEL: func.func @movements_as_maps(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x3x4xf32> {{.*}}, %[[Y:[^:]*]]: tensor<4xf32>
func.func @movements_as_maps(%x: tensor<?x3x4xf32> {ttc.input = "x"}, %y: tensor<4xf32> {ttc.input = "y"},
                             %s: tensor<?x4x3xf32> {ttc.state = @s}) -> (tensor<?x4x3xf32>, tensor<4xf32>) {
  // CHECK: ttc.nest "" operands(%[[X]] : tensor<?x3x4xf32>) maps [#[[PERMUTED]]] -> tensor<?x4x3xf32> {
  %0 = linalg.transpose ins(%x : tensor<?x3x4xf32>) outs(%s : tensor<?x4x3xf32>) permutation = [0, 2, 1]
  // CHECK: ttc.nest "" operands(%[[Y]] : tensor<4xf32>) maps [#[[REVERSED]]] -> tensor<4xf32> {
  %1 = linalg.generic {indexing_maps = [affine_map<(i) -> (3 - i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%y : tensor<4xf32>) outs(%y : tensor<4xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  return %0, %1 : tensor<?x4x3xf32>, tensor<4xf32>
}

// -----

// A broadcast is read through; one that is an output is a nest.
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @broadcasts(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x4xf32> {{.*}}, %[[Y:[^:]*]]: tensor<4xf32>
func.func @broadcasts(%x: tensor<3x4xf32> {ttc.input = "x"}, %y: tensor<4xf32> {ttc.input = "y"})
    -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %0 = linalg.broadcast ins(%y : tensor<4xf32>) outs(%x : tensor<3x4xf32>) dimensions = [0]
  // CHECK: %[[GROWN:.*]] = ttc.nest "" operands(%[[Y]] : tensor<4xf32>) maps [#[[COLUMN]]] -> tensor<3x4xf32> {
  // CHECK: %[[SUM:.*]] = ttc.nest "" operands(%[[X]], %[[Y]] : {{.*}}) maps [#{{.*}}, #[[COLUMN]]]
  %1 = arith.addf %x, %0 : tensor<3x4xf32>
  // CHECK: return %[[GROWN]], %[[SUM]]
  return %0, %1 : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// A tensor of one number everywhere is that number where it is read; one that is an output
// is a nest without operands.
// CHECK-LABEL: func.func @numbers(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
func.func @numbers(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %half = arith.constant 0.5 : f32
  %splat = arith.constant dense<0.25> : tensor<4xf32>
  // CHECK: %[[FILL:.*]] = ttc.nest "" maps [] -> tensor<4xf32> {
  // CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.0{{.*}}e-01
  // CHECK-NEXT: ttc.yield %[[HALF]]
  %fill = linalg.fill ins(%half : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[Y0:.*]] = ttc.nest "" operands(%[[X]] :
  // CHECK: %[[HALF:.*]] = arith.constant 5.0{{.*}}e-01
  // CHECK: arith.mulf %{{.*}}, %[[HALF]]
  %0 = arith.mulf %x, %fill : tensor<4xf32>
  // CHECK: %[[Y1:.*]] = ttc.nest "" operands(%[[X]] :
  // CHECK: %[[QUARTER:.*]] = arith.constant 2.5{{.*}}e-01
  // CHECK: arith.mulf %{{.*}}, %[[QUARTER]]
  %1 = arith.mulf %x, %splat : tensor<4xf32>
  // CHECK: return %[[FILL]], %[[Y0]], %[[Y1]]
  return %fill, %0, %1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A constant of several values is an operand; a quantizer stays whole; what nothing uses goes.
// CHECK-LABEL: func.func @constants_and_quantizers(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2xf32>
func.func @constants_and_quantizers(%x: tensor<2xf32> {ttc.input = "x"}) -> tensor<2xf32> {
  // CHECK-NOT: math.exp
  // CHECK: %[[C:.*]] = arith.constant dense<[5.000000e-01, 2.500000e-01]>
  // CHECK: ttc.nest "" operands(%[[X]], %[[C]] :
  // CHECK: ttc.quantize(round, 0.5)
  // CHECK-NOT: math.exp
  %c = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %0 = arith.mulf %x, %c : tensor<2xf32>
  %1 = ttc.quantize (round, 0.5) %0 : tensor<2xf32>
  %2 = math.exp %x : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

// `like` is a shape: nothing of it is read.
// CHECK-LABEL: func.func @random(
func.func @random(%x: tensor<?x4xf32> {ttc.input = "x"}) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[N:.*]] = ttc.nest "" maps [] -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[U:.*]] = ttc.draw stream(7) : f32
  // CHECK-NEXT: ttc.yield %[[U]]
  %0 = ttc.uniform stream(7) like (%x) : tensor<?x4xf32>
  // CHECK: return %[[N]]
  return %0 : tensor<?x4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

// A slice is the map that it is read through: offset, stride, dimensions that it drops.
// CHECK-DAG: #[[STRIDED:.*]] = affine_map<(d0, d1) -> (d0, d1 * 2 + 1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0) -> (2, d0 + 3)>
// CHECK-LABEL: func.func @slices(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32> {{.*}}, %[[Y:[^:]*]]: tensor<4x8xf32>
func.func @slices(%x: tensor<?x8xf32> {ttc.input = "x"}, %y: tensor<4x8xf32> {ttc.input = "y"})
    -> (tensor<?x3xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  // CHECK: ttc.nest "" operands(%[[X]] : tensor<?x8xf32>) maps [#[[STRIDED]]] -> tensor<?x3xf32> {
  // CHECK: math.tanh
  %0 = tensor.extract_slice %x[0, 1] [%n, 3] [1, 2] : tensor<?x8xf32> to tensor<?x3xf32>
  %1 = math.tanh %0 : tensor<?x3xf32>
  // CHECK: ttc.nest "" operands(%[[Y]] : tensor<4x8xf32>) maps [#[[ROW]]] -> tensor<4xf32> {
  // CHECK: math.tanh
  %2 = tensor.extract_slice %y[2, 3] [1, 4] [1, 1] : tensor<4x8xf32> to tensor<4xf32>
  %3 = math.tanh %2 : tensor<4xf32>
  return %1, %3 : tensor<?x3xf32>, tensor<4xf32>
}

// -----

// A slice of a slice; one that is an output is copied; one in a reduction or behind a
// product is read in place.
#row = affine_map<(i, k) -> (i, k)>
#sum = affine_map<(i, k) -> (i)>
// CHECK-DAG: #[[TWICE:.*]] = affine_map<(d0) -> ((d0 * 2 + 1) * 2 + 1)>
// CHECK-DAG: #[[PART:.*]] = affine_map<(d0, d1) -> (d0, d1 + 4)>
// CHECK-LABEL: func.func @slices_elsewhere(
// CHECK-SAME: %[[X:[^:]*]]: tensor<16xf32> {{.*}}, %[[Y:[^:]*]]: tensor<3x8xf32>
func.func @slices_elsewhere(%x: tensor<16xf32> {ttc.input = "x"}, %y: tensor<3x8xf32> {ttc.input = "y"})
    -> (tensor<3xf32>, tensor<3xf32>) {
  // CHECK: ttc.nest "" operands(%[[X]] : tensor<16xf32>) maps [#[[TWICE]]] -> tensor<3xf32> {
  %0 = tensor.extract_slice %x[1] [7] [2] : tensor<16xf32> to tensor<7xf32>
  %1 = tensor.extract_slice %0[1] [3] [2] : tensor<7xf32> to tensor<3xf32>
  // CHECK: ttc.reduce{{ +}}max "" operands(%[[Y]] : tensor<3x8xf32>) maps [#[[PART]]] window [4]
  %least = arith.constant 0xFF800000 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %low = linalg.fill ins(%least : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %2 = tensor.extract_slice %y[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %3 = linalg.reduce { arith.maximumf } ins(%2 : tensor<3x4xf32>) outs(%low : tensor<3xf32>) dimensions = [1]
  // CHECK-NOT: tensor.extract_slice
  return %1, %3 : tensor<3xf32>, tensor<3xf32>
}

// -----

// A gate's rows, and the columns for one operand, are packed from where they lie.
#input = affine_map<(n, k) -> (k)>
#weight = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
// CHECK-LABEL: func.func @slices_of_weights(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4x8xf32> {ttc.param = @w}
func.func @slices_of_weights(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x8xf32> {ttc.param = @w})
    -> tensor<2xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[PART:.*]] = tensor.extract_slice %[[W]][2, 4] [2, 4] [1, 1] : tensor<4x8xf32> to tensor<2x4xf32>
  // CHECK-NEXT: ttc.nest "" product(%{{.*}} : tensor<4xf32>) weights(%[[PART]] : tensor<2x4xf32>)
  %part = tensor.extract_slice %w[2, 4] [2, 4] [1, 1] : tensor<4x8xf32> to tensor<2x4xf32>
  %p = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %part : tensor<4xf32>, tensor<2x4xf32>) outs(%none : tensor<2xf32>) -> tensor<2xf32>
  return %p : tensor<2xf32>
}

// -----

// Every second row, a plane of a larger tensor, and what something else reads too: copied,
// once, since prepare-weights hoists it.
#input = affine_map<(n, k) -> (k)>
#weight = affine_map<(n, k) -> (n, k)>
#output = affine_map<(n, k) -> (n)>
// CHECK-DAG: #[[STRIDED:.*]] = affine_map<(d0, d1) -> (d0 * 2, d1)>
// CHECK-DAG: #[[PLANE:.*]] = affine_map<(d0, d1) -> (1, d0, d1)>
// CHECK-DAG: #[[COLUMNS:.*]] = affine_map<(d0, d1) -> (d0, d1 + 4)>
// CHECK-LABEL: func.func @copies_of_weights(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4x4xf32> {ttc.param = @w}, %[[V:[^:]*]]: tensor<3x2x4xf32> {ttc.param = @v}, %[[U:[^:]*]]: tensor<2x8xf32>
func.func @copies_of_weights(
    %x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x4xf32> {ttc.param = @w}, %v: tensor<3x2x4xf32> {ttc.param = @v},
    %u: tensor<2x8xf32> {ttc.param = @u}, %s: tensor<2xf32> {ttc.state = @s}) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>) {
  // CHECK: %[[ROWS:.*]] = ttc.nest "" operands(%[[W]] : tensor<4x4xf32>) maps [#[[STRIDED]]] -> tensor<2x4xf32> {
  // CHECK: weights(%[[ROWS]] :
  %rows = tensor.extract_slice %w[0, 0] [2, 4] [2, 1] : tensor<4x4xf32> to tensor<2x4xf32>
  %0 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %rows : tensor<4xf32>, tensor<2x4xf32>) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[PART:.*]] = ttc.nest "" operands(%[[V]] : tensor<3x2x4xf32>) maps [#[[PLANE]]] -> tensor<2x4xf32> {
  // CHECK: weights(%[[PART]] :
  %plane = tensor.extract_slice %v[1, 0, 0] [1, 2, 4] [1, 1, 1] : tensor<3x2x4xf32> to tensor<2x4xf32>
  %1 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %plane : tensor<4xf32>, tensor<2x4xf32>) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[BOTH:.*]] = ttc.nest "" operands(%[[U]] : tensor<2x8xf32>) maps [#[[COLUMNS]]] -> tensor<2x4xf32> {
  // CHECK: weights(%[[BOTH]] :
  %columns = tensor.extract_slice %u[0, 4] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  %2 = linalg.contract indexing_maps = [#input, #weight, #output]
      ins(%x, %columns : tensor<4xf32>, tensor<2x4xf32>) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  // CHECK: return %{{.*}}, %{{.*}}, %{{.*}}, %[[BOTH]]
  return %0, %1, %2, %columns : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Tensors put together, and changes of shape
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @put_together(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x2x3xf32> {{.*}}, %[[Y:[^:]*]]: tensor<?x4x3xf32>
func.func @put_together(%x: tensor<?x2x3xf32> {ttc.input = "x"}, %y: tensor<?x4x3xf32> {ttc.input = "y"})
    -> (tensor<?x5x7xf32>, tensor<?x8x3xf32>) {
  %c = arith.constant -1.5 : f32
  // CHECK: ttc.assemble (%[[X]] : tensor<?x2x3xf32>) at {{\[}}[0, 1, 3]] fill(-1.500000e+00) -> tensor<?x5x7xf32>
  %0 = tensor.pad %x low[0, 1, 3] high[0, 2, 1] {
  ^bb0(%b: index, %i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<?x2x3xf32> to tensor<?x5x7xf32>
  // CHECK: ttc.assemble (%[[X]], %[[Y]], %[[X]] : {{.*}}) at {{\[}}[0, 0, 0], [0, 2, 0], [0, 6, 0]] -> tensor<?x8x3xf32>
  %1 = tensor.concat dim(1) %x, %y, %x : (tensor<?x2x3xf32>, tensor<?x4x3xf32>, tensor<?x2x3xf32>) -> tensor<?x8x3xf32>
  return %0, %1 : tensor<?x5x7xf32>, tensor<?x8x3xf32>
}

// -----

// A concatenation of fixed sizes may go along the first dimension; a slice of it is read
// from it.
// CHECK-LABEL: func.func @joined_rows(
func.func @joined_rows(%x: tensor<2x3xf32> {ttc.input = "x"}, %y: tensor<1x3xf32> {ttc.input = "y"}) -> tensor<3xf32> {
  // CHECK: %[[ALL:.*]] = ttc.assemble (%{{.*}}) at {{\[}}[0, 0], [2, 0]] -> tensor<3x3xf32>
  // CHECK-NEXT: ttc.nest "" operands(%[[ALL]] : tensor<3x3xf32>) maps [#{{.*}}] -> tensor<3xf32> {
  %0 = tensor.concat dim(0) %x, %y : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<3x3xf32>
  %1 = tensor.extract_slice %0[1, 0] [1, 3] [1, 1] : tensor<3x3xf32> to tensor<3xf32>
  %2 = math.absf %1 : tensor<3xf32>
  return %2 : tensor<3xf32>
}

// -----

// What moves nothing stays as it is, and so do rows of a table.
// CHECK-LABEL: func.func @shapes_and_tables(
func.func @shapes_and_tables(%ids: tensor<?xi64> {ttc.input = "ids"}, %t: tensor<10x4xf32> {ttc.param = @t}) -> tensor<?x8xf32> {
  // CHECK: %[[ROWS:.*]] = ttc.gather
  // CHECK: %[[GROWN:.*]] = tensor.expand_shape %[[ROWS]]
  // CHECK: %[[PADDED:.*]] = ttc.assemble (%[[GROWN]] :
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[PADDED]]
  // CHECK: return %[[FLAT]]
  %rows = ttc.gather (%t, %ids) : tensor<10x4xf32>, tensor<?xi64> -> tensor<?x4xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %ids, %c0 : tensor<?xi64>
  %grown = tensor.expand_shape %rows [[0], [1, 2]] output_shape [%n, 2, 2] : tensor<?x4xf32> into tensor<?x2x2xf32>
  %padded = tensor.pad %grown low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%b: index, %i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x2x2xf32> to tensor<?x2x4xf32>
  %flat = tensor.collapse_shape %padded [[0], [1, 2]] : tensor<?x2x4xf32> into tensor<?x8xf32>
  return %flat : tensor<?x8xf32>
}
