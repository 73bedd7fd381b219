//===- DamageTest.cpp - Is a damaged states file ever accepted? -----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Damage.h"

#include <cstdlib>

TEST_CASE("K14 K15 every bit flip and every truncation of 4096 bytes") {
  std::string bytes = statesOf4096Bytes();
  DamageFindings findings = damageEverywhere(bytes);
  MESSAGE(findings.tried << " damaged files");
  CHECK(findings.tried == 4096 * 9);
  CHECK(findings.accepted == 0);
}

// TTC_DAMAGE_RANDOM sets how many; a longer test is the same test.
TEST_CASE("Random damage is refused") {
  const char *text = std::getenv("TTC_DAMAGE_RANDOM");
  int count = text ? std::atoi(text) : 0;
  DamageFindings findings = damageAtRandom(
      statesOf4096Bytes(), static_cast<uint64_t>(count > 0 ? count : 2000));
  MESSAGE(findings.tried << " randomly damaged files");
  CHECK(findings.accepted == 0);
}
