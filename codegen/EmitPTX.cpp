//===- EmitPTX.cpp --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels as PTX: LLVM's NVPTX target, and CUDA's functions where LLVM has
// none.
//
//===----------------------------------------------------------------------===//

#include "codegen/EmitKernels.h"
#include "codegen/Pipelines.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include "llvm/Transforms/Scalar/InferAlignment.h"
#include "llvm/Transforms/Scalar/Scalarizer.h"

using namespace llvm;
using namespace ttc;

static constexpr StringLiteral nvptxTriple = "nvptx64-nvidia-cuda";

static const llvm::Target *nvptx() {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  std::string reason;
  return TargetRegistry::lookupTarget(Triple(nvptxTriple), reason);
}

unsigned GpuTarget::number() const {
  StringRef digits = architecture;
  unsigned number = 0;
  if (!digits.consume_front("sm_") ||
      digits.rtrim("af").getAsInteger(10, number))
    return 0;
  return number;
}

Expected<GpuTarget> ttc::resolveGpu(StringRef architecture) {
  GpuTarget gpu{architecture.str()};
  if (gpu.isEmulated())
    return gpu;
  const llvm::Target *target = nvptx();
  if (!target)
    return createStringError(
        "this LLVM was built without NVPTX: no code for GPUs can be made");
  std::unique_ptr<MCSubtargetInfo> info(
      target->createMCSubtargetInfo(Triple(nvptxTriple), "", ""));
  constexpr unsigned oldest = 75;
  if (gpu.number() < oldest || !info->isCPUStringValid(architecture))
    return createStringError(
        "--gpu-arch names '" + architecture +
        "', but takes sm_75 or later, as NVIDIA names them (sm_80, sm_90, "
        "sm_90a, sm_100, sm_120), or 'emulated'");
  return gpu;
}

//===----------------------------------------------------------------------===//
// CUDA's functions
//===----------------------------------------------------------------------===//

/// The function of libdevice that computes what a call does, or none. Its names
/// are those of libm behind "__nv_".
static std::string deviceFunction(const CallInst &call) {
  const Function *callee = call.getCalledFunction();
  if (!callee || !callee->isDeclaration())
    return "";
  StringRef suffix = call.getType()->isFloatTy() ? "f" : "";
  switch (callee->getIntrinsicID()) {
  case Intrinsic::not_intrinsic:
    // A function of libm: the conversion to it has added the suffix.
    return call.getType()->isFloatingPointTy() &&
                   !callee->getName().starts_with("__nv_") &&
                   !callee->getName().starts_with("ttc")
               ? ("__nv_" + callee->getName()).str()
               : "";
#define TTC_DEVICE_FUNCTION(name)                                              \
  case Intrinsic::name:                                                        \
    return ("__nv_" #name + suffix).str();
    TTC_DEVICE_FUNCTION(exp)
    TTC_DEVICE_FUNCTION(exp2)
    TTC_DEVICE_FUNCTION(log)
    TTC_DEVICE_FUNCTION(log2)
    TTC_DEVICE_FUNCTION(log10)
    TTC_DEVICE_FUNCTION(sin)
    TTC_DEVICE_FUNCTION(cos)
    TTC_DEVICE_FUNCTION(tan)
    TTC_DEVICE_FUNCTION(asin)
    TTC_DEVICE_FUNCTION(acos)
    TTC_DEVICE_FUNCTION(atan)
    TTC_DEVICE_FUNCTION(atan2)
    TTC_DEVICE_FUNCTION(sinh)
    TTC_DEVICE_FUNCTION(cosh)
    TTC_DEVICE_FUNCTION(tanh)
    TTC_DEVICE_FUNCTION(pow)
#undef TTC_DEVICE_FUNCTION
  default:
    return "";
  }
}

/// Calls of functions that LLVM has no code for on a GPU become calls of
/// CUDA's. Returns one of them, or null.
static Function *callDeviceFunctions(Module &module) {
  SmallVector<CallInst *> found;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction))
        if (!deviceFunction(*call).empty())
          found.push_back(call);
  Function *last = nullptr;
  for (CallInst *call : found) {
    FunctionCallee callee = module.getOrInsertFunction(deviceFunction(*call),
                                                       call->getFunctionType());
    IRBuilder<> builder(call);
    SmallVector<Value *> arguments(call->args());
    call->replaceAllUsesWith(builder.CreateCall(callee, arguments));
    call->eraseFromParent();
    last = cast<Function>(callee.getCallee());
  }
  return last;
}

/// Where CUDA's toolkit keeps libdevice, or nothing.
static std::string findLibdevice() {
  SmallVector<std::string> roots;
  for (const char *name : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"})
    if (auto value = sys::Process::GetEnv(name))
      roots.push_back(*value);
  roots.push_back("/usr/local/cuda");
  for (const std::string &root : roots) {
    SmallString<128> path(root);
    sys::path::append(path, "nvvm", "libdevice", "libdevice.10.bc");
    if (sys::fs::exists(path))
      return path.str().str();
  }
  return "";
}

static Error linkLibdevice(Module &module, StringRef needed,
                           const GpuTarget &gpu) {
  std::string path = findLibdevice();
  if (path.empty())
    return createStringError(
        "the model computes " + needed.drop_front(5).str() +
        ", which on a GPU is a function of CUDA's libdevice.10.bc, but no CUDA "
        "toolkit was found: install one, or set CUDA_HOME");
  SMDiagnostic diagnostic;
  auto library = parseIRFile(path, diagnostic, module.getContext());
  if (!library)
    return createStringError("'" + path +
                             "' cannot be read: " + diagnostic.getMessage());
  library->setDataLayout(module.getDataLayout());
  library->setTargetTriple(module.getTargetTriple());
  bool failed = Linker::linkModules(
      module, std::move(library), Linker::LinkOnlyNeeded,
      [](Module &linked, const StringSet<> &names) {
        internalizeModule(linked, [&](const GlobalValue &value) {
          return !value.hasName() || !names.contains(value.getName());
        });
      });
  if (failed)
    return createStringError("'" + path + "' could not be linked");
  module.addModuleFlag(Module::Override, "nvvm-reflect-ftz",
                       !gpu.keepsSubnormals);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// PTX
//===----------------------------------------------------------------------===//

Expected<std::string> ttc::emitPTX(Module &module, const GpuTarget &gpu) {
  ttc::Target target;
  target.triple = nvptxTriple;
  target.cpu = gpu.architecture;
  llvm::TargetOptions options;
  // As on a CPU: what is written as one operation is one, and nothing else.
  options.AllowFPOpFusion =
      gpu.contracts ? FPOpFusion::Fast : FPOpFusion::Standard;
  target.machine.reset(nvptx()->createTargetMachine(
      Triple(nvptxTriple), gpu.architecture, "", options, std::nullopt,
      std::nullopt, CodeGenOptLevel::Aggressive));
  module.setTargetTriple(Triple(nvptxTriple));
  module.setDataLayout(target.machine->createDataLayout());
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr("target-cpu", gpu.architecture);

  // CUDA's functions take one number. And what lies at a multiple of 16 bytes
  // is seen where it still is a row times its length.
  FunctionAnalysisManager functions;
  PassBuilder(target.machine.get()).registerFunctionAnalyses(functions);
  ScalarizerPass scalarizer;
  InferAlignmentPass inferAlignment;
  for (Function &function : module)
    if (!function.isDeclaration()) {
      inferAlignment.run(function, functions);
      scalarizer.run(function, functions);
    }
  if (Function *needed = callDeviceFunctions(module))
    if (Error error = linkLibdevice(module, needed->getName(), gpu))
      return std::move(error);

  optimize(module, target, 3);
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  if (Error error = emitMachineCode(module, target, /*assembly=*/true, stream))
    return std::move(error);
  std::string text(bytes.begin(), bytes.end());
  if (size_t at = text.find(".extern .func"); at != std::string::npos)
    return createStringError(
        "the model needs a function that GPUs do not have: " +
        text.substr(at, text.find('\n', at) - at));
  return text;
}
