//===- StridedTest.cpp - Are strided elements gathered in order? ----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tensors/Strided.h"

#include "Fixtures.h"

namespace {

std::vector<float> dense(const std::vector<float> &from,
                         const std::vector<int64_t> &shape,
                         const std::vector<int64_t> &strides) {
  size_t count = 1;
  for (int64_t size : shape)
    count *= static_cast<size_t>(size);
  std::vector<float> to(count);
  ttc::copyDense(reinterpret_cast<const unsigned char *>(from.data()),
                 shape.data(), strides.data(), shape.size(), sizeof(float),
                 reinterpret_cast<unsigned char *>(to.data()));
  return to;
}

using Floats = std::vector<float>;

} // namespace

TEST_CASE("P42 strides of every form") {
  const Floats six = {0, 1, 2, 3, 4, 5};
  CHECK(dense(six, {}, {}) == Floats{0});
  CHECK(dense(six, {6}, {1}) == six);
  CHECK(dense(six, {3}, {2}) == Floats{0, 2, 4});
  CHECK(dense(six, {3, 2}, {1, 3}) == Floats{0, 3, 1, 4, 2, 5});
  CHECK(dense(six, {2, 2}, {0, 1}) == Floats{0, 1, 0, 1});
  CHECK(dense(six, {3, 2}, {1, 1}) == Floats{0, 1, 1, 2, 2, 3});
  CHECK(dense(six, {2, 1, 3}, {3, 7, 1}) == six);
}
