// Which changes of shape are refused?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @reshape_loses_elements(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.reshape' op makes 'tensor<?x3xf32>' of 'tensor<?x4xf32>', which has other elements}}
  %0 = ttc.reshape (%x) : tensor<?x4xf32> -> tensor<?x3xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @reshape_moves_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.reshape' op makes 'tensor<4xf32>' of 'tensor<?x4xf32>', but a dynamic batch stays the leading dimension}}
  %0 = ttc.reshape (%x) : tensor<?x4xf32> -> tensor<4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @reshape_makes_a_batch(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error @+1 {{'ttc.reshape' op makes 'tensor<?x4xf32>' of 'tensor<8x4xf32>', but a dynamic batch stays the leading dimension}}
  %0 = ttc.reshape (%x) : tensor<8x4xf32> -> tensor<?x4xf32>
  ttc.return %x : tensor<8x4xf32>
}

// -----

ttc.model @permute_names_a_dimension_twice(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.permute' op has the order [0, 1, 1], expected each dimension of 'tensor<?x4x5xf32>' once}}
  %0 = ttc.permute (%x) [0, 1, 1] : tensor<?x4x5xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @permute_names_too_few(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.permute' op has the order [0, 1], expected each dimension of 'tensor<?x4x5xf32>' once}}
  %0 = ttc.permute (%x) [0, 1] : tensor<?x4x5xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @permute_moves_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.permute' op moves the dynamic batch of 'tensor<?x4xf32>' away from the front}}
  %0 = ttc.permute (%x) [1, 0] : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @permute_makes_another_shape(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.permute' op makes 'tensor<?x4x5xf32>' of 'tensor<?x4x5xf32>', expected 'tensor<?x5x4xf32>'}}
  %0 = ttc.permute (%x) [0, 2, 1] : tensor<?x4x5xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @slice_of_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.slice' op has its slice along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.slice (%x) dim(0) start(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @slice_changes_another_size(%x: tensor<?x4x5xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.slice' op makes 'tensor<?x4x3xf32>' of 'tensor<?x4x5xf32>', but it changes the size of dimension 1 only}}
  %0 = ttc.slice (%x) dim(1) start(0) : tensor<?x4x5xf32> -> tensor<?x4x3xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @slice_beyond_the_end(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.slice' op takes 3 elements from 1 on in steps of 2, but dimension -1 of its input has 4}}
  %0 = ttc.slice (%x) dim(-1) start(1) step(2) : tensor<?x4xf32> -> tensor<?x3xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @slice_backwards(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.slice' op takes 3 elements from 3 on in steps of -1, but dimension 1 of its input has 4}}
  %0 = ttc.slice (%x) dim(1) start(3) step(-1) : tensor<?x4xf32> -> tensor<?x3xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @slice_from_the_end(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.slice' op takes 1 elements from -1 on in steps of 1, but dimension 1 of its input has 4}}
  %0 = ttc.slice (%x) dim(1) start(-1) : tensor<?x4xf32> -> tensor<?x1xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @concat_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.concat' op has its parts along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.concat (%x, %x) dim(0) : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @concat_of_two_shapes(%x: tensor<?x4x5xf32>, %y: tensor<?x4x6xf32>) -> tensor<?x4x5xf32> {
  // expected-error @+1 {{'ttc.concat' op puts 'tensor<?x4x6xf32>', its input 1, behind 'tensor<?x4x5xf32>', which differs in more than the size of dimension 1}}
  %0 = ttc.concat (%x, %y) dim(1) : tensor<?x4x5xf32>, tensor<?x4x6xf32> -> tensor<?x8x5xf32>
  ttc.return %x : tensor<?x4x5xf32>
}

// -----

ttc.model @concat_of_another_size(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.concat' op makes 'tensor<?x7xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x8xf32>'}}
  %0 = ttc.concat (%x, %x) dim(1) : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x7xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @concat_of_nothing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.concat' op puts nothing together, expected a tensor at least}}
  %0 = "ttc.concat"() <{dim = 1 : i64}> : () -> tensor<?x7xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @broadcast_of_another_size(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.broadcast' op makes 'tensor<?x8xf32>' of 'tensor<?x4xf32>', but only sizes of 1, and dimensions that are missing in front, grow}}
  %0 = ttc.broadcast (%x) : tensor<?x4xf32> -> tensor<?x8xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @broadcast_to_fewer_dimensions(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // expected-error @+1 {{'ttc.broadcast' op makes 'tensor<4xf32>' of 'tensor<1x4xf32>', but only sizes of 1, and dimensions that are missing in front, grow}}
  %0 = ttc.broadcast (%x) : tensor<1x4xf32> -> tensor<4xf32>
  ttc.return %x : tensor<1x4xf32>
}

// -----

ttc.model @broadcast_to_a_batch_that_is_not_there(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.broadcast' op makes 'tensor<?x4xf32>', but no input of the model has a dynamic batch}}
  %0 = ttc.broadcast (%x) : tensor<4xf32> -> tensor<?x4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.model @pad_of_too_few_dimensions(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.pad' op pads [0] in front and [0, 1] behind, expected 2 numbers each, one for each dimension}}
  %0 = ttc.pad (%x) low([0]) high([0, 1]) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @pad_by_less_than_nothing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.pad' op pads dimension 1 by -1 and 1, expected numbers that are not negative}}
  %0 = ttc.pad (%x) low([0, -1]) high([0, 1]) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @pad_of_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.pad' op pads the dynamic batch of 'tensor<?x4xf32>'}}
  %0 = ttc.pad (%x) low([1, 0]) high([0, 0]) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @pad_of_too_much(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.pad' op pads dimension 1 by 9223372036854775807 and 0, which is too much}}
  %0 = ttc.pad (%x) low([0, 9223372036854775807]) high([0, 0]) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @pad_to_another_size(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.pad' op makes 'tensor<?x5xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x6xf32>'}}
  %0 = ttc.pad (%x) low([0, 1]) high([0, 1]) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}
