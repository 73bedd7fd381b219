//===- EmitObject.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How LLVM IR becomes machine code, for a target or for here and now.
//
//===----------------------------------------------------------------------===//

#include "codegen/BFloat16.h"
#include "codegen/Pipelines.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;
using namespace ttc;

void ttc::optimize(Module &module, const Target &target, int level) {
  maskAsWholeNumbers(module);
  static const OptimizationLevel levels[] = {
      OptimizationLevel::O0, OptimizationLevel::O1, OptimizationLevel::O2,
      OptimizationLevel::O3};
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(target.machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ModulePassManager passes =
      level == 0 ? builder.buildO0DefaultPipeline(levels[0])
                 : builder.buildPerModuleDefaultPipeline(levels[level]);
  passes.run(module, modules);
}

Error ttc::emitMachineCode(Module &module, const Target &target, bool assembly,
                           raw_pwrite_stream &out) {
  legacy::PassManager passes;
  if (target.machine->addPassesToEmitFile(passes, out, nullptr,
                                          assembly
                                              ? CodeGenFileType::AssemblyFile
                                              : CodeGenFileType::ObjectFile))
    return createStringError("the target '" + target.triple +
                             "' cannot be written as " +
                             (assembly ? "assembly" : "an object"));
  passes.run(module);
  return Error::success();
}

Expected<EmbeddedWeights> ttc::runPrepareHere(mlir::ModuleOp scheduled,
                                              const ModelTable &table,
                                              const VectorUnit &unit,
                                              const EmbedFunction &embed) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = scheduled.clone();
  mlir::PassManager pm(copy->getContext());
  addLLVMPasses(pm, unit);
  if (mlir::failed(pm.run(*copy)))
    return createStringError("the prepare function could not be lowered");

  TargetOptions options;
  options.optimizationLevel = 1;
  auto host = resolveTarget(options);
  if (!host)
    return host.takeError();
  auto context = std::make_unique<LLVMContext>();
  auto module = translateToLLVM(*copy, *context, *host, table, nullptr);
  if (!module)
    return module.takeError();
  optimize(**module, *host, options.optimizationLevel);

  auto jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  // What prepare calls of libm is in this process.
  auto symbols = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!symbols)
    return symbols.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*symbols));
  if (Error error = (*jit)->addIRModule(
          orc::ThreadSafeModule(std::move(*module), std::move(context))))
    return error;
  auto address = (*jit)->lookup("ttc_model_" + table.name);
  if (!address)
    return address.takeError();
  return embed(*address->toPtr<const ttc_model_descriptor *>());
}
