//===- Check.h ------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ttc check: every finding about a model at once.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_CHECK_H
#define TTC_TOOLS_TTC_CHECK_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringRef.h"

namespace ttc {

/// Prints what keeps the model at `path` from being compiled, as sentences or
/// as JSON; fails if there is anything.
llvm::LogicalResult checkModel(llvm::StringRef path, bool asJSON,
                               mlir::MLIRContext &context);

} // namespace ttc

#endif // TTC_TOOLS_TTC_CHECK_H
