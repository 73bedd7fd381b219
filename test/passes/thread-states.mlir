// Do reads and writes become the values that they would have seen?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-thread-states --verify-diagnostics | FileCheck %s

// Inputs, then params as declared, then states in order of name; outputs, then states.
ttc.param @"l.weight" : tensor<4xf32>
ttc.state @"b.mem" : tensor<?x4xf32>
ttc.param @gain : tensor<4xf32>
ttc.state @"a.mem" : tensor<?x4xf32>
// CHECK-LABEL: func.func @order(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "x"},
// CHECK-SAME: %[[Y:[^:]*]]: tensor<?x4xf32> {ttc.input = "input1"},
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32> {ttc.param = @l.weight},
// CHECK-SAME: %[[G:[^:]*]]: tensor<4xf32> {ttc.param = @gain},
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x4xf32> {ttc.state = @a.mem},
// CHECK-SAME: %[[B:[^:]*]]: tensor<?x4xf32> {ttc.state = @b.mem})
// CHECK-SAME: -> (tensor<?x4xf32> {ttc.output = "output0"}, tensor<?x4xf32> {ttc.output = "y"},
// CHECK-SAME: tensor<?x4xf32> {ttc.state = @a.mem}, tensor<?x4xf32> {ttc.state = @b.mem}) {
ttc.model @order(%x: tensor<?x4xf32> {ttc.name = "x"}, %y: tensor<?x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32> {ttc.name = "y"}) {
  // States that nothing writes come out as they went in.
  // CHECK-NEXT: return %[[X]], %[[Y]], %[[A]], %[[B]]
  ttc.return %x, %y : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

ttc.state @s : tensor<4xf32>
// CHECK-LABEL: func.func @read_before_write(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {ttc.input = "input0"}, %[[S:[^:]*]]: tensor<4xf32> {ttc.state = @s})
ttc.model @read_before_write(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[S]], %[[X]]
  %0 = ttc.read @s : tensor<4xf32>
  ttc.write %x, @s : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.state @s : tensor<4xf32>
// CHECK-LABEL: func.func @read_after_write(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {ttc.input = "input0"}, %{{[^:]*}}: tensor<4xf32> {ttc.state = @s})
ttc.model @read_after_write(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]], %[[X]]
  ttc.write %x, @s : tensor<4xf32>
  %0 = ttc.read @s : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// M13. A state that is written twice keeps the last value; each read sees its own.
ttc.state @s : tensor<4xf32>
// CHECK-LABEL: func.func @read_between_writes(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {ttc.input = "input0"}, %[[Y:[^:]*]]: tensor<4xf32> {ttc.input = "input1"}, %[[S:[^:]*]]: tensor<4xf32> {ttc.state = @s})
ttc.model @read_between_writes(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: return %[[S]], %[[X]], %[[Y]]
  %0 = ttc.read @s : tensor<4xf32>
  ttc.write %x, @s : tensor<4xf32>
  %1 = ttc.read @s : tensor<4xf32>
  ttc.write %y, @s : tensor<4xf32>
  ttc.return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// M13. Two states that swap their values.
ttc.state @a : tensor<4xf32>
ttc.state @b : tensor<4xf32>
// CHECK-LABEL: func.func @swap(
// CHECK-SAME: %[[A:[^:]*]]: tensor<4xf32> {ttc.state = @a}, %[[B:[^:]*]]: tensor<4xf32> {ttc.state = @b})
ttc.model @swap(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %{{.*}}, %[[B]], %[[A]]
  %0 = ttc.read @a : tensor<4xf32>
  %1 = ttc.read @b : tensor<4xf32>
  ttc.write %0, @b : tensor<4xf32>
  ttc.write %1, @a : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

// A user's own layer, with a parameter and a state of its own.
ttc.param @decay : tensor<4xf32>
ttc.state @trace : tensor<?x4xf32>
// CHECK-LABEL: func.func @own_layer(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "input0"}, %[[D:[^:]*]]: tensor<4xf32> {ttc.param = @decay}, %[[T:[^:]*]]: tensor<?x4xf32> {ttc.state = @trace})
ttc.model @own_layer(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[NEW:.*]] = linalg.map { arith.addf } ins(%[[T]], %[[X]] :
  %d = ttc.param_value @decay : tensor<4xf32>
  %t = ttc.read @trace : tensor<?x4xf32>
  %new = linalg.map { arith.addf } ins(%t, %x : tensor<?x4xf32>, tensor<?x4xf32>) outs(%x : tensor<?x4xf32>)
  ttc.write %new, @trace : tensor<?x4xf32>
  // CHECK-NEXT: return %[[NEW]], %[[NEW]]
  ttc.return %new : tensor<?x4xf32>
}

// -----

// A stack is threaded place by place, those that nothing touches as well: the places of one
// stack follow each other, between the other states by name.
ttc.state @c : tensor<4xf32>
ttc.state @b : tensor<3x?x4xf32>
ttc.state @a : tensor<4xf32>
// CHECK-LABEL: func.func @stack(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32> {ttc.input = "input0"},
// CHECK-SAME: %[[A:[^:]*]]: tensor<4xf32> {ttc.state = @a},
// CHECK-SAME: %[[B0:[^:]*]]: tensor<?x4xf32> {ttc.place = 0 : i64, ttc.state = @b},
// CHECK-SAME: %[[B1:[^:]*]]: tensor<?x4xf32> {ttc.place = 1 : i64, ttc.state = @b},
// CHECK-SAME: %[[B2:[^:]*]]: tensor<?x4xf32> {ttc.place = 2 : i64, ttc.state = @b},
// CHECK-SAME: %[[C:[^:]*]]: tensor<4xf32> {ttc.state = @c})
// CHECK-SAME: tensor<4xf32> {ttc.state = @a}, tensor<?x4xf32> {ttc.place = 0 : i64, ttc.state = @b}, tensor<?x4xf32> {ttc.place = 1 : i64, ttc.state = @b}, tensor<?x4xf32> {ttc.place = 2 : i64, ttc.state = @b}, tensor<4xf32> {ttc.state = @c}) {
ttc.model @stack(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // A read sees what was written to its own place.
  // CHECK-NEXT: return %[[B1]], %[[A]], %[[X]], %[[X]], %[[B2]], %[[C]]
  %old = ttc.read @b[1] : tensor<?x4xf32>
  ttc.write %x, @b[0] : tensor<?x4xf32>
  %new = ttc.read @b[0] : tensor<?x4xf32>
  ttc.write %new, @b[1] : tensor<?x4xf32>
  ttc.return %old : tensor<?x4xf32>
}

// -----

// A state of fixed sizes may be taken whole, or a row at a time.
ttc.state @rows : tensor<2x4xf32>
ttc.state @whole : tensor<2x4xf32>
// CHECK-LABEL: func.func @by_rows(
// CHECK-SAME: %[[R0:[^:]*]]: tensor<4xf32> {ttc.place = 0 : i64, ttc.state = @rows}, %[[R1:[^:]*]]: tensor<4xf32> {ttc.place = 1 : i64, ttc.state = @rows}, %[[W:[^:]*]]: tensor<2x4xf32> {ttc.state = @whole})
ttc.model @by_rows(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x4xf32>) {
  // CHECK-NEXT: return %[[R0]], %[[W]], %{{[^,]*}}, %[[R1]], %[[W]]
  %row = ttc.read @rows[0] : tensor<4xf32>
  ttc.write %x, @rows[0] : tensor<4xf32>
  %all = ttc.read @whole : tensor<2x4xf32>
  ttc.return %row, %all : tensor<4xf32>, tensor<2x4xf32>
}

// -----

ttc.state @s : tensor<2x4xf32>
ttc.model @place_and_whole(%x: tensor<4xf32>) -> tensor<2x4xf32> {
  ttc.write %x, @s[0] : tensor<4xf32>
  // expected-error @+1 {{'ttc.read' op takes all of @"s", whose places others take one by one: name a place here too}}
  %0 = ttc.read @s : tensor<2x4xf32>
  ttc.return %0 : tensor<2x4xf32>
}

// -----

ttc.state @s : tensor<2x4xf32>
ttc.model @whole_and_place(%x: tensor<2x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.write' op takes all of @"s", whose places others take one by one: name a place here too}}
  ttc.write %x, @s : tensor<2x4xf32>
  %0 = ttc.read @s[1] : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.state' op is a stack whose batch is its second dimension: it is read and written a place at a time}}
ttc.state @s : tensor<2x?x4xf32>
ttc.model @stack_as_a_whole(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.read @s : tensor<2x?x4xf32>
  ttc.write %0, @s : tensor<2x?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

// Layers that are still whole are refused: their states would be left out.
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.state @"n.mem" : tensor<4xf32>
ttc.model @whole_layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.neuron' op is still a whole layer: expand-layers runs before thread-states}}
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.state @s : tensor<4xf32>
ttc.model @read_in_a_region(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.map ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>)
    (%a: f32, %b: f32) {
      // expected-error @+1 {{'ttc.read' op stands inside of another operation, where its turn in the timestep is not known}}
      %1 = ttc.read @s : tensor<4xf32>
      linalg.yield %a : f32
    }
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op takes no input: a timestep begins with one}}
ttc.model @no_input() -> tensor<4xf32> {
  %0 = arith.constant dense<1.0> : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
}
