//===- ScheduleModel.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a threaded model becomes loops on memory: its step, the stages of a
// sequence, and its prepare.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"
#include "codegen/TTCCodegenPasses.h"

using namespace mlir;
using namespace ttc;

/// Emits the stages of a sequence; returns a size of scratch that is enough
/// for them, behind the block's buffers, and for the step.
static BytesAttr scheduleStages(ArrayAttr names, const Schedule &schedule,
                                const PreparedPlan &plan, ModuleOp module,
                                BytesAttr ofStep, int64_t workers) {
  int64_t block = module->getAttrOfType<IntegerAttr>(blockAttr).getInt();
  auto buffers = module->getAttrOfType<BytesAttr>(buffersSizeAttr);
  int64_t fixed = 0, perBatch = 0;
  for (auto name : names.getAsRange<FlatSymbolRefAttr>()) {
    auto stage = module.lookupSymbol<func::FuncOp>(name.getValue());
    BytesAttr size = scheduleStep(stage, schedule, plan, module, workers);
    // The rows of a whole block are never more than its size.
    bool takesBlock = stage->hasAttr(wholeBlockAttr);
    int64_t rows = takesBlock ? block : 0;
    fixed = std::max(fixed, size.getFixed() + size.getPerBatch() * rows);
    if (!takesBlock)
      perBatch = std::max(perBatch, size.getPerBatch());
    stage.erase();
  }
  return BytesAttr::get(
      module.getContext(),
      std::max(ofStep.getFixed(), buffers.getFixed() + fixed),
      std::max(ofStep.getPerBatch(), buffers.getPerBatch() + perBatch));
}

static LogicalResult checkDeclared(func::FuncOp function, ModuleOp module) {
  SymbolTable symbols(module);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    for (StringRef kind : {paramAttr, stateAttr})
      if (auto name = function.getArgAttrOfType<FlatSymbolRefAttr>(i, kind))
        if (!(kind == paramAttr
                  ? bool(symbols.lookup<ParamOp>(name.getValue()))
                  : bool(symbols.lookup<StateOp>(name.getValue()))))
          return function.emitError()
                 << "names " << name << ", but no " << kind << " declares it";
  return success();
}

/// A product's weight is a prepared value: only those are packed.
static LogicalResult checkProducts(func::FuncOp step) {
  for (NestOp nest : step.getBody().front().getOps<NestOp>())
    for (Value value : nest.getProductWeights()) {
      auto weight = dyn_cast<BlockArgument>(value);
      if (!weight || !step.getArgAttr(weight.getArgNumber(), preparedAttr))
        return nest.emitOpError("multiplies by a matrix that is not known "
                                "before the timestep: it cannot be compiled");
    }
  return success();
}

LogicalResult ttc::scheduleModel(ModuleOp module, const Schedule &schedule,
                                 const Schedule &host, int64_t workers) {
  func::FuncOp step = getStepFunction(module);
  if (!step)
    return failure();
  auto name = step->getAttrOfType<FlatSymbolRefAttr>(prepareAttr);
  func::FuncOp prepare;
  if (name)
    prepare = SymbolTable(module).lookup<func::FuncOp>(name.getValue());
  if (!prepare || !module->hasAttr(statesSizeAttr))
    return step.emitError("is not ready to be scheduled: prepare-weights and "
                          "plan-states run before schedule-cpu");
  if (failed(checkDeclared(step, module)) ||
      failed(checkDeclared(prepare, module)) || failed(checkProducts(step)))
    return failure();

  PreparedPlan plan = planPrepared(step, schedule);
  BytesAttr scratch = scheduleStep(step, schedule, plan, module, workers);
  if (auto stages = step->getAttrOfType<ArrayAttr>(stagesAttr))
    scratch = scheduleStages(stages, schedule, plan, module, scratch, workers);
  schedulePrepare(prepare, host, plan, module);

  Builder builder(module.getContext());
  module->setAttr(preparedSizeAttr, builder.getI64IntegerAttr(plan.size));
  module->setAttr(scratchSizeAttr, scratch);
  if (workers > 1)
    module->setAttr(workersAttr, builder.getI64IntegerAttr(workers));
  step.erase();
  prepare.erase();
  return success();
}
