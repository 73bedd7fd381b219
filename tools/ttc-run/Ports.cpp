//===- Ports.cpp - What does a model take and give at a timestep? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ports.h"

#include <cstring>
#include <stdexcept>

namespace ttcrun {

void fail(const std::string &sentence) { throw std::runtime_error(sentence); }

double Port::number(const unsigned char *values, size_t index) const {
  if (dtype == TTC_DTYPE_F64) {
    double value;
    std::memcpy(&value, values + index * sizeof(value), sizeof(value));
    return value;
  }
  float value;
  std::memcpy(&value, values + index * sizeof(value), sizeof(value));
  return value;
}

Port makePort(const ttc_tensor_spec &spec, int64_t batch) {
  Port port;
  port.name = spec.name;
  port.dtype = spec.dtype;
  for (int32_t i = 0; i < spec.rank; ++i) {
    int64_t size = spec.shape[i] == TTC_BATCH ? batch : spec.shape[i];
    port.shape.push_back(size);
    if (__builtin_mul_overflow(port.elements, static_cast<size_t>(size),
                               &port.elements))
      fail("With batch " + std::to_string(batch) + ", '" + port.name +
           "' has more elements than can be counted.");
  }
  if (__builtin_mul_overflow(port.elements, ttc_dtype_size(spec.dtype),
                             &port.bytes))
    fail("With batch " + std::to_string(batch) + ", '" + port.name +
         "' has more bytes than can be counted.");
  return port;
}

std::string npyType(int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F32:
    return "f4";
  case TTC_DTYPE_F64:
    return "f8";
  case TTC_DTYPE_I32:
    return "i4";
  case TTC_DTYPE_I64:
    return "i8";
  case TTC_DTYPE_U8:
    return "u1";
  case TTC_DTYPE_BOOL:
    return "b1";
  }
  return "";
}

} // namespace ttcrun
