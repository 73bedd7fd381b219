//===- TTCNormalizationOps.cpp --------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What normalizations are: those with statistics of training, of features, of
// groups of channels.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ttc;

static Value add(ImplicitLocOpBuilder &b, Value l, Value r) {
  return arith::AddFOp::create(b, l, r);
}
static Value sub(ImplicitLocOpBuilder &b, Value l, Value r) {
  return arith::SubFOp::create(b, l, r);
}
static Value mul(ImplicitLocOpBuilder &b, Value l, Value r) {
  return arith::MulFOp::create(b, l, r);
}
/// 1 / √(variance + eps).
static Value buildInverse(ImplicitLocOpBuilder &b, Value variance, double eps) {
  Value sum = add(b, variance, buildConstant(b, eps, variance));
  return arith::DivFOp::create(b, buildConstant(b, 1.0, sum),
                               math::SqrtOp::create(b, sum));
}

static LogicalResult verifyNorm(Operation *op, Value input, Value output,
                                const APFloat &eps) {
  if (!eps.isFinite() || eps.isNegative())
    return op->emitOpError() << "has an eps of " << eps.convertToDouble()
                             << ", expected a finite number from 0 on";
  return verifyMakes(op, input, output, typeOf(input));
}

/// Checks the last `dims` dimensions, which are normalized together.
static LogicalResult verifyLastDims(Operation *op, Value input, int64_t dims) {
  RankedTensorType type = typeOf(input);
  if (dims < 1 || dims > type.getRank())
    return op->emitOpError()
           << "normalizes the last " << dims << " dimensions of " << type;
  if (type.isDynamicDim(type.getRank() - dims))
    return op->emitOpError() << "normalizes over the dynamic batch of " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// The statistics of training
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "channels")))
    return failure();
  return verifyNorm(*this, getInput(), getOutput(), getEps());
}

void BatchNormOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  RankedTensorType type = tensorOf({n}, getInput());
  if (!getNoAffine())
    specs.push_back({"bias", type, std::nullopt});
  specs.push_back({"running_mean", type, std::nullopt});
  specs.push_back({"running_var", type, std::nullopt});
  if (!getNoAffine())
    specs.push_back({"weight", type, std::nullopt});
}

SmallVector<Value> BatchNormOp::expand(LayerExpansion &expansion) {
  using Builder = ImplicitLocOpBuilder;
  double eps = getEps().convertToDouble();
  Value mean = expansion.param("running_mean");
  Value factor =
      expansion.map(expansion.param("running_var"), [&](Builder &b, Value v) {
        return buildInverse(b, v, eps);
      });
  if (!getNoAffine())
    factor = expansion.combine(
        {factor, expansion.param("weight")},
        [](Builder &b, ValueRange v) { return mul(b, v[0], v[1]); });
  Value offset =
      getNoAffine()
          ? expansion.combine({mean, factor},
                              [](Builder &b, ValueRange v) -> Value {
                                return arith::NegFOp::create(
                                    b, mul(b, v[0], v[1]));
                              })
          : expansion.combine({mean, factor, expansion.param("bias")},
                              [](Builder &b, ValueRange v) {
                                return sub(b, v[2], mul(b, v[0], v[1]));
                              });
  int64_t rank = typeOf(getInput()).getRank();
  AffineMap channel = expansion.pick(rank, {fromFront(getDim(), getInput())});
  return expansion.elementwise(
      getInput(), {getInput(), factor, offset},
      {expansion.getBuilder().getMultiDimIdentityMap(rank), channel, channel},
      1, [](Builder &b, ValueRange v) -> SmallVector<Value> {
        return {add(b, mul(b, v[0], v[1]), v[2])};
      });
}

//===----------------------------------------------------------------------===//
// Their own statistics
//===----------------------------------------------------------------------===//

/// The last `count` dimensions of a tensor.
static SmallVector<int64_t> lastDims(Value x, int64_t count) {
  int64_t rank = typeOf(x).getRank();
  return llvm::to_vector(llvm::seq<int64_t>(rank - count, rank));
}

/// The mean along some dimensions of f(x), or of f(x, other), where `other`
/// lacks those dimensions.
static Value
buildMean(LayerExpansion &expansion, Value x, Value other,
          ArrayRef<int64_t> dims,
          llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> f) {
  int64_t rank = typeOf(x).getRank();
  double count = 1;
  for (int64_t dim : dims)
    count *= typeOf(x).getDimSize(dim);
  SmallVector<Value> operands = {x};
  SmallVector<AffineMap> maps = {expansion.reductionMap(rank, dims)};
  if (other) {
    operands.push_back(other);
    maps.push_back(expansion.pick(
        rank, llvm::to_vector(llvm::seq<int64_t>(0, rank - dims.size()))));
  }
  Value sum = expansion.reduce(ReductionKind::Add, expansion.without(x, dims),
                               x, operands, maps, f);
  return expansion.map(sum, [&](ImplicitLocOpBuilder &b, Value v) -> Value {
    return arith::DivFOp::create(b, v, buildConstant(b, count, v));
  });
}

/// (x - mean) / √(var + eps) · weight + bias, with the statistics along `dims`;
/// `weight` and `bias` lie along `affineDims`, if they are there.
static Value normalize(LayerExpansion &expansion, Value x,
                       ArrayRef<int64_t> dims, double eps, Value weight,
                       Value bias, ArrayRef<int64_t> affineDims) {
  using Builder = ImplicitLocOpBuilder;
  Value mean = buildMean(expansion, x, Value(), dims,
                         [](Builder &, ValueRange v) { return v[0]; });
  Value variance =
      buildMean(expansion, x, mean, dims, [](Builder &b, ValueRange v) {
        Value distance = sub(b, v[0], v[1]);
        return mul(b, distance, distance);
      });
  Value inverse = expansion.map(
      variance, [&](Builder &b, Value v) { return buildInverse(b, v, eps); });
  int64_t rank = typeOf(x).getRank();
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim))
      kept.push_back(dim);
  AffineMap statistic = expansion.pick(rank, kept);
  SmallVector<Value> operands = {x, mean, inverse};
  SmallVector<AffineMap> maps = {
      expansion.getBuilder().getMultiDimIdentityMap(rank), statistic,
      statistic};
  for (Value affine : {weight, bias})
    if (affine) {
      operands.push_back(affine);
      maps.push_back(expansion.pick(rank, affineDims));
    }
  return expansion
      .elementwise(x, operands, maps, 1,
                   [&](Builder &b, ValueRange v) -> SmallVector<Value> {
                     Value result = mul(b, sub(b, v[0], v[1]), v[2]);
                     if (weight)
                       result = mul(b, result, v[3]);
                     if (bias)
                       result = add(b, result, v[4]);
                     return {result};
                   })
      .front();
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyLastDims(*this, getInput(), getDims())))
    return failure();
  return verifyNorm(*this, getInput(), getOutput(), getEps());
}

void LayerNormOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  RankedTensorType type =
      tensorOf(typeOf(getInput()).getShape().take_back(getDims()), getInput());
  if (!getNoAffine() && !getNoBias())
    specs.push_back({"bias", type, std::nullopt});
  if (!getNoAffine())
    specs.push_back({"weight", type, std::nullopt});
}

SmallVector<Value> LayerNormOp::expand(LayerExpansion &expansion) {
  Value weight, bias;
  if (!getNoAffine())
    weight = expansion.param("weight");
  if (!getNoAffine() && !getNoBias())
    bias = expansion.param("bias");
  SmallVector<int64_t> dims = lastDims(getInput(), getDims());
  return {normalize(expansion, getInput(), dims, getEps().convertToDouble(),
                    weight, bias, dims)};
}

LogicalResult RMSNormOp::verify() {
  if (failed(verifyLastDims(*this, getInput(), getDims())))
    return failure();
  return verifyNorm(*this, getInput(), getOutput(), getEps());
}

void RMSNormOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  if (!getNoAffine())
    specs.push_back(
        {"weight",
         tensorOf(typeOf(getInput()).getShape().take_back(getDims()),
                  getInput()),
         std::nullopt});
}

SmallVector<Value> RMSNormOp::expand(LayerExpansion &expansion) {
  using Builder = ImplicitLocOpBuilder;
  Value x = getInput();
  int64_t rank = typeOf(x).getRank();
  SmallVector<int64_t> dims = lastDims(x, getDims());
  Value square =
      buildMean(expansion, x, Value(), dims,
                [](Builder &b, ValueRange v) { return mul(b, v[0], v[0]); });
  Value inverse = expansion.map(square, [&](Builder &b, Value v) {
    return buildInverse(b, v, getEps().convertToDouble());
  });
  SmallVector<Value> operands = {x, inverse};
  SmallVector<AffineMap> maps = {
      expansion.getBuilder().getMultiDimIdentityMap(rank),
      expansion.pick(rank, llvm::to_vector(llvm::seq<int64_t>(
                               0, rank - int64_t(getDims()))))};
  if (!getNoAffine()) {
    operands.push_back(expansion.param("weight"));
    maps.push_back(expansion.pick(rank, dims));
  }
  return expansion.elementwise(
      x, operands, maps, 1, [](Builder &b, ValueRange v) -> SmallVector<Value> {
        Value result = mul(b, v[0], v[1]);
        return {v.size() == 3 ? mul(b, result, v[2]) : result};
      });
}

LogicalResult GroupNormOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "channels")) ||
      failed(verifyNorm(*this, getInput(), getOutput(), getEps())))
    return failure();
  int64_t groups = getGroups();
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  if (groups < 1 || n % groups != 0)
    return emitOpError() << "has " << groups << " groups, which do not divide "
                         << n << " channels";
  return success();
}

void GroupNormOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  if (getNoAffine())
    return;
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  specs.push_back({"bias", tensorOf({n}, getInput()), std::nullopt});
  specs.push_back({"weight", tensorOf({n}, getInput()), std::nullopt});
}

SmallVector<Value> GroupNormOp::expand(LayerExpansion &expansion) {
  // (…, groups, channels of a group, …): the statistics are of what is behind
  // the groups.
  int64_t dim = fromFront(getDim(), getInput()), groups = getGroups();
  SmallVector<int64_t> shape(typeOf(getInput()).getShape());
  shape[dim] /= groups;
  int64_t channels = shape[dim];
  shape.insert(shape.begin() + dim, groups);
  Value x = expansion.reshape(getInput(), shape), weight, bias;
  if (!getNoAffine()) {
    weight = expansion.reshape(expansion.param("weight"), {groups, channels});
    bias = expansion.reshape(expansion.param("bias"), {groups, channels});
  }
  Value result =
      normalize(expansion, x, lastDims(x, int64_t(shape.size()) - dim - 1),
                getEps().convertToDouble(), weight, bias, {dim, dim + 1});
  return {expansion.reshape(result, typeOf(getOutput()).getShape())};
}
