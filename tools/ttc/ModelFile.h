//===- ModelFile.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a file of model IR is read, and what it must be.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_MODELFILE_H
#define TTC_TOOLS_TTC_MODELFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/SourceMgr.h"

namespace ttc {

/// Reads the text of a model, for a parser that a hostile one cannot exhaust.
/// Reports on stderr.
llvm::LogicalResult readModelText(llvm::StringRef path,
                                  llvm::SourceMgr &sources);

/// Whether a parsed module is one that can be compiled: one model, declarations
/// beside it, a name that C takes. Reports as a diagnostic.
llvm::LogicalResult checkModelModule(mlir::ModuleOp module);

} // namespace ttc

#endif // TTC_TOOLS_TTC_MODELFILE_H
