//===- Ptxas.h ------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CUDA's assembler, and what it says of kernels.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_PTXAS_H
#define TTC_TOOLS_TTC_PTXAS_H

#include "codegen/Report.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace ttc {

/// Where ptxas is: on the PATH, in CUDA_HOME, CUDA_PATH or /usr/local/cuda.
std::optional<std::string> findPtxas();

struct Assembly {
  std::string cubin;
  std::vector<KernelCost> costs; ///< of each kernel
};

llvm::Expected<Assembly> assemble(llvm::StringRef ptx,
                                  llvm::StringRef architecture, bool verbose);

} // namespace ttc

#endif // TTC_TOOLS_TTC_PTXAS_H
