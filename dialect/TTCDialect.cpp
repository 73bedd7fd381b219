//===- TTCDialect.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect's registration, its types and its attributes.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

#include "dialect/TTCDialect.cpp.inc"
#include "dialect/TTCEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/TTCAttrs.cpp.inc"

void TTCDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/TTC.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/TTCAttrs.cpp.inc"
      >();
}

/// Whether a tensor's leading size alone is dynamic, if any, and its bytes can
/// be counted.
static bool hasModelShape(RankedTensorType tensor) {
  if (tensor.getEncoding())
    return false;
  // A tensor of 2^40 bytes is beyond any machine this compiles for, and its
  // size times the batch still fits the 64 bits of an address.
  constexpr int64_t maxElements = int64_t(1) << 38;
  int64_t elements = 1;
  for (auto [index, size] : llvm::enumerate(tensor.getShape())) {
    if (ShapedType::isDynamic(size)) {
      if (index != 0)
        return false;
      continue;
    }
    if (size <= 0 || llvm::MulOverflow(elements, size, elements) ||
        elements > maxElements)
      return false;
  }
  return true;
}

bool ttc::isModelTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor &&
         isa<Float32Type, Float64Type, Float16Type, BFloat16Type>(
             tensor.getElementType()) &&
         hasModelShape(tensor);
}

bool ttc::isIndexTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor &&
         (tensor.getElementType().isSignlessInteger(64) ||
          tensor.getElementType().isSignlessInteger(32)) &&
         hasModelShape(tensor);
}

FailureOr<APFloat> ttc::parseShortFloat(AsmParser &parser) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  return APFloat(value);
}

void ttc::printShortFloat(AsmPrinter &printer, const APFloat &value) {
  SmallString<32> text;
  // Infinities and NaNs are written by their bits.
  if (!value.isFinite()) {
    value.bitcastToAPInt().toString(text, 16, /*Signed=*/false,
                                    /*formatAsCLiteral=*/true);
    printer << text;
    return;
  }
  SmallString<32> shorter;
  for (unsigned digits = 1; digits <= 17; ++digits) {
    text.clear();
    value.toString(text, digits);
    if (!APFloat(APFloat::IEEEdouble(), text).bitwiseIsEqual(value))
      continue;
    // With so few digits 20 is 2.0E+1: a few more may write it without an
    // exponent.
    bool isScientific = StringRef(text).contains("E+");
    if (shorter.empty() || !isScientific)
      shorter = text;
    if (!isScientific)
      break;
  }
  text = shorter;
  printer << text;
  if (!StringRef(text).contains_insensitive('e') &&
      !StringRef(text).contains('.'))
    printer << ".0";
}

ParseResult ttc::parseKeyword(OpAsmParser &parser, StringAttr &attr) {
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  attr = parser.getBuilder().getStringAttr(keyword);
  return success();
}

void ttc::printKeyword(OpAsmPrinter &printer, Operation *, StringAttr attr) {
  printer << attr.getValue();
}

LogicalResult
ResetAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                  ResetKind kind, APFloat value) {
  if (!value.isFinite())
    return emitError() << "the value of a reset must be finite, but is "
                       << value.convertToDouble();
  if (kind != ResetKind::Value && !value.isZero())
    return emitError() << "the reset '" << stringifyResetKind(kind)
                       << "' takes no value, but was given "
                       << value.convertToDouble();
  return success();
}

ParseResult ttc::parseFloat(OpAsmParser &parser, FloatAttr &attr) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  attr = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

void ttc::printFloat(OpAsmPrinter &printer, Operation *, FloatAttr attr) {
  printShortFloat(printer, attr.getValue());
}

ParseResult ttc::parseLayerTypes(OpAsmParser &parser, Type &input,
                                 Type &output) {
  if (parser.parseType(input))
    return failure();
  output = input;
  if (succeeded(parser.parseOptionalArrow()))
    return parser.parseType(output);
  return success();
}

void ttc::printLayerTypes(OpAsmPrinter &printer, Operation *, Type input,
                          Type output) {
  printer << input;
  if (output != input)
    printer << " -> " << output;
}

ParseResult ttc::parseSizes(OpAsmParser &parser, DenseI64ArrayAttr &sizes) {
  sizes = dyn_cast_or_null<DenseI64ArrayAttr>(
      DenseI64ArrayAttr::parse(parser, Type()));
  return success(bool(sizes));
}

void ttc::printSizes(OpAsmPrinter &printer, Operation *,
                     DenseI64ArrayAttr sizes) {
  sizes.print(printer);
}

ParseResult ttc::parsePadding(OpAsmParser &parser, DenseI64ArrayAttr &low,
                              DenseI64ArrayAttr &high) {
  if (parseSizes(parser, low))
    return failure();
  if (succeeded(parser.parseOptionalComma()))
    return parseSizes(parser, high);
  return success();
}

void ttc::printPadding(OpAsmPrinter &printer, Operation *op,
                       DenseI64ArrayAttr low, DenseI64ArrayAttr high) {
  printSizes(printer, op, low);
  if (high) {
    printer << ", ";
    printSizes(printer, op, high);
  }
}

LogicalResult
QuantizerAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      QuantKind kind, APFloat step) {
  if (step.isNegative() || step.isZero() || !step.isFinite())
    return emitError() << "the step of a quantizer must be a positive number, "
                          "but is "
                       << step.convertToDouble();
  return success();
}
