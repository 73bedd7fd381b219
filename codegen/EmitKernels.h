//===- EmitKernels.h ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the functions that the threads of a GPU share to its kernels, `ttc_step`
// and `ttc_run` (runtime/include/ttc/model.h), as PTX or for an emulator.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_EMITKERNELS_H
#define TTC_CODEGEN_EMITKERNELS_H

#include "codegen/ModelTable.h"
#include "codegen/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"

namespace ttc {

/// Threads of a block, a multiple of a warp's 32. A launch of clusters may have
/// fewer, whole warps.
inline constexpr unsigned blockThreads = 256;

/// What the kernels are for.
struct GpuTarget {
  /// "sm_90", or "emulated": the same kernels for the host, where each thread
  /// of a GPU is one of the emulator's (test/emulator).
  std::string architecture;
  /// Whether a product and a sum may become one operation, and whether
  /// subnormal numbers of f32 are more than zero.
  bool contracts = false, keepsSubnormals = false;
  bool isEmulated() const { return architecture == "emulated"; }
  /// The number of the architecture: 90 of "sm_90a", 0 of the emulator's.
  unsigned number() const;
  /// Whether its matrix units multiply bf16 and tf32.
  bool multipliesMatrices() const { return isEmulated() || number() >= 80; }
  /// Whether blocks can be launched as clusters, which wait in hardware.
  bool hasClusters() const { return isEmulated() || number() >= 90; }
};

/// What is put into a compiled model for one architecture.
struct GpuImage {
  std::string architecture;
  bool isPTX = false;
  std::string bytes;
};

/// The numbers of a ttc_device_code that do not depend on the architecture.
struct DeviceNumbers {
  ttc_bytes scratchSize, threads;
  KeptSize kept;
};

/// A team has whole tiles of so many rows.
inline constexpr unsigned tileRows = 8;

/// Checks the name of an architecture: "sm_75" to what LLVM knows, or
/// "emulated".
llvm::Expected<GpuTarget> resolveGpu(llvm::StringRef architecture);

/// Translates a scheduled module, of which prepare has been taken away, and
/// adds the kernels.
llvm::Expected<std::unique_ptr<llvm::Module>>
emitKernels(mlir::ModuleOp scheduled, llvm::LLVMContext &context,
            const ModelTable &table, const GpuTarget &gpu);

/// PTX of a module of kernels, optimised. Fails with a sentence where a
/// function is needed that only CUDA's libdevice has, and there is none.
llvm::Expected<std::string> emitPTX(llvm::Module &module, const GpuTarget &gpu);

/// Adds to the descriptor of `module` the code for GPUs. `host` is the
/// translation of the same model's prepare function for a GPU's layout.
/// `isAlone` says that there is no code for a CPU: then `module` is null, and
/// what is returned is made of `host`.
llvm::Expected<std::unique_ptr<llvm::Module>>
addDevice(std::unique_ptr<llvm::Module> module,
          std::unique_ptr<llvm::Module> host, llvm::ArrayRef<GpuImage> images,
          const ModelTable &table, const DeviceNumbers &numbers);

} // namespace ttc

#endif // TTC_CODEGEN_EMITKERNELS_H
