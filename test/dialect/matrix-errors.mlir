// Which matrices and tables do products and embeddings refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @matmul_of_vectors(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.matmul' op multiplies 'tensor<4xf32>' by 'tensor<4xf32>', expected (…, m, k) by (…, k, n) or (k, n)}}
  %0 = ttc.matmul (%x, %x) : tensor<4xf32>, tensor<4xf32> -> tensor<f32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.model @matmul_over_other_sizes(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // expected-error @+1 {{'ttc.matmul' op multiplies 'tensor<?x3x4xf32>' by 'tensor<?x3x4xf32>', expected (…, m, k) by (…, k, n) or (k, n)}}
  %0 = ttc.matmul (%x, %x) : tensor<?x3x4xf32>, tensor<?x3x4xf32> -> tensor<?x3x4xf32>
  ttc.return %x : tensor<?x3x4xf32>
}

// -----

ttc.model @matmul_over_the_batch(%x: tensor<4x4xf32>, %y: tensor<?x4xf32>) -> tensor<4x4xf32> {
  // expected-error @+1 {{'ttc.matmul' op multiplies 'tensor<4x4xf32>' by 'tensor<?x4xf32>', expected (…, m, k) by (…, k, n) or (k, n)}}
  %0 = ttc.matmul (%x, %y) : tensor<4x4xf32>, tensor<?x4xf32> -> tensor<4x4xf32>
  ttc.return %x : tensor<4x4xf32>
}

// -----

ttc.model @matmul_of_two_batches(%x: tensor<?x4x4xf32>, %y: tensor<2x4x4xf32>) -> tensor<?x4x4xf32> {
  // expected-error @+1 {{'ttc.matmul' op multiplies 'tensor<?x4x4xf32>' by 'tensor<2x4x4xf32>', expected (…, m, k) by (…, k, n) or (k, n)}}
  %0 = ttc.matmul (%x, %y) : tensor<?x4x4xf32>, tensor<2x4x4xf32> -> tensor<?x4x4xf32>
  ttc.return %x : tensor<?x4x4xf32>
}

// -----

ttc.model @matmul_to_another_shape(%x: tensor<?x3x4xf32>, %y: tensor<4x5xf32>) -> tensor<?x3x4xf32> {
  // expected-error @+1 {{'ttc.matmul' op makes 'tensor<?x3x6xf32>' of 'tensor<?x3x4xf32>', expected 'tensor<?x3x5xf32>'}}
  %0 = ttc.matmul (%x, %y) : tensor<?x3x4xf32>, tensor<4x5xf32> -> tensor<?x3x6xf32>
  ttc.return %x : tensor<?x3x4xf32>
}

// -----

ttc.model @embedding_without_rows(%x: tensor<?xi64>) -> tensor<?xi64> {
  // expected-error @+1 {{'ttc.embedding' op has a table of 0 rows, expected 1 to 1073741824}}
  %0 = ttc.embedding "e" (%x) rows(0) : tensor<?xi64> -> tensor<?x4xf32>
  ttc.return %x : tensor<?xi64>
}

// -----

ttc.model @embedding_of_another_batch(%x: tensor<?xi64>) -> tensor<?xi64> {
  // expected-error @+1 {{'ttc.embedding' op makes 'tensor<8x4xf32>' of 'tensor<?xi64>', but it adds one static dimension at the end}}
  %0 = ttc.embedding "e" (%x) rows(9) : tensor<?xi64> -> tensor<8x4xf32>
  ttc.return %x : tensor<?xi64>
}

// -----

ttc.model @embedding_of_another_rank(%x: tensor<?xi64>) -> tensor<?xi64> {
  // expected-error @+1 {{'ttc.embedding' op makes 'tensor<?xf32>' of 'tensor<?xi64>', but it adds one static dimension at the end}}
  %0 = ttc.embedding "e" (%x) rows(9) : tensor<?xi64> -> tensor<?xf32>
  ttc.return %x : tensor<?xi64>
}

// -----

ttc.model @embedding_of_floats(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.embedding' op operand #0 must be ranked tensor of i64 or i32 whose leading size alone may be dynamic, with 2^38 elements at most, but got 'tensor<?xf32>'}}
  %0 = ttc.embedding "e" (%x) rows(9) : tensor<?xf32> -> tensor<?x4xf32>
  ttc.return %x : tensor<?xf32>
}
