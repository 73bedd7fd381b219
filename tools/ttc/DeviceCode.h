//===- DeviceCode.h -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a model is compiled for GPUs: an image for each architecture, and what
// prepares weights for them.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_DEVICECODE_H
#define TTC_TOOLS_TTC_DEVICECODE_H

#include "codegen/EmitKernels.h"
#include "codegen/Report.h"

namespace ttc {

struct DeviceCode {
  /// The descriptor of a model that has a prepare function alone.
  std::unique_ptr<llvm::Module> host;
  std::vector<GpuImage> images;
  DeviceNumbers numbers;
  std::vector<KernelCost> costs; ///< of the kernels, where they were assembled
};

struct DeviceOptions {
  std::vector<GpuTarget> gpus;
  bool asCubin = false; ///< by ptxas, instead of PTX
  bool measure = false; ///< have ptxas say what PTX costs, too
  bool verbose = false; ///< say which programs are run
};

/// Translates what is left of a scheduled module, in the LLVM dialect's reach,
/// for the CPU: with the embedded weights, if there are any.
using TranslateHost =
    llvm::function_ref<llvm::Expected<std::unique_ptr<llvm::Module>>(
        mlir::ModuleOp, const ModelTable &)>;

/// `scheduled` is scheduled for GPUs; `cpu` is what their weights are prepared
/// by, and what runs an emulated image.
llvm::Expected<DeviceCode> compileForGpus(mlir::ModuleOp scheduled,
                                          const ModelTable &table,
                                          const Target &cpu,
                                          const DeviceOptions &options,
                                          TranslateHost translateHost);

} // namespace ttc

#endif // TTC_TOOLS_TTC_DEVICECODE_H
