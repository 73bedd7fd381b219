//===- PowerCuts.h - Does a writer survive every power cut? -----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The harness of PowerCutTest, which CrippledWritersTest tests in its turn.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_POWERCUTS_H
#define TTC_POWERCUTS_H

#include "DiskModel.h"
#include "Fixtures.h"

/// A way to save; true if it says that the states are safe.
using Saver = bool (*)(ttc_session *session, const char *path);

/// The writer that the runtime has.
bool saveWell(ttc_session *session, const char *path);

/// A crippled writer: it opens the file itself and writes into it.
bool saveInPlace(ttc_session *session, const char *path);

/// What the cuts showed.
struct CutFindings {
  uint64_t cuts = 0;
  uint64_t different = 0; ///< states that they left
  uint64_t torn = 0;      ///< the file does not verify, or has other states
  uint64_t lost = 0;      ///< it is older than what was acknowledged, or gone
  uint64_t oldTorn = 0; ///< the generation before is there and does not verify
};

/// Saves three times and cuts the power everywhere.
CutFindings cutEverywhere(Saver save, DiskHears hears = DiskHears());

#endif // TTC_POWERCUTS_H
