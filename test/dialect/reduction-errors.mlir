// Which dimensions do sums and largest elements refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @sum_over_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.aggregate' op has its elements along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.aggregate sum (%x) dims([0]) : tensor<?x4xf32> -> tensor<4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @sum_out_of_range(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.aggregate' op has its elements along dimension 2, but its input has rank 2}}
  %0 = ttc.aggregate sum (%x) dims([2]) : tensor<?x4xf32> -> tensor<4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @sum_over_a_dimension_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.aggregate' op names a dimension twice in [1, -1]}}
  %0 = ttc.aggregate sum (%x) dims([1, -1]) : tensor<?x4xf32> -> tensor<?xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @mean_to_another_shape(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.aggregate' op makes 'tensor<?x4xf32>' of 'tensor<?x4x5xf32>', expected 'tensor<?x5xf32>'}}
  %0 = ttc.aggregate mean (%x) dims([1]) : tensor<?x4x5xf32> -> tensor<?x4xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @max_that_is_kept(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.aggregate' op makes 'tensor<?x5xf32>' of 'tensor<?x4x5xf32>', expected 'tensor<?x1x5xf32>'}}
  %0 = ttc.aggregate max (%x) dims([1]) keep : tensor<?x4x5xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @log_softmax_over_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.log_softmax' op has its classes along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.log_softmax (%x) dim(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @softmax_changes_its_type(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.softmax' op makes 'tensor<?x5xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x4xf32>'}}
  %0 = ttc.softmax (%x) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}
