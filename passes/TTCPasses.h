//===- TTCPasses.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes, by name: each is described in TTCPasses.td.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PASSES_TTCPASSES_H
#define TTC_PASSES_TTCPASSES_H

#include "dialect/TTC.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace ttc {

#define GEN_PASS_DECL
#include "passes/TTCPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/TTCPasses.h.inc"

/// The one model of a module. Emits an error and returns null if there is none,
/// or more than one: parameters and states are named module-wide.
ModelOp getOnlyModel(mlir::ModuleOp module);
/// The threaded function of a module, after thread-states; null with an error
/// if there is none.
mlir::func::FuncOp getStepFunction(mlir::ModuleOp module);

/// The keys of the params whose values are used by operations.
llvm::DenseSet<mlir::StringAttr> getUsedParams(mlir::ModuleOp module);

/// Whether an operation of the step could be computed without it, if its
/// operands can: it knows no batch, draws nothing, and is no product, which the
/// step is what packs for.
bool isHoistable(mlir::Operation *op);

/// The tensor that a change of shape is another view of.
mlir::Value rootOf(mlir::Value value);
/// Whether an operation computes or moves elements: it becomes loops.
bool becomesLoops(mlir::Operation *op);
/// Whether a model's inputs or outputs are of f64: it is computed in that.
bool computesInF64(ModelOp model);

/// Whether a tensor may be mostly zeros: what is given as an input of the
/// model, or what fires or rectifies.
enum class Zeros { Few, Given, Fired };
Zeros zerosOf(mlir::Value input);
/// Whether a product's input is so, and long enough for the active ones to be
/// worth a list.
bool mayBeEvents(mlir::Value input);

/// The attributes by which a threaded function's arguments and results say what
/// they are. Inputs and outputs carry their name, params and states their
/// symbol, prepared values the index of the result of the prepare function.
inline constexpr llvm::StringLiteral inputAttr = "ttc.input";
inline constexpr llvm::StringLiteral outputAttr = "ttc.output";
inline constexpr llvm::StringLiteral paramAttr = "ttc.param";
inline constexpr llvm::StringLiteral stateAttr = "ttc.state";
/// Beside stateAttr: which place of a stack.
inline constexpr llvm::StringLiteral placeAttr = "ttc.place";
inline constexpr llvm::StringLiteral preparedAttr = "ttc.prepared";
/// On the step function: the name of its prepare function.
inline constexpr llvm::StringLiteral prepareAttr = "ttc.prepare";
/// On the module: the size of a session's block of states.
inline constexpr llvm::StringLiteral statesSizeAttr = "ttc.states_size";
/// On the module: the element type that packed weights are stored as; i8 has a
/// scale for each output feature beside it.
inline constexpr llvm::StringLiteral packedStorageAttr = "ttc.packed_storage";
/// On the step function: the functions that compute a block of timesteps, in
/// order. On each: whether it takes the block at once, or timestep by timestep.
inline constexpr llvm::StringLiteral stagesAttr = "ttc.stages";
inline constexpr llvm::StringLiteral wholeBlockAttr = "ttc.whole_block";
/// On an input or an output of a stage that is none of the model's: where in
/// the block's buffers it lies.
inline constexpr llvm::StringLiteral bufferAttr = "ttc.buffer";
/// On an input of a stage: it may be mostly zeros; "given" if it is what the
/// model was given, rounded.
inline constexpr llvm::StringLiteral eventsAttr = "ttc.events";
/// On the module: the size of those buffers, and how many rows a block has at
/// most: timesteps, times the batch where that is dynamic.
inline constexpr llvm::StringLiteral buffersSizeAttr = "ttc.buffers_size";
inline constexpr llvm::StringLiteral blockAttr = "ttc.block";
/// On the module, where random numbers are drawn: the block of states begins
/// with the generator's seed and position.
inline constexpr llvm::StringLiteral generatorAttr = "ttc.generator";
/// On a module: no row of the batch needs another one.
inline constexpr llvm::StringLiteral independentRowsAttr =
    "ttc.independent_rows";

} // namespace ttc

#endif // TTC_PASSES_TTCPASSES_H
