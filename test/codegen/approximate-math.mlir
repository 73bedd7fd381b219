// Are the functions of the step computed inline, by polynomials?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --ttc-approximate-math | FileCheck %s
// RUN: tt-opt %s --ttc-approximate-math=fma=false | FileCheck %s --check-prefix=NO-FMA
// RUN: tt-opt %s --ttc-approximate-math=scale=true | FileCheck %s --check-prefix=SCALE
// RUN: tt-opt %s --ttc-approximate-math=pairs=true | FileCheck %s --check-prefix=PAIRS

// CHECK-LABEL: func.func @on_vectors(
// NO-FMA-LABEL: func.func @on_vectors(
func.func @on_vectors(%x: vector<16xf32>) -> vector<16xf32> {
  // NO-FMA-NOT: math.fma
  // CHECK-NOT: math.{{exp|tanh|log|log1p|expm1|erf}} {{.*}}vector
  // CHECK: math.fma
  // CHECK-NOT: math.{{exp|tanh|log|log1p|expm1|erf}} {{.*}}vector
  // CHECK: return
  // NO-FMA: arith.mulf
  // A tanh that is told from 1 by rounding alone is 1.
  // NO-FMA: %[[BEYOND:.*]] = arith.cmpf ogt
  // NO-FMA: %[[ONE:.*]] = math.copysign
  // NO-FMA: arith.select %[[BEYOND]], %[[ONE]]
  // NO-FMA-NOT: math.fma
  // NO-FMA: return
  %0 = math.exp %x : vector<16xf32>
  %1 = math.tanh %0 : vector<16xf32>
  %2 = math.log %1 : vector<16xf32>
  %3 = math.log1p %2 : vector<16xf32>
  %4 = math.expm1 %3 : vector<16xf32>
  %5 = math.erf %4 : vector<16xf32>
  return %5 : vector<16xf32>
}

// A power of two is made of its exponent, or by AVX-512's instruction, where it need not be limited.
// CHECK-LABEL: func.func @powers(
// CHECK-COUNT-4: arith.shli
// SCALE-LABEL: func.func @powers(
// SCALE: "llvm.x86.avx512.mask.scalef.ps.512"(%{{.*}}, %{{.*}}, %{{.*}}, %c-1_i16, %{{.*}})
// SCALE: "llvm.x86.avx512.mask.scalef.ps.256"(%{{.*}}, %{{.*}}, %{{.*}}, %c-1_i8)
// SCALE: "llvm.x86.avx512.mask.scalef.ps.128"(%{{.*}}, %{{.*}}, %{{.*}}, %c-1_i8)
// SCALE-COUNT-1: arith.shli
// SCALE-NOT: arith.shli
// SCALE: return
func.func @powers(%x: vector<16xf32>, %y: vector<8xf32>, %z: vector<4xf32>, %s: f32)
    -> (vector<16xf32>, vector<8xf32>, vector<4xf32>, f32) {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.exp %y : vector<8xf32>
  %2 = math.exp %z : vector<4xf32>
  %3 = math.exp %s : f32
  return %0, %1, %2, %3 : vector<16xf32>, vector<8xf32>, vector<4xf32>, f32
}

// Rounded by AVX-512 BF16 where that is; else by integers.
// CHECK-LABEL: func.func @rounded(
// CHECK-COUNT-3: arith.trunci
// PAIRS-LABEL: func.func @rounded(
// PAIRS: "llvm.x86.avx512bf16.cvtneps2bf16.512"
// PAIRS: "llvm.x86.avx512bf16.cvtneps2bf16.256"
// PAIRS: arith.trunci
func.func @rounded(%x: vector<16xf32>, %y: vector<8xf32>, %z: vector<4xf32>)
    -> (vector<16xbf16>, vector<8xbf16>, vector<4xbf16>) {
  %0 = arith.truncf %x : vector<16xf32> to vector<16xbf16>
  %1 = arith.truncf %y : vector<8xf32> to vector<8xbf16>
  %2 = arith.truncf %z : vector<4xf32> to vector<4xbf16>
  return %0, %1, %2 : vector<16xbf16>, vector<8xbf16>, vector<4xbf16>
}

// The rest of whole quarters of a turn: pi / 2 in four parts, the last of which are lost
// in a single constant. An infinity stays no number.
// CHECK-LABEL: func.func @turns(
func.func @turns(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  // CHECK-NOT: math.{{sin|cos}}
  // CHECK: %[[QUARTERS:.*]] = math.roundeven
  // CHECK-NEXT: %[[A:.*]] = math.fma %[[QUARTERS]], %{{.*}}, %{{.*}}
  // CHECK-NEXT: %[[B:.*]] = math.fma %[[QUARTERS]], %{{.*}}, %[[A]]
  // CHECK-NEXT: %[[C:.*]] = math.fma %[[QUARTERS]], %{{.*}}, %[[B]]
  // CHECK-NEXT: %[[D:.*]] = math.fma %[[QUARTERS]], %{{.*}}, %[[C]]
  // CHECK-NEXT: arith.minimumf %[[D]]
  // CHECK-NEXT: arith.maximumf
  // CHECK-NOT: math.{{sin|cos}}
  // CHECK: return
  %0 = math.sin %x : vector<16xf32>
  %1 = math.cos %x : vector<16xf32>
  return %0, %1 : vector<16xf32>, vector<16xf32>
}

// What the hardware has stays an instruction.
// CHECK-LABEL: func.func @in_hardware(
func.func @in_hardware(%x: vector<16xf32>) -> vector<16xf32> {
  // CHECK-NEXT: math.sqrt
  // CHECK-NEXT: math.rsqrt
  // CHECK-NEXT: math.roundeven
  // CHECK-NEXT: math.absf
  // CHECK-NEXT: math.copysign
  // CHECK-NEXT: return
  %0 = math.sqrt %x : vector<16xf32>
  %1 = math.rsqrt %0 : vector<16xf32>
  %2 = math.roundeven %1 : vector<16xf32>
  %3 = math.absf %2 : vector<16xf32>
  %4 = math.copysign %3, %x : vector<16xf32>
  return %4 : vector<16xf32>
}

// In double precision, which prepare alone uses, exp and log are left to the C library,
// and log1p becomes x log(w) / (w - 1) with w = 1 + x.
// CHECK-LABEL: func.func @in_double(
// CHECK-SAME: %[[X:.*]]: f64) -> (f64, f64) {
func.func @in_double(%x: f64) -> (f64, f64) {
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0
  // CHECK-DAG: %[[EXP:.*]] = math.exp %[[X]] : f64
  // CHECK: %[[W:.*]] = arith.addf %[[X]], %[[ONE]]
  // CHECK-NEXT: %[[DIFFERENCE:.*]] = arith.subf %[[W]], %[[ONE]]
  // CHECK-NEXT: %[[LOG:.*]] = math.log %[[W]]
  // CHECK-NEXT: %[[QUOTIENT:.*]] = arith.divf %[[LOG]], %[[DIFFERENCE]]
  // CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[X]], %[[QUOTIENT]]
  // CHECK-NEXT: %[[SMALL:.*]] = arith.cmpf oeq, %[[W]], %[[ONE]]
  // CHECK-NEXT: %[[LOG1P:.*]] = arith.select %[[SMALL]], %[[X]], %[[PRODUCT]]
  // CHECK-NEXT: return %[[EXP]], %[[LOG1P]]
  %0 = math.exp %x : f64
  %1 = math.log1p %x : f64
  return %0, %1 : f64, f64
}
