//===- FloatBits.cpp - Which floats are no ordinary numbers? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tensors/FloatBits.h"

#include "ttc/model.h"

#include <cstring>

namespace {

/// Where a format keeps its exponent and its sign.
template <typename Bits> struct Format {
  Bits exponent, sign;
};
constexpr Format<uint32_t> f32 = {0x7F800000u, 0x80000000u};
constexpr Format<uint64_t> f64 = {0x7FF0000000000000u, 0x8000000000000000u};
constexpr Format<uint16_t> bf16 = {0x7F80u, 0x8000u};
constexpr Format<uint16_t> f16 = {0x7C00u, 0x8000u};

template <typename Bits>
void flush(void *data, uint64_t bytes, Format<Bits> format) {
  unsigned char *at = static_cast<unsigned char *>(data);
  for (uint64_t i = 0; i + sizeof(Bits) <= bytes; i += sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, at + i, sizeof(Bits));
    if ((value & format.exponent) == 0) {
      value &= format.sign;
      std::memcpy(at + i, &value, sizeof(Bits));
    }
  }
}

template <typename Bits>
uint64_t count(const void *data, uint64_t bytes, Format<Bits> format) {
  const unsigned char *at = static_cast<const unsigned char *>(data);
  uint64_t found = 0;
  for (uint64_t i = 0; i + sizeof(Bits) <= bytes; i += sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, at + i, sizeof(Bits));
    found += (value & format.exponent) == format.exponent;
  }
  return found;
}

} // namespace

void ttc::flushSubnormals(void *data, uint64_t bytes, int32_t dtype) {
  if (dtype == TTC_DTYPE_F32)
    flush(data, bytes, f32);
  else if (dtype == TTC_DTYPE_F64)
    flush(data, bytes, f64);
  else if (dtype == TTC_DTYPE_BF16)
    flush(data, bytes, bf16);
}

uint64_t ttc::countNonFinite(const void *data, uint64_t bytes, int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F32:
    return count(data, bytes, f32);
  case TTC_DTYPE_F64:
    return count(data, bytes, f64);
  case TTC_DTYPE_F16:
    return count(data, bytes, f16);
  case TTC_DTYPE_BF16:
    return count(data, bytes, bf16);
  default:
    return 0;
  }
}
