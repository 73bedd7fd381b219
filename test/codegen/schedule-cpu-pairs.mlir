// How are products in bf16 computed, where pairs are multiplied at once and where they are not?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --ttc-to-threaded --ttc-convert-to-nests --ttc-narrow-products --ttc-fuse-timestep --ttc-prepare-weights --ttc-plan-states -o %t.mlir
// RUN: tt-opt %t.mlir --ttc-schedule-cpu=pairs=true --canonicalize --cse | FileCheck %s --check-prefixes=PAIRS
// RUN: tt-opt %t.mlir "--ttc-schedule-cpu=pairs=true lanes=8" --canonicalize --cse | FileCheck %s --check-prefix=HALF
// RUN: tt-opt %t.mlir "--ttc-schedule-cpu=pairs=true matrices=true" --canonicalize --cse | FileCheck %s --check-prefix=MATRICES
// RUN: tt-opt %t.mlir "--ttc-schedule-cpu=pairs=true matrices=true schedule=events=always" --canonicalize --cse | FileCheck %s --check-prefix=EVENTS
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

// A matrix unit takes the same panels: 16 pairs of 16 columns, 64 bytes of each, for two registers
// of rows and two of columns; then what is left of the pairs, here one.
// MATRICES-LABEL: func.func @ttc.matrix_32x32(
// MATRICES-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero.internal"(%{{.*}}, %{{.*}}) : (i16, i16) -> !llvm.x86_amx
// MATRICES: scf.for
// MATRICES-COUNT-3: "llvm.x86.tileloadd64.internal"
// MATRICES-COUNT-2: "llvm.x86.tdpbf16ps.internal"
// MATRICES: "llvm.x86.tileloadd64.internal"
// MATRICES-COUNT-2: "llvm.x86.tdpbf16ps.internal"
// MATRICES-NOT: "llvm.x86.tileloadd64.internal"
// MATRICES: } {llvm.loop_annotation = #{{.*}}}
// MATRICES-COUNT-4: "llvm.x86.tilestored64.internal"
// MATRICES-LABEL: func.func @ttc.matrix_rest_32x16(
// MATRICES-SAME: %[[ROWS:[^:]*]]: i16, %[[LAST:[^:]*]]: i16, %[[BYTES:[^:]*]]: i16) {
// MATRICES-NOT: scf.for
// MATRICES: "llvm.x86.tileloadd64.internal"(%[[LAST]], %c64_i16, %{{.*}}, %{{.*}})
// MATRICES: "llvm.x86.tdpbf16ps.internal"(%c16_i16, %c64_i16, %[[BYTES]], %{{.*}})
// MATRICES: "llvm.x86.tdpbf16ps.internal"(%[[ROWS]], %c64_i16, %[[BYTES]], %{{.*}})
// MATRICES-LABEL: func.func @net.step(
// MATRICES-NOT: vector.compress
// MATRICES: scf.for %{{.*}} = %c0 to %{{.*}} step %c32
// MATRICES: func.call @ttc.matrix_32x32({{.*}}, %c16_i16, %c1_i16, %c4_i16)
// MATRICES-COUNT-2: func.call @ttc.matrix_rest_32x16({{.*}}, %c16_i16, %c1_i16, %c4_i16)
// MATRICES: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c16
// MATRICES: func.call @ttc.matrix_16x32({{.*}}, %c16_i16, %c1_i16, %c4_i16)
// MATRICES: %[[LEFT:.*]] = arith.subi %{{.*}}
// MATRICES: %[[ROWS:.*]] = arith.index_cast %[[LEFT]] : index to i16
// MATRICES: func.call @ttc.matrix_16x32({{.*}}, %[[ROWS]], %c1_i16, %c4_i16)
// EVENTS-NOT: ttc.matrix
// EVENTS: vector.compress
// EVENTS: dpbf16ps

// Elsewhere the same numbers are widened, and multiplied one by one.
// SINGLE-LABEL: func.func @net.step(
// SINGLE: arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// SINGLE-NOT: dpbf16ps
// SINGLE: %[[ONE:.*]] = vector.broadcast %{{.*}} : bf16 to vector<16xbf16>
// SINGLE: %[[X:.*]] = arith.extf %[[ONE]] : vector<16xbf16> to vector<16xf32>
// SINGLE: vector.fma %{{.*}}, %[[X]], %{{.*}}
// SINGLE-NOT: dpbf16ps
ttc.model @net(%x: tensor<?x66xf32>) -> tensor<?x96xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x66xf32> -> tensor<?x96xf32>
  ttc.return %0 : tensor<?x96xf32>
}
