//===- Widening.cpp - What does a narrow float become? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "weights/Widening.h"

#include "ttc/model.h"

#include <cstring>

namespace {

/// IEEE formats, and BF16: a sign, `exponent` bits of exponent, `mantissa` bits
/// of mantissa.
template <typename BitsType, int exponentBits, int mantissaBits> struct Format {
  using Bits = BitsType;
  static constexpr int exponent = exponentBits;
  static constexpr int mantissa = mantissaBits;
  static constexpr uint64_t largestExponent = (uint64_t(1) << exponent) - 1;
  static constexpr int64_t bias = int64_t(largestExponent >> 1);
};
using F16 = Format<uint16_t, 5, 10>;
using BF16 = Format<uint16_t, 8, 7>;
using F32 = Format<uint32_t, 8, 23>;
using F64 = Format<uint64_t, 11, 52>;

/// By integers: arithmetic would lose subnormals where they are flushed.
template <typename From, typename To> uint64_t widenBits(uint64_t bits) {
  uint64_t sign = bits >> (From::exponent + From::mantissa);
  uint64_t exponent = bits >> From::mantissa & From::largestExponent;
  uint64_t mantissa = bits & ((uint64_t(1) << From::mantissa) - 1);
  if (exponent == From::largestExponent) {
    exponent = To::largestExponent; // infinity and NaN
  } else if (exponent != 0 || mantissa == 0 || From::bias == To::bias) {
    if (exponent != 0)
      exponent += uint64_t(To::bias - From::bias);
  } else {
    // A subnormal, which the wider type has a normal number for.
    int64_t scale = To::bias - From::bias + 1;
    for (; !(mantissa >> From::mantissa); mantissa <<= 1)
      --scale;
    mantissa &= (uint64_t(1) << From::mantissa) - 1;
    exponent = uint64_t(scale);
  }
  return sign << (To::exponent + To::mantissa) | exponent << To::mantissa |
         mantissa << (To::mantissa - From::mantissa);
}

template <typename From, typename To>
void widenAll(const void *from, void *to, uint64_t count) {
  const unsigned char *source = static_cast<const unsigned char *>(from);
  unsigned char *target = static_cast<unsigned char *>(to);
  for (uint64_t i = 0; i < count; ++i) {
    typename From::Bits bits;
    std::memcpy(&bits, source + i * sizeof(bits), sizeof(bits));
    auto wide = static_cast<typename To::Bits>(widenBits<From, To>(bits));
    std::memcpy(target + i * sizeof(wide), &wide, sizeof(wide));
  }
}

using Widen = void (*)(const void *, void *, uint64_t);

Widen find(int32_t from, int32_t to) {
  if (to == TTC_DTYPE_F32)
    return from == TTC_DTYPE_F16    ? widenAll<F16, F32>
           : from == TTC_DTYPE_BF16 ? widenAll<BF16, F32>
                                    : nullptr;
  if (to == TTC_DTYPE_F64)
    return from == TTC_DTYPE_F16    ? widenAll<F16, F64>
           : from == TTC_DTYPE_BF16 ? widenAll<BF16, F64>
           : from == TTC_DTYPE_F32  ? widenAll<F32, F64>
                                    : nullptr;
  return nullptr;
}

} // namespace

bool ttc::canWiden(int32_t from, int32_t to) { return find(from, to); }

void ttc::widen(const void *from, int32_t fromDtype, void *to, int32_t toDtype,
                uint64_t count) {
  find(fromDtype, toDtype)(from, to, count);
}
