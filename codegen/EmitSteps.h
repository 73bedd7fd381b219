//===- EmitSteps.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a timestep, and a sequence of them, calls the functions that were
// scheduled: the same way for one thread, for a team, and on a GPU.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_EMITSTEPS_H
#define TTC_CODEGEN_EMITSTEPS_H

#include "codegen/ModelTable.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <functional>
#include <optional>

namespace ttc {

/// Of a GPU: the blocks of a team.
struct BlockValues {
  llvm::Value *blocks, *threads; ///< how many, and how many of each
  /// Bytes of shared memory that each has; null where none are needed.
  llvm::Value *sharedBytes;
};

/// Who calls a shared function, beyond what every step takes.
struct TeamValues {
  llvm::Value *rows, *firstRow; ///< of the batch, those of the team
  llvm::Value *worker, *workers, *room, *handle;
  /// Of threads of a GPU, of which neighbours take neighbouring elements.
  std::optional<BlockValues> ofGPU = std::nullopt;
  /// Which form of a function is called, by the end of its name.
  llvm::StringRef form = ".shared";
};

/// What a step is called with.
struct StepValues {
  llvm::SmallVector<llvm::Value *> inputs, outputs; ///< of the first timestep
  llvm::Value *prepared, *states, *scratch;
  llvm::Value *batch; ///< i64
  std::optional<TeamValues> team;
};

/// Emits calls at a builder's place.
class StepCalls {
public:
  StepCalls(llvm::IRBuilder<> &builder, llvm::Module &module,
            const ModelTable &table);

  /// One timestep.
  void step(const StepValues &values);
  /// `steps` timesteps: block by block where the table has stages and there is
  /// room for two timesteps of the batch, else one after the other. A block
  /// has all rows: `hasAll` says whether the caller has them, if it may not.
  void run(const StepValues &values, llvm::Value *steps,
           llvm::Value *hasAll = nullptr);
  /// One after the other.
  void runByTimesteps(const StepValues &values, llvm::Value *steps);

  /// The rows that one of several parts of a batch has, whole tiles of them:
  /// the number of the first, and how many.
  std::pair<llvm::Value *, llvm::Value *> rowsOfPart(llvm::Value *batch,
                                                     llvm::Value *part,
                                                     llvm::Value *parts,
                                                     int64_t tile);
  /// Divided, and rounded up.
  llvm::Value *divideUp(llvm::Value *value, llvm::Value *divisor);

  /// A loop over 0 <= i < count.
  void forEach(llvm::Value *count, const llvm::Twine &name,
               llvm::function_ref<void(llvm::Value *)> body);
  /// What is emitted by `then` if the condition holds, else by `otherwise`.
  void branch(llvm::Value *condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise);

private:
  void stepAt(const StepValues &values, llvm::Value *shift);
  void runByBlocks(const StepValues &values, llvm::Value *steps,
                   llvm::Value *block);
  void overTime(
      const StepValues &values, llvm::Value *steps,
      const std::optional<ttc_bytes> &ownElements, const KeptSize &kept,
      llvm::function_ref<void(const StepValues &, llvm::Value *)> timestep);
  void keepOverTime(
      const StepValues &values, llvm::Value *steps, const KeptSize &kept,
      llvm::function_ref<void(const StepValues &, llvm::Value *)> timestep);
  void allSteps(
      const StepValues &values, llvm::Value *steps, bool waits,
      llvm::function_ref<void(const StepValues &, llvm::Value *)> timestep);
  void callStage(const StepValues &values, const RunStage &stage,
                 llvm::Value *first, llvm::Value *t, llvm::Value *rows);
  void call(llvm::StringRef function, const StepValues &values,
            llvm::SmallVector<llvm::Value *> arguments, llvm::Value *rows);
  /// Between two calls of shared functions.
  void barrier(const StepValues &values);
  llvm::Value *timestepBytes(const TensorEntry &entry, llvm::Value *batch);
  llvm::Value *bytesOf(ttc_bytes size, llvm::Value *batch);
  llvm::Value *number(int64_t value);

  llvm::IRBuilder<> &builder;
  llvm::Module &module;
  const ModelTable &table;
};

} // namespace ttc

#endif // TTC_CODEGEN_EMITSTEPS_H
