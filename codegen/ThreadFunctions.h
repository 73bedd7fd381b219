//===- ThreadFunctions.h -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What threads of a GPU call: the functions that Scheduling.h names get their
// bodies here, in instructions of the GPU or by the emulator's functions.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_THREADFUNCTIONS_H
#define TTC_CODEGEN_THREADFUNCTIONS_H

#include "codegen/EmitKernels.h"

#include "llvm/IR/IRBuilder.h"

namespace ttc {

/// Of those but the barrier, which the kernels have a say in.
void emitThreadFunctions(llvm::Module &module, const GpuTarget &gpu);

/// A function that the emulator exports.
llvm::FunctionCallee emulatorFunction(llvm::Module &module,
                                      llvm::StringRef name, llvm::Type *result,
                                      llvm::ArrayRef<llvm::Type *> parameters);

/// The number of the thread in its block, as i64.
llvm::Value *numberInBlock(llvm::IRBuilder<> &builder, llvm::Module &module,
                           const GpuTarget &gpu);

} // namespace ttc

#endif // TTC_CODEGEN_THREADFUNCTIONS_H
