//===- FailingCalls.h - What if the system refuses a call? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FAILINGCALLS_H
#define TTC_FAILINGCALLS_H

#include "support/SystemCalls.h"

/// For its life, one call about files of those that the runtime makes fails, or
/// a read or write does only a part of what was asked.
class FailingCalls {
public:
  /// The call before which `turn` others succeed fails with `reason`. With
  /// `shortTransfers` no read or write moves more than seven bytes.
  FailingCalls(int turn, int reason, bool shortTransfers);
  ~FailingCalls();
  FailingCalls(const FailingCalls &) = delete;
  FailingCalls &operator=(const FailingCalls &) = delete;
  /// Whether there was such a call.
  bool reached() const;

private:
  const ttc::SystemCalls before;
};

/// How many files this process has open.
int openFiles();

#endif // TTC_FAILINGCALLS_H
