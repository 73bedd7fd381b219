// Which shapes and attributes do state-space layers refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @s4_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.s4' op has its features along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.s4 "s" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @s4_changes_its_type(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.s4' op makes 'tensor<?x5xf32>' of 'tensor<?x4xf32>', expected 'tensor<?x4xf32>'}}
  %0 = ttc.s4 "s" (%x) : tensor<?x4xf32> -> tensor<?x5xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @s5_without_a_state(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.s5' op has a d_state of 0, expected 1 to 1073741824}}
  %0 = ttc.s5 "s" (%x) d_state(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @s6_without_a_timestep(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.s6' op has a dt_rank of 0, expected 1 to 1073741824}}
  %0 = ttc.s6 "s" (%x) dt_rank(0) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @state_beyond_memory(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.s6' op has a d_state of 9223372036854775807, expected 1 to 1073741824}}
  %0 = ttc.s6 "s" (%x) d_state(9223372036854775807) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @kernel_below_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.mamba' op has a conv_kernel of -1, expected 0 to 1073741824}}
  %0 = ttc.mamba "m" (%x) conv_kernel(-1) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @mamba_without_a_path(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.mamba' op has an empty path: what it owns would have no name}}
  %0 = ttc.mamba "" (%x) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}

// -----

ttc.model @mamba_without_a_state(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.mamba' op has a d_state of -2, expected 1 to 1073741824}}
  %0 = ttc.mamba "m" (%x) d_state(-2) : tensor<?x4xf32>
  ttc.return %x : tensor<?x4xf32>
}
