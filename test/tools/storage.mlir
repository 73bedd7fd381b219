// Does a model with states and weights in 16 bits run, resume, and come close to that in 32?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 20 2 64
// RUN: ttc %s -o libwide.so
// RUN: ttc-run ./libwide.so --weights net.safetensors --input x.npy --output wide.npy --save-states wide.safetensors

// The weights file is the same; the states are what they are stored as, their sum is rounded
// once a timestep.
// RUN: ttc %s --storage=bf16 -o libbf16.so
// RUN: ttc-run ./libbf16.so --weights net.safetensors --input x.npy --compare wide.npy --rtol=0 --atol=0.2 --save-states bf16.safetensors
// RUN: not ttc-run ./libbf16.so --weights net.safetensors --input x.npy --compare wide.npy --exact
// RUN: ttc-state list bf16.safetensors | FileCheck %s --check-prefix=BF16
// BF16: n.mem BF16 [2,32]
// RUN: ttc %s --storage=f16 --weights net.safetensors -o libf16.so
// RUN: ttc-run ./libf16.so --input x.npy --compare wide.npy --rtol=0 --atol=0.03
// RUN: not ttc-run ./libf16.so --input x.npy --compare wide.npy --exact

// Weights that are short numbers already are the same: what differs is what states round.
// RUN: ttc-run ./libbf16.so --weights net.safetensors --input x.npy --steps 1 --compare wide.npy --exact

// A run that is taken up again has the same bits, and the states of another storage are refused.
// RUN: ttc-run ./libbf16.so --weights net.safetensors --input x.npy --output whole.npy
// RUN: ttc-run ./libbf16.so --weights net.safetensors --input x.npy --steps 7 --save-states half.safetensors
// RUN: ttc-run ./libbf16.so --weights net.safetensors --input x.npy --skip 7 --load-states half.safetensors --compare whole.npy --exact
// RUN: not ttc-run ./libbf16.so --weights net.safetensors --input x.npy --load-states wide.safetensors 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: error: {{.*}}wide.safetensors
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %0 = ttc.linear "l" (%x) no_bias : tensor<?x64xf32> -> tensor<?x32xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x32xf32>
  ttc.return %1 : tensor<?x32xf32>
}
