// Do weights in 8 bits give nearly the same outputs, and does the driver say what they lose?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 20 2 64
// RUN: ttc %s -o libwide.so
// RUN: ttc-run ./libwide.so --weights net.safetensors --input x.npy --steps 10 --save-states wide.safetensors
// RUN: ttc-run ./libwide.so --weights net.safetensors --input x.npy --output wide.npy

// A scale is 5/8/127; a product is off by half of it times the 57 that an input's magnitudes
// add up to, 0.14 at most, and a membrane gathers ten times that at most. It is not the same.
// RUN: ttc %s --weights-storage=int8 -o libloaded.so
// RUN: ttc-run ./libloaded.so --weights net.safetensors --input x.npy --output int8.npy --compare wide.npy --rtol=0 --atol=1.4
// RUN: not ttc-run ./libloaded.so --weights net.safetensors --input x.npy --compare wide.npy --exact

// Weights that are embedded have the same bits, and the states of the model with f32 fit.
// RUN: ttc %s --weights-storage=int8 --weights net.safetensors -o libint8.so --report | FileCheck %s
// RUN: ttc-run ./libint8.so --input x.npy --compare int8.npy --exact
// RUN: ttc-run ./libint8.so --input x.npy --skip 10 --load-states wide.safetensors --compare wide.npy --rtol=0 --atol=1.4
// RUN: ttc-state list wide.safetensors | FileCheck %s --check-prefix=STATES
// STATES: n.mem F32 [2,32]

// A byte a weight, and 32 scales, and the neurons' decays.
// CHECK: l+n {{ *}}64 -> 32 {{ *}}2304 {{.*}} panels of {{.*}} a pass, weights int8
// CHECK: Weights as they are stored
// CHECK-NEXT: weights (Euclidean norms)
// CHECK-NEXT: matrix {{ *}}outputs {{ *}}inputs {{ *}}bytes {{ *}}worst row {{ *}}SNR
// CHECK-NEXT: l.weight {{ *}}32 {{ *}}64 {{ *}}2176 {{ *}}0.{{[1-9][0-9]*}} % {{ *}}{{4[0-9]}}.{{[0-9]}} dB

// Short numbers are themselves in 16 bits.
// RUN: ttc %s --weights-storage=bf16 --weights net.safetensors -o libbf16.so --report=json > bf16.json
// RUN: FileCheck %s --check-prefix=JSON --input-file=bf16.json
// RUN: ttc-run ./libbf16.so --input x.npy --compare wide.npy --exact
// JSON: "stored_weights": [
// JSON: "inputs": 64,
// JSON-NEXT: "matrix": "l.weight",
// JSON-NEXT: "not_finite_rows": 0,
// JSON-NEXT: "outputs": 32,
// JSON-NEXT: "snr_db": null,
// JSON-NEXT: "worst_row": 0
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %0 = ttc.linear "l" (%x) no_bias : tensor<?x64xf32> -> tensor<?x32xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x32xf32>
  ttc.return %1 : tensor<?x32xf32>
}
