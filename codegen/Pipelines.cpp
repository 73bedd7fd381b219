//===- Pipelines.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which passes make up each stage.
//
//===----------------------------------------------------------------------===//

#include "codegen/Pipelines.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace ttc;

void ttc::addDeclarePasses(OpPassManager &pm, const DeclareOptions &options) {
  if (options.batch)
    pm.addPass(createSpecializeBatch(SpecializeBatchOptions{*options.batch}));
  pm.addPass(createDeclareResources());
  pm.addPass(createCompileParams());
  std::string states = options.storage.empty() ? "f32" : options.storage;
  std::string weights =
      options.weightsStorage.empty() ? states : options.weightsStorage;
  if (states != "f32" || weights != "f32")
    pm.addPass(createNarrowStorage(NarrowStorageOptions{states, weights}));
}

void ttc::addExpandPasses(OpPassManager &pm) {
  pm.addPass(createExpandLayers());
  pm.addPass(createCSEPass());
}

void ttc::addThreadPasses(OpPassManager &pm) {
  pm.addPass(createThreadStates());
}

void ttc::addFusePasses(OpPassManager &pm, const Schedule &schedule,
                        bool narrowProducts) {
  pm.addPass(createConvertToNests());
  if (narrowProducts)
    pm.addPass(createNarrowProducts());
  pm.addPass(createFuseTimestep());
  pm.addPass(createSimplifyFiring());
  pm.addPass(createPrepareWeights());
  pm.addPass(createPlanStates());
  pm.addPass(createBatchTime(
      BatchTimeOptions{schedule.block, schedule.cache << 10,
                       schedule.tileRows(schedule.panel, /*chains=*/1)}));
}

void ttc::addSchedulePasses(OpPassManager &pm, const Schedule &schedule,
                            int64_t workers) {
  pm.addPass(createScheduleCPU(ScheduleCPUOptions{
      schedule.lanes, schedule.registers, schedule.hasFMA, schedule.hasPairs,
      schedule.hasMatrices, workers, schedule.text()}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ttc::addGpuSchedulePasses(OpPassManager &pm, const VectorUnit &host,
                               bool usesTF32) {
  pm.addPass(createScheduleGPU(
      ScheduleGPUOptions{host.lanes, host.registers, host.hasFMA, usesTF32}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ttc::addLLVMPasses(OpPassManager &pm, const VectorUnit &unit) {
  pm.addPass(createApproximateMath(
      ApproximateMathOptions{unit.hasFMA, unit.hasScale, unit.hasPairs}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions functions;
  functions.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(functions));
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ttc::registerPipelines() {
  auto registerOne = [](StringRef name, StringRef description,
                        std::function<void(OpPassManager &)> add) {
    PassPipelineRegistration<>(name, description, add);
  };
  auto toThreaded = [](OpPassManager &pm) {
    addDeclarePasses(pm, {});
    addExpandPasses(pm);
    addThreadPasses(pm);
  };
  registerOne("ttc-to-threaded", "From a model to a pure function", toThreaded);
  registerOne("ttc-to-nests", "From a model to one nest a layer",
              [=](OpPassManager &pm) {
                toThreaded(pm);
                addFusePasses(pm, Schedule());
              });
  registerOne("ttc-to-scheduled",
              "From a model to loops over vectors of 16, with 32 registers",
              [=](OpPassManager &pm) {
                toThreaded(pm);
                addFusePasses(pm, Schedule());
                addSchedulePasses(pm, Schedule());
              });
}
