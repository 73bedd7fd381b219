//===- TeamTrial.h - Is a team sooner than one thread? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sharing a step costs its barriers. Whether it pays depends on the model, the
// batch, the machine and what else runs there, so it is measured: some calls
// are made by the team and as many by one thread, the sooner way is kept for
// some calls, and both are tried again: a trial may have been disturbed. Each
// time that the same way is found to be sooner it is kept for longer; in the
// end trials take about a hundredth of the time.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TEAMTRIAL_H
#define TTC_TEAMTRIAL_H

#include <algorithm>
#include <cstdint>

namespace ttc {

/// For the calls of one session.
class TeamTrial {
public:
  /// Of short calls so many are tried each way: the first one finds the weights
  /// in the caches of others.
  static constexpr uint32_t callsEach = 4;
  /// From this length on, half as many.
  static constexpr uint64_t longNanoseconds = 1'000'000;
  /// A way that was not sooner before is kept for so many times the calls that
  /// were tried each way, and for so long at least: workers may have to be
  /// woken for a trial.
  static constexpr uint64_t timesKept = 8, keptNanoseconds = 6'250'000;
  /// With each trial that finds it again twice as long, but no more than this.
  static constexpr uint64_t mostLonger = 16;

  enum class Way : uint8_t {
    Team,  ///< and say what it took
    Alone, ///< and say what it took
    /// It is known to be sooner: what it takes need not be measured, which for
    /// the smallest steps would take as long as they do.
    AloneUnmeasured
  };

  /// How to make the next call, a step or a run of this batch.
  Way next(int64_t batch, bool isRun) {
    const uint64_t sort = static_cast<uint64_t>(batch) * 2 + isRun;
    if (sort != calls || (phase == Phase::Kept && left == 0)) {
      if (sort != calls)
        longer = 0;
      calls = sort;
      begin();
    }
    if (phase != Phase::Kept)
      return phase == Phase::Team ? Way::Team : Way::Alone;
    --left;
    return teamIsSooner ? Way::Team : Way::AloneUnmeasured;
  }

  /// What a call took, in nanoseconds, and each of its steps.
  void took(bool team, uint64_t call, uint64_t step) {
    if (phase == Phase::Kept)
      return;
    uint64_t &best = team ? bestOfTeam : bestAlone;
    best = std::min(best, step);
    if (team != (phase == Phase::Team))
      return;
    ++tried;
    if (tried < (call < longNanoseconds ? callsEach : callsEach / 2))
      return;
    if (phase == Phase::Alone) {
      const bool was = teamIsSooner;
      teamIsSooner = bestOfTeam < bestAlone;
      longer = longer == 0 || teamIsSooner != was
                   ? 1
                   : std::min(2 * longer, mostLonger);
      left = longer * std::max(timesKept * tried,
                               keptNanoseconds / std::max<uint64_t>(call, 1));
    }
    phase = phase == Phase::Team ? Phase::Alone : Phase::Kept;
    tried = 0;
  }

private:
  enum class Phase : uint8_t { Team, Alone, Kept };

  void begin() {
    phase = Phase::Team;
    tried = 0;
    bestOfTeam = bestAlone = UINT64_MAX;
  }

  uint64_t calls = 0; ///< of what sort: the batch, and whether runs
  uint64_t bestOfTeam = UINT64_MAX, bestAlone = UINT64_MAX;
  uint64_t left = 0;   ///< calls for which the way is kept
  uint64_t longer = 0; ///< how often as long as the first time; 0: never tried
  uint32_t tried = 0;
  Phase phase = Phase::Team;
  bool teamIsSooner = true;
};

} // namespace ttc

#endif // TTC_TEAMTRIAL_H
