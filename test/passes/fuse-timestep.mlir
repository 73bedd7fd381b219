// Which nests become one, and which stay apart?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-fuse-timestep --verify-diagnostics | FileCheck %s

//===----------------------------------------------------------------------===//
// What becomes one
//===----------------------------------------------------------------------===//

#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
// A product and what follows it: its sum goes on as a value. The label is both paths.
// CHECK-LABEL: func.func @product_and_update(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"}, %[[W:[^:]*]]: tensor<2x4xf32> {ttc.param = @w}, %[[B:[^:]*]]: tensor<2xf32> {ttc.param = @b}, %[[S:[^:]*]]: tensor<?x2xf32> {ttc.state = @s})
func.func @product_and_update(
    %x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
    %b: tensor<2xf32> {ttc.param = @b}, %s: tensor<?x2xf32> {ttc.state = @s})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
  // CHECK-NEXT: %[[N:.*]] = ttc.nest "net.0+net.1" product(%[[X]] : tensor<?x4xf32>) weights(%[[W]] : tensor<2x4xf32>)
  // CHECK-SAME: operands(%[[B]], %[[S]] : tensor<2xf32>, tensor<?x2xf32>) maps [#[[COLUMN:[^,]*]], #[[ALL:[^,]*]]] -> tensor<?x2xf32> {
  // CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32, %[[BIAS:[^:]*]]: f32, %[[OLD:[^:]*]]: f32):
  // CHECK-NEXT: %[[CURRENT:.*]] = arith.addf %[[ACC]], %[[BIAS]] : f32
  // CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[CURRENT]], %[[OLD]] : f32
  // CHECK-NEXT: ttc.yield %[[NEW]] : f32
  %p = ttc.nest "net.0" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %c = ttc.nest "net.0" operands(%p, %b : tensor<?x2xf32>, tensor<2xf32>) maps [#all, #column] -> tensor<?x2xf32> {
  ^bb0(%sum: f32, %bias: f32):
    %0 = arith.addf %sum, %bias : f32
    ttc.yield %0 : f32
  }
  %y = ttc.nest "net.1" operands(%c, %s : tensor<?x2xf32>, tensor<?x2xf32>) maps [#all, #all] -> tensor<?x2xf32> {
  ^bb0(%current: f32, %old: f32):
    %0 = arith.addf %current, %old : f32
    ttc.yield %0 : f32
  }
  // CHECK: return %[[N]], %[[N]]
  return %y, %y : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Products of one domain that meet: each keeps its own weight, and its own sum.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @products_that_meet(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[W:[^:]*]]: tensor<2x4xf32> {{.*}}, %[[U:[^:]*]]: tensor<2x2xf32> {{.*}}, %[[H:[^:]*]]: tensor<2xf32>
func.func @products_that_meet(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
                              %u: tensor<2x2xf32> {ttc.param = @u}, %h: tensor<2xf32> {ttc.state = @h}) -> tensor<2xf32> {
  // CHECK-NEXT: ttc.nest "" product(%[[H]], %[[X]] : tensor<2xf32>, tensor<4xf32>) weights(%[[U]], %[[W]] : tensor<2x2xf32>, tensor<2x4xf32>) operands(%[[H]] :
  // CHECK-NEXT: ^bb0(%[[ACC_H:[^:]*]]: f32, %[[ACC_X:[^:]*]]: f32, %[[OLD:[^:]*]]: f32):
  // CHECK-NEXT: %[[DIFFERENCE:.*]] = arith.subf %[[ACC_X]], %[[ACC_H]]
  // CHECK-NEXT: arith.mulf %[[DIFFERENCE]], %[[OLD]]
  // CHECK-NOT: ttc.nest
  %0 = ttc.nest "" product(%x : tensor<4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %1 = ttc.nest "" product(%h : tensor<2xf32>) weights(%u : tensor<2x2xf32>) maps [] -> tensor<2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %2 = ttc.nest "" operands(%0, %1, %h : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) maps [#all, #all, #all] -> tensor<2xf32> {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %3 = arith.subf %a, %b : f32
    %4 = arith.mulf %3, %old : f32
    ttc.yield %4 : f32
  }
  return %2 : tensor<2xf32>
}

// -----

// A value with two users is computed once, and comes out if something else wants it.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @diamond(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
func.func @diamond(%x: tensor<4xf32> {ttc.input = "x"}) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: %[[N:.*]]:2 = ttc.nest "" operands(%[[X]] : tensor<4xf32>)
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32):
  // CHECK-NEXT: %[[ABS:.*]] = math.absf %[[A]]
  // CHECK-NEXT: %[[EXP:.*]] = math.exp %[[ABS]]
  // CHECK-NEXT: %[[SQRT:.*]] = math.sqrt %[[ABS]]
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[EXP]], %[[SQRT]]
  // CHECK-NEXT: ttc.yield %[[ABS]], %[[SUM]]
  // CHECK: return %[[N]]#1, %[[N]]#0
  %0 = ttc.nest "" operands(%x : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.absf %a : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "" operands(%0 : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %3 = math.exp %a : f32
    ttc.yield %3 : f32
  }
  %4 = ttc.nest "" operands(%0 : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %5 = math.sqrt %a : f32
    ttc.yield %5 : f32
  }
  %6 = ttc.nest "" operands(%2, %4 : tensor<4xf32>, tensor<4xf32>) maps [#all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %7 = arith.addf %a, %b : f32
    ttc.yield %7 : f32
  }
  return %6, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// What is read twice is loaded once, unless through two maps; what nothing uses is not stored.
#all = affine_map<(i, j) -> (i, j)>
#swapped = affine_map<(i, j) -> (j, i)>
// CHECK-LABEL: func.func @simplified(
// CHECK-SAME: %[[X:[^:]*]]: tensor<3x3xf32>
func.func @simplified(%x: tensor<3x3xf32> {ttc.input = "x"}) -> tensor<3x3xf32> {
  // CHECK-NEXT: ttc.nest "" operands(%[[X]], %[[X]] : tensor<3x3xf32>, tensor<3x3xf32>) maps [#{{[^,]*}}, #{{[^,]*}}] -> tensor<3x3xf32> {
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32):
  // CHECK-NEXT: %[[SQUARE:.*]] = arith.mulf %[[A]], %[[A]]
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[SQUARE]], %[[B]]
  // CHECK: ttc.yield %[[SUM]] : f32
  %0:2 = ttc.nest "" operands(%x, %x, %x : tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>) maps [#all, #all, #swapped]
      -> tensor<3x3xf32>, tensor<3x3xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %1, %c : f32
    ttc.yield %a, %2 : f32, f32
  }
  return %0#1 : tensor<3x3xf32>
}

// -----

// Operands along a product's rows and columns, and one for all of them, fit its tiles.
#all = affine_map<(i, j, n) -> (i, j, n)>
#column = affine_map<(i, j, n) -> (n)>
#once = affine_map<(i, j, n) -> ()>
#part = affine_map<(i, j, n) -> (i, j, n + 2)>
// CHECK-LABEL: func.func @along_the_rows(
func.func @along_the_rows(
    %x: tensor<?x3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w}, %d: tensor<2xf32> {ttc.param = @d},
    %t: tensor<f32> {ttc.param = @t}, %s: tensor<?x3x4xf32> {ttc.state = @s}) -> tensor<?x3x2xf32> {
  // CHECK-NEXT: ttc.nest "" product(
  // CHECK-NOT: ttc.nest
  %0 = ttc.nest "" product(%x : tensor<?x3x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x3x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %1 = ttc.nest "" operands(%0, %d, %t, %s : tensor<?x3x2xf32>, tensor<2xf32>, tensor<f32>, tensor<?x3x4xf32>)
      maps [#all, #column, #once, #part] -> tensor<?x3x2xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32, %e: f32):
    %2 = arith.mulf %a, %b : f32
    %3 = arith.addf %2, %c : f32
    %4 = arith.addf %3, %e : f32
    ttc.yield %4 : f32
  }
  return %1 : tensor<?x3x2xf32>
}

// -----

// Random numbers come along; each stream stays its own.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @random_numbers(
func.func @random_numbers(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.nest "" operands(%{{[^ ]*}} : tensor<4xf32>)
  // CHECK-DAG: %[[U0:.*]] = ttc.draw stream(0)
  // CHECK-DAG: %[[U1:.*]] = ttc.draw stream(1)
  // CHECK: ttc.quantize(stochastic_round) %{{.*}}, %[[U0]]
  // CHECK: ttc.quantize(probabilistic) %{{.*}}, %[[U1]]
  // CHECK-NOT: ttc.nest
  %u = ttc.nest "" maps [] -> tensor<4xf32> {
    %0 = ttc.draw stream(0) : f32
    ttc.yield %0 : f32
  }
  %v = ttc.nest "" maps [] -> tensor<4xf32> {
    %0 = ttc.draw stream(1) : f32
    ttc.yield %0 : f32
  }
  %y = ttc.nest "" operands(%x, %u, %v : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) maps [#all, #all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = ttc.quantize (stochastic_round) %a, %b : f32
    %1 = ttc.quantize (probabilistic) %0, %c : f32
    ttc.yield %1 : f32
  }
  return %y : tensor<4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// What stays apart
//===----------------------------------------------------------------------===//

// Two products in a row: the second needs whole rows of the first.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @two_products_in_a_row(
func.func @two_products_in_a_row(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<4x4xf32> {ttc.param = @w}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[FIRST:.*]] = ttc.nest "" product(
  // CHECK: math.absf
  // CHECK: ttc.nest "" product(%[[FIRST]] :
  // CHECK-NOT: ttc.nest
  %0 = ttc.nest "" product(%x : tensor<4xf32>) weights(%w : tensor<4x4xf32>) maps [] -> tensor<4xf32> {
  ^bb0(%acc: f32):
    %1 = math.absf %acc : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "" product(%0 : tensor<4xf32>) weights(%w : tensor<4x4xf32>) operands(%0 : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%acc: f32, %a: f32):
    %3 = arith.addf %acc, %a : f32
    ttc.yield %3 : f32
  }
  return %2 : tensor<4xf32>
}

// -----

// An operand along another dimension than the product's: the neurons' `dim`. On either side.
#all = affine_map<(i, j, n) -> (i, j, n)>
#row = affine_map<(i, j, n) -> (j)>
// CHECK-LABEL: func.func @along_another_dimension(
func.func @along_another_dimension(
    %x: tensor<?x3x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w}, %d: tensor<3xf32> {ttc.param = @d},
    %s: tensor<?x3x2xf32> {ttc.state = @s}) -> (tensor<?x3x2xf32>, tensor<?x3x2xf32>) {
  // CHECK-NEXT: %[[P:.*]] = ttc.nest "" product(
  %0 = ttc.nest "" product(%x : tensor<?x3x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x3x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  // CHECK: ttc.nest "" operands(%[[P]], %{{.*}} : tensor<?x3x2xf32>, tensor<3xf32>)
  %1 = ttc.nest "" operands(%0, %d : tensor<?x3x2xf32>, tensor<3xf32>) maps [#all, #row] -> tensor<?x3x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %2 = arith.mulf %a, %b : f32
    ttc.yield %2 : f32
  }
  // CHECK: %[[SCALED:.*]] = ttc.nest "" operands(%{{.*}}, %{{.*}} : tensor<?x3x2xf32>, tensor<3xf32>)
  %3 = ttc.nest "" operands(%s, %d : tensor<?x3x2xf32>, tensor<3xf32>) maps [#all, #row] -> tensor<?x3x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %4 = arith.mulf %a, %b : f32
    ttc.yield %4 : f32
  }
  // CHECK: ttc.nest "" product(%{{.*}} operands(%[[SCALED]] :
  %5 = ttc.nest "" product(%x : tensor<?x3x4xf32>) weights(%w : tensor<2x4xf32>) operands(%3 : tensor<?x3x2xf32>)
      maps [#all] -> tensor<?x3x2xf32> {
  ^bb0(%acc: f32, %a: f32):
    %6 = arith.addf %acc, %a : f32
    ttc.yield %6 : f32
  }
  return %1, %5 : tensor<?x3x2xf32>, tensor<?x3x2xf32>
}

// -----

// One whose elements are read at another place.
#all = affine_map<(i, j) -> (i, j)>
#swapped = affine_map<(i, j) -> (j, i)>
// CHECK-LABEL: func.func @read_transposed(
func.func @read_transposed(%x: tensor<3x3xf32> {ttc.input = "x"}) -> tensor<3x3xf32> {
  // CHECK-NEXT: %[[FIRST:.*]] = ttc.nest
  // CHECK: ttc.nest "" operands(%[[FIRST]], %[[FIRST]] :
  %0 = ttc.nest "" operands(%x : tensor<3x3xf32>) maps [#all] -> tensor<3x3xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "" operands(%0, %0 : tensor<3x3xf32>, tensor<3x3xf32>) maps [#all, #swapped] -> tensor<3x3xf32> {
  ^bb0(%a: f32, %b: f32):
    %3 = arith.addf %a, %b : f32
    ttc.yield %3 : f32
  }
  return %2 : tensor<3x3xf32>
}

// -----

// One of another shape.
#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
// CHECK-LABEL: func.func @of_another_shape(
func.func @of_another_shape(%x: tensor<4xf32> {ttc.input = "x"}, %y: tensor<3x4xf32> {ttc.input = "y"}) -> tensor<3x4xf32> {
  // CHECK-NEXT: %[[FIRST:.*]] = ttc.nest
  // CHECK: ttc.nest "" operands(%{{.*}}, %[[FIRST]] :
  %0 = ttc.nest "" operands(%x : tensor<4xf32>) maps [affine_map<(i) -> (i)>] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "" operands(%y, %0 : tensor<3x4xf32>, tensor<4xf32>) maps [#all, #column] -> tensor<3x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %3 = arith.addf %a, %b : f32
    ttc.yield %3 : f32
  }
  return %2 : tensor<3x4xf32>
}

// -----

// A value that something in between needs cannot move down to its other user.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @used_in_between(
func.func @used_in_between(%x: tensor<4xf32> {ttc.input = "x"}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[EXP:.*]] = ttc.nest
  // CHECK: %[[SUM:.*]] = ttc.reduce{{ +}}add "" operands(%[[EXP]] :
  // CHECK: ttc.nest "" operands(%[[EXP]], %[[SUM]] :
  %0 = ttc.nest "" operands(%x : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.reduce add "" operands(%0 : tensor<4xf32>) maps [#all] window [4] -> tensor<f32> {
  ^bb0(%a: f32):
    ttc.yield %a : f32
  }
  %3 = ttc.nest "" operands(%0, %2 : tensor<4xf32>, tensor<f32>) maps [#all, affine_map<(i) -> ()>] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %4 = arith.divf %a, %b : f32
    ttc.yield %4 : f32
  }
  return %3 : tensor<4xf32>
}

// -----

// What depends on parameters only is not drawn into the step, however long the chain:
// prepare-weights hoists it.
#all = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func @of_parameters(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{.*}}, %[[P:[^:]*]]: tensor<4xf32>
func.func @of_parameters(%x: tensor<4xf32> {ttc.input = "x"}, %p: tensor<4xf32> {ttc.param = @p}) -> tensor<4xf32> {
  // CHECK-NEXT: %[[EXP:.*]] = ttc.nest "" operands(%[[P]] :
  // CHECK: %[[ABS:.*]] = ttc.nest "" operands(%[[EXP]] :
  // CHECK: ttc.nest "" operands(%[[X]], %[[ABS]] :
  %0 = ttc.nest "" operands(%p : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %1 = math.exp %a : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "" operands(%0 : tensor<4xf32>) maps [#all] -> tensor<4xf32> {
  ^bb0(%a: f32):
    %3 = math.absf %a : f32
    ttc.yield %3 : f32
  }
  %4 = ttc.nest "" operands(%x, %2 : tensor<4xf32>, tensor<4xf32>) maps [#all, #all] -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %5 = arith.mulf %a, %b : f32
    ttc.yield %5 : f32
  }
  return %4 : tensor<4xf32>
}

// -----

// A change of shape moves no element and stays between its nests.
// CHECK-LABEL: func.func @flatten_between(
func.func @flatten_between(%x: tensor<2x4xf32> {ttc.input = "x"}) -> tensor<8xf32> {
  // CHECK-NEXT: %[[N:.*]] = ttc.nest
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[N]]
  // CHECK-NEXT: ttc.nest "" operands(%[[FLAT]] :
  %0 = ttc.nest "" operands(%x : tensor<2x4xf32>) maps [affine_map<(i, j) -> (i, j)>] -> tensor<2x4xf32> {
  ^bb0(%a: f32):
    %1 = math.absf %a : f32
    ttc.yield %1 : f32
  }
  %2 = tensor.collapse_shape %0 [[0, 1]] : tensor<2x4xf32> into tensor<8xf32>
  %3 = ttc.nest "" operands(%2 : tensor<8xf32>) maps [affine_map<(i) -> (i)>] -> tensor<8xf32> {
  ^bb0(%a: f32):
    %4 = math.sqrt %a : f32
    ttc.yield %4 : f32
  }
  return %3 : tensor<8xf32>
}

// -----

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
  func.func @not_a_step(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
