//===- Show.h - What is in a file? ------------------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SHOW_H
#define TTC_SHOW_H

#include <string>

namespace ttcstate {

/// A line a tensor, and their sum; reads no data. Returns the exit code.
int list(const std::string &path, bool json);

/// The metadata, and of each tensor, or that of `key`, how its values are
/// spread. Returns the exit code.
int show(const std::string &path, const std::string &key, bool json);

} // namespace ttcstate

#endif // TTC_SHOW_H
