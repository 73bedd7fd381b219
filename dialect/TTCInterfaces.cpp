//===- TTCInterfaces.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a layer reaches its parameters and states, and the arithmetic it shares.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ttc;

#include "dialect/TTCInterfaces.cpp.inc"

Value LayerExpansion::param(StringRef name) {
  std::string key = (path + "." + name).str();
  if (auto param = resources.lookup<ParamOp>(key))
    return ParamValueOp::create(builder, param.getType(), param.getSymName());
  // Declare-resources declares every parameter of every layer: what is not
  // there under its compiled key is there under its raw one.
  auto raw = resources.lookup<ParamOp>((path + ".raw_" + name).str());
  Value value = ParamValueOp::create(builder, raw.getType(), raw.getSymName());
  return map(value, [&](ImplicitLocOpBuilder &b, Value x) {
    return buildActivation(b, *raw.getConstraint(), x);
  });
}

Value LayerExpansion::read(StringRef name) {
  auto state = resources.lookup<StateOp>((path + "." + name).str());
  return ReadOp::create(builder, state.getType(), state.getSymName());
}

void LayerExpansion::write(StringRef name, Value value) {
  WriteOp::create(builder, value, (path + "." + name).str());
}

Value LayerExpansion::empty(RankedTensorType type, Value like) {
  SmallVector<Value> sizes;
  if (!type.hasStaticShape())
    sizes.push_back(tensor::DimOp::create(builder, like, 0));
  return tensor::EmptyOp::create(builder, type, sizes);
}

SmallVector<Value> LayerExpansion::elementwise(Value domain,
                                               ArrayRef<Value> operands,
                                               ArrayRef<AffineMap> maps,
                                               unsigned numResults,
                                               ElementBody body) {
  auto type = cast<RankedTensorType>(domain.getType());
  SmallVector<AffineMap> allMaps(maps);
  allMaps.append(numResults, builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<Value> inits(numResults, empty(type, domain));
  auto generic = linalg::GenericOp::create(
      builder, SmallVector<Type>(numResults, type), operands, inits, allMaps,
      SmallVector<utils::IteratorType>(type.getRank(),
                                       utils::IteratorType::parallel),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder inner(loc, b);
        linalg::YieldOp::create(
            inner, body(inner, elements.take_front(operands.size())));
      });
  return generic.getResults();
}

Value LayerExpansion::map(
    Value operand,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
  auto type = cast<RankedTensorType>(operand.getType());
  return elementwise(operand, operand,
                     builder.getMultiDimIdentityMap(type.getRank()), 1,
                     [&](ImplicitLocOpBuilder &b,
                         ValueRange elements) -> SmallVector<Value> {
                       return {body(b, elements.front())};
                     })
      .front();
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
