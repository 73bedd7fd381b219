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

bool ttc::isModelTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isF32() || tensor.getEncoding())
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

FailureOr<APFloat> ttc::parseShortFloat(AsmParser &parser) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  return APFloat(value);
}

void ttc::printShortFloat(AsmPrinter &printer, const APFloat &value) {
  SmallString<32> text;
  for (unsigned digits = 1; digits <= 17; ++digits) {
    text.clear();
    value.toString(text, digits);
    if (APFloat(APFloat::IEEEdouble(), text).bitwiseIsEqual(value))
      break;
  }
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
QuantizerAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      QuantKind kind, APFloat step) {
  if (step.isNegative() || step.isZero() || !step.isFinite())
    return emitError() << "the step of a quantizer must be a positive number, "
                          "but is "
                       << step.convertToDouble();
  return success();
}
