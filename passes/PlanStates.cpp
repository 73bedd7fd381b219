//===- PlanStates.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where each state lies in a session's one block.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "llvm/Support/MathExtras.h"

namespace ttc {
#define GEN_PASS_DEF_PLANSTATES
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct PlanStates : ttc::impl::PlanStatesBase<PlanStates> {
  void runOnOperation() override {
    // A cache line: no two states share one, and every state starts at the
    // alignment that the runtime gives the block, whatever the batch.
    constexpr uint64_t alignment = 64;
    constexpr int64_t page = 4096;
    auto states = llvm::to_vector(getOperation().getOps<StateOp>());
    llvm::sort(states, [](StateOp a, StateOp b) {
      return a.getSymName() < b.getSymName();
    });

    // Static states first, so that an offset is one multiplication and one
    // addition: fixed + per_batch * batch, where the rows of a batch are each
    // rounded up.
    int64_t fixed = 0, perBatch = 0;
    bool draws = getOperation()
                     .walk([](DrawOp) { return WalkResult::interrupt(); })
                     .wasInterrupted();
    if (draws) {
      getOperation()->setAttr(generatorAttr, UnitAttr::get(&getContext()));
      fixed = alignment;
    }
    for (bool isDynamic : {false, true})
      for (StateOp state : states) {
        auto type = cast<RankedTensorType>(state.getType());
        if (type.hasStaticShape() == isDynamic)
          continue;
        state.setOffsetAttr(BytesAttr::get(&getContext(), fixed, perBatch));
        int64_t bytes = type.getElementTypeBitWidth() / 8;
        for (int64_t size : type.getShape())
          bytes *= ShapedType::isDynamic(size) ? 1 : size;
        bytes = llvm::alignTo(bytes, alignment);
        (isDynamic ? perBatch : fixed) += bytes;
        // States a whole number of pages apart would meet in the low bits of
        // their addresses, by which a CPU tells a load from the stores in
        // flight: each would wait for another state's. An eighth of a page
        // keeps them apart.
        if (bytes % page == 0)
          fixed += page / 8;
      }
    getOperation()->setAttr(statesSizeAttr,
                            BytesAttr::get(&getContext(), fixed, perBatch));
  }
};
} // namespace
