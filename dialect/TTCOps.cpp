//===- TTCOps.cpp ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the definitions of the ops generate: their accessors, parsers and
// printers.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ttc;

#define GET_OP_CLASSES
#include "dialect/TTC.cpp.inc"
