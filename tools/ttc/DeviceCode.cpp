//===- DeviceCode.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two halves of a model that is scheduled for GPUs, and what becomes of
// them.
//
//===----------------------------------------------------------------------===//

#include "DeviceCode.h"
#include "Linker.h"
#include "Programs.h"
#include "Ptxas.h"

#include "codegen/Pipelines.h"
#include "codegen/TTCCodegenPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

using namespace mlir;
using namespace ttc;

/// A copy that has either what prepares weights, or what the threads do.
static OwningOpRef<ModuleOp> half(ModuleOp scheduled, StringRef modelName,
                                  bool prepares) {
  OwningOpRef<ModuleOp> copy = scheduled.clone();
  std::string prefix = (modelName + ".prepare").str();
  for (Operation &op : llvm::make_early_inc_range(*copy->getBody())) {
    if (!isa<func::FuncOp, memref::GlobalOp>(op))
      continue;
    bool isPrepare =
        SymbolTable::getSymbolName(&op).getValue().starts_with(prefix);
    if (isPrepare != prepares)
      op.erase();
  }
  return copy;
}

/// The same kernels as a library for this machine: the emulator calls them and
/// has the functions that they ask.
static llvm::Expected<std::string> emitEmulated(llvm::Module &module,
                                                const ttc::Target &cpu,
                                                const ModelTable &table,
                                                bool verbose) {
  module.setTargetTriple(llvm::Triple(cpu.triple));
  module.setDataLayout(cpu.machine->createDataLayout());
  for (llvm::Function &function : module)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", cpu.cpu);
      function.addFnAttr("target-features", cpu.features);
    }
  optimize(module, cpu, 2);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = emitMachineCode(module, cpu, false, stream))
    return std::move(error);
  TemporaryFile object, library;
  if (llvm::Error error =
          llvm::joinErrors(object.create("o"), library.create("so")))
    return std::move(error);
  if (llvm::Error error = object.write(StringRef(bytes.data(), bytes.size())))
    return std::move(error);
  LinkOptions options;
  options.triple = cpu.triple;
  options.isHost = cpu.isHost();
  options.modelName = table.name;
  options.verbose = verbose;
  if (llvm::Error error = linkKernels(object.path(), library.path(), options))
    return std::move(error);
  return library.read();
}

llvm::Expected<DeviceCode> ttc::compileForGpus(ModuleOp scheduled,
                                               const ModelTable &table,
                                               const ttc::Target &cpu,
                                               const DeviceOptions &options,
                                               TranslateHost translateHost) {
  DeviceCode code;
  ModelTable own = table;
  readSizes(scheduled, own);
  auto bytesOf = [](BytesAttr bytes) {
    return ttc_bytes{uint64_t(bytes.getFixed()), uint64_t(bytes.getPerBatch())};
  };
  code.numbers = {own.scratchSize,
                  bytesOf(scheduled->getAttrOfType<BytesAttr>(threadsAttr)),
                  own.keptSize()};

  OwningOpRef<ModuleOp> threads = half(scheduled, table.name, false);
  OwningOpRef<ModuleOp> prepare = half(scheduled, table.name, true);
  auto host = translateHost(*prepare, own);
  if (!host)
    return host.takeError();
  code.host = std::move(*host);

  PassManager pm(scheduled->getContext());
  addLLVMPasses(pm, VectorUnit::ofThread());
  if (failed(pm.run(*threads)))
    return llvm::createStringError("the kernels could not be lowered to LLVM");
  for (const GpuTarget &gpu : options.gpus) {
    llvm::LLVMContext context;
    auto kernels = emitKernels(*threads, context, own, gpu);
    if (!kernels)
      return kernels.takeError();
    auto bytes = gpu.isEmulated()
                     ? emitEmulated(**kernels, cpu, own, options.verbose)
                     : emitPTX(**kernels, gpu);
    if (!bytes)
      return bytes.takeError();
    GpuImage image{gpu.architecture, !gpu.isEmulated(), std::move(*bytes)};
    if (image.isPTX && (options.asCubin || options.measure)) {
      auto assembly = assemble(image.bytes, gpu.architecture, options.verbose);
      if (!assembly)
        return assembly.takeError();
      llvm::append_range(code.costs, assembly->costs);
      if (options.asCubin)
        image = {gpu.architecture, false, std::move(assembly->cubin)};
    }
    code.images.push_back(std::move(image));
  }
  return code;
}
