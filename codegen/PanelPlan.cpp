//===- PanelPlan.cpp ------------------------------------------------------===//
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

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace ttc;

int64_t PassGroup::vectors() const {
  return std::accumulate(panels.begin(), panels.end(), int64_t(0));
}

/// How many panels a pass walks side by side, for a row of `vectors` registers.
static int64_t panelsPerPass(int64_t vectors, int64_t passes, int64_t widest) {
  return llvm::divideCeil(llvm::divideCeil(vectors, passes), widest);
}

PanelPlan::PanelPlan(int64_t outputs, int64_t inputs, const Schedule &schedule,
                     int64_t depth)
    : outputs(outputs), inputs(inputs), lanes(schedule.lanes), depth(depth) {
  if (schedule.isGPU) {
    lanes = threadColumns;
    int64_t vectors = llvm::divideCeil(outputs, lanes);
    groups.push_back({1, vectors, 0});
    // Few rows keep few threads busy: as many as may be share a sum, each with
    // inputs enough to be worth it. Never two: the four columns of a thread are
    // divided among those that share it.
    chains = inputs < 32 ? 1 : inputs < 128 ? 4 : 8;
    return;
  }

  // Many narrow streams are fetched faster than a wide one (docs/schedule.md).
  int64_t vectors = llvm::divideCeil(outputs, lanes);
  int64_t passCount = llvm::divideCeil(vectors, schedule.pass);
  int64_t perPass = panelsPerPass(vectors, passCount, schedule.panel);
  int64_t panels = std::min(passCount * perPass, vectors);
  int64_t wide = llvm::divideCeil(vectors, panels);
  int64_t wideCount = vectors - panels * (wide - 1);
  groups.push_back({wideCount, wide, 0});
  if (wideCount < panels)
    groups.push_back({panels - wideCount, wide - 1, wideCount * wide});

  int64_t firstVector = 0;
  for (int64_t panel = 0; panel < panels; panel += perPass) {
    PassGroup pass{1, {}, firstVector};
    for (int64_t i = panel; i < std::min(panel + perPass, panels); ++i)
      pass.panels.push_back(i < wideCount ? wide : wide - 1);
    firstVector += pass.vectors();
    if (!passes.empty() && passes.back().panels == pass.panels)
      ++passes.back().count;
    else
      passes.push_back(std::move(pass));
  }

  constexpr int64_t enough = 16; // below, splitting costs more than it saves
  chains = 1;
  while (steps() >= enough && 2 * chains <= schedule.chains &&
         2 * chains * vectors <= schedule.inflight)
    chains *= 2;
}

int64_t PanelPlan::storedElements() const {
  return packedElements() + groups.size();
}

int64_t PanelPlan::paddedOutputs() const {
  return llvm::divideCeil(outputs, lanes) * lanes;
}

int64_t PanelPlan::packedElements() const { return paddedOutputs() * inputs; }

bool ttc::fitsMatrixUnit(const Schedule &schedule,
                         llvm::ArrayRef<PanelPlan> plans, bool listsEvents) {
  constexpr int64_t lanes = 16;
  return schedule.hasMatrices && !listsEvents &&
         llvm::all_of(plans, [](const PanelPlan &plan) {
           return plan.depth == 2 && plan.lanes == lanes;
         });
}
