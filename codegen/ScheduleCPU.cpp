//===- ScheduleCPU.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule for a CPU: vectors, registers, and perhaps a team of threads.
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
#define GEN_PASS_DEF_SCHEDULECPU
#include "codegen/TTCCodegenPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct ScheduleCPU : ttc::impl::ScheduleCPUBase<ScheduleCPU> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto chosen = Schedule::choose(
        {lanes, registers, fma, /*isGPU=*/false, pairs, matrices}, Core(),
        scheduleText);
    if (!chosen) {
      module.emitError(toString(chosen.takeError()));
      return signalPassFailure();
    }
    if (failed(scheduleModel(module, *chosen, *chosen, workers)))
      return signalPassFailure();
    module->setAttr(scheduleAttr,
                    StringAttr::get(&getContext(), chosen->text()));
  }
};

} // namespace
