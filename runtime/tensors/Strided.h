//===- Strided.h - How does a view become dense? ----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STRIDED_H
#define TTC_STRIDED_H

#include <cstddef>
#include <cstdint>

namespace ttc {

/// Copies the elements of a view, whose strides count elements and are not
/// negative, in row-major order. No size may be zero, and every element must
/// lie within what `from` points to.
void copyDense(const unsigned char *from, const int64_t *shape,
               const int64_t *strides, size_t rank, size_t elementSize,
               unsigned char *to);

} // namespace ttc

#endif // TTC_STRIDED_H
