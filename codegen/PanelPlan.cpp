//===- PanelPlan.cpp
//---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How wide panels are: from the registers and the matrix.
//
//===----------------------------------------------------------------------===//

#include "codegen/PanelPlan.h"

#include "llvm/Support/MathExtras.h"

using namespace ttc;

PanelPlan::PanelPlan(int64_t outputs, int64_t inputs, const VectorUnit &unit)
    : outputs(outputs), inputs(inputs), lanes(unit.lanes) {
  // Half of the registers accumulate: the other half is for operands and for
  // the update that follows.
  int64_t widest = unit.registers / 2;
  int64_t vectors = llvm::divideCeil(outputs, lanes);
  int64_t panels = llvm::divideCeil(vectors, widest);
  int64_t wide = llvm::divideCeil(vectors, panels);
  int64_t wideCount = vectors - panels * (wide - 1);
  groups.push_back({wideCount, wide, 0, 0});
  if (wideCount < panels) {
    int64_t first = wideCount * wide;
    groups.push_back(
        {panels - wideCount, wide - 1, first, first * lanes * inputs});
  }
}

int64_t PanelPlan::packedElements() const {
  return llvm::divideCeil(outputs, lanes) * lanes * inputs;
}

int64_t PanelPlan::chains(const PanelGroup &group) const {
  constexpr int64_t enough = 16; // below, splitting costs more than it saves
  if (inputs < enough)
    return 1;
  return group.vectors <= 2 ? 4 : group.vectors <= 4 ? 2 : 1;
}
