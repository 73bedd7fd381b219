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

/// The attributes by which a threaded function's arguments and results say what
/// they are. Inputs and outputs carry their name, params and states their
/// symbol, prepared values the index of the result of the prepare function.
inline constexpr llvm::StringLiteral inputAttr = "ttc.input";
inline constexpr llvm::StringLiteral outputAttr = "ttc.output";
inline constexpr llvm::StringLiteral paramAttr = "ttc.param";
inline constexpr llvm::StringLiteral stateAttr = "ttc.state";
inline constexpr llvm::StringLiteral preparedAttr = "ttc.prepared";
/// On the step function: the name of its prepare function.
inline constexpr llvm::StringLiteral prepareAttr = "ttc.prepare";
/// On the module: the size of a session's block of states.
inline constexpr llvm::StringLiteral statesSizeAttr = "ttc.states_size";

} // namespace ttc

#endif // TTC_PASSES_TTCPASSES_H
