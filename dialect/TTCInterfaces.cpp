//===- TTCInterfaces.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every layer keeps to, and the arithmetic of elements that layers share.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace ttc;

#include "dialect/TTCInterfaces.cpp.inc"

LogicalResult ttc::verifyLayer(Operation *op) {
  auto path = op->getAttrOfType<StringAttr>("path");
  if (!path)
    return success();
  if (path.getValue().empty())
    return op->emitOpError(
        "has an empty path: what it owns would have no name");
  return verifyName(op, "path", path);
}

LogicalResult ttc::verifyName(Operation *op, StringRef what, StringRef name) {
  auto refuse = [&](const Twine &why) {
    std::string shown;
    llvm::raw_string_ostream stream(shown);
    llvm::printEscapedString(name, stream);
    return op->emitOpError()
           << "has the " << what << " '" << shown << "', " << why;
  };
  if (name.contains('\0'))
    return refuse("which has a zero byte: a name in C ends there");
  size_t at = 0;
  if (!llvm::json::isUTF8(name, &at))
    return refuse("which is not UTF-8 from byte " + Twine(at) +
                  " on: no file of weights or states could hold it");
  return success();
}

Value ttc::buildConstant(ImplicitLocOpBuilder &builder, double value,
                         Value like) {
  Type type = like.getType();
  TypedAttr attr = builder.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto shaped = dyn_cast<ShapedType>(type))
    attr = DenseElementsAttr::get(shaped, Attribute(attr));
  return arith::ConstantOp::create(builder, attr);
}

Value ttc::buildSigmoid(ImplicitLocOpBuilder &builder, Value x) {
  Value one = buildConstant(builder, 1.0, x);
  Value exp = math::ExpOp::create(builder, arith::NegFOp::create(builder, x));
  return arith::DivFOp::create(builder, one,
                               arith::AddFOp::create(builder, one, exp));
}

Value ttc::buildSoftplus(ImplicitLocOpBuilder &builder, Value x) {
  // max(x, 0) + log1p(exp(-|x|)) neither overflows nor loses small values.
  Value zero = buildConstant(builder, 0.0, x);
  Value magnitude = math::AbsFOp::create(builder, x);
  Value exp =
      math::ExpOp::create(builder, arith::NegFOp::create(builder, magnitude));
  return arith::AddFOp::create(builder,
                               arith::MaximumFOp::create(builder, x, zero),
                               math::Log1pOp::create(builder, exp));
}

Value ttc::buildActivation(ImplicitLocOpBuilder &builder, Constraint constraint,
                           Value x) {
  switch (constraint) {
  case Constraint::Identity:
    return x;
  case Constraint::Sigmoid:
    return buildSigmoid(builder, x);
  case Constraint::Softplus:
    return buildSoftplus(builder, x);
  case Constraint::Arcsinh: {
    // sign(x) * log1p(a + a² / (1 + sqrt(a² + 1))) with a = |x|: exact near 0,
    // where log(a + sqrt(a² + 1)) is not.
    Value one = buildConstant(builder, 1.0, x);
    Value a = math::AbsFOp::create(builder, x);
    Value square = arith::MulFOp::create(builder, a, a);
    Value root = math::SqrtOp::create(
        builder, arith::AddFOp::create(builder, square, one));
    Value quotient = arith::DivFOp::create(
        builder, square, arith::AddFOp::create(builder, root, one));
    Value log = math::Log1pOp::create(
        builder, arith::AddFOp::create(builder, a, quotient));
    return math::CopySignOp::create(builder, log, x);
  }
  }
  llvm_unreachable("every constraint has its activation");
}

Value ttc::buildSpike(ImplicitLocOpBuilder &builder, SpikeFn spike,
                      Value distance) {
  switch (spike) {
  case SpikeFn::Sigmoid4x:
    return buildSigmoid(
        builder, arith::MulFOp::create(builder, distance,
                                       buildConstant(builder, 4.0, distance)));
  case SpikeFn::Sigmoid:
    return buildSigmoid(builder, distance);
  case SpikeFn::Heaviside: {
    Value zero = buildConstant(builder, 0.0, distance);
    Value fired = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGE,
                                        distance, zero);
    return arith::SelectOp::create(builder, fired,
                                   buildConstant(builder, 1.0, distance), zero);
  }
  }
  llvm_unreachable("every spike function has its formula");
}

Value ttc::buildEvent(ImplicitLocOpBuilder &builder, QuantizerAttr quantizer,
                      Value probability, Value uniform) {
  if (quantizer.getKind() == QuantKind::Identity)
    return probability;
  return QuantizeOp::create(builder, probability.getType(), quantizer,
                            probability, uniform);
}
