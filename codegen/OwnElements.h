//===- OwnElements.h ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which timesteps, or stages of them, have elements that need no others: those
// of neurons without recurrent weights. Who computes one of them may do so for
// all timesteps of a sequence, without regard to others.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_OWNELEMENTS_H
#define TTC_CODEGEN_OWNELEMENTS_H

#include "dialect/TTC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ttc {

/// How many such elements a step function has, all of them: so many, and so
/// many for each row of the batch. Null where an element needs others.
BytesAttr ownElements(mlir::func::FuncOp step);

} // namespace ttc

#endif // TTC_CODEGEN_OWNELEMENTS_H
