//===- Matrices.h - What do a warp's matrix units compute? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MATRICES_H
#define TTC_MATRICES_H

#include <cstdint>

namespace emulator {

/// What a lane gives to a multiplication, and has of it: of 16 rows by 8 words,
/// of 8 words by 8 columns, and of 16 by 8 sums (PTX ISA, "Matrix Fragments for
/// mma.m16n8k16" of bf16, of which two are a word, and "mma.m16n8k8" of tf32).
struct Fragments {
  uint32_t a[4];
  uint32_t b[2];
  float sums[4];
  bool isTF32;
};

/// Adds the products to the sums of all 32 lanes.
void multiplyMatrices(Fragments *const *lanes);

/// To the nearest of tf32, halves away from zero.
uint32_t roundToTF32(float value);

} // namespace emulator

#endif // TTC_MATRICES_H
