//===- TTCReductionOps.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What sums, largest elements and what is made of them are.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ttc;

//===----------------------------------------------------------------------===//
// Aggregate
//===----------------------------------------------------------------------===//

/// The dimensions of an aggregate, from the front and in order.
static SmallVector<int64_t> dimsOf(AggregateOp op) {
  SmallVector<int64_t> dims;
  for (int64_t dim : op.getDims())
    dims.push_back(fromFront(dim, op.getInput()));
  llvm::sort(dims);
  return dims;
}

LogicalResult AggregateOp::verify() {
  for (int64_t dim : getDims())
    if (failed(verifyStaticDim(*this, getInput(), dim, "elements")))
      return failure();
  SmallVector<int64_t> dims = dimsOf(*this), shape;
  if (std::adjacent_find(dims.begin(), dims.end()) != dims.end())
    return emitOpError() << "names a dimension twice in [" << getDims() << "]";
  for (auto [dim, size] : llvm::enumerate(typeOf(getInput()).getShape())) {
    bool isReduced = llvm::is_contained(dims, int64_t(dim));
    if (!isReduced || getKeep())
      shape.push_back(isReduced ? 1 : size);
  }
  return verifyMakes(*this, getInput(), getOutput(),
                     tensorOf(shape, getInput()));
}

static ReductionKind reductionOf(AggregateKind kind) {
  switch (kind) {
  case AggregateKind::Sum:
  case AggregateKind::Mean:
    return ReductionKind::Add;
  case AggregateKind::Max:
    return ReductionKind::Max;
  case AggregateKind::Min:
    return ReductionKind::Min;
  }
  llvm_unreachable("every aggregate has its reduction");
}

SmallVector<Value> AggregateOp::expand(LayerExpansion &expansion) {
  SmallVector<int64_t> dims = dimsOf(*this);
  Value result = expansion.reduce(reductionOf(getKind()), getInput(), dims);
  if (getKind() == AggregateKind::Mean) {
    double count = 1;
    for (int64_t dim : dims)
      count *= typeOf(getInput()).getDimSize(dim);
    result = expansion.map(result, [&](ImplicitLocOpBuilder &b, Value sum) {
      return arith::DivFOp::create(b, sum, buildConstant(b, count, sum));
    });
  }
  return {expansion.reshape(result, typeOf(getOutput()).getShape())};
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "classes")))
    return failure();
  return verifyMakes(*this, getInput(), getOutput(), typeOf(getInput()));
}

LogicalResult LogSoftmaxOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "classes")))
    return failure();
  return verifyMakes(*this, getInput(), getOutput(), typeOf(getInput()));
}

/// An element of `x` combined with that of `reduced`, which lacks `dim`.
static Value combineAlong(
    LayerExpansion &expansion, Value x, Value reduced, int64_t dim,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  AffineMap identity =
      expansion.getBuilder().getMultiDimIdentityMap(typeOf(x).getRank());
  return expansion
      .elementwise(
          x, {x, reduced}, {identity, identity.dropResult(dim)}, 1,
          [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
            return {body(b, v)};
          })
      .front();
}

/// x - max x: what exp cannot overflow on.
static Value buildBelowZero(LayerExpansion &expansion, Value x, int64_t dim) {
  return combineAlong(expansion, x,
                      expansion.reduce(ReductionKind::Max, x, dim), dim,
                      [](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
                        return arith::SubFOp::create(b, v[0], v[1]);
                      });
}

static Value buildExp(ImplicitLocOpBuilder &b, Value x) {
  return math::ExpOp::create(b, x);
}

SmallVector<Value> SoftmaxOp::expand(LayerExpansion &expansion) {
  int64_t dim = fromFront(getDim(), getInput());
  Value exponentials =
      expansion.map(buildBelowZero(expansion, getInput(), dim), buildExp);
  return {combineAlong(expansion, exponentials,
                       expansion.reduce(ReductionKind::Add, exponentials, dim),
                       dim, [](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
                         return arith::DivFOp::create(b, v[0], v[1]);
                       })};
}

SmallVector<Value> LogSoftmaxOp::expand(LayerExpansion &expansion) {
  int64_t dim = fromFront(getDim(), getInput());
  Value x = buildBelowZero(expansion, getInput(), dim);
  Value sum =
      expansion.reduce(ReductionKind::Add, expansion.map(x, buildExp), dim);
  return {combineAlong(expansion, x, sum, dim,
                       [](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
                         return arith::SubFOp::create(
                             b, v[0], math::LogOp::create(b, v[1]));
                       })};
}
