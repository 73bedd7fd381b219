// What of a sequence is computed for many timesteps at once, and what goes one by one?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-batch-time --verify-diagnostics | FileCheck %s

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

#all = affine_map<(i, j) -> (i, j)>
// A layer of neurons is split: its product needs no other timestep, its update does. What
// passes between them is a buffer for a block of timesteps; the step itself stays whole.
// CHECK: module attributes {ttc.block = [[BLOCK:[0-9]+]] : i64, ttc.buffers_size = #ttc.bytes<{{[1-9][0-9]*}} + 0 * batch>, ttc.independent_rows} {
// CHECK-LABEL: func.func @neurons(
// CHECK-SAME: attributes {ttc.stages = [@neurons.stage0, @neurons.stage1]}
// CHECK: ttc.nest "n" product({{.*}} operands(
// CHECK: return
// CHECK-LABEL: func.func @neurons.stage0(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"}, %[[W:[^:]*]]: tensor<2x4xf32> {ttc.prepared = 0 : index})
// CHECK-SAME: -> (tensor<?x2xf32> {ttc.buffer = #ttc.bytes<0 + 0 * batch>, ttc.output = ""}) attributes {ttc.whole_block} {
// CHECK-NEXT: %[[P:.*]] = ttc.nest "n" product(%[[X]] : tensor<?x4xf32>) weights(%[[W]] : tensor<2x4xf32>) maps []
// CHECK: return %[[P]]
// CHECK-LABEL: func.func @neurons.stage1(
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x2xf32> {ttc.buffer = #ttc.bytes<0 + 0 * batch>, ttc.input = ""}, %[[S:[^:]*]]: tensor<?x2xf32> {ttc.state = @s})
// CHECK-SAME: -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
// CHECK-NEXT: ttc.nest "n" operands(%[[P]], %[[S]] :
// CHECK-NEXT: ^bb0(%[[ACC:[^:]*]]: f32, %[[OLD:[^:]*]]: f32):
// CHECK-NEXT: arith.subf %[[OLD]], %[[ACC]]
func.func @neurons(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index},
                   %s: tensor<?x2xf32> {ttc.state = @s}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>)
      operands(%s : tensor<?x2xf32>) maps [#all] -> tensor<?x2xf32> {
  ^bb0(%acc: f32, %old: f32):
    %1 = arith.subf %old, %acc : f32
    ttc.yield %1 : f32
  }
  return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// The product with the hidden state stays with the state; the one with the input does not.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @recurrence.stage0(
// CHECK-SAME: attributes {ttc.whole_block}
// CHECK-NEXT: ttc.nest "r" product(%{{[^ ]*}} : tensor<?x4xf32>) weights(%{{[^ ]*}} : tensor<2x4xf32>) maps []
// CHECK-LABEL: func.func @recurrence.stage1(
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x2xf32> {ttc.buffer = {{.*}}, %[[U:[^:]*]]: tensor<2x2xf32> {ttc.prepared = 1 : index}, %[[H:[^:]*]]: tensor<?x2xf32> {ttc.state = @h})
// CHECK-NOT: ttc.whole_block
// CHECK: ttc.nest "r" product(%[[H]] : tensor<?x2xf32>) weights(%[[U]] : tensor<2x2xf32>) operands(%[[P]] :
// CHECK-NEXT: ^bb0(%[[FROM_H:[^:]*]]: f32, %[[FROM_X:[^:]*]]: f32):
// CHECK-NEXT: arith.subf %[[FROM_X]], %[[FROM_H]]
func.func @recurrence(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index}, %u: tensor<2x2xf32> {ttc.prepared = 1 : index},
                      %h: tensor<?x2xf32> {ttc.state = @h}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @h}) {
  %0 = ttc.nest "r" product(%x, %h : tensor<?x4xf32>, tensor<?x2xf32>) weights(%w, %u : tensor<2x4xf32>, tensor<2x2xf32>)
      maps [] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.subf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Two nests of one recurrence, as the gates and the candidate of a GRU: the products with the
// input leave both, those with the state and with what it becomes stay.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @gated.stage0(
// CHECK-SAME: attributes {ttc.whole_block}
// CHECK-COUNT-2: ttc.nest "r" product(%arg0 : tensor<?x2xf32>)
// CHECK-NOT: product(
// CHECK-LABEL: func.func @gated.stage1(
// CHECK-SAME: %[[H:[^:]*]]: tensor<?x2xf32> {ttc.state = @h})
// CHECK-NOT: ttc.whole_block
// CHECK: %[[R:.*]] = ttc.nest "r" product(%[[H]] : tensor<?x2xf32>)
// CHECK: ttc.nest "r" product(%[[R]] : tensor<?x2xf32>)
// CHECK: return
func.func @gated(%x: tensor<?x2xf32> {ttc.input = "x"}, %w: tensor<2x2xf32> {ttc.prepared = 0 : index},
                 %h: tensor<?x2xf32> {ttc.state = @h}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @h}) {
  %0 = ttc.nest "r" product(%x, %h : tensor<?x2xf32>, tensor<?x2xf32>) weights(%w, %w : tensor<2x2xf32>, tensor<2x2xf32>)
      maps [] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.subf %a, %b : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "r" product(%x, %0 : tensor<?x2xf32>, tensor<?x2xf32>) weights(%w, %w : tensor<2x2xf32>, tensor<2x2xf32>)
      operands(%h : tensor<?x2xf32>) maps [#all] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %3 = arith.subf %a, %b : f32
    %4 = arith.mulf %3, %old : f32
    ttc.yield %4 : f32
  }
  return %2, %2 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A change of shape with a dynamic size, whose number is an operation of its own, is no obstacle.
#all = affine_map<(i, j, k) -> (i, j, k)>
// CHECK-LABEL: func.func @reshaped.stage0(
// CHECK-LABEL: func.func @reshaped.stage1(
// CHECK: tensor.expand_shape
// CHECK-NEXT: ttc.nest "n" operands(
func.func @reshaped(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index},
                    %s: tensor<?x2x1xf32> {ttc.state = @s}) -> (tensor<?x2x1xf32> {ttc.output = "y"}, tensor<?x2x1xf32> {ttc.state = @s}) {
  %c0 = arith.constant 0 : index
  %0 = ttc.nest "n" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %dim = tensor.dim %0, %c0 : tensor<?x2xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [%dim, 2, 1] : tensor<?x2xf32> into tensor<?x2x1xf32>
  %2 = ttc.nest "n" operands(%1, %s : tensor<?x2x1xf32>, tensor<?x2x1xf32>) maps [#all, #all] -> tensor<?x2x1xf32> {
  ^bb0(%a: f32, %b: f32):
    %3 = arith.addf %a, %b : f32
    ttc.yield %3 : f32
  }
  return %2, %2 : tensor<?x2x1xf32>, tensor<?x2x1xf32>
}

// -----

// What lies between the reading of a state and its writing goes with it, timestep by timestep;
// what comes behind is a block again.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @feedback(
// CHECK-SAME: ttc.stages = [@feedback.stage0, @feedback.stage1]
// CHECK-LABEL: func.func @feedback.stage0(
// CHECK-NOT: ttc.whole_block
// CHECK: ttc.nest "a"
// CHECK: ttc.nest "b"
// CHECK-LABEL: func.func @feedback.stage1(
// CHECK-SAME: ttc.whole_block
// CHECK: ttc.nest "out" product(
func.func @feedback(%x: tensor<?x2xf32> {ttc.input = "x"}, %w: tensor<2x2xf32> {ttc.prepared = 0 : index},
                    %s: tensor<?x2xf32> {ttc.state = @s}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
  %0 = ttc.nest "a" operands(%x, %s : tensor<?x2xf32>, tensor<?x2xf32>) maps [#all, #all] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.addf %a, %b : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "b" product(%0 : tensor<?x2xf32>) weights(%w : tensor<2x2xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  %3 = ttc.nest "out" product(%2 : tensor<?x2xf32>) weights(%w : tensor<2x2xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return %3, %2 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A product with events that a recurrence makes is one for the whole block, too, and knows its
// input for events: rows that are seldom zero then share what they read of the weights.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @events(
// CHECK-SAME: ttc.stages = [@events.stage0, @events.stage1, @events.stage2]
// CHECK-LABEL: func.func @events.stage0(
// CHECK-NOT: ttc.whole_block
// CHECK: ttc.nest "a"
// CHECK-LABEL: func.func @events.stage1(
// CHECK-SAME: tensor<?x32xf32> {ttc.buffer = {{[^,]*}}, ttc.events, ttc.input = ""}
// CHECK-SAME: ttc.whole_block
// CHECK: ttc.nest "b" product({{.*}}) maps []
// CHECK-LABEL: func.func @events.stage2(
// CHECK-NOT: ttc.whole_block
// CHECK: ttc.nest "b" operands(
func.func @events(%x: tensor<?x32xf32> {ttc.input = "x"}, %w: tensor<2x32xf32> {ttc.prepared = 0 : index},
                  %s: tensor<?x32xf32> {ttc.state = @s}, %t: tensor<?x2xf32> {ttc.state = @t})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x32xf32> {ttc.state = @s}, tensor<?x2xf32> {ttc.state = @t}) {
  %0:2 = ttc.nest "a" operands(%x, %s : tensor<?x32xf32>, tensor<?x32xf32>) maps [#all, #all]
      -> tensor<?x32xf32>, tensor<?x32xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.addf %a, %b : f32
    %zero = arith.constant 0.0 : f32
    %2 = arith.maximumf %1, %zero : f32
    ttc.yield %2, %1 : f32, f32
  }
  %3 = ttc.nest "b" product(%0#0 : tensor<?x32xf32>) weights(%w : tensor<2x32xf32>)
      operands(%t : tensor<?x2xf32>) maps [#all] -> tensor<?x2xf32> {
  ^bb0(%acc: f32, %old: f32):
    %4 = arith.subf %old, %acc : f32
    ttc.yield %4 : f32
  }
  return %3, %0#1, %3 : tensor<?x2xf32>, tensor<?x32xf32>, tensor<?x2xf32>
}

// -----

// So does one that is flattened behind the recurrence: a row of its pixels may be short.
#all = affine_map<(i, j, k) -> (i, j, k)>
#flat = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @pixels.stage1(
// CHECK-SAME: tensor<?x8x8xf32> {ttc.buffer = {{[^,]*}}, ttc.events, ttc.input = ""}
// CHECK: tensor.collapse_shape
// CHECK: ttc.nest "b" product({{.*}}) maps []
func.func @pixels(%x: tensor<?x8x8xf32> {ttc.input = "x"}, %w: tensor<2x64xf32> {ttc.prepared = 0 : index},
                  %s: tensor<?x8x8xf32> {ttc.state = @s}, %t: tensor<?x2xf32> {ttc.state = @t})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x8x8xf32> {ttc.state = @s}, tensor<?x2xf32> {ttc.state = @t}) {
  %0:2 = ttc.nest "a" operands(%x, %s : tensor<?x8x8xf32>, tensor<?x8x8xf32>) maps [#all, #all]
      -> tensor<?x8x8xf32>, tensor<?x8x8xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.addf %a, %b : f32
    %zero = arith.constant 0.0 : f32
    %2 = arith.maximumf %1, %zero : f32
    ttc.yield %2, %1 : f32, f32
  }
  %flat = tensor.collapse_shape %0#0 [[0], [1, 2]] : tensor<?x8x8xf32> into tensor<?x64xf32>
  %3 = ttc.nest "b" product(%flat : tensor<?x64xf32>) weights(%w : tensor<2x64xf32>)
      operands(%t : tensor<?x2xf32>) maps [#flat] -> tensor<?x2xf32> {
  ^bb0(%acc: f32, %old: f32):
    %4 = arith.subf %old, %acc : f32
    ttc.yield %4 : f32
  }
  return %3, %0#1, %3 : tensor<?x2xf32>, tensor<?x8x8xf32>, tensor<?x2xf32>
}

// -----

// Without a batch the time is put in front of every tensor of a block, and of every map; a
// prepared value has none.
#all = affine_map<(i) -> (i)>
// CHECK-DAG: #[[PARAM:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK: ttc.buffers_size = #ttc.bytes<{{[1-9][0-9]*}} + 0 * batch>
// CHECK-LABEL: func.func @without_a_batch.stage0(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"}, %[[W:[^:]*]]: tensor<2x4xf32> {ttc.prepared = 0 : index}, %[[B:[^:]*]]: tensor<2xf32> {ttc.prepared = 1 : index})
// CHECK-SAME: ttc.whole_block
// CHECK: ttc.nest "l" product(%[[X]] : tensor<?x4xf32>) weights(%[[W]] : tensor<2x4xf32>) operands(%[[B]] : tensor<2xf32>) maps [#[[PARAM]]] -> tensor<?x2xf32>
// CHECK-LABEL: func.func @without_a_batch.stage1(
// CHECK-SAME: tensor<2xf32> {ttc.buffer =
func.func @without_a_batch(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index}, %b: tensor<2xf32> {ttc.prepared = 1 : index},
                           %s: tensor<2xf32> {ttc.state = @s}) -> (tensor<2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @s}) {
  %0 = ttc.nest "l" product(%x : tensor<4xf32>) weights(%w : tensor<2x4xf32>) operands(%b : tensor<2xf32>) maps [#all] -> tensor<2xf32> {
  ^bb0(%acc: f32, %bias: f32):
    %1 = arith.addf %acc, %bias : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "n" operands(%0, %s : tensor<2xf32>, tensor<2xf32>) maps [#all, #all] -> tensor<2xf32> {
  ^bb0(%a: f32, %old: f32):
    %3 = arith.addf %a, %old : f32
    ttc.yield %3 : f32
  }
  return %2, %2 : tensor<2xf32>, tensor<2xf32>
}

// -----

// A parameter of each row is no parameter of each row and timestep: a product of several
// timesteps cannot read it, and the update that does stands apart.
// CHECK-LABEL: func.func @parameter_of_the_rows.stage0(
// CHECK-SAME: ttc.whole_block
// CHECK: %[[SUM:.*]] = ttc.nest "l" product(%{{.*}}) maps [] -> tensor<?x5x2xf32> {
// CHECK: ttc.nest "l" operands(%[[SUM]], %{{.*}} : tensor<?x5x2xf32>, tensor<5xf32>)
func.func @parameter_of_the_rows(%x: tensor<5x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index},
                                 %p: tensor<5xf32> {ttc.prepared = 1 : index}) -> (tensor<5x2xf32> {ttc.output = "y"}) {
  %0 = ttc.nest "l" product(%x : tensor<5x4xf32>) weights(%w : tensor<2x4xf32>) operands(%p : tensor<5xf32>)
      maps [affine_map<(i, n) -> (i)>] -> tensor<5x2xf32> {
  ^bb0(%acc: f32, %slope: f32):
    %1 = arith.mulf %acc, %slope : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<5x2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// What keeps its step
//===----------------------------------------------------------------------===//

// Without a product that a block could share, there is nothing to gain.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @no_product(
// CHECK-NOT: ttc.stages
// CHECK: return
// CHECK-NOT: func.func
func.func @no_product(%x: tensor<?x2xf32> {ttc.input = "x"}, %s: tensor<?x2xf32> {ttc.state = @s})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @s}) {
  %0 = ttc.nest "n" operands(%x, %s : tensor<?x2xf32>, tensor<?x2xf32>) maps [#all, #all] -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.addf %a, %b : f32
    ttc.yield %1 : f32
  }
  return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Nor where a timestep has rows enough already.
// CHECK-LABEL: func.func @large_batch(
// CHECK-NOT: ttc.stages
func.func @large_batch(%x: tensor<64x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index})
    -> (tensor<64x2xf32> {ttc.output = "y"}) {
  %0 = ttc.nest "n" product(%x : tensor<64x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<64x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return %0 : tensor<64x2xf32>
}

// -----

// A random number belongs to its timestep.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @random(
// CHECK-NOT: ttc.stages
// CHECK-NOT: func.func
func.func @random(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index}) -> (tensor<?x2xf32> {ttc.output = "y"}) {
  %0 = ttc.nest "l" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    %u = ttc.draw stream(0) : f32
    %1 = ttc.quantize (probabilistic) %acc, %u : f32
    ttc.yield %1 : f32
  }
  return %0 : tensor<?x2xf32>
}

// -----

// An input that is an output as it came.
// CHECK-LABEL: func.func @passed_through(
// CHECK-NOT: ttc.stages
// CHECK-NOT: func.func
func.func @passed_through(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x4xf32> {ttc.output = "same"}) {
  %0 = ttc.nest "l" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
  ^bb0(%acc: f32):
    ttc.yield %acc : f32
  }
  return %0, %x : tensor<?x2xf32>, tensor<?x4xf32>
}

// -----

// A state beside the batch: rows of timesteps and rows of a batch would be mixed.
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @state_without_the_batch(
// CHECK-NOT: ttc.stages
// CHECK-NOT: func.func
func.func @state_without_the_batch(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index}, %s: tensor<2xf32> {ttc.state = @s})
    -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @s}) {
  %0 = ttc.nest "l" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>) operands(%s : tensor<2xf32>)
      maps [affine_map<(i, j) -> (j)>] -> tensor<?x2xf32> {
  ^bb0(%acc: f32, %old: f32):
    %1 = arith.addf %acc, %old : f32
    ttc.yield %1 : f32
  }
  %2 = ttc.nest "count" operands(%s : tensor<2xf32>) maps [affine_map<(i) -> (i)>] -> tensor<2xf32> {
  ^bb0(%old: f32):
    %one = arith.constant 1.0 : f32
    %3 = arith.addf %old, %one : f32
    ttc.yield %3 : f32
  }
  return %0, %2 : tensor<?x2xf32>, tensor<2xf32>
}

// -----

// expected-error @+1 {{expected a threaded model, a func.func whose arguments carry 'ttc.input': thread-states makes it}}
module {
}
