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

#include "codegen/Pipelines.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;
using namespace ttc;

/// Masked loads and stores of bf16 become those of whole numbers. Where there
/// are none of 16 bits they are done element by element, and CPUs without bf16
/// would call a function for each.
static void maskWholeNumbers(Module &module) {
  SmallVector<IntrinsicInst *> found;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      auto *call = dyn_cast<IntrinsicInst>(&instruction);
      if (!call)
        continue;
      bool isLoad = call->getIntrinsicID() == Intrinsic::masked_load;
      if (!isLoad && call->getIntrinsicID() != Intrinsic::masked_store)
        continue;
      Type *type = isLoad ? call->getType() : call->getArgOperand(0)->getType();
      if (type->getScalarType()->isBFloatTy())
        found.push_back(call);
    }
  for (IntrinsicInst *call : found) {
    IRBuilder<> builder(call);
    auto whole = [&](Value *value) {
      auto *type = cast<VectorType>(value->getType());
      return builder.CreateBitCast(value,
                                   VectorType::get(builder.getInt16Ty(), type));
    };
    if (call->getIntrinsicID() == Intrinsic::masked_store) {
      builder.CreateMaskedStore(
          whole(call->getArgOperand(0)), call->getArgOperand(1),
          call->getParamAlign(1).valueOrOne(), call->getArgOperand(2));
    } else {
      Value *otherwise = whole(call->getArgOperand(2));
      Value *loaded =
          builder.CreateMaskedLoad(otherwise->getType(), call->getArgOperand(0),
                                   call->getParamAlign(0).valueOrOne(),
                                   call->getArgOperand(1), otherwise);
      call->replaceAllUsesWith(builder.CreateBitCast(loaded, call->getType()));
    }
    call->eraseFromParent();
  }
}

void ttc::optimize(Module &module, const Target &target, int level) {
  maskWholeNumbers(module);
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
