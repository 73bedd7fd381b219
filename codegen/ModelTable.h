//===- ModelTable.h -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a compiled model has: inputs, outputs, params, states, and how large.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_MODELTABLE_H
#define TTC_CODEGEN_MODELTABLE_H

#include "dialect/TTC.h"
#include "ttc/model.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace ttc {

struct TensorEntry {
  std::string name;
  int32_t dtype = TTC_DTYPE_F32;
  std::vector<int64_t> shape; ///< TTC_BATCH for the batch
};
struct InputEntry : TensorEntry {
  /// For numbers that pick rows of a table: how many rows it has; else 0.
  int64_t limit = 0;
};
struct ParamEntry : TensorEntry {
  std::string rawName; ///< empty for none
  int32_t activation = TTC_ACTIVATION_IDENTITY;
};
struct StateEntry : TensorEntry {
  ttc_bytes offset = {0, 0};
};

/// What a stage of a sequence reads or writes, timestep by timestep.
struct StageTensor {
  enum { Input, Output, Buffer } where;
  unsigned index = 0;          ///< of the model's input or output
  ttc_bytes offset = {0, 0};   ///< in the block's buffers
  ttc_bytes timestep = {0, 0}; ///< how far apart two timesteps are
};
/// What a form of a function keeps of its weights on a GPU (KeptWeights.h):
/// bytes of a thread, 0 if nothing; and how many threads it takes.
struct KeptSize {
  uint64_t bytes = 0;
  ttc_bytes threads = {0, 0};
};

/// A part of a sequence's block, which is computed for the whole block at once
/// or timestep by timestep.
struct RunStage {
  std::string function;
  bool takesBlock;
  /// How many elements there are, if they need no others (OwnElements.h).
  std::optional<ttc_bytes> ownElements;
  KeptSize kept;
  std::vector<StageTensor> inputs, outputs;
};

/// How a dtype is written: `f32`.
llvm::StringRef dtypeName(int32_t dtype);

/// The table behind a model's descriptor, its header and `--emit=json`.
struct ModelTable {
  std::string name;
  std::string schemaFingerprint, modelFingerprint;
  std::string triple, features;
  int64_t batch = 1; ///< TTC_BATCH for any
  std::vector<InputEntry> inputs;
  std::vector<TensorEntry> outputs;
  std::vector<ParamEntry> params;
  std::vector<StateEntry> states;
  uint64_t preparedSize = 0;
  ttc_bytes statesSize = {0, 0}, scratchSize = {0, 0};
  bool hasGenerator = false;
  /// How many threads may share a timestep.
  int64_t maxWorkers = 1;
  /// Whether no row of the batch needs another one.
  bool rowsAreIndependent = false;
  /// Of the whole step, as of a stage.
  std::optional<ttc_bytes> ownElements;
  KeptSize kept;
  /// How a sequence is computed, if not by the step: so many timesteps, or
  /// rows of a dynamic batch, at once.
  std::vector<RunStage> stages;
  int64_t block = 0;
  ttc_bytes buffersSize = {0, 0};

  /// The most that any function keeps.
  KeptSize keptSize() const;

  llvm::json::Value toJSON() const;
};

/// Reads names and shapes off a module that is threaded and planned.
mlir::FailureOr<ModelTable> readModelTable(mlir::ModuleOp module);
/// Adds the sizes that scheduling leaves on the module.
void readSizes(mlir::ModuleOp module, ModelTable &table);

/// SHA-256 in hexadecimal, over the module's text without locations and without
/// the names of the model, its inputs and its outputs.
std::string fingerprintModel(mlir::ModuleOp module);
/// SHA-256 in hexadecimal, over the declared states: names, dtypes, shapes,
/// sorted.
std::string fingerprintStates(mlir::ModuleOp module);

} // namespace ttc

#endif // TTC_CODEGEN_MODELTABLE_H
