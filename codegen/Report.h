//===- Report.h - What does a timestep cost, layer by layer? ----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each nest of the step: what it reads and computes, what bounds it on a
// core, and by which scheme it is computed. The same decisions that the
// schedule makes, made visible; nothing is measured.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_REPORT_H
#define TTC_CODEGEN_REPORT_H

#include "codegen/Core.h"
#include "codegen/Schedule.h"
#include "codegen/StoredWeights.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace ttc {

/// One nest of the step.
struct NestReport {
  std::string layer;  ///< its label: the layer's path
  std::string kind;   ///< "product 784 -> 128", "elementwise", "sum of 16"
  std::string scheme; ///< how it is computed
  int64_t weightBytes = 0, stateBytes = 0, otherBytes = 0;
  int64_t flops = 0; ///< an exponential or such counts as 12
  double saved = 0;  ///< of these, by instructions that make several at once
  double cycles = 0; ///< at least, for a batch of 1 or the model's own
  std::string bound; ///< what takes them: "L2", "arithmetic"
};

/// What a kernel takes of a GPU of some architecture: of each thread, but for
/// the shared memory, which is of each block. From CUDA's assembler.
struct KernelCost {
  std::string architecture, kernel;
  int64_t registers = 0;
  int64_t stackBytes = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  int64_t sharedBytes = 0;
};

struct StepReport {
  bool forCPU = true; ///< else there are no cycles, and no schedule
  std::vector<NestReport> nests;
  int64_t weightBytes = 0, stateBytes = 0;
  Level level = Level::L1; ///< where all weights and states have room
  std::string schedule;    ///< as --schedule takes it
  std::string limits;      ///< that it follows from
  /// How a sequence is computed: rows of a block, 0 for step by step; and for
  /// each stage the layers in it.
  int64_t block = 0;
  struct Stage {
    bool wholeBlock;
    std::vector<std::string> layers;
  };
  std::vector<Stage> stages;
  /// What weights lose by being stored narrower; empty where that was not
  /// measured.
  std::vector<StoredMatrix> stored;
  /// What the kernels take; null where there are none.
  std::optional<std::vector<KernelCost>> kernels;
  std::string kernelsUnknown; ///< why the list is empty, if it is: a sentence

  /// A table for people.
  std::string toText() const;
  llvm::json::Value toJSON() const;
};

/// Of a module of nests (after batch-time); `core` is of no account where the
/// schedule is a GPU's.
StepReport reportStep(mlir::ModuleOp module, const Schedule &schedule,
                      const Core &core);

} // namespace ttc

#endif // TTC_CODEGEN_REPORT_H
