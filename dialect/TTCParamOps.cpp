//===- TTCParamOps.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a parameter is declared, in which of its two forms, and used.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ttc;

static constexpr StringLiteral rawPrefix = "raw_";

std::optional<Constraint> ParamOp::getConstraint() {
  if (getConstrained())
    return *getConstrained();
  if (getActivated())
    return *getActivated();
  return std::nullopt;
}

std::string ParamOp::getRawKey() {
  if (getConstrained())
    return getSymName().str();
  if (!getActivated())
    return "";
  auto [path, name] = getSymName().rsplit('.');
  return (path + "." + rawPrefix + name).str();
}

std::string ParamOp::getCompiledKey() {
  if (getActivated())
    return getSymName().str();
  if (!getConstrained())
    return "";
  auto [path, name] = getSymName().rsplit('.');
  name.consume_front(rawPrefix);
  return (path + "." + name).str();
}

LogicalResult ParamOp::verify() {
  if (failed(verifyName(*this, "key", getSymName())))
    return failure();
  if (getConstrained() && getActivated())
    return emitOpError("is both constrained and activated: a parameter has one "
                       "form at a time");
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError() << "has the type " << getType()
                         << ", but the shape of a parameter is static";
  if (!getConstraint())
    return success();
  bool isRaw = getSymName().rsplit('.').second.starts_with(rawPrefix);
  if (!getSymName().contains('.') || isRaw != bool(getConstrained()))
    return emitOpError() << "is "
                         << (getConstrained() ? "constrained" : "activated")
                         << ", so its key must be '<path>."
                         << (getConstrained() ? "raw_" : "") << "<name>'";
  return success();
}

LogicalResult ParamValueOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto param = tables.lookupNearestSymbolFrom<ParamOp>(*this, getParamAttr());
  if (!param)
    return emitOpError() << "uses " << getParamAttr()
                         << ", but no ttc.param declares it";
  if (param.getType() != getType())
    return emitOpError() << "has the type " << getType() << ", but "
                         << getParamAttr() << " is declared with "
                         << param.getType();
  return success();
}
