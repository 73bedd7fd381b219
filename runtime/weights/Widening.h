//===- Widening.h - What does a narrow float become? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// F16 and BF16 become F32 or F64, and F32 becomes F64, without a change of
// value: infinities, NaNs, subnormals and the sign of zero included, whatever
// mode the processor is in.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_WIDENING_H
#define TTC_WIDENING_H

#include <cstdint>

namespace ttc {

/// Whether every value of the first type is a value of the second, and both are
/// floats of which the second is the wider one.
bool canWiden(int32_t from, int32_t to);

/// Widens `count` elements; canWiden must be true.
void widen(const void *from, int32_t fromDtype, void *to, int32_t toDtype,
           uint64_t count);

} // namespace ttc

#endif // TTC_WIDENING_H
