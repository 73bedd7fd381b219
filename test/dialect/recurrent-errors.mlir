// Which shapes and attributes do recurrent layers refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @rnn_without_a_path(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.rnn' op has an empty path: what it owns would have no name}}
  %0 = ttc.rnn gru "" (%x) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @rnn_out_of_range(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.rnn' op has its features along dimension 2, but its input has rank 2}}
  %0 = ttc.rnn gru "r" (%x) dim(2) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @rnn_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.rnn' op has its features along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.rnn lstm "r" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @rnn_changes_another_size(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.rnn' op makes 'tensor<?x3x6xf32>' of 'tensor<?x4x5xf32>', but it changes the size of dimension 1 only}}
  %0 = ttc.rnn simple "r" (%x) dim(1) : tensor<?x4x5xf32> -> tensor<?x3x6xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @rnn_changes_the_rank(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.rnn' op makes 'tensor<4xf32>' of 'tensor<?x4xf32>', but it changes the size of dimension -1 only}}
  %0 = ttc.rnn simple "r" (%x) : tensor<?x4xf32> -> tensor<4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @torch_rnn_of_scalars(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{'ttc.torch_rnn' op has its features along dimension -1, but its input has rank 0}}
  %0 = ttc.torch_rnn gru "r" (%x) hidden(4) : tensor<f32>
  ttc.return %x : tensor<f32>
}

// -----

ttc.model @torch_rnn_without_layers(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op has 0 layers, expected 1 to 1024}}
  %0 = ttc.torch_rnn gru "r" (%x) layers(0) hidden(4) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @torch_rnn_without_units(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op has a hidden size of -1, expected 1 to 1073741824}}
  %0 = ttc.torch_rnn gru "r" (%x) hidden(-1) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @layers_beyond_number(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op has 1000000000 layers, expected 1 to 1024}}
  %0 = ttc.torch_rnn gru "r" (%x) layers(1000000000) hidden(4) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @cell_of_two_layers(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op is a cell, which is one layer, of 2 layers}}
  %0 = ttc.torch_rnn gru "r" (%x) layers(2) hidden(4) cell : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @gru_with_a_projection(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op makes 4 features of a hidden size of 8, which an lstm that is no cell does alone}}
  %0 = ttc.torch_rnn gru "r" (%x) hidden(8) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @cell_with_a_projection(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op makes 4 features of a hidden size of 8, which an lstm that is no cell does alone}}
  %0 = ttc.torch_rnn lstm "r" (%x) hidden(8) cell : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @projection_that_grows(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.torch_rnn' op projects a hidden size of 3 to 4 features, expected fewer}}
  %0 = ttc.torch_rnn lstm "r" (%x) hidden(3) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}
