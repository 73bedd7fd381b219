// How are products in bf16 computed, where pairs are multiplied at once and where they are not?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --ttc-to-threaded --ttc-convert-to-nests --ttc-narrow-products --ttc-fuse-timestep --ttc-prepare-weights --ttc-plan-states -o %t.mlir
// RUN: tt-opt %t.mlir --ttc-schedule-cpu=pairs=true --canonicalize --cse | FileCheck %s --check-prefixes=PAIRS
// RUN: tt-opt %t.mlir "--ttc-schedule-cpu=pairs=true lanes=8" --canonicalize --cse | FileCheck %s --check-prefix=HALF
// RUN: tt-opt %t.mlir --ttc-schedule-cpu --canonicalize --cse | FileCheck %s --check-prefix=SINGLE

// The two weights of a pair are neighbours: a column's lie behind those of the one before it.
// PAIRS-LABEL: func.func @net.prepare.entry(
// PAIRS: call @net.prepare.pack_f32_bf16x2(
// PAIRS-LABEL: func.func @net.prepare.pack_f32_bf16x2(
// PAIRS: %[[STEP:.*]] = arith.divui %[[K:.*]], %c2
// PAIRS: %[[SECOND:.*]] = arith.remui %[[K]], %c2
// PAIRS: arith.truncf %{{.*}} : f32 to bf16
// SINGLE-LABEL: func.func @net.prepare.pack_f32_bf16(
// SINGLE-NOT: divui

// Inputs are rounded, then read in pairs of 32 bits, one for all lanes. Events are pairs.
// PAIRS-LABEL: func.func @net.step(
// PAIRS: arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// PAIRS: vector.bitcast %{{.*}} : vector<32xbf16> to vector<16xi32>
// PAIRS: arith.cmpi ne
// PAIRS: llvm.call_intrinsic "llvm.experimental.vector.compress"
// PAIRS: %[[PAIR:.*]] = vector.load %[[X:.*]][%{{.*}}] : memref<?xbf16>, vector<2xbf16>
// PAIRS: %[[BITS:.*]] = vector.bitcast %[[PAIR]] : vector<2xbf16> to vector<1xi32>
// PAIRS: %[[ONE:.*]] = vector.extract %[[BITS]][0]
// PAIRS: %[[LANES:.*]] = vector.broadcast %[[ONE]] : i32 to vector<16xi32>
// PAIRS: %[[INPUT:.*]] = vector.bitcast %[[LANES]] : vector<16xi32> to vector<32xbf16>
// PAIRS: %[[WEIGHT:.*]] = vector.load %{{.*}} : memref<{{[0-9]+}}xbf16>, vector<32xbf16>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, %[[WEIGHT]], %[[INPUT]]) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
// HALF-LABEL: func.func @net.step(
// HALF: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.256"(%{{.*}}) : (vector<8xf32>, vector<16xbf16>, vector<16xbf16>) -> vector<8xf32>

// Elsewhere the same numbers are widened, and multiplied one by one.
// SINGLE-LABEL: func.func @net.step(
// SINGLE: arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// SINGLE-NOT: dpbf16ps
// SINGLE: %[[ONE:.*]] = vector.broadcast %{{.*}} : bf16 to vector<16xbf16>
// SINGLE: %[[X:.*]] = arith.extf %[[ONE]] : vector<16xbf16> to vector<16xf32>
// SINGLE: vector.fma %{{.*}}, %[[X]], %{{.*}}
// SINGLE-NOT: dpbf16ps
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x64xf32> -> tensor<?x96xf32>
  ttc.return %0 : tensor<?x96xf32>
}
