//===- PanelPlan.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a weight matrix is packed, and so in what order products are summed.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_PANELPLAN_H
#define TTC_CODEGEN_PANELPLAN_H

#include "codegen/Schedule.h"

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace ttc {

/// Panels of one width that follow each other: each holds `vectors` registers
/// of output features for every step of a sum, step-major.
struct PanelGroup {
  int64_t count;       ///< panels
  int64_t vectors;     ///< registers a panel is wide
  int64_t firstVector; ///< the group's first output feature, in registers
};

/// Passes of one shape that follow each other: each walks several panels side
/// by side, a stream of memory each, so that a single row has accumulators
/// enough.
struct PassGroup {
  int64_t count;
  llvm::SmallVector<int64_t, 4> panels; ///< the width of each panel of a pass
  int64_t firstVector;

  int64_t vectors() const;
};

/// The layout of a packed weight matrix of (outputs, inputs): narrow panels,
/// all of about one width, padded with zeros to whole registers; for a GPU one
/// panel, so that neighbouring threads read neighbouring columns. Panel after
/// panel, so that the element of vector v starts at v * lanes * inputs if v
/// begins a panel.
struct PanelPlan {
  /// `inputs` is a multiple of `depth`.
  PanelPlan(int64_t outputs, int64_t inputs, const Schedule &schedule,
            int64_t depth = 1);

  /// How many columns a thread of a GPU computes: it reads their weights at
  /// once.
  static constexpr int64_t threadColumns = 4;

  int64_t outputs, inputs, lanes;
  /// How many inputs are multiplied and added at once, a step of the sum: their
  /// weights lie side by side.
  int64_t depth;
  int64_t steps() const { return inputs / depth; }
  llvm::SmallVector<PanelGroup, 2> groups;
  llvm::SmallVector<PassGroup, 2> passes;
  /// Into how many chains each sum is split: few accumulators would wait for
  /// each other's latency. Chain c sums the c-th contiguous part of the steps,
  /// the last one the remainder too, and the chains are added pairwise. It
  /// depends on the matrix alone, so that every form of the product has the
  /// same bits.
  int64_t chains;

  int64_t paddedOutputs() const;
  int64_t packedElements() const;
  /// With what stands behind the panels: for each group a number that is 0 if
  /// all its weights are finite.
  int64_t storedElements() const;
};

/// Whether a matrix unit multiplies by weights of these plans, all of one nest:
/// pairs of bf16, in whole registers. It knows no lists of active inputs.
bool fitsMatrixUnit(const Schedule &schedule, llvm::ArrayRef<PanelPlan> plans,
                    bool listsEvents);

} // namespace ttc

#endif // TTC_CODEGEN_PANELPLAN_H
