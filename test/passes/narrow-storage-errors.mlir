// Which models and types does narrow storage refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-narrow-storage --verify-diagnostics
// RUN: tt-opt %s --split-input-file "--ttc-narrow-storage=states=f32 weights=int8" --verify-diagnostics
// RUN: not tt-opt %s --split-input-file --ttc-narrow-storage=states=int8 2>&1 | FileCheck %s --check-prefix=STATES
// RUN: not tt-opt %s --split-input-file --ttc-narrow-storage=weights=i4 2>&1 | FileCheck %s --check-prefix=WEIGHTS

// STATES: error: states are stored as f32, bf16 or f16, not as 'int8'
// WEIGHTS: error: packed weights are stored as f32, bf16, f16 or int8, not as 'i4'

// expected-error @+1 {{computes in f64: narrower states or weights would give that up; leave out the narrow storage}}
ttc.model @f64(%x: tensor<?x4xf64>) -> tensor<?x4xf64> {
  ttc.return %x : tensor<?x4xf64>
}

// -----

// The inputs may be numbers of rows alone.
// expected-error @+1 {{computes in f64: narrower states or weights would give that up; leave out the narrow storage}}
ttc.model @f64_outputs_alone(%ids: tensor<?xi64>) -> tensor<?x4xf64> {
  %0 = ttc.embedding "e" (%ids) rows(10) : tensor<?xi64> -> tensor<?x4xf64>
  ttc.return %0 : tensor<?x4xf64>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
}
