// Which models and types does narrow storage refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-narrow-storage --verify-diagnostics
// RUN: not tt-opt %s --split-input-file --ttc-narrow-storage=type=f8 2>&1 | FileCheck %s --check-prefix=TYPE

// TYPE: error: states and weights are stored as bf16 or f16, not as 'f8'

// expected-error @+1 {{computes in f64: storing its states and weights in 16 bits would give that up; leave out the narrow storage}}
ttc.model @f64(%x: tensor<?x4xf64>) -> tensor<?x4xf64> {
  ttc.return %x : tensor<?x4xf64>
}

// -----

// The inputs may be numbers of rows alone.
// expected-error @+1 {{computes in f64: storing its states and weights in 16 bits would give that up; leave out the narrow storage}}
ttc.model @f64_outputs_alone(%ids: tensor<?xi64>) -> tensor<?x4xf64> {
  %0 = ttc.embedding "e" (%ids) rows(10) : tensor<?xi64> -> tensor<?x4xf64>
  ttc.return %0 : tensor<?x4xf64>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
}
