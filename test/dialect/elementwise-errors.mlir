// Which limits and types do layers of single elements refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @clamp_without_a_limit(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.clamp' op has neither a min nor a max: it limits nothing}}
  %0 = ttc.clamp (%x) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @clamp_to_what_is_not_a_number(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.clamp' op has a limit that is not a number}}
  %0 = ttc.clamp (%x) min(0x7FF8000000000000) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @activation_changes_its_type(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.activation' op makes 'tensor<?x5xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x4xf32>'}}
  %0 = ttc.activation relu (%x) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @beta_of_a_relu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.activation' op relu takes no beta and no threshold: softplus does}}
  %0 = ttc.activation relu (%x) beta(1.0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @threshold_that_is_infinite(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.activation' op has a threshold that is not a finite number}}
  %0 = ttc.activation softplus (%x) threshold(0x7FF0000000000000) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @softplus_divides_by_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.activation' op softplus divides by its beta, which is 0}}
  %0 = ttc.activation softplus (%x) beta(0.0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @celu_divides_by_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.activation' op celu divides by its alpha, which is 0}}
  %0 = ttc.activation celu (%x) alpha(-0.0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @prelu_out_of_range(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.prelu' op has its slopes along dimension -3, but its input has rank 2}}
  %0 = ttc.prelu "p" (%x) dim(-3) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @prelu_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.prelu' op has its slopes along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.prelu "p" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}
