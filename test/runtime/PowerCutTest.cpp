//===- PowerCutTest.cpp - What does a power cut leave of a save? ----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three saves are recorded, and the power is cut everywhere in them, on a disk
// that keeps no more than it has promised (DiskModel.h). Every time the file
// must be whole, and hold what was acknowledged last or something newer.
//
//===----------------------------------------------------------------------===//

#include "PowerCuts.h"

#include "support/SystemCalls.h"

#include <cerrno>

namespace {

/// For its life, the file system has no hard links.
struct WithoutLinks {
  const ttc::SystemCalls real = ttc::systemCalls;
  WithoutLinks() {
    ttc::systemCalls.link = [](const char *, const char *) {
      errno = EPERM;
      return -1;
    };
  }
  ~WithoutLinks() { ttc::systemCalls = real; }
};

} // namespace

TEST_CASE("A power cut leaves the old file or the new one, whole") {
  CutFindings findings = cutEverywhere(saveWell);
  MESSAGE(findings.cuts << " cuts left " << findings.different
                        << " different disks");
  CHECK(findings.cuts > 50);
  CHECK(findings.torn == 0);
  CHECK(findings.lost == 0);
  CHECK(findings.oldTorn == 0);
}

TEST_CASE("So it does on a file system without hard links") {
  WithoutLinks withoutLinks;
  CutFindings findings = cutEverywhere(saveWell);
  CHECK(findings.cuts > 50);
  CHECK(findings.torn == 0);
  CHECK(findings.lost == 0);
  CHECK(findings.oldTorn == 0);
}
