//===- Memory.cpp - Who owns an aligned block? ----------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Memory.h"

#include "support/SystemCalls.h"

#include <cstring>
#include <unistd.h>

uint64_t ttc::physicalMemory() {
  static const uint64_t limit = []() -> uint64_t {
    long pages = ::sysconf(_SC_PHYS_PAGES);
    long pageSize = ::sysconf(_SC_PAGESIZE);
    uint64_t bytes = 0;
    if (pages <= 0 || pageSize <= 0 ||
        __builtin_mul_overflow(static_cast<uint64_t>(pages),
                               static_cast<uint64_t>(pageSize), &bytes))
      return UINT64_MAX;
    return bytes;
  }();
  return limit;
}

ttc::Status ttc::allocateZeroed(const std::string &what, uint64_t size,
                                AlignedBlock &block, uint64_t limit) {
  if (size > limit)
    return {TTC_ERROR_MEMORY, "BudgetExceeded",
            "There is no room for " + what + ": " + std::to_string(size) +
                " bytes are needed, this machine has " + std::to_string(limit) +
                ". Use a smaller batch or model."};
  uint64_t rounded = 0;
  if (__builtin_add_overflow(size ? size : 1, TTC_ALIGNMENT - 1, &rounded) ||
      rounded > PTRDIFF_MAX)
    return {TTC_ERROR_MEMORY, "Overflow",
            "There is no room for " + what + ": " + std::to_string(size) +
                " bytes are more than can be addressed."};
  rounded -= rounded % TTC_ALIGNMENT;
  void *memory = systemCalls.allocateAligned(TTC_ALIGNMENT, rounded);
  if (!memory)
    return {TTC_ERROR_MEMORY, "OutOfMemory",
            "There is no room for " + what + ": the system did not grant " +
                std::to_string(rounded) + " bytes."};
  std::memset(memory, 0, rounded);
  block.reset(static_cast<unsigned char *>(memory));
  return Status::success();
}
