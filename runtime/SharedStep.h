//===- SharedStep.h - Who makes a step together? ----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session that may have several threads has its steps made by a team, where
// one is to be had and is sooner than one thread alone. The bits are those of
// one thread.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SHAREDSTEP_H
#define TTC_SHAREDSTEP_H

#include "Session.h"

namespace ttc {

/// Whether a step of this session may have more than one thread.
inline bool mayShare(const ttc_session &session) {
  return __builtin_expect(session.threads.load(std::memory_order_relaxed) != 1,
                          false);
}

/// As the model's step and run, of a session that may share them.
void stepShared(ttc_session &session, const void *const *inputs,
                void *const *outputs, void *scratch, int64_t batch);
void runShared(ttc_session &session, const void *const *inputs,
               void *const *outputs, void *scratch, int64_t batch,
               int64_t steps);

} // namespace ttc

#endif // TTC_SHAREDSTEP_H
