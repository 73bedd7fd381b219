//===- TTCLayerOps.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the layers without states are: linear, activations, softmax, flatten.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace ttc;

static RankedTensorType tensorOf(ArrayRef<int64_t> shape, Value like) {
  return RankedTensorType::get(shape, getElementTypeOrSelf(like));
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  if (getPath().empty())
    return emitOpError("has an empty path: its parameters would have no name");
  if (in.getRank() == 0 || in.isDynamicDim(in.getRank() - 1))
    return emitOpError() << "takes " << in
                         << ", but the last dimension, its features, must be "
                            "there and static";
  if (out.getRank() != in.getRank() ||
      out.getShape().drop_back() != in.getShape().drop_back() ||
      out.isDynamicDim(out.getRank() - 1))
    return emitOpError() << "makes " << out << " of " << in
                         << ", but it changes the size of the last dimension "
                            "only";
  return success();
}

StringRef LinearOp::getLayerPath() { return getPath(); }

void LinearOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t in = typeOf(getInput()).getShape().back();
  int64_t out = typeOf(getOutput()).getShape().back();
  if (!getNoBias())
    specs.push_back({"bias", tensorOf({out}, getInput()), std::nullopt});
  specs.push_back({"weight", tensorOf({out, in}, getInput()), std::nullopt});
}

void LinearOp::getStateSpecs(SmallVectorImpl<StateSpec> &) {}

SmallVector<Value> LinearOp::expand(LayerExpansion &expansion) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  RankedTensorType type = typeOf(getOutput());
  int64_t rank = type.getRank();
  Value init = expansion.empty(type, getInput());
  if (getNoBias()) {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    init = linalg::FillOp::create(b, zero, init).getResult(0);
  } else {
    init = linalg::BroadcastOp::create(
               b, expansion.param("bias"), init,
               llvm::to_vector(llvm::seq<int64_t>(0, rank - 1)))
               ->getResult(0);
  }

  // (…, n, k): the batch-like dimensions, the output's feature, the input's
  // feature.
  SmallVector<AffineExpr> batch;
  for (int64_t i = 0; i < rank - 1; ++i)
    batch.push_back(b.getAffineDimExpr(i));
  AffineExpr n = b.getAffineDimExpr(rank - 1), k = b.getAffineDimExpr(rank);
  auto mapTo = [&](SmallVector<AffineExpr> exprs) {
    return AffineMap::get(rank + 1, 0, exprs, b.getContext());
  };
  SmallVector<AffineExpr> inputExprs(batch), outputExprs(batch);
  inputExprs.push_back(k);
  outputExprs.push_back(n);
  auto maps = b.getAffineMapArrayAttr(
      {mapTo(inputExprs), mapTo({n, k}), mapTo(outputExprs)});
  auto contract = linalg::ContractOp::create(
      b, TypeRange{type}, ValueRange{getInput(), expansion.param("weight")},
      ValueRange{init}, maps);
  return {contract->getResult(0)};
}

//===----------------------------------------------------------------------===//
// Activation
//===----------------------------------------------------------------------===//

LogicalResult ActivationOp::verify() {
  bool takesAlpha = getKind() == ActivationKind::LeakyReLU ||
                    getKind() == ActivationKind::ELU;
  if (getAlpha() && !takesAlpha)
    return emitOpError() << stringifyActivationKind(getKind())
                         << " takes no alpha: leaky_relu and elu do";
  if (getAlpha() && !std::isfinite(getAlpha()->convertToDouble()))
    return emitOpError("has an alpha that is not a finite number");
  return success();
}

StringRef ActivationOp::getLayerPath() { return ""; }
void ActivationOp::getParamSpecs(SmallVectorImpl<ParamSpec> &) {}
void ActivationOp::getStateSpecs(SmallVectorImpl<StateSpec> &) {}

/// `positive` where x > 0 (and where x is NaN, so that it stays one), else
/// `negative`.
static Value selectPositive(ImplicitLocOpBuilder &b, Value x, Value positive,
                            Value negative) {
  Value isNot = arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, x,
                                      buildConstant(b, 0.0, x));
  return arith::SelectOp::create(b, isNot, negative, positive);
}

static Value buildActivationKind(ImplicitLocOpBuilder &b, ActivationKind kind,
                                 std::optional<double> alpha, Value x) {
  auto constant = [&](double value) { return buildConstant(b, value, x); };
  auto mul = [&](Value l, Value r) -> Value {
    return arith::MulFOp::create(b, l, r);
  };
  auto add = [&](Value l, Value r) -> Value {
    return arith::AddFOp::create(b, l, r);
  };
  switch (kind) {
  case ActivationKind::ReLU:
    return arith::MaximumFOp::create(b, x, constant(0));
  case ActivationKind::LeakyReLU:
    return selectPositive(b, x, x, mul(x, constant(alpha.value_or(0.01))));
  case ActivationKind::ELU:
    return selectPositive(
        b, x, x, mul(math::ExpM1Op::create(b, x), constant(alpha.value_or(1))));
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
  case ActivationKind::Tanh:
    return math::TanhOp::create(b, x);
  case ActivationKind::Sigmoid:
    return buildSigmoid(b, x);
  case ActivationKind::Softplus:
    return buildSoftplus(b, x);
  case ActivationKind::HardTanh:
    return arith::MaximumFOp::create(
        b, arith::MinimumFOp::create(b, x, constant(1)), constant(-1));
  }
  llvm_unreachable("every activation has its formula");
}

SmallVector<Value> ActivationOp::expand(LayerExpansion &expansion) {
  std::optional<double> alpha;
  if (getAlpha())
    alpha = getAlpha()->convertToDouble();
  return {expansion.map(getInput(), [&](ImplicitLocOpBuilder &b, Value x) {
    return buildActivationKind(b, getKind(), alpha, x);
  })};
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxOp::verify() {
  RankedTensorType type = typeOf(getInput());
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
    return emitOpError() << "takes " << type
                         << ", but the last dimension, along which it sums, "
                            "must be there and static";
  return success();
}

StringRef SoftmaxOp::getLayerPath() { return ""; }
void SoftmaxOp::getParamSpecs(SmallVectorImpl<ParamSpec> &) {}
void SoftmaxOp::getStateSpecs(SmallVectorImpl<StateSpec> &) {}

/// The sum or the largest element along the last dimension.
static Value
reduceLast(LayerExpansion &expansion, Value x, double neutral,
           function_ref<Value(OpBuilder &, Location, Value, Value)> combine) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  RankedTensorType type = typeOf(x);
  Value start = arith::ConstantOp::create(
      b, b.getFloatAttr(type.getElementType(), neutral));
  Value init = linalg::FillOp::create(
                   b, start,
                   expansion.empty(tensorOf(type.getShape().drop_back(), x), x))
                   .getResult(0);
  return linalg::ReduceOp::create(
             b, x, init, type.getRank() - 1,
             [&](OpBuilder &inner, Location loc, ValueRange elements) {
               linalg::YieldOp::create(
                   inner, loc, combine(inner, loc, elements[0], elements[1]));
             })
      ->getResult(0);
}

SmallVector<Value> SoftmaxOp::expand(LayerExpansion &expansion) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  unsigned rank = typeOf(getInput()).getRank();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap alongRows = identity.dropResult(rank - 1);
  Value largest = reduceLast(
      expansion, getInput(), -std::numeric_limits<double>::infinity(),
      [](OpBuilder &inner, Location loc, Value l, Value r) -> Value {
        return arith::MaximumFOp::create(inner, loc, l, r);
      });
  Value exponentials =
      expansion
          .elementwise(getInput(), {getInput(), largest}, {identity, alongRows},
                       1,
                       [](ImplicitLocOpBuilder &inner,
                          ValueRange elements) -> SmallVector<Value> {
                         return {math::ExpOp::create(
                             inner, arith::SubFOp::create(inner, elements[0],
                                                          elements[1]))};
                       })
          .front();
  Value sum =
      reduceLast(expansion, exponentials, 0.0,
                 [](OpBuilder &inner, Location loc, Value l, Value r) -> Value {
                   return arith::AddFOp::create(inner, loc, l, r);
                 });
  return expansion.elementwise(
      exponentials, {exponentials, sum}, {identity, alongRows}, 1,
      [](ImplicitLocOpBuilder &inner,
         ValueRange elements) -> SmallVector<Value> {
        return {arith::DivFOp::create(inner, elements[0], elements[1])};
      });
}

//===----------------------------------------------------------------------===//
// Flatten
//===----------------------------------------------------------------------===//

/// The dimensions that are made one, counted from the front; nothing if they
/// are out of range.
static std::optional<std::pair<int64_t, int64_t>> flattened(FlattenOp op) {
  int64_t rank = typeOf(op.getInput()).getRank();
  auto fromFront = [&](int64_t dim) { return dim < 0 ? dim + rank : dim; };
  int64_t first = fromFront(op.getFirst()), last = fromFront(op.getLast());
  if (first < 0 || last >= rank || first > last)
    return std::nullopt;
  return std::make_pair(first, last);
}

LogicalResult FlattenOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  auto range = flattened(*this);
  if (!range)
    return emitOpError() << "flattens dimensions " << int64_t(getFirst())
                         << " to " << int64_t(getLast())
                         << ", but its input has rank " << in.getRank();
  auto [first, last] = *range;
  if (first != last && in.isDynamicDim(first))
    return emitOpError("flattens the dynamic batch into another dimension");
  SmallVector<int64_t> shape(in.getShape().take_front(first));
  int64_t size = 1;
  for (int64_t i = first; i <= last; ++i)
    size = in.isDynamicDim(i) ? ShapedType::kDynamic : size * in.getDimSize(i);
  shape.push_back(size);
  llvm::append_range(shape, in.getShape().drop_front(last + 1));
  if (out.getShape() != ArrayRef<int64_t>(shape))
    return emitOpError() << "makes " << out << " of " << in << ", expected "
                         << tensorOf(shape, getInput());
  return success();
}

StringRef FlattenOp::getLayerPath() { return ""; }
void FlattenOp::getParamSpecs(SmallVectorImpl<ParamSpec> &) {}
void FlattenOp::getStateSpecs(SmallVectorImpl<StateSpec> &) {}

SmallVector<Value> FlattenOp::expand(LayerExpansion &expansion) {
  auto [first, last] = *flattened(*this);
  if (first == last)
    return {getInput()};
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, rank = typeOf(getInput()).getRank(); i < rank; ++i) {
    if (i <= first || i > last)
      groups.emplace_back();
    groups.back().push_back(i);
  }
  return {tensor::CollapseShapeOp::create(
      expansion.getBuilder(), typeOf(getOutput()), getInput(), groups)};
}

#define GET_OP_CLASSES
#include "dialect/TTC.cpp.inc"
