//===- Schedule.cpp -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chooses a schedule from what a CPU has, and reads what was given instead.
//
//===----------------------------------------------------------------------===//

#include "codegen/Schedule.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <optional>

using namespace llvm;
using namespace ttc;

/// A fused multiply-add has its result after so many cycles, and so many begin
/// in each: what AVX2 and AVX-512 have had since 2015, and NEON about.
static constexpr int64_t latency = 4, perCycle = 2;

Schedule::Schedule(const VectorUnit &unit, const Core &core)
    : VectorUnit(unit),
      // The other half is for operands, and for the update that follows.
      pass(unit.registers / 2),
      // A tile's weights serve many rows: few registers hold operands.
      tile(unit.registers * 3 / 4), inflight(latency * perCycle),
      // The rest of L2 is for the weights of a stage.
      cache(core.caches[1] / 4 >> 10) {}

Schedule Schedule::forElements(int64_t bytes) const {
  Schedule schedule = *this;
  schedule.lanes = std::max<int64_t>(lanes * 4 / bytes, 1);
  return schedule;
}

int64_t Schedule::depth(int64_t inputs) const {
  return (hasPairs || isGPU) && inputs % 2 == 0 ? 2 : 1;
}

bool Schedule::multipliesTF32(int64_t inputs) const {
  // As with bf16: of a short sum the rounding would be the larger part.
  constexpr int64_t shortest = 32;
  return usesTF32 && inputs >= shortest;
}

int64_t Schedule::tileRows(int64_t vectors, int64_t chains) const {
  return std::max<int64_t>(tile / (vectors * chains), 1);
}

namespace {

/// A key that is a number, and what it may be.
struct Number {
  StringLiteral key;
  int64_t Schedule::*field;
  int64_t least, most;
  bool powerOfTwo = false;
};

} // namespace

static constexpr Number numberKeys[] = {
    {"lanes", &Schedule::lanes, 4, 64, true},
    {"registers", &Schedule::registers, 8, 64},
    {"panel", &Schedule::panel, 1, 16},
    {"pass", &Schedule::pass, 1, 64},
    {"tile", &Schedule::tile, 1, 64},
    {"chains", &Schedule::chains, 1, 8, true},
    {"inflight", &Schedule::inflight, 1, 64},
    {"update", &Schedule::update, 0, 64},
    {"row-events", &Schedule::rowEvents, 0, 100},
    {"tile-events", &Schedule::tileEvents, 0, 100},
    {"block", &Schedule::block, 1, 4096},
    {"cache", &Schedule::cache, 1, 1 << 20},
    {"longest", &Schedule::longest, 1, 1 << 20},
};
static constexpr StringLiteral eventsKey = "events";
static constexpr StringLiteral eventsWords[] = {"off", "auto", "always"};

static Error give(Schedule &schedule, StringRef key, StringRef value) {
  if (key == eventsKey) {
    const auto *word = llvm::find(eventsWords, value);
    if (word == std::end(eventsWords))
      return createStringError(
          "the schedule's events are off, auto or always, but '" + value +
          "' was given");
    schedule.events = ListEvents(word - eventsWords);
    return Error::success();
  }
  const Number *number =
      llvm::find_if(numberKeys, [&](const Number &n) { return n.key == key; });
  if (number == std::end(numberKeys)) {
    std::string known = eventsKey.str();
    for (const Number &each : numberKeys)
      known += ", " + each.key.str();
    return createStringError("a schedule has no key '" + key + "': it has " +
                             known);
  }
  int64_t given;
  if (!to_integer(value, given, 10) || given < number->least ||
      given > number->most || (number->powerOfTwo && !isPowerOf2_64(given)))
    return createStringError(
        formatv("the schedule's {0} is {1} from {2} to {3}, but '{4}' was "
                "given",
                key, number->powerOfTwo ? "a power of two" : "a whole number",
                number->least, number->most, value)
            .str());
  schedule.*number->field = given;
  return Error::success();
}

/// Whether the values fit each other and the CPU.
static Error check(const Schedule &schedule, const VectorUnit &unit) {
  auto tooMany = [](StringRef key, int64_t given, int64_t most, StringRef why) {
    return createStringError(
        formatv("the schedule's {0} is {1}, more than the {2} {3}", key, given,
                most, why)
            .str());
  };
  if (schedule.lanes > unit.lanes)
    return tooMany("lanes", schedule.lanes, unit.lanes,
                   "that a vector of this CPU has");
  if (schedule.registers > unit.registers)
    return tooMany("registers", schedule.registers, unit.registers,
                   "that this CPU has");
  int64_t most = schedule.registers - schedule.panel;
  std::string why = formatv("that a panel of {0} leaves of {1} registers",
                            schedule.panel, schedule.registers);
  if (most < 1)
    return tooMany("panel", schedule.panel, schedule.registers - 1,
                   "that leave a register for a sum");
  if (schedule.pass > most)
    return tooMany("pass", schedule.pass, most, why);
  if (schedule.tile > most)
    return tooMany("tile", schedule.tile, most, why);
  if (schedule.panel > schedule.pass)
    return tooMany("panel", schedule.panel, schedule.pass,
                   "that a pass sums in");
  return Error::success();
}

Expected<Schedule> Schedule::choose(const VectorUnit &unit, const Core &core,
                                    StringRef overrides) {
  SmallVector<StringRef> parts;
  overrides.split(parts, ',', -1, /*KeepEmpty=*/!overrides.empty());
  SmallVector<std::pair<StringRef, StringRef>> given;
  for (StringRef part : parts) {
    auto [key, value] = part.split('=');
    if (!part.contains('='))
      return createStringError("a schedule is given as key=value,key=value, "
                               "but '" +
                               part + "' has no '='");
    if (llvm::is_contained(llvm::make_first_range(given), key))
      return createStringError("the schedule's " + key + " is given twice");
    given.push_back({key, value});
  }

  auto apply = [&](Schedule &schedule, bool onlyUnit) -> Error {
    for (auto [key, value] : given)
      if (!onlyUnit || key == "lanes" || key == "registers")
        if (Error error = give(schedule, key, value))
          return error;
    return Error::success();
  };
  // First what the rest is derived from.
  Schedule used(unit, core);
  if (Error error = apply(used, /*onlyUnit=*/true))
    return error;
  Schedule schedule(used.unit(), core);
  if (Error error = apply(schedule, /*onlyUnit=*/false))
    return error;
  // A wide panel leaves fewer registers for sums.
  for (auto [key, field] :
       {std::pair("pass", &Schedule::pass), std::pair("tile", &Schedule::tile)})
    if (!llvm::is_contained(llvm::make_first_range(given), key))
      schedule.*field =
          std::min(schedule.*field, schedule.registers - schedule.panel);
  if (Error error = check(schedule, unit))
    return error;
  return schedule;
}

std::string Schedule::text() const {
  std::string text;
  for (const Number &number : numberKeys)
    text += (text.empty() ? "" : ",") + number.key.str() + "=" +
            std::to_string(this->*number.field);
  return text + "," + eventsKey.str() + "=" +
         eventsWords[unsigned(events)].str();
}

std::string Schedule::limits() const {
  return formatv("{0} registers of {1} lanes, {2} sums in flight ({3} cycles "
                 "of latency, {4} a cycle), {5} KiB of cache for a block",
                 registers, lanes, inflight, latency, perCycle, cache);
}
