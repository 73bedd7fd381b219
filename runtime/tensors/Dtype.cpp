//===- Dtype.cpp - Which element types are there? -------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tensors/Dtype.h"

#include "ttc/runtime.h"

namespace {

constexpr ttc::DtypeInfo table[] = {
    {"F32", 32, TTC_DTYPE_F32},
    {"F64", 64, TTC_DTYPE_F64},
    {"F16", 16, TTC_DTYPE_F16},
    {"BF16", 16, TTC_DTYPE_BF16},
    {"I32", 32, TTC_DTYPE_I32},
    {"I64", 64, TTC_DTYPE_I64},
    {"U8", 8, TTC_DTYPE_U8},
    {"BOOL", 8, TTC_DTYPE_BOOL},
    {"I8", 8, 0},
    {"I16", 16, 0},
    {"U16", 16, 0},
    {"U32", 32, 0},
    {"U64", 64, 0},
    {"C64", 64, 0},
    {"F8_E4M3", 8, 0},
    {"F8_E5M2", 8, 0},
    {"F8_E8M0", 8, 0},
    {"F8_E4M3FNUZ", 8, 0},
    {"F8_E5M2FNUZ", 8, 0},
    {"F6_E2M3", 6, 0},
    {"F6_E3M2", 6, 0},
    {"F4", 4, 0},
};

} // namespace

const ttc::DtypeInfo *ttc::dtypeByName(std::string_view name) {
  for (const DtypeInfo &info : table)
    if (name == info.name)
      return &info;
  return nullptr;
}

const ttc::DtypeInfo *ttc::dtypeByNumber(int32_t number) {
  if (number == 0)
    return nullptr;
  for (const DtypeInfo &info : table)
    if (number == info.number)
      return &info;
  return nullptr;
}

std::string ttc::describeDtype(int32_t number) {
  if (const DtypeInfo *info = dtypeByNumber(number))
    return info->name;
  return "the unknown dtype " + std::to_string(number);
}

std::string ttc::describeShape(const int64_t *shape, int64_t rank) {
  std::string result = "[";
  for (int64_t i = 0; i < rank; ++i) {
    if (i)
      result += ", ";
    result += shape[i] == TTC_BATCH ? "batch" : std::to_string(shape[i]);
  }
  return result + "]";
}

bool ttc::tensorBits(const int64_t *shape, size_t rank, uint32_t bitsPerElement,
                     uint64_t &bits) {
  int64_t product = 1;
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (shape[i] < 0)
      return false;
    if (shape[i] == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, shape[i], &product))
      return false;
  }
  uint64_t total = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(product),
                             static_cast<uint64_t>(bitsPerElement), &total))
    return false;
  bits = empty ? 0 : total;
  return true;
}

extern "C" const char *ttc_dtype_name(int32_t dtype) {
  const ttc::DtypeInfo *info = ttc::dtypeByNumber(dtype);
  return info ? info->name : nullptr;
}

extern "C" size_t ttc_dtype_size(int32_t dtype) {
  const ttc::DtypeInfo *info = ttc::dtypeByNumber(dtype);
  return info ? info->bits / 8 : 0;
}
