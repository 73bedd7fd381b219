// How must a parameter be declared, and what may use it?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{'ttc.param' op is both constrained and activated: a parameter has one form at a time}}
ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid) activated(sigmoid)

// -----

// expected-error @+1 {{'ttc.param' op has the type 'tensor<?x4xf32>', but the shape of a parameter is static}}
ttc.param @"l.weight" : tensor<?x4xf32>

// -----

// expected-error @+1 {{'ttc.param' op attribute 'type' failed to satisfy constraint: type attribute of ranked tensor of floats (f32 or f64, f16 or bf16 where they are stored) whose leading size alone may be dynamic, with 2^38 elements at most}}
ttc.param @"l.weight" : tensor<4x4xi32>

// -----

// expected-error @+1 {{'ttc.param' op is constrained, so its key must be '<path>.raw_<name>'}}
ttc.param @"n.beta" : tensor<4xf32> constrained(sigmoid)

// -----

// expected-error @+1 {{'ttc.param' op is constrained, so its key must be '<path>.raw_<name>'}}
ttc.param @raw_beta : tensor<4xf32> constrained(sigmoid)

// -----

// expected-error @+1 {{'ttc.param' op is activated, so its key must be '<path>.<name>'}}
ttc.param @"n.raw_beta" : tensor<4xf32> activated(sigmoid)

// -----

// expected-error @+1 {{'ttc.param' op is activated, so its key must be '<path>.<name>'}}
ttc.param @beta : tensor<4xf32> activated(sigmoid)

// -----

// expected-note @+1 {{see existing symbol definition here}}
ttc.param @"l.weight" : tensor<4x4xf32>
// expected-error @+1 {{redefinition of symbol named 'l.weight'}}
ttc.param @"l.weight" : tensor<4x4xf32>

// -----

ttc.model @declared_inside(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.param' op expects parent op 'builtin.module'}}
  ttc.param @b : tensor<4xf32>
  ttc.return %x : tensor<4xf32>
}

// -----

ttc.model @undeclared(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.param_value' op uses @b, but no ttc.param declares it}}
  %b = ttc.param_value @b : tensor<4xf32>
  ttc.return %b : tensor<4xf32>
}

// -----

ttc.state @b : tensor<4xf32>
ttc.model @a_state_for_a_param(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.param_value' op uses @b, but no ttc.param declares it}}
  %b = ttc.param_value @b : tensor<4xf32>
  ttc.return %b : tensor<4xf32>
}

// -----

ttc.param @b : tensor<8xf32>
ttc.model @another_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.param_value' op has the type 'tensor<4xf32>', but @b is declared with 'tensor<8xf32>'}}
  %b = ttc.param_value @b : tensor<4xf32>
  ttc.return %b : tensor<4xf32>
}

// -----

// expected-error @+1 {{'ttc.param' op has the key 'n\FF', which is not UTF-8 from byte 1 on: no file of weights or states could hold it}}
ttc.param @"n\FF" : tensor<4xf32>
