//===- KeptWeights.h ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which weights the threads of a GPU keep in shared memory through a sequence:
// those of products that every timestep makes anew, where each thread has one
// part of one sum in all of them. It reads no others, so that it keeps its own
// and none waits for another.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_KEPTWEIGHTS_H
#define TTC_CODEGEN_KEPTWEIGHTS_H

#include "codegen/Scheduling.h"

namespace ttc {

struct KeptPlan {
  /// Where a nest's begin, in bytes of a thread. A nest that matrix units
  /// multiply for is not among them: its warps share what they read.
  llvm::DenseMap<mlir::Operation *, int64_t> starts;
  /// In all, of a thread. 0 where nothing is kept.
  int64_t bytes = 0;
  /// How many threads it takes, one for each part of a sum: so many, and so
  /// many for each row of the batch.
  int64_t fixedThreads = 0, rowThreads = 0;
};

/// The plan of a step function, or of a stage that goes timestep by timestep.
KeptPlan planKept(mlir::func::FuncOp step, const PreparedPlan &prepared,
                  const Schedule &schedule);

/// What a thread keeps of one product: its columns of the longest part of a
/// sum, in whole loads.
int64_t keptBytes(const PanelPlan &plan, mlir::Type stored);

} // namespace ttc

#endif // TTC_CODEGEN_KEPTWEIGHTS_H
