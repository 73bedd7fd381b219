// Does a model in double precision run, resume, and come close to that in single?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: sed s/f64/f32/g %s > single.mlir
// RUN: ttc single.mlir --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 20 3 40
// RUN: ttc single.mlir -o libsingle.so
// RUN: ttc-run ./libsingle.so --weights net.safetensors --input x.npy --output single.npy

// Weights and inputs of single precision are widened, exactly.
// RUN: ttc %s -o libdouble.so
// RUN: ttc-run ./libdouble.so --weights net.safetensors --input x.npy --output double.npy --save-states s.safetensors
// RUN: %python %S/Inputs/compare_precisions.py double.npy single.npy 1200 | FileCheck %s --check-prefix=CLOSE
// CLOSE: close but not the same
// RUN: ttc-state list s.safetensors | FileCheck %s --check-prefix=STATES
// STATES: n.mem F64 [3,20]
// RUN: ttc-run ./libdouble.so --weights net.safetensors --input x.npy --steps 9 --save-states half.safetensors
// RUN: ttc-run ./libdouble.so --weights net.safetensors --input x.npy --skip 9 --load-states half.safetensors --compare double.npy --exact

// Functions of doubles are the C library's.
// RUN: ttc %s --emit=obj -o net.o && llvm-nm --undefined-only net.o | FileCheck %s --check-prefix=CALLS
// CALLS: U exp
// CALLS: U tanh
ttc.model @net(%x: tensor<?x40xf64>) -> tensor<?x20xf64> {
  %0 = ttc.linear "l" (%x) : tensor<?x40xf64> -> tensor<?x20xf64>
  %1 = ttc.neuron LIB "n" (%0) : tensor<?x20xf64>
  %2 = ttc.activation tanh (%1) : tensor<?x20xf64>
  %3 = ttc.softmax (%2) : tensor<?x20xf64>
  ttc.return %3 : tensor<?x20xf64>
}
