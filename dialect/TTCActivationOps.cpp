//===- TTCActivationOps.cpp -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What elementwise functions are.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ttc;

LogicalResult ActivationOp::verify() {
  if (failed(verifyMakes(*this, getInput(), getOutput(), typeOf(getInput()))))
    return failure();
  StringRef kind = stringifyActivationKind(getKind());
  bool takesAlpha = getKind() == ActivationKind::LeakyReLU ||
                    getKind() == ActivationKind::ELU ||
                    getKind() == ActivationKind::CELU;
  if (getAlpha() && !takesAlpha)
    return emitOpError() << kind
                         << " takes no alpha: leaky_relu, elu and celu do";
  if ((getBeta() || getThreshold()) && getKind() != ActivationKind::Softplus)
    return emitOpError() << kind
                         << " takes no beta and no threshold: softplus does";
  for (auto [name, value] :
       {std::make_pair("alpha", getAlpha()), std::make_pair("beta", getBeta()),
        std::make_pair("threshold", getThreshold())})
    if (value && !value->isFinite())
      return emitOpError() << "has " << (name[0] == 'a' ? "an " : "a ") << name
                           << " that is not a finite number";
  bool divides = getKind() == ActivationKind::CELU ||
                 getKind() == ActivationKind::Softplus;
  if (divides && ((getAlpha() && getAlpha()->isZero()) ||
                  (getBeta() && getBeta()->isZero())))
    return emitOpError() << kind << " divides by its "
                         << (getAlpha() ? "alpha" : "beta") << ", which is 0";
  return success();
}

/// `positive` where x > 0 (and where x is NaN, so that it stays one), else
/// `negative`.
static Value selectPositive(ImplicitLocOpBuilder &b, Value x, Value positive,
                            Value negative) {
  Value isNot = arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, x,
                                      buildConstant(b, 0.0, x));
  return arith::SelectOp::create(b, isNot, negative, positive);
}

/// x clipped to [low, high]; a NaN stays one.
static Value clip(ImplicitLocOpBuilder &b, Value x, double low, double high) {
  Value above = arith::MaximumFOp::create(b, x, buildConstant(b, low, x));
  return arith::MinimumFOp::create(b, above, buildConstant(b, high, x));
}

Value ActivationOp::build(ImplicitLocOpBuilder &b, Value x) {
  auto given = [](std::optional<APFloat> value, double otherwise) {
    return value ? value->convertToDouble() : otherwise;
  };
  auto constant = [&](double value) { return buildConstant(b, value, x); };
  auto mul = [&](Value l, Value r) -> Value {
    return arith::MulFOp::create(b, l, r);
  };
  auto add = [&](Value l, Value r) -> Value {
    return arith::AddFOp::create(b, l, r);
  };
  auto div = [&](Value l, Value r) -> Value {
    return arith::DivFOp::create(b, l, r);
  };
  auto expm1 = [&](Value v) -> Value { return math::ExpM1Op::create(b, v); };
  switch (getKind()) {
  case ActivationKind::ReLU:
    return arith::MaximumFOp::create(b, x, constant(0));
  case ActivationKind::LeakyReLU:
    return selectPositive(b, x, x, mul(x, constant(given(getAlpha(), 0.01))));
  case ActivationKind::ELU:
    return selectPositive(b, x, x,
                          mul(expm1(x), constant(given(getAlpha(), 1))));
  case ActivationKind::CELU: {
    // As torch.celu: alpha expm1(x / alpha) below 0.
    Value alpha = constant(given(getAlpha(), 1));
    return selectPositive(b, x, x, mul(expm1(div(x, alpha)), alpha));
  }
  case ActivationKind::SELU: {
    // Klambauer et al., 2017: the constants keep mean 0 and variance 1.
    Value scale = constant(1.0507009873554804934193349852946);
    Value alpha = constant(1.6732632423543772848170429916717);
    return mul(selectPositive(b, x, x, mul(expm1(x), alpha)), scale);
  }
  case ActivationKind::GELU: {
    // x Φ(x) = x / 2 · (1 + erf(x / √2)).
    Value erf = math::ErfOp::create(b, mul(x, constant(M_SQRT1_2)));
    return mul(mul(x, constant(0.5)), add(erf, constant(1)));
  }
  case ActivationKind::GELUTanh: {
    // x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))): Hendrycks and Gimpel, 2016.
    Value cubic = mul(mul(mul(x, x), x), constant(0.044715));
    Value inner = mul(add(x, cubic), constant(M_2_SQRTPI * M_SQRT1_2));
    Value tanh = math::TanhOp::create(b, inner);
    return mul(mul(x, constant(0.5)), add(tanh, constant(1)));
  }
  case ActivationKind::SiLU:
    return mul(x, buildSigmoid(b, x));
  case ActivationKind::Mish:
    return mul(x, math::TanhOp::create(b, buildSoftplus(b, x)));
  case ActivationKind::Tanh:
    return math::TanhOp::create(b, x);
  case ActivationKind::TanhShrink:
    return arith::SubFOp::create(b, x, math::TanhOp::create(b, x));
  case ActivationKind::Sigmoid:
    return buildSigmoid(b, x);
  case ActivationKind::LogSigmoid: {
    // -softplus(-x), which does not overflow.
    Value softplus = buildSoftplus(b, arith::NegFOp::create(b, x));
    return arith::NegFOp::create(b, softplus);
  }
  case ActivationKind::Softplus: {
    Value scaled = x, result;
    if (double beta = given(getBeta(), 1); beta != 1) {
      scaled = mul(x, constant(beta));
      result = div(buildSoftplus(b, scaled), constant(beta));
    } else {
      result = buildSoftplus(b, scaled);
    }
    if (!getThreshold())
      return result;
    Value isLinear =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, scaled,
                              constant(getThreshold()->convertToDouble()));
    return arith::SelectOp::create(b, isLinear, x, result);
  }
  case ActivationKind::SoftSign:
    return div(x, add(constant(1), math::AbsFOp::create(b, x)));
  case ActivationKind::HardTanh:
    return clip(b, x, -1, 1);
  case ActivationKind::ReLU6:
    return clip(b, x, 0, 6);
  case ActivationKind::HardSigmoid:
    return div(clip(b, add(x, constant(3)), 0, 6), constant(6));
  case ActivationKind::HardSwish:
    return div(mul(x, clip(b, add(x, constant(3)), 0, 6)), constant(6));
  }
  llvm_unreachable("every activation has its formula");
}

SmallVector<Value> ActivationOp::expand(LayerExpansion &expansion) {
  return {expansion.map(getInput(), [&](ImplicitLocOpBuilder &b, Value x) {
    return build(b, x);
  })};
}

//===----------------------------------------------------------------------===//
// PReLU
//===----------------------------------------------------------------------===//

LogicalResult PReLUOp::verify() {
  if (getDim() &&
      failed(verifyStaticDim(*this, getInput(), *getDim(), "slopes")))
    return failure();
  return verifyMakes(*this, getInput(), getOutput(), typeOf(getInput()));
}

void PReLUOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t size = 1;
  if (getDim())
    size = typeOf(getInput()).getDimSize(fromFront(*getDim(), getInput()));
  specs.push_back({"weight", tensorOf({size}, getInput()), std::nullopt});
}

SmallVector<Value> PReLUOp::expand(LayerExpansion &expansion) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t rank = typeOf(getInput()).getRank();
  AffineMap slope =
      getDim() ? expansion.pick(rank, {fromFront(*getDim(), getInput())})
               : AffineMap::get(rank, 0, b.getAffineConstantExpr(0));
  return expansion.elementwise(
      getInput(), {getInput(), expansion.param("weight")},
      {b.getMultiDimIdentityMap(rank), slope}, 1,
      [](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
        return {selectPositive(inner, v[0], v[0],
                               arith::MulFOp::create(inner, v[1], v[0]))};
      });
}
