// Which windows and sizes do pools refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @padding_beyond_half_a_window(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.pool' op pads [1, 2] and [1, 2], expected half of a window at most}}
  %0 = ttc.pool max (%x) kernel([3, 3]) padding([1, 2]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @maximum_that_excludes_its_padding(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.pool' op excludes its padding, which an average does alone}}
  %0 = ttc.pool max (%x) kernel([3, 3]) exclude_padding : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @window_larger_than_the_input(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.pool' op has a window of 9, 9, which does not fit 'tensor<?x6x8x8xf32>'}}
  %0 = ttc.pool average (%x) kernel([9, 9]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @result_of_another_size(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.pool' op makes 'tensor<?x6x4x5xf32>' of 'tensor<?x6x8x8xf32>', expected 'tensor<?x6x4x4xf32>'}}
  %0 = ttc.pool max (%x) kernel([2, 2]) : tensor<?x6x8x8xf32> -> tensor<?x6x4x5xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @one_window_too_many(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.pool' op makes 'tensor<?x6x4x3xf32>' of 'tensor<?x6x8x8xf32>', expected 'tensor<?x6x3x3xf32>'}}
  %0 = ttc.pool max (%x) kernel([2, 2]) stride([3, 3]) : tensor<?x6x8x8xf32> -> tensor<?x6x4x3xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @adaptive_pool_of_the_batch(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.adaptive_pool' op makes 'tensor<1x6x4x4xf32>' of 'tensor<?x6x8x8xf32>', but it changes static sizes only}}
  %0 = ttc.adaptive_pool max (%x) : tensor<?x6x8x8xf32> -> tensor<1x6x4x4xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @mask_beyond_memory(%x: tensor<1000001xf32>) -> tensor<1000001xf32> {
  // expected-error @+1 {{'ttc.adaptive_pool' op shares 1000001 elements out to 1000 windows of several sizes, which is too many}}
  %0 = ttc.adaptive_pool average (%x) : tensor<1000001xf32> -> tensor<1000xf32>
  ttc.return %x : tensor<1000001xf32>
}

// -----

ttc.model @adaptive_pool_of_another_rank(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.adaptive_pool' op makes 'tensor<?x6xf32>' of 'tensor<?x6x8x8xf32>', but it changes static sizes only}}
  %0 = ttc.adaptive_pool average (%x) : tensor<?x6x8x8xf32> -> tensor<?x6xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}
