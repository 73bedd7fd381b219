//===- Tensors.cpp - How is a tensor shown? -------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

namespace {

template <typename T> T load(const void *data, size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * sizeof(T),
              sizeof(T));
  return value;
}

/// IEEE half precision, spelled out: not every compiler has the type.
double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 0x1F;
  double fraction = bits & 0x3FF;
  double value = exponent == 0 ? std::ldexp(fraction, -24)
                 : exponent == 31
                     ? (fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                                      : std::numeric_limits<double>::infinity())
                     : std::ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

} // namespace

ttc::Weights ttcstate::openNoting(const std::string &path, int flags) {
  std::string note;
  ttc::Weights weights = ttc::Weights::open(path, flags, &note);
  if (!note.empty())
    std::fprintf(stderr, "ttc-state: note: %s\n", note.c_str());
  return weights;
}

std::string ttcstate::printable(const char *name) {
  std::string text;
  for (; *name; ++name) {
    unsigned char byte = static_cast<unsigned char>(*name);
    char escape[8];
    if (byte < 0x20 || byte == 0x7F) {
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      text += escape;
    } else {
      text += *name;
    }
  }
  return text;
}

std::string ttcstate::shapeText(const ttc_tensor &tensor) {
  std::string text = "[";
  for (int32_t i = 0; i < tensor.rank; ++i)
    text += (i ? "," : "") + std::to_string(tensor.shape[i]);
  return text + "]";
}

size_t ttcstate::elements(const ttc_tensor &tensor) {
  size_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= static_cast<size_t>(tensor.shape[i]);
  return count;
}

std::string ttcstate::position(const ttc_tensor &tensor, size_t index) {
  std::string text = "]";
  for (int32_t i = tensor.rank; i-- > 0;) {
    size_t size = static_cast<size_t>(tensor.shape[i]);
    text = (i ? "," : "") + std::to_string(index % size) + text;
    index /= size;
  }
  return "[" + text;
}

double ttcstate::element(const ttc_tensor &tensor, size_t index) {
  switch (tensor.dtype) {
  case TTC_DTYPE_F32:
    return load<float>(tensor.data, index);
  case TTC_DTYPE_F64:
    return load<double>(tensor.data, index);
  case TTC_DTYPE_F16:
    return halfToDouble(load<uint16_t>(tensor.data, index));
  case TTC_DTYPE_BF16: {
    uint32_t bits = static_cast<uint32_t>(load<uint16_t>(tensor.data, index))
                    << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  case TTC_DTYPE_I32:
    return load<int32_t>(tensor.data, index);
  case TTC_DTYPE_I64:
    return static_cast<double>(load<int64_t>(tensor.data, index));
  default:
    return load<uint8_t>(tensor.data, index);
  }
}
