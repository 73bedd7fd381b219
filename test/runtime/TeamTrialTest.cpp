//===- TeamTrialTest.cpp - Is the sooner way found, and kept? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "threads/TeamTrial.h"

#include <doctest/doctest.h>

using ttc::TeamTrial;

namespace {

/// Calls of one sort, a step each; how many were the team's.
int makeCalls(TeamTrial &trial, int calls, uint64_t byTeam, uint64_t alone,
              int64_t batch = 1, bool isRun = false) {
  int ofTeam = 0;
  for (int i = 0; i < calls; ++i) {
    const TeamTrial::Way way = trial.next(batch, isRun);
    const bool team = way == TeamTrial::Way::Team;
    ofTeam += team;
    const uint64_t took = team ? byTeam : alone;
    if (way != TeamTrial::Way::AloneUnmeasured)
      trial.took(team, took, took);
  }
  return ofTeam;
}

/// Whether the next call of that sort is for the team.
bool isForTeam(TeamTrial &trial, int64_t batch, bool isRun = false) {
  return trial.next(batch, isRun) == TeamTrial::Way::Team;
}

constexpr int each = TeamTrial::callsEach;
constexpr int kept = each * int(TeamTrial::timesKept);
constexpr int round = 2 * each + kept;
/// So long that a way is kept for a number of calls, so short that several are
/// tried.
constexpr uint64_t T = TeamTrial::longNanoseconds / 4;

} // namespace

TEST_CASE("The sooner way is kept, and both are tried again") {
  TeamTrial team, alone;
  CHECK(makeCalls(team, round, T, 2 * T) == each + kept);
  CHECK(makeCalls(alone, round, 2 * T, T) == each);
  CHECK(makeCalls(team, 2 * each, T, 2 * T) == each);
  CHECK(makeCalls(alone, 2 * each, 2 * T, T) == each);
}

TEST_CASE("A way that is found again is kept for longer, up to a limit") {
  TeamTrial trial;
  for (int longer : {1, 2, 4, 8, 16, 16, 16})
    CHECK(makeCalls(trial, 2 * each + longer * kept, 2 * T, T) == each);
  // And for a short time when it changes.
  CHECK(makeCalls(trial, round, T, 2 * T) == each + kept);
  CHECK(makeCalls(trial, round + kept, T, 2 * T) == each + 2 * kept);
}

TEST_CASE("A trial begins with the team") {
  TeamTrial trial;
  CHECK(makeCalls(trial, each, 2 * T, T) == each);
  CHECK(makeCalls(trial, each, 2 * T, T) == 0);
}

TEST_CASE("What is sooner can change") {
  TeamTrial trial;
  makeCalls(trial, round, T, 2 * T);
  CHECK(makeCalls(trial, round, 3 * T, 2 * T) == each);
  CHECK(makeCalls(trial, round, T, 2 * T) == each + kept);
}

TEST_CASE("One call that was disturbed does not decide") {
  TeamTrial trial;
  for (int i = 0; i < each; ++i) {
    CHECK(isForTeam(trial, 1));
    const uint64_t took = i == 1 ? T : 3 * T;
    trial.took(true, took, took);
  }
  makeCalls(trial, each, T, 2 * T);
  CHECK(makeCalls(trial, kept, T, 2 * T) == kept);
}

TEST_CASE("Steps of another batch, and runs, are tried for themselves") {
  TeamTrial trial;
  makeCalls(trial, round / 2, 2 * T, T);
  CHECK(!isForTeam(trial, 1));
  CHECK(isForTeam(trial, 64));
  CHECK(makeCalls(trial, round, T, 2 * T, 64) == each + kept);
  CHECK(makeCalls(trial, round, 2 * T, T, 64, true) == each);
}

TEST_CASE("Of long calls fewer are tried") {
  TeamTrial trial;
  const uint64_t took = TeamTrial::longNanoseconds;
  CHECK(makeCalls(trial, each + kept / 2, 2 * took, took) == each / 2);
  CHECK(isForTeam(trial, 1));
}

TEST_CASE("Short calls are kept for a while, and not measured") {
  TeamTrial trial;
  makeCalls(trial, 2 * each, 200, 100);
  const uint64_t calls = TeamTrial::keptNanoseconds / 100;
  for (uint64_t i = 0; i < calls; ++i)
    REQUIRE(trial.next(1, false) == TeamTrial::Way::AloneUnmeasured);
  CHECK(isForTeam(trial, 1));
}

TEST_CASE("A team that is not to be had is asked for again") {
  TeamTrial trial;
  for (int i = 0; i < 10 * round; ++i) {
    REQUIRE(isForTeam(trial, 1));
    trial.took(false, T, T);
  }
  CHECK(makeCalls(trial, round, T - 1, T) == each + kept);
}
