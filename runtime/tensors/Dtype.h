//===- Dtype.h - Which element types are there? -----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The types that a safetensors file can name, of which ttc computes with some.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DTYPE_H
#define TTC_DTYPE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ttc {

struct DtypeInfo {
  const char *name;
  uint32_t bits;  ///< an element
  int32_t number; ///< TTC_DTYPE_..., or 0 where ttc does not compute with it
};

/// Null for a name, or a number, that does not exist. Case matters.
const DtypeInfo *dtypeByName(std::string_view name);
const DtypeInfo *dtypeByNumber(int32_t number);

/// "F32", or "the unknown dtype 77".
std::string describeDtype(int32_t number);

/// "[2, 3]"; TTC_BATCH is shown as "batch".
std::string describeShape(const int64_t *shape, int64_t rank);

/// The bytes of a dense tensor. False if a size is negative or the product does
/// not fit: that of the dimensions that are not zero is what counts, so that no
/// order of them, and no zero among them, hides an overflow.
bool tensorBits(const int64_t *shape, size_t rank, uint32_t bitsPerElement,
                uint64_t &bits);

/// The most dimensions that a tensor can have.
constexpr int64_t maxRank = 64;

} // namespace ttc

#endif // TTC_DTYPE_H
