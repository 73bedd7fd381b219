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
/// Whether `type` is one that a model computes with: a ranked tensor of floats,
/// its sizes positive, its leading one possibly dynamic, and small enough that
/// its bytes can be counted.
bool isModelTensor(mlir::Type type);
/// The same for a tensor of i64 or i32, which picks rows of a table.
bool isIndexTensor(mlir::Type type);

/// A float as people write it: 0.5, not 5.000000e-01.
mlir::FailureOr<llvm::APFloat> parseShortFloat(mlir::AsmParser &parser);
void printShortFloat(mlir::AsmPrinter &printer, const llvm::APFloat &value);
/// A bare word in place of a string.
mlir::ParseResult parseKeyword(mlir::OpAsmParser &parser,
                               mlir::StringAttr &attr);
void printKeyword(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                  mlir::StringAttr attr);

/// A float in its shortest form, as an attribute.
mlir::ParseResult parseFloat(mlir::OpAsmParser &parser, mlir::FloatAttr &attr);
void printFloat(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                mlir::FloatAttr attr);
/// The types of a layer: of what it takes, an arrow, of what it makes. One that
/// makes what it takes may be written with one type.
mlir::ParseResult parseLayerTypes(mlir::OpAsmParser &parser, mlir::Type &input,
                                  mlir::Type &output);
void printLayerTypes(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                     mlir::Type input, mlir::Type output);

/// A number for each of several dimensions: `[2, 2]`.
mlir::ParseResult parseSizes(mlir::OpAsmParser &parser,
                             mlir::DenseI64ArrayAttr &sizes);
void printSizes(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                mlir::DenseI64ArrayAttr sizes);
/// What goes around a tensor: `[low…]`, or `[low…], [high…]` where it differs.
mlir::ParseResult parsePadding(mlir::OpAsmParser &parser,
                               mlir::DenseI64ArrayAttr &low,
                               mlir::DenseI64ArrayAttr &high);
void printPadding(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                  mlir::DenseI64ArrayAttr low, mlir::DenseI64ArrayAttr high);

/// Appends what a layer with states does to them: reads and writes.
void appendSessionEffects(
    llvm::SmallVectorImpl<
        mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>
        &effects);

/// Whether `type` is one that a state can have: a model's tensor, or a fixed
/// number of those, stacked along a dimension in front.
bool isStateTensor(mlir::Type type);
} // namespace ttc

#include "dialect/TTCDialect.h.inc"
#include "dialect/TTCEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/TTCAttrs.h.inc"

#include "dialect/TTCInterfaces.h"

#define GET_OP_CLASSES
#include "dialect/TTC.h.inc"

#endif // TTC_DIALECT_TTC_H
