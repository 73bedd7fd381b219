//===- TTCCodegenPasses.h -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes that know a target: each is described in TTCCodegenPasses.td.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_TTCCODEGENPASSES_H
#define TTC_CODEGEN_TTCCODEGENPASSES_H

#include "dialect/TTC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace ttc {

#define GEN_PASS_DECL
#include "codegen/TTCCodegenPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/TTCCodegenPasses.h.inc"

/// On a scheduled module: the bytes of the prepared weights and of the scratch.
inline constexpr llvm::StringLiteral preparedSizeAttr = "ttc.prepared_size";
inline constexpr llvm::StringLiteral scratchSizeAttr = "ttc.scratch_size";
/// On a module that is scheduled for GPUs: how many threads a timestep keeps
/// busy, of the type of a number of bytes.
inline constexpr llvm::StringLiteral threadsAttr = "ttc.threads";
/// On the same: for each function with a form that keeps weights in shared
/// memory (KeptWeights.h) the bytes of a thread, and how many threads it takes.
inline constexpr llvm::StringLiteral keptAttr = "ttc.kept";
/// On a scheduled module: how many workers may share a timestep, if several.
inline constexpr llvm::StringLiteral workersAttr = "ttc.workers";
/// On the same: the schedule, as the option of schedule-cpu takes it.
inline constexpr llvm::StringLiteral scheduleAttr = "ttc.schedule";

} // namespace ttc

#endif // TTC_CODEGEN_TTCCODEGENPASSES_H
