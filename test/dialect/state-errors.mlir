// How must a state be declared, and what may read and write it?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{'ttc.state' op attribute 'type' failed to satisfy constraint: type attribute of ranked tensor of floats whose leading size, or, in a stack, second size alone may be dynamic, with 2^38 elements at most}}
ttc.state @a_dynamic_third_size : tensor<2x4x?xf32>

// -----

// M14. Two states of one name.
// expected-note @+1 {{see existing symbol definition here}}
ttc.state @"n.mem" : tensor<4xf32>
// expected-error @+1 {{redefinition of symbol named 'n.mem'}}
ttc.state @"n.mem" : tensor<4xf32>

// -----

ttc.model @declared_inside(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.state' op expects parent op 'builtin.module'}}
  ttc.state @mem : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.model @reads_what_is_not_there(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.read' op names @mem, but no ttc.state declares it}}
  %0 = ttc.read @mem : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @w : tensor<4xf32>
ttc.model @writes_a_param(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.write' op names @w, but no ttc.state declares it}}
  ttc.write %x, @w : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.state @mem : tensor<?x4xf32>
ttc.model @reads_another_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.read' op has the type 'tensor<4xf32>', but @mem is declared with 'tensor<?x4xf32>'}}
  %0 = ttc.read @mem : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.state @mem : tensor<?x4xf32>
ttc.model @writes_another_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.write' op has the type 'tensor<4xf32>', but @mem is declared with 'tensor<?x4xf32>'}}
  ttc.write %x, @mem : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.state' op attribute 'type' failed to satisfy constraint}}
ttc.state @two_dynamic_sizes : tensor<?x?x4xf32>

// -----

ttc.state @h : tensor<2x?x4xf32>
ttc.model @reads_a_place_behind_the_last(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.read' op names place 2 of @h, which is declared with 'tensor<2x?x4xf32>'}}
  %0 = ttc.read @h[2] : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.state @h : tensor<?x4xf32>
ttc.model @writes_a_place_of_the_batch(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.write' op names place 0 of @h, which is declared with 'tensor<?x4xf32>'}}
  ttc.write %x, @h[0] : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.state @h : tensor<2x?x4xf32>
ttc.model @writes_a_place_of_another_type(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // expected-error @+1 {{'ttc.write' op has the type 'tensor<?x3xf32>', but each place of @h has the type 'tensor<?x4xf32>'}}
  ttc.write %x, @h[1] : tensor<?x3xf32>
  ttc.return %x : tensor<?x3xf32>
}

// -----

// expected-error @+1 {{'ttc.state' op has the key 'n\00m', which has a zero byte: a name in C ends there}}
ttc.state @"n\00m" : tensor<4xf32>
