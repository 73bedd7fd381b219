//===- Strided.cpp - How does a view become dense? ------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tensors/Strided.h"

#include "tensors/Dtype.h"

#include <array>
#include <cstring>

void ttc::copyDense(const unsigned char *from, const int64_t *shape,
                    const int64_t *strides, size_t rank, size_t elementSize,
                    unsigned char *to) {
  // The innermost dimension in a loop of its own, or in one copy.
  const size_t rows = rank ? rank - 1 : 0;
  const uint64_t row = rank ? static_cast<uint64_t>(shape[rank - 1]) : 1;
  const size_t step =
      rank ? static_cast<size_t>(strides[rank - 1]) * elementSize : 0;
  std::array<int64_t, maxRank> at{};
  for (;;) {
    if (step == elementSize) {
      std::memcpy(to, from, row * elementSize);
      to += row * elementSize;
    } else {
      const unsigned char *element = from;
      for (uint64_t i = 0; i < row; ++i) {
        std::memcpy(to, element, elementSize);
        to += elementSize;
        // Never beyond the last element.
        element += i + 1 < row ? step : 0;
      }
    }
    size_t d = rows;
    while (d > 0 && ++at[d - 1] == shape[d - 1]) {
      from -= static_cast<size_t>((shape[d - 1] - 1) * strides[d - 1]) *
              elementSize;
      at[--d] = 0;
    }
    if (d == 0)
      return;
    from += static_cast<size_t>(strides[d - 1]) * elementSize;
  }
}
