//===- ScheduleGPU.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule for a GPU: a thread an element, or a few columns of a product.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"
#include "codegen/TTCCodegenPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ttc {
#define GEN_PASS_DEF_SCHEDULEGPU
#include "codegen/TTCCodegenPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct ScheduleGPU : ttc::impl::ScheduleGPUBase<ScheduleGPU> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp step = getStepFunction(module);
    if (!step)
      return signalPassFailure();
    BytesAttr threads = countThreads(step);
    if (failed(scheduleModel(module, schedule(),
                             Schedule(VectorUnit{lanes, registers, fma}),
                             /*workers=*/1)))
      return signalPassFailure();
    module->setAttr(threadsAttr, threads);
  }

  Schedule schedule() const { return Schedule(VectorUnit::ofThread(tf32)); }

  /// How many threads the widest operation of a timestep keeps busy: in all, or
  /// for each row of the batch.
  BytesAttr countThreads(func::FuncOp step) const {
    PreparedPlan prepared = planPrepared(step, schedule());
    int64_t fixed = 0, perBatch = 0;
    for (Operation &op : step.getBody().front().without_terminator()) {
      if (!becomesLoops(&op))
        continue;
      auto type = cast<RankedTensorType>(op.getResult(0).getType());
      int64_t threads = 1;
      for (int64_t size : type.getShape())
        threads *= ShapedType::isDynamic(size) ? 1 : size;
      if (auto nest = dyn_cast<NestOp>(op); nest && nest.hasProduct())
        threads = llvm::divideCeil(threads, PanelPlan::threadColumns) *
                  threadsOfQuad(nest, prepared);
      int64_t &most = type.hasStaticShape() ? fixed : perBatch;
      most = std::max(most, threads);
    }
    return BytesAttr::get(step.getContext(), fixed, perBatch);
  }

  /// How many threads may share the sums of four columns of a row. Those of a
  /// warp have as many rows together.
  static int64_t threadsOfQuad(NestOp nest, const PreparedPlan &prepared) {
    const Schedule &schedule = prepared.reader;
    int64_t most = 1;
    for (auto [index, weight] : llvm::enumerate(nest.getProductWeights())) {
      PanelPlan plan = prepared
                           .packedForm(cast<RankedTensorType>(weight.getType()),
                                       layoutOf(nest, index), schedule)
                           .panels;
      if (isForWarp(nest, index, plan, schedule))
        return 1;
      most = std::max(most, plan.chains);
    }
    return most;
  }
};

} // namespace
