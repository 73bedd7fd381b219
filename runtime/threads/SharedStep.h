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

#include "model/Session.h"
#include "threads/TeamTrial.h"

namespace ttc {

/// What a session knows whose steps may have several threads.
struct Sharing {
  std::atomic<int32_t> threads{1};
  TeamTrial trial;
  /// How long one thread is thought to take for a step.
  uint32_t stepNanoseconds = unknownNanoseconds;

  /// The time of a step before any was made.
  static constexpr uint32_t unknownNanoseconds = UINT32_MAX;
};

/// Whether a step of this session may have more than one thread.
inline bool mayShare(const ttc_session &session) {
  const Sharing *sharing = session.sharing.load(std::memory_order_relaxed);
  return __builtin_expect(sharing != nullptr, false) &&
         sharing->threads.load(std::memory_order_relaxed) != 1;
}

/// Lets so many threads make the steps of a session that is in use by nobody
/// else. May throw std::bad_alloc.
void setSharing(ttc_session &session, int64_t threads);

/// As the model's step and run, of a session that may share them.
void stepShared(ttc_session &session, const void *const *inputs,
                void *const *outputs, void *scratch, int64_t batch);
void runShared(ttc_session &session, const void *const *inputs,
               void *const *outputs, void *scratch, int64_t batch,
               int64_t steps);

} // namespace ttc

#endif // TTC_SHAREDSTEP_H
