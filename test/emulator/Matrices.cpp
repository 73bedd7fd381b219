//===- Matrices.cpp - What do a warp's matrix units compute? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Their order of summation is not documented: here a sum is exact up to one
// rounding at its end, which no order is nearer to.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include <cmath>
#include <cstring>

namespace emulator {
namespace {

constexpr int rows = 16, columns = 8, words = 8, laneParts = 4;

float toFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// The unit looks at no more than ten bits of the fraction.
double tf32Of(uint32_t word) { return toFloat(word & 0xffffe000); }

double productOf(uint32_t a, uint32_t b, bool isTF32) {
  if (isTF32)
    return tf32Of(a) * tf32Of(b);
  return double(toFloat(a << 16)) * toFloat(b << 16) +
         double(toFloat(a & 0xffff0000)) * toFloat(b & 0xffff0000);
}

} // namespace

void multiplyMatrices(Fragments *const *lanes) {
  uint32_t a[rows][words], b[words][columns];
  for (int g = 0; g < rows / 2; ++g)
    for (int t = 0; t < laneParts; ++t) {
      const Fragments &lane = *lanes[g * laneParts + t];
      a[g][t] = lane.a[0];
      a[g + rows / 2][t] = lane.a[1];
      a[g][t + laneParts] = lane.a[2];
      a[g + rows / 2][t + laneParts] = lane.a[3];
      b[t][g] = lane.b[0];
      b[t + laneParts][g] = lane.b[1];
    }
  for (int g = 0; g < rows / 2; ++g)
    for (int t = 0; t < laneParts; ++t) {
      Fragments &lane = *lanes[g * laneParts + t];
      for (int i = 0; i < 4; ++i) {
        const int row = i < 2 ? g : g + rows / 2, column = 2 * t + i % 2;
        double sum = lane.sums[i];
        for (int k = 0; k < words; ++k)
          sum += productOf(a[row][k], b[k][column], lane.isTF32);
        lane.sums[i] = float(sum);
      }
    }
}

uint32_t roundToTF32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if (std::isnan(value))
    return 0x7fffffff;
  return std::isfinite(value) ? (bits + 0x1000) & 0xffffe000 : bits;
}

} // namespace emulator
