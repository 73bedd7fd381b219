// Which dimensions, groups and eps do normalizations refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @batch_norm_out_of_range(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'ttc.batch_norm' op has its channels along dimension 1, but its input has rank 1}}
  %0 = ttc.batch_norm "n" (%x) : tensor<?xf32>
  ttc.return %x : tensor<?xf32>
}

// -----

ttc.model @batch_norm_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.batch_norm' op has its channels along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.batch_norm "n" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @eps_below_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.batch_norm' op has an eps of -1.000000e-01, expected a finite number from 0 on}}
  %0 = ttc.batch_norm "n" (%x) eps(-0.1) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @eps_that_is_not_a_number(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.layer_norm' op has an eps of nan, expected a finite number from 0 on}}
  %0 = ttc.layer_norm "n" (%x) eps(0x7FF8000000000000) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @layer_norm_over_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.layer_norm' op normalizes over the dynamic batch of 'tensor<?x4xf32>'}}
  %0 = ttc.layer_norm "n" (%x) dims(2) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @layer_norm_of_no_dimension(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.layer_norm' op normalizes the last 0 dimensions of 'tensor<?x4xf32>'}}
  %0 = ttc.layer_norm "n" (%x) dims(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @rms_norm_of_too_many_dimensions(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @+1 {{'ttc.rms_norm' op normalizes the last 3 dimensions of 'tensor<4x4xf32>'}}
  %0 = ttc.rms_norm "n" (%x) dims(3) : tensor<4x4xf32>
  ttc.return %x : tensor<4x4xf32>
}

// -----

ttc.model @rms_norm_changes_its_type(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.rms_norm' op makes 'tensor<?x5xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x4xf32>'}}
  %0 = ttc.rms_norm "n" (%x) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @groups_that_do_not_divide(%x: tensor<?x6x4xf32>) -> tensor<?x6x4xf32> {
  // expected-error @+1 {{'ttc.group_norm' op has 4 groups, which do not divide 6 channels}}
  %0 = ttc.group_norm "n" (%x) groups(4) : tensor<?x6x4xf32>
  ttc.return %x : tensor<?x6x4xf32>
}

// -----

ttc.model @group_norm_without_a_path(%x: tensor<?x6x4xf32>) -> tensor<?x6x4xf32> {
  // expected-error @+1 {{'ttc.group_norm' op has an empty path: what it owns would have no name}}
  %0 = ttc.group_norm "" (%x) groups(3) : tensor<?x6x4xf32>
  ttc.return %x : tensor<?x6x4xf32>
}
