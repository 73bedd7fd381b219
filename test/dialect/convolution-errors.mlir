// Which kernels, channels and sizes do convolutions refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @kernel_without_sizes(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has a kernel without sizes}}
  %0 = ttc.conv "c" (%x) kernel([]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @kernel_of_size_zero(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has the kernel [3, 0], expected numbers from 1 to 1073741824}}
  %0 = ttc.conv "c" (%x) kernel([3, 0]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @stride_of_another_rank(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has the stride [1], expected 2 numbers, one for each size of the kernel [3, 3]}}
  %0 = ttc.conv "c" (%x) kernel([3, 3]) stride([1]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @padding_below_zero(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has the padding [1, -1], expected numbers from 0 to 1073741824}}
  %0 = ttc.conv "c" (%x) kernel([3, 3]) padding([1, -1]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @padding_behind_of_another_rank(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has the padding [1], expected 2 numbers, one for each size of the kernel [3, 3]}}
  %0 = ttc.conv "c" (%x) kernel([3, 3]) padding([1, 1], [1]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @more_sizes_than_dimensions(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
  // expected-error @+1 {{'ttc.conv' op slides a window over 2 dimensions of 'tensor<?x6xf32>', which has too few}}
  %0 = ttc.conv "c" (%x) kernel([3, 3]) : tensor<?x6xf32>
  ttc.return %x : tensor<?x6xf32>
}

// -----

ttc.model @window_along_the_batch(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.pool' op slides a window along the dynamic batch of 'tensor<?xf32>'}}
  %0 = ttc.pool max (%x) kernel([1]) : tensor<?xf32>
  ttc.return %x : tensor<?xf32>
}

// -----

ttc.model @channels_in_the_batch(%x: tensor<?x8x8xf32>) -> tensor<?x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op makes 'tensor<?x8x8xf32>' of 'tensor<?x8x8xf32>', expected a static number of channels in front of the 2 spatial dimensions of each}}
  %0 = ttc.conv "c" (%x) kernel([1, 1]) : tensor<?x8x8xf32>
  ttc.return %x : tensor<?x8x8xf32>
}

// -----

ttc.model @groups_that_do_not_divide(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has 4 groups, which do not divide 6 and 6 channels}}
  %0 = ttc.conv "c" (%x) kernel([1, 1]) groups(4) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @no_groups(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has 0 groups, which do not divide 6 and 6 channels}}
  %0 = ttc.conv "c" (%x) kernel([1, 1]) groups(0) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @kernel_larger_than_the_input(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op has a window of 9, 1, which does not fit 'tensor<?x6x8x8xf32>'}}
  %0 = ttc.conv "c" (%x) kernel([9, 1]) : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @result_of_another_size(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op makes 'tensor<?x4x4x5xf32>' of 'tensor<?x6x8x8xf32>', expected 'tensor<?x4x4x4xf32>'}}
  %0 = ttc.conv "c" (%x) kernel([3, 3]) stride([2, 2]) padding([1, 1]) : tensor<?x6x8x8xf32> -> tensor<?x4x4x5xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @too_much_output_padding(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // expected-error @+1 {{'ttc.conv' op makes 'tensor<?x6x16x18xf32>' of 'tensor<?x6x8x8xf32>', expected 'tensor<?x6x16x16xf32>'}}
  %0 = ttc.conv "c" (%x) kernel([2, 2]) stride([2, 2]) transposed : tensor<?x6x8x8xf32> -> tensor<?x6x16x18xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// -----

ttc.model @transposed_to_nothing(%x: tensor<?x6x1xf32>) -> tensor<?x6x1xf32> {
  // expected-error @+1 {{'ttc.conv' op has a window of 3, which does not fit 'tensor<?x6x1xf32>'}}
  %0 = ttc.conv "c" (%x) kernel([3]) padding([2]) transposed : tensor<?x6x1xf32>
  ttc.return %x : tensor<?x6x1xf32>
}
