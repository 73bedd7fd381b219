//===- Diff.h - What differs between two files? -----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIFF_H
#define TTC_DIFF_H

#include <string>

namespace ttcstate {

/// Numbers may differ by atol + rtol * |the second|; without either, no bit
/// may.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

/// Says which keys are in one file alone, and which tensors differ in dtype,
/// shape or values. Returns the exit code: 0 if nothing differs, else 1.
int diff(const std::string &pathA, const std::string &pathB,
         const Tolerance &tolerance, bool json);

} // namespace ttcstate

#endif // TTC_DIFF_H
