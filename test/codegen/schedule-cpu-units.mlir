// Does the schedule follow the vector unit that it is given?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="lanes=8 registers=16" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FMA
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="lanes=8 registers=16 fma=false" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,NO-FMA

// A tile of 16 registers of 8 floats.
// CHECK: ttc.scratch_size = #ttc.bytes<512 + 0 * batch>
// CHECK-LABEL: func.func @net.step(
ttc.model @net(%x: tensor<8xf32>) -> tensor<64xf32> {
  // Eight of them accumulate.
  // CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  // FMA-COUNT-8: vector.fma
  // FMA-NOT: vector.fma
  // NO-FMA-NOT: vector.fma
  // NO-FMA: %[[PRODUCT:.*]] = arith.mulf %{{.*}}, %{{.*}} : vector<8xf32>
  // NO-FMA-NEXT: arith.addf %[[PRODUCT]], %{{.*}} : vector<8xf32>
  // CHECK: scf.yield
  %0 = ttc.linear "l" (%x) : tensor<8xf32> -> tensor<64xf32>
  ttc.return %0 : tensor<64xf32>
}
