// Do reads and writes of a state keep their order, whatever a pass may move?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --canonicalize --cse --loop-invariant-code-motion --canonicalize | FileCheck %s

ttc.state @a : tensor<4xf32>
ttc.state @b : tensor<4xf32>
ttc.param @p : tensor<4xf32>

// CHECK-LABEL: ttc.model @two_reads_become_one(
ttc.model @two_reads_become_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[A:.*]] = ttc.read @a
  // CHECK-NEXT: arith.addf %[[A]], %[[A]]
  %0 = ttc.read @a : tensor<4xf32>
  %1 = ttc.read @a : tensor<4xf32>
  %2 = arith.addf %0, %1 : tensor<4xf32>
  ttc.return %2 : tensor<4xf32>
}

// CHECK-LABEL: ttc.model @reads_on_both_sides_of_a_write(
// CHECK-SAME: %[[X:.*]]: tensor
ttc.model @reads_on_both_sides_of_a_write(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[OLD:.*]] = ttc.read @a
  // CHECK-NEXT: ttc.write %[[X]], @a
  // CHECK-NEXT: %[[NEW:.*]] = ttc.read @a
  // CHECK-NEXT: arith.subf %[[NEW]], %[[OLD]]
  %0 = ttc.read @a : tensor<4xf32>
  ttc.write %x, @a : tensor<4xf32>
  %1 = ttc.read @a : tensor<4xf32>
  %2 = arith.subf %1, %0 : tensor<4xf32>
  ttc.return %2 : tensor<4xf32>
}

// The value that was read is the old one, wherever it is used.
// CHECK-LABEL: ttc.model @read_used_after_a_write(
// CHECK-SAME: %[[X:.*]]: tensor
ttc.model @read_used_after_a_write(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[OLD:.*]] = ttc.read @a
  // CHECK-NEXT: ttc.write %[[X]], @a
  // CHECK-NEXT: ttc.return %[[OLD]]
  %0 = ttc.read @a : tensor<4xf32>
  ttc.write %x, @a : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// CHECK-LABEL: ttc.model @a_write_without_a_read_stays(
// CHECK-SAME: %[[X:.*]]: tensor
ttc.model @a_write_without_a_read_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.write %[[X]], @a
  ttc.write %x, @a : tensor<4xf32>
  // CHECK-NEXT: ttc.return
  ttc.return %x : tensor<4xf32>
}

// CHECK-LABEL: ttc.model @writes_keep_their_order(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
ttc.model @writes_keep_their_order(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.write %[[X]], @a
  // CHECK-NEXT: %[[A:.*]] = ttc.read @a
  // CHECK-NEXT: ttc.write %[[Y]], @a
  // CHECK-NEXT: ttc.return %[[A]]
  ttc.write %x, @a : tensor<4xf32>
  %0 = ttc.read @a : tensor<4xf32>
  ttc.write %y, @a : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// CHECK-LABEL: ttc.model @an_unused_read_goes(
ttc.model @an_unused_read_goes(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.return
  %0 = ttc.read @a : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// Different states are different values.
// CHECK-LABEL: ttc.model @reads_of_two_states(
ttc.model @reads_of_two_states(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[A:.*]] = ttc.read @a
  // CHECK-NEXT: %[[B:.*]] = ttc.read @b
  // CHECK-NEXT: arith.subf %[[A]], %[[B]]
  %0 = ttc.read @a : tensor<4xf32>
  %1 = ttc.read @b : tensor<4xf32>
  %2 = arith.subf %0, %1 : tensor<4xf32>
  ttc.return %2 : tensor<4xf32>
}

// A parameter does not change: two values of it are one, over any write.
// CHECK-LABEL: ttc.model @a_param_is_constant(
ttc.model @a_param_is_constant(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[P:.*]] = ttc.param_value @p
  // CHECK-NEXT: ttc.write
  // CHECK-NEXT: arith.addf %[[P]], %[[P]]
  %0 = ttc.param_value @p : tensor<4xf32>
  ttc.write %x, @a : tensor<4xf32>
  %1 = ttc.param_value @p : tensor<4xf32>
  %2 = arith.addf %0, %1 : tensor<4xf32>
  ttc.return %2 : tensor<4xf32>
}

// The same layer twice is two timesteps of one state, even with one input.
// CHECK-LABEL: ttc.model @a_layer_used_twice_runs_twice(
ttc.model @a_layer_used_twice_runs_twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.neuron LI "n"
  // CHECK-NEXT: ttc.neuron LI "n"
  // CHECK-NEXT: arith.addf
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  %1 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  %2 = arith.addf %0, %1 : tensor<4xf32>
  ttc.return %2 : tensor<4xf32>
}

// Its state lives on, though nothing uses its output.
// CHECK-LABEL: ttc.model @a_layer_without_a_use_stays(
ttc.model @a_layer_without_a_use_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.neuron LI "n"
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// Layers without states are pure.
// CHECK-LABEL: ttc.model @stateless_layers_are_pure(
ttc.model @stateless_layers_are_pure(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[L:.*]] = ttc.linear "l"
  // CHECK-NEXT: arith.addf %[[L]], %[[L]]
  %0 = ttc.linear "l" (%x) : tensor<4xf32> -> tensor<4xf32>
  %1 = ttc.linear "l" (%x) : tensor<4xf32> -> tensor<4xf32>
  %2 = ttc.activation relu (%x) : tensor<4xf32>
  %3 = arith.addf %0, %1 : tensor<4xf32>
  ttc.return %3 : tensor<4xf32>
}

// CHECK-LABEL: func.func @reads_stay_in_their_loop(
func.func @reads_stay_in_their_loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // A read whose state the loop writes is not the same in every iteration.
  // CHECK: scf.for
  // CHECK-NEXT: %[[A:.*]] = ttc.read @a
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf
  // CHECK-NEXT: ttc.write %[[SUM]], @a
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> (tensor<4xf32>) {
    %1 = ttc.read @a : tensor<4xf32>
    %2 = arith.addf %1, %y : tensor<4xf32>
    ttc.write %2, @a : tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// The output of a layer with states may be unused, its step is not; a layer without may go.
// CHECK-LABEL: ttc.model @unused_outputs(
ttc.model @unused_outputs(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.rnn gru "a"
  %0 = ttc.rnn gru "a" (%x) : tensor<?x4xf32>
  // CHECK-NEXT: ttc.torch_rnn lstm "b"
  %1 = ttc.torch_rnn lstm "b" (%x) hidden(4) : tensor<?x4xf32>
  // CHECK-NEXT: ttc.s4 "c"
  %2 = ttc.s4 "c" (%x) : tensor<?x4xf32>
  // CHECK-NEXT: ttc.mamba "d"
  %3 = ttc.mamba "d" (%x) : tensor<?x4xf32>
  // CHECK-NEXT: ttc.adaptive_neuron "e"
  %4 = ttc.adaptive_neuron "e" (%x) : tensor<?x4xf32>
  // CHECK-NEXT: ttc.return
  %5 = ttc.layer_norm "f" (%x) : tensor<?x4xf32>
  %6 = ttc.softmax (%x) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// Two steps are two steps, two uses of a layer without states may be one.
// CHECK-LABEL: ttc.model @the_same_layer_twice(
ttc.model @the_same_layer_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[V0:.*]] = ttc.rnn simple "a"
  // CHECK-NEXT: %[[V1:.*]] = ttc.rnn simple "a"
  %0 = ttc.rnn simple "a" (%x) : tensor<?x4xf32>
  %1 = ttc.rnn simple "a" (%x) : tensor<?x4xf32>
  // CHECK-NEXT: %[[V2:.*]] = ttc.layer_norm "f" (%[[V0]])
  // CHECK-NEXT: arith.addf %[[V2]], %[[V2]]
  %2 = ttc.layer_norm "f" (%0) : tensor<?x4xf32>
  %3 = ttc.layer_norm "f" (%0) : tensor<?x4xf32>
  %4 = arith.addf %2, %3 : tensor<?x4xf32>
  // CHECK-NEXT: arith.subf %{{.*}}, %[[V1]]
  %5 = arith.subf %4, %1 : tensor<?x4xf32>
  ttc.return %5 : tensor<?x4xf32>
}

ttc.state @stack : tensor<2x?x4xf32>
// Places of a stack are one state: neither is read over a write of the other.
// CHECK-LABEL: ttc.model @places_of_a_stack(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
ttc.model @places_of_a_stack(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[A:.*]] = ttc.read @stack[0]
  // CHECK-NEXT: %[[B:.*]] = ttc.read @stack[1]
  // CHECK-NEXT: ttc.write %[[X]], @stack[1]
  %0 = ttc.read @stack[0] : tensor<?x4xf32>
  %1 = ttc.read @stack[1] : tensor<?x4xf32>
  %2 = ttc.read @stack[0] : tensor<?x4xf32>
  ttc.write %x, @stack[1] : tensor<?x4xf32>
  // CHECK-NEXT: %[[C:.*]] = arith.addf %[[A]], %[[B]]
  // CHECK-NEXT: arith.addf %[[C]], %[[A]]
  %3 = arith.addf %0, %1 : tensor<?x4xf32>
  %4 = arith.addf %3, %2 : tensor<?x4xf32>
  ttc.return %4 : tensor<?x4xf32>
}
