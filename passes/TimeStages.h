//===- TimeStages.h -------------------------------------------*- C++ -*---===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which operations of a step need each other from one timestep to the next, and
// in which order can the others be computed for many timesteps at once?
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PASSES_TIMESTAGES_H
#define TTC_PASSES_TIMESTAGES_H

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ttc {

/// A step function of nests, by what its arguments and results are.
class StepFunction {
public:
  explicit StepFunction(mlir::func::FuncOp function);

  mlir::func::FuncOp get() const { return function; }
  mlir::Block &body() { return function.getBody().front(); }
  mlir::Operation *terminator() { return body().getTerminator(); }
  /// Whether an input has a dynamic batch.
  bool hasBatch() const { return batched; }
  bool isState(mlir::Value value);
  bool isPrepared(mlir::Value value);
  bool isStateResult(unsigned index);
  /// The state that result `index` of the step replaces.
  mlir::BlockArgument stateOf(unsigned index);
  /// Whether the batch leads every tensor of a timestep, or none: then all
  /// timesteps are rows of one batch, or lead it.
  bool canLeadByTime();

private:
  mlir::func::FuncOp function;
  bool batched = false;
};

/// Operations that are computed together: those that need each other from one
/// timestep to the next, or neighbours that need no other timestep.
struct Stage {
  llvm::SmallVector<mlir::Operation *> ops; ///< in the order of the step
  bool wholeBlock; ///< no timestep of the block needs another one
};

/// The stages of a step, in order. Changes it: a product of a recurrent nest
/// whose input no recurrence needs becomes a nest of its own.
llvm::SmallVector<Stage> planStages(StepFunction &step);

} // namespace ttc

#endif // TTC_PASSES_TIMESTAGES_H
