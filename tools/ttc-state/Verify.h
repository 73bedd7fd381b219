//===- Verify.h - Is a file whole? ------------------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_VERIFY_H
#define TTC_VERIFY_H

#include <string>

namespace ttcstate {

/// Compares a file with every checksum that it carries. Returns the exit code:
/// 0 if all are right, 1 with a sentence if it is damaged or carries none.
int verify(const std::string &path);

} // namespace ttcstate

#endif // TTC_VERIFY_H
