//===- PanelPlan.h
//-----------------------------------------------------------===//
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

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace ttc {

/// What the schedule needs to know of a CPU.
struct VectorUnit {
  int64_t lanes = 16;     ///< f32 elements a register
  int64_t registers = 32; ///< vector registers
  bool hasFMA = true;
};

/// Panels of one width that follow each other: each holds `vectors` registers
/// of output features for every input feature, input-major.
struct PanelGroup {
  int64_t count;       ///< panels
  int64_t vectors;     ///< registers a panel is wide
  int64_t firstVector; ///< the group's first output feature, in registers
  int64_t offset;      ///< the group's first element in the packed matrix
};

/// The layout of a packed weight matrix of (outputs, inputs): panels of as many
/// columns as the registers can accumulate, all of about one width, padded with
/// zeros to whole registers.
struct PanelPlan {
  PanelPlan(int64_t outputs, int64_t inputs, const VectorUnit &unit);

  int64_t outputs, inputs, lanes;
  llvm::SmallVector<PanelGroup, 2> groups;

  int64_t packedElements() const;

  /// Into how many chains a panel's sum is split: few accumulators would wait
  /// for each other's latency. Chain c sums the c-th contiguous part of the
  /// inputs, the last one the remainder too, and the chains are added pairwise.
  /// It depends on the matrix alone, so that every form of the product has the
  /// same bits.
  int64_t chains(const PanelGroup &group) const;
};

} // namespace ttc

#endif // TTC_CODEGEN_PANELPLAN_H
