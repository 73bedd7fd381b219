// Which shapes and attributes do the layers without states refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @linear_without_a_path(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  // expected-error @+1 {{'ttc.linear' op has an empty path: what it owns would have no name}}
  %0 = ttc.linear "" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

ttc.model @linear_of_a_scalar(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{'ttc.linear' op takes 'tensor<f32>', but the last dimension, its features, must be there and static}}
  %0 = ttc.linear "l" (%x) : tensor<f32> -> tensor<f32>
  ttc.return %0 : tensor<f32>
}

// -----

ttc.model @linear_over_the_batch(%x: tensor<?xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'ttc.linear' op takes 'tensor<?xf32>', but the last dimension, its features, must be there and static}}
  %0 = ttc.linear "l" (%x) : tensor<?xf32> -> tensor<2xf32>
  ttc.return %0 : tensor<2xf32>
}

// -----

ttc.model @linear_changes_the_rank(%x: tensor<?x4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'ttc.linear' op makes 'tensor<2xf32>' of 'tensor<?x4xf32>', but it changes the size of the last dimension only}}
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<2xf32>
  ttc.return %0 : tensor<2xf32>
}

// -----

ttc.model @linear_changes_the_batch(%x: tensor<?x4xf32>) -> tensor<8x2xf32> {
  // expected-error @+1 {{'ttc.linear' op makes 'tensor<8x2xf32>' of 'tensor<?x4xf32>', but it changes the size of the last dimension only}}
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<8x2xf32>
  ttc.return %0 : tensor<8x2xf32>
}

// -----

ttc.model @linear_with_dynamic_features(%x: tensor<4xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.linear' op makes 'tensor<?xf32>' of 'tensor<4xf32>', but it changes the size of the last dimension only}}
  %0 = ttc.linear "l" (%x) : tensor<4xf32> -> tensor<?xf32>
  ttc.return %0 : tensor<?xf32>
}

// -----

ttc.model @linear_of_integers(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %i = arith.fptosi %x : tensor<?x4xf32> to tensor<?x4xi32>
  // expected-error @+1 {{'ttc.linear' op operand #0 must be ranked tensor of floats (f32 or f64, f16 or bf16 where they are stored) whose leading size alone may be dynamic, with 2^38 elements at most, but got 'tensor<?x4xi32>'}}
  %0 = ttc.linear "l" (%i) : tensor<?x4xi32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

ttc.model @relu_with_alpha(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.activation' op relu takes no alpha: leaky_relu, elu and celu do}}
  %0 = ttc.activation relu (%x) alpha(0.1) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// M10
ttc.model @alpha_is_infinite(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.activation' op has an alpha that is not a finite number}}
  %0 = ttc.activation elu (%x) alpha(0x7FF0000000000000) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// M10
ttc.model @alpha_is_nan(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.activation' op has an alpha that is not a finite number}}
  %0 = ttc.activation leaky_relu (%x) alpha(0x7FF8000000000000) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.model @unknown_activation(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+2 {{to be one of: relu, leaky_relu, elu, gelu, gelu_tanh, silu, tanh, sigmoid, softplus, hardtanh, hardsigmoid, hardswish, mish, selu, celu, relu6, softsign, logsigmoid, tanhshrink}}
  // expected-error @+1 {{failed to parse TTC_ActivationAttr}}
  %0 = ttc.activation swish (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.model @softmax_of_a_scalar(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{'ttc.softmax' op has its classes along dimension -1, but its input has rank 0}}
  %0 = ttc.softmax (%x) : tensor<f32>
  ttc.return %0 : tensor<f32>
}

// -----

ttc.model @softmax_over_the_batch(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.softmax' op has its classes along dimension -1, whose size is dynamic: it must be static}}
  %0 = ttc.softmax (%x) : tensor<?xf32>
  ttc.return %0 : tensor<?xf32>
}

// -----

// M12
ttc.model @flatten_out_of_range(%x: tensor<?x4x4xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{'ttc.flatten' op flattens dimensions 1 to 3, but its input has rank 3}}
  %0 = ttc.flatten (%x) dims(1, 3) : tensor<?x4x4xf32> -> tensor<?x16xf32>
  ttc.return %0 : tensor<?x16xf32>
}

// -----

ttc.model @flatten_backwards(%x: tensor<?x4x4xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{'ttc.flatten' op flattens dimensions -1 to 1, but its input has rank 3}}
  %0 = ttc.flatten (%x) dims(-1, 1) : tensor<?x4x4xf32> -> tensor<?x16xf32>
  ttc.return %0 : tensor<?x16xf32>
}

// -----

ttc.model @flatten_the_batch(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.flatten' op flattens the dynamic batch into another dimension}}
  %0 = ttc.flatten (%x) dims(0, 1) : tensor<?x4xf32> -> tensor<?xf32>
  ttc.return %0 : tensor<?xf32>
}

// -----

ttc.model @flatten_to_another_size(%x: tensor<?x4x4xf32>) -> tensor<?x15xf32> {
  // expected-error @+1 {{'ttc.flatten' op makes 'tensor<?x15xf32>' of 'tensor<?x4x4xf32>', expected 'tensor<?x16xf32>'}}
  %0 = ttc.flatten (%x) dims(1, -1) : tensor<?x4x4xf32> -> tensor<?x15xf32>
  ttc.return %0 : tensor<?x15xf32>
}

// -----

ttc.model @path_with_a_zero_byte(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  // expected-error @+1 {{'ttc.linear' op has the path 'a\00b', which has a zero byte: a name in C ends there}}
  %0 = ttc.linear "a\00b" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

ttc.model @path_that_is_no_text(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  // expected-error @+1 {{'ttc.linear' op has the path 'a\FF', which is not UTF-8 from byte 1 on: no file of weights or states could hold it}}
  %0 = ttc.linear "a\FF" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}
