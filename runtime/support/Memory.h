//===- Memory.h - Who owns an aligned block? --------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MEMORY_H
#define TTC_MEMORY_H

#include "support/Error.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace ttc {

struct Free {
  void operator()(void *block) const { std::free(block); }
};

/// Bytes that start at a multiple of TTC_ALIGNMENT.
using AlignedBlock = std::unique_ptr<unsigned char, Free>;

/// All of the machine's memory, in bytes. A system that lends more than it has
/// grants a larger block and kills the process when it is touched: refusing it
/// first is kinder.
uint64_t physicalMemory();

/// Allocates `size` zeroed bytes, at least one cache line, so that a pointer to
/// nothing is still a good pointer. `what` names the block in the sentence of a
/// failure: "the states of the model 'digits' at batch 4". More than `limit`
/// bytes are refused.
Status allocateZeroed(const std::string &what, uint64_t size,
                      AlignedBlock &block, uint64_t limit = physicalMemory());

/// fixed + per_batch * batch; false if that overflows.
inline bool bytesAtBatch(const ttc_bytes &bytes, int64_t batch,
                         uint64_t &result) {
  uint64_t product = 0;
  return !__builtin_mul_overflow(bytes.per_batch, static_cast<uint64_t>(batch),
                                 &product) &&
         !__builtin_add_overflow(bytes.fixed, product, &result);
}

} // namespace ttc

#endif // TTC_MEMORY_H
