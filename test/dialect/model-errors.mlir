// What does a model refuse to be, and what may not stand in it?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{'ttc.model' op input 1 has the type 'tensor<4xi8>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @input_of_bytes(%x: tensor<4xf32>, %y: tensor<4xi8>) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op computes in 'f32' and in 'f64': its inputs and outputs are all of one of them}}
ttc.model @input_of_doubles(%x: tensor<4xf32>, %y: tensor<4xf64>) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op computes in 'bf16', in which values are only stored: its inputs and outputs are f32 or f64}}
ttc.model @input_of_stored_floats(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  ttc.return %x : tensor<4xbf16>
}

// -----

// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<4x?xf32>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @dynamic_inner_size(%x: tensor<4x?xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<0.0> : tensor<4xf32>
  ttc.return %c : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<*xf32>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @unranked(%x: tensor<*xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<0.0> : tensor<4xf32>
  ttc.return %c : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<0x4xf32>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @no_elements(%x: tensor<0x4xf32>) -> tensor<0x4xf32> {
  ttc.return %x : tensor<0x4xf32>
}

// -----

// M1. A size near the largest integer.
// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<9223372036854775807xf32>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @largest_size(%x: tensor<9223372036854775807xf32>) -> tensor<9223372036854775807xf32> {
  ttc.return %x : tensor<9223372036854775807xf32>
}

// -----

// M2. Sizes whose product does not fit.
// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<4294967296x4294967296xf32>', but a model takes ranked tensors of floats, or of i64 or i32 for an embedding, whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.model @product_of_sizes(%x: tensor<4294967296x4294967296xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<0.0> : tensor<4xf32>
  ttc.return %c : tensor<4xf32>
}

// -----

// 2^38 elements are the most.
ttc.model @largest(%x: tensor<4096x67108864xf32>) -> tensor<4096x67108864xf32> {
  ttc.return %x : tensor<4096x67108864xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op input 0 has the type 'tensor<4096x67108865xf32>'}}
ttc.model @too_large(%x: tensor<4096x67108865xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<0.0> : tensor<4xf32>
  ttc.return %c : tensor<4xf32>
}

// -----

// Names become names in C.
// expected-error @+1 {{'ttc.model' op names input 1 by 3 : i64, expected a string}}
ttc.model @name_of_another_kind(%x: tensor<4xf32>, %y: tensor<4xf32> {ttc.name = 3}) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op names input 0 'my input', expected letters, digits and underscores, a digit not first}}
ttc.model @name_with_a_space(%x: tensor<4xf32> {ttc.name = "my input"}) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op names output 0 '2nd', expected letters, digits and underscores, a digit not first}}
ttc.model @name_with_a_digit_first(%x: tensor<4xf32>) -> (tensor<4xf32> {ttc.name = "2nd"}) {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op names input 0 '', expected letters, digits and underscores, a digit not first}}
ttc.model @empty_name(%x: tensor<4xf32> {ttc.name = ""}) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op gives two inputs the name 'X' (letters' case makes no difference)}}
ttc.model @two_inputs_of_one_name(%x: tensor<4xf32> {ttc.name = "x"}, %y: tensor<4xf32> {ttc.name = "X"}) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// An input without a name has one all the same.
// expected-error @+1 {{'ttc.model' op gives two inputs the name 'input1' (letters' case makes no difference)}}
ttc.model @the_name_of_an_unnamed_input(%x: tensor<4xf32> {ttc.name = "input1"}, %y: tensor<4xf32>) -> tensor<4xf32> {
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.model' op has no output, so that it computes nothing}}
ttc.model @no_output(%x: tensor<4xf32>) {
  ttc.return
}

// -----

// M17. There is nothing to link with.
// expected-error @+1 {{'ttc.model' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
ttc.model @declaration(tensor<4xf32>) -> tensor<4xf32>

// -----

ttc.model @calls_a_function(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'func.call' op cannot stand in a model: only operations of ttc, arith, math, linalg and tensor can}}
  %0 = func.call @system(%x) : (tensor<4xf32>) -> tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}
func.func private @system(tensor<4xf32>) -> tensor<4xf32>

// -----

// M19
ttc.model @inline_assembly(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'llvm.inline_asm' op cannot stand in a model: only operations of ttc, arith, math, linalg and tensor can}}
  llvm.inline_asm "nop", "" : () -> ()
  ttc.return %x : tensor<4xf32>
}

// -----

// Inside of another operation it stands in the model too.
ttc.model @in_a_region(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.map ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>)
    (%a: f32, %b: f32) {
      // expected-error @+1 {{'llvm.inline_asm' op cannot stand in a model: only operations of ttc, arith, math, linalg and tensor can}}
      llvm.inline_asm "nop", "" : () -> ()
      linalg.yield %a : f32
    }
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.model @misspelled_attribute(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has no attribute named 'spikes'}}
  %0 = ttc.neuron LIB "n" (%x) {spikes = "heaviside"} : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @too_few_outputs(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-error @+1 {{'ttc.return' op has 1 operands, but the model @too_few_outputs has 2 outputs}}
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.model @another_output(%x: tensor<4xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{'ttc.return' op gives output 0 the type 'tensor<4xf32>', but the model @another_output declares 'tensor<8xf32>'}}
  ttc.return %x : tensor<4xf32>
}

// -----

func.func @return_elsewhere(%x: tensor<4xf32>) {
  // expected-error @+1 {{'ttc.return' op expects parent op 'ttc.model'}}
  ttc.return %x : tensor<4xf32>
}

// -----

func.func @model_elsewhere() {
  // expected-error @+1 {{'ttc.model' op expects parent op 'builtin.module'}}
  ttc.model @inner(%x: tensor<4xf32>) -> tensor<4xf32> {
    ttc.return %x : tensor<4xf32>
  }
  return
}
