//===- Damage.h - Is a damaged states file ever accepted? -------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The harness of DamageTest, which CrippledWritersTest tests in its turn.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DAMAGE_H
#define TTC_DAMAGE_H

#include "Fixtures.h"

#include <cstdint>

/// What damaged files showed.
struct DamageFindings {
  uint64_t tried = 0;
  uint64_t accepted = 0; ///< loaded, or refused with the session changed
};

/// Every bit of these bytes flipped, each alone, then every truncation of them.
/// `flags` are those that the file needs to be loaded when it is whole.
DamageFindings damageEverywhere(const std::string &bytes, int flags = 0);

/// `count` times something random: bits, runs of bytes, sectors that are
/// zeroed, moved or exchanged, pieces cut out.
DamageFindings damageAtRandom(const std::string &bytes, uint64_t count);

/// A states file of the fake model of exactly 4096 bytes.
std::string statesOf4096Bytes();

#endif // TTC_DAMAGE_H
