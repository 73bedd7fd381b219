//===- Schedule.h ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By which numbers a timestep is laid out for a CPU: all that could be chosen
// otherwise, in one place.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_SCHEDULE_H
#define TTC_CODEGEN_SCHEDULE_H

#include "codegen/Core.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace ttc {

/// What a CPU has to compute with.
struct VectorUnit {
  int64_t lanes = 16;     ///< elements of f32 a register
  int64_t registers = 32; ///< vector registers
  bool hasFMA = true;
  bool isGPU = false; ///< a thread of a GPU, with one lane
  /// Whether pairs of bf16 are multiplied and added to a sum of f32 at once,
  /// and whether matrices of them are: by registers of AMX.
  bool hasPairs = false, hasMatrices = false;
  /// Whether vectors are scaled by powers of two: AVX-512.
  bool hasScale = false;
  /// Whether a GPU multiplies f32 by its matrix units, rounded to tf32. Pairs
  /// of bf16 it always multiplies so.
  bool usesTF32 = false;

  static VectorUnit ofThread(bool usesTF32 = false) {
    VectorUnit thread;
    thread.lanes = 1;
    thread.isGPU = true;
    thread.usesTF32 = usesTF32;
    return thread;
  }
};

/// Whether a product lists its active inputs: never, where they are few, or
/// wherever it may.
enum class ListEvents { Off, Auto, Always };

/// What the schedule chose. The sums of a product have the same bits under any
/// two schedules of the same lanes, registers, chains and inflight
/// (docs/schedule.md).
struct Schedule : VectorUnit {
  /// What a CPU of this sort is best served by.
  explicit Schedule(const VectorUnit &unit = VectorUnit(),
                    const Core &core = Core());

  /// The same, but for what `overrides` gives as `key=value,key=value`; the
  /// rest follows from what is given. Fails with a sentence for a key or a
  /// value that cannot be.
  static llvm::Expected<Schedule>
  choose(const VectorUnit &unit, const Core &core, llvm::StringRef overrides);

  const VectorUnit &unit() const { return *this; }
  /// Registers of output features that a panel of packed weights is wide.
  int64_t panel = 2;
  /// Registers that hold the sums of a pass of one row, through several panels
  /// side by side; and of a tile of several rows and one panel.
  int64_t pass, tile;
  /// Into how many chains a sum is split at most, and how many sums the
  /// multipliers need in flight: fewer are split.
  int64_t chains = 4, inflight;
  /// Vectors of a tile that are updated in the registers of their sums, if
  /// these are no more than a pass has; else they go through memory.
  int64_t update = 4;
  ListEvents events = ListEvents::Auto;
  /// The percentage of inputs up to which, if active, those of a row are
  /// listed; and those of each of several rows that would make a tile.
  int64_t rowEvents = 75, tileEvents = 25;
  /// The most rows of a sequence's block, and the KiB of cache that what it
  /// passes from stage to stage may take.
  int64_t block = 48, cache;
  /// The most operations of a step that are compiled as one function.
  int64_t longest = 8;

  /// The same schedule for elements of `bytes` each.
  Schedule forElements(int64_t bytes) const;
  /// How many of the `inputs` of a product in bf16 are multiplied at once: a
  /// PanelPlan's depth.
  int64_t depth(int64_t inputs) const;
  /// Whether a product with so many `inputs` is multiplied in tf32.
  bool multipliesTF32(int64_t inputs) const;
  /// The rows of a tile of one panel of `vectors` registers.
  int64_t tileRows(int64_t vectors, int64_t chains) const;

  /// As choose() takes it: every key, and its value.
  std::string text() const;
  /// From which limits of the CPU the values follow: a phrase.
  std::string limits() const;
};

} // namespace ttc

#endif // TTC_CODEGEN_SCHEDULE_H
