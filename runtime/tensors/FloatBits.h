//===- FloatBits.h - Which floats are no ordinary numbers? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FLOATBITS_H
#define TTC_FLOATBITS_H

#include <cstdint>

namespace ttc {

/// Turns subnormal numbers into zeros of their sign, as a step does: one that
/// was saved elsewhere must not come back in another way. Those of F16 stay:
/// they are normal numbers of F32, in which a step computes.
void flushSubnormals(void *data, uint64_t bytes, int32_t dtype);

/// How many elements are NaN or infinite; none of a type that is no float.
uint64_t countNonFinite(const void *data, uint64_t bytes, int32_t dtype);

} // namespace ttc

#endif // TTC_FLOATBITS_H
