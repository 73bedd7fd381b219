//===- TTC.h --------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect: everything that a program can say, in one include.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIALECT_TTC_H
#define TTC_DIALECT_TTC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ttc {
/// Whether `type` is one that a model computes with: a ranked tensor of f32,
/// its sizes positive, its leading one possibly dynamic, and small enough that
/// its bytes can be counted.
bool isModelTensor(mlir::Type type);

/// A float as people write it: 0.5, not 5.000000e-01.
mlir::FailureOr<llvm::APFloat> parseShortFloat(mlir::AsmParser &parser);
void printShortFloat(mlir::AsmPrinter &printer, const llvm::APFloat &value);
/// A bare word in place of a string.
mlir::ParseResult parseKeyword(mlir::OpAsmParser &parser,
                               mlir::StringAttr &attr);
void printKeyword(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                  mlir::StringAttr attr);
} // namespace ttc

#include "dialect/TTCDialect.h.inc"
#include "dialect/TTCEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/TTCAttrs.h.inc"

#include "dialect/TTCInterfaces.h"

#define GET_OP_CLASSES
#include "dialect/TTC.h.inc"

#endif // TTC_DIALECT_TTC_H
