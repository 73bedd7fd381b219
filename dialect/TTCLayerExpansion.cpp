//===- TTCLayerExpansion.cpp ----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a layer reaches its parameters and states, and what it computes with.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace ttc;

//===----------------------------------------------------------------------===//
// Parameters and states
//===----------------------------------------------------------------------===//

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

static IntegerAttr indexAttr(OpBuilder &builder, std::optional<int64_t> index) {
  return index ? builder.getI64IntegerAttr(*index) : IntegerAttr();
}

Value LayerExpansion::read(StringRef name, std::optional<int64_t> index) {
  auto state = resources.lookup<StateOp>((path + "." + name).str());
  auto type = cast<RankedTensorType>(state.getType());
  if (index)
    type = type.clone(type.getShape().drop_front());
  Value value = ReadOp::create(builder, type, state.getSymName(),
                               indexAttr(builder, index));
  // A state may be stored in fewer bits than it is computed with.
  if (type.getElementTypeBitWidth() < 32)
    value =
        arith::ExtFOp::create(builder, type.clone(builder.getF32Type()), value);
  return value;
}

void LayerExpansion::write(StringRef name, Value value,
                           std::optional<int64_t> index) {
  auto state = resources.lookup<StateOp>((path + "." + name).str());
  auto type = cast<RankedTensorType>(value.getType());
  Type stored = getElementTypeOrSelf(state.getType());
  if (stored != type.getElementType())
    value = arith::TruncFOp::create(builder, type.clone(stored), value);
  WriteOp::create(builder, value, (path + "." + name).str(),
                  indexAttr(builder, index));
}

//===----------------------------------------------------------------------===//
// New tensors
//===----------------------------------------------------------------------===//

Value LayerExpansion::uniform(Value like) {
  return UniformOp::create(builder, like.getType(),
                           builder.getI64IntegerAttr(nextStream++), like);
}

Value LayerExpansion::empty(RankedTensorType type, Value like) {
  SmallVector<Value> sizes;
  if (!type.hasStaticShape())
    sizes.push_back(tensor::DimOp::create(builder, like, 0));
  return tensor::EmptyOp::create(builder, type, sizes);
}

Value LayerExpansion::fill(RankedTensorType type, double value, Value like) {
  Value constant = arith::ConstantOp::create(
      builder, builder.getFloatAttr(type.getElementType(), value));
  return linalg::FillOp::create(builder, constant, empty(type, like))
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Elementwise operations, reductions and products
//===----------------------------------------------------------------------===//

SmallVector<Value> LayerExpansion::compute(ArrayRef<RankedTensorType> types,
                                           Value like, ArrayRef<Value> operands,
                                           ArrayRef<AffineMap> maps,
                                           ElementBody body) {
  unsigned rank = types.front().getRank();
  SmallVector<AffineMap> allMaps(maps);
  allMaps.append(types.size(), builder.getMultiDimIdentityMap(rank));
  SmallVector<Value> inits;
  for (RankedTensorType type : types)
    inits.push_back(empty(type, like));
  auto generic = linalg::GenericOp::create(
      builder, SmallVector<Type>(types.begin(), types.end()), operands, inits,
      allMaps,
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder inner(loc, b);
        linalg::YieldOp::create(
            inner, body(inner, elements.take_front(operands.size())));
      });
  return generic.getResults();
}

SmallVector<Value> LayerExpansion::elementwise(Value domain,
                                               ArrayRef<Value> operands,
                                               ArrayRef<AffineMap> maps,
                                               unsigned numResults,
                                               ElementBody body) {
  return compute(SmallVector<RankedTensorType>(numResults, typeOf(domain)),
                 domain, operands, maps, body);
}

Value LayerExpansion::combine(
    ArrayRef<Value> operands,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  Value domain = operands.front();
  SmallVector<AffineMap> maps(operands.size(), builder.getMultiDimIdentityMap(
                                                   typeOf(domain).getRank()));
  return elementwise(domain, operands, maps, 1,
                     [&](ImplicitLocOpBuilder &b, ValueRange elements)
                         -> SmallVector<Value> { return {body(b, elements)}; })
      .front();
}

Value LayerExpansion::map(
    Value operand,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
  return combine(operand, [&](ImplicitLocOpBuilder &b, ValueRange elements) {
    return body(b, elements.front());
  });
}

/// What a reduction starts with, which changes nothing.
static double neutralElement(ReductionKind kind) {
  switch (kind) {
  case ReductionKind::Add:
    return 0.0;
  case ReductionKind::Max:
    return -std::numeric_limits<double>::infinity();
  case ReductionKind::Min:
    return std::numeric_limits<double>::infinity();
  }
  llvm_unreachable("every reduction has its neutral element");
}

static Value buildReduction(ImplicitLocOpBuilder &b, ReductionKind kind,
                            Value accumulator, Value element) {
  switch (kind) {
  case ReductionKind::Add:
    return arith::AddFOp::create(b, accumulator, element);
  case ReductionKind::Max:
    return arith::MaximumFOp::create(b, accumulator, element);
  case ReductionKind::Min:
    return arith::MinimumFOp::create(b, accumulator, element);
  }
  llvm_unreachable("every reduction has its operation");
}

Value LayerExpansion::reduce(
    ReductionKind kind, RankedTensorType type, Value like,
    ArrayRef<Value> operands, ArrayRef<AffineMap> maps,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  unsigned parallel = type.getRank(), loops = maps.front().getNumDims();
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(
      pick(loops, llvm::to_vector(llvm::seq<int64_t>(0, parallel))));
  SmallVector<utils::IteratorType> iterators(parallel,
                                             utils::IteratorType::parallel);
  iterators.resize(loops, utils::IteratorType::reduction);
  auto generic = linalg::GenericOp::create(
      builder, TypeRange{type}, operands,
      fill(type, neutralElement(kind), like), allMaps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder inner(loc, b);
        Value element = body(inner, elements.drop_back());
        linalg::YieldOp::create(
            inner, buildReduction(inner, kind, elements.back(), element));
      });
  return generic.getResult(0);
}

AffineMap LayerExpansion::reductionMap(unsigned rank, ArrayRef<int64_t> dims) {
  unsigned nextKept = 0, nextReduced = rank - dims.size();
  SmallVector<int64_t> positions;
  for (int64_t dim = 0; dim < rank; ++dim)
    positions.push_back(llvm::is_contained(dims, dim) ? nextReduced++
                                                      : nextKept++);
  return pick(rank, positions);
}

RankedTensorType LayerExpansion::without(Value x, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(typeOf(x).getShape()))
    if (!llvm::is_contained(dims, int64_t(dim)))
      shape.push_back(size);
  return tensorOf(shape, x);
}

Value LayerExpansion::reduce(ReductionKind kind, Value x,
                             ArrayRef<int64_t> dims) {
  return reduce(kind, without(x, dims), x, x,
                reductionMap(typeOf(x).getRank(), dims),
                [](ImplicitLocOpBuilder &, ValueRange v) { return v.front(); });
}

Value LayerExpansion::product(Value x, Value weight, Value bias) {
  // (…, n, k): the batch-like dimensions, the output's feature, the input's
  // feature.
  int64_t rank = typeOf(x).getRank();
  SmallVector<int64_t> shape(typeOf(x).getShape());
  shape.back() = typeOf(weight).getDimSize(0);
  RankedTensorType type = tensorOf(shape, x);
  Value init;
  if (bias)
    init = linalg::BroadcastOp::create(
               builder, bias, empty(type, x),
               llvm::to_vector(llvm::seq<int64_t>(0, rank - 1)))
               ->getResult(0);
  else
    init = fill(type, 0.0, x);

  SmallVector<AffineExpr> batch;
  for (int64_t i = 0; i < rank - 1; ++i)
    batch.push_back(builder.getAffineDimExpr(i));
  AffineExpr n = builder.getAffineDimExpr(rank - 1);
  AffineExpr k = builder.getAffineDimExpr(rank);
  auto mapTo = [&](SmallVector<AffineExpr> exprs) {
    return AffineMap::get(rank + 1, 0, exprs, builder.getContext());
  };
  SmallVector<AffineExpr> inputExprs(batch), outputExprs(batch);
  inputExprs.push_back(k);
  outputExprs.push_back(n);
  auto maps = builder.getAffineMapArrayAttr(
      {mapTo(inputExprs), mapTo({n, k}), mapTo(outputExprs)});
  return linalg::ContractOp::create(builder, TypeRange{type},
                                    ValueRange{x, weight}, ValueRange{init},
                                    maps)
      ->getResult(0);
}

AffineMap LayerExpansion::pick(unsigned rank, ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    exprs.push_back(builder.getAffineDimExpr(dim));
  return AffineMap::get(rank, 0, exprs, builder.getContext());
}

//===----------------------------------------------------------------------===//
// Movements
//===----------------------------------------------------------------------===//

/// The sizes of a tensor, as an operation that makes another of them wants
/// them: the batch is found out.
SmallVector<OpFoldResult> LayerExpansion::sizes(ArrayRef<int64_t> shape,
                                                Value like) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : shape)
    if (ShapedType::isDynamic(size))
      sizes.push_back(tensor::DimOp::create(builder, like, 0).getResult());
    else
      sizes.push_back(builder.getIndexAttr(size));
  return sizes;
}

Value LayerExpansion::slice(Value tensor, ArrayRef<int64_t> offsets,
                            ArrayRef<int64_t> shape,
                            ArrayRef<int64_t> strides) {
  if (typeOf(tensor).getShape() == shape)
    return tensor;
  SmallVector<OpFoldResult> starts, steps;
  for (unsigned i = 0; i < offsets.size(); ++i) {
    starts.push_back(builder.getIndexAttr(offsets[i]));
    steps.push_back(builder.getIndexAttr(strides.empty() ? 1 : strides[i]));
  }
  return tensor::ExtractSliceOp::create(builder, tensorOf(shape, tensor),
                                        tensor, starts, sizes(shape, tensor),
                                        steps);
}

Value LayerExpansion::slice(Value tensor, int64_t dim, int64_t start,
                            int64_t size, int64_t step) {
  SmallVector<int64_t> shape(typeOf(tensor).getShape());
  SmallVector<int64_t> offsets(shape.size(), 0), strides(shape.size(), 1);
  shape[dim] = size;
  offsets[dim] = start;
  strides[dim] = step;
  return slice(tensor, offsets, shape, strides);
}

Value LayerExpansion::transpose(Value tensor, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return tensor;
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(typeOf(tensor).getDimSize(dim));
  return linalg::TransposeOp::create(builder, tensor,
                                     empty(tensorOf(shape, tensor), tensor),
                                     permutation)
      ->getResult(0);
}

Value LayerExpansion::moveDim(Value tensor, int64_t from, int64_t to) {
  SmallVector<int64_t> permutation(typeOf(tensor).getRank());
  std::iota(permutation.begin(), permutation.end(), 0);
  permutation.erase(permutation.begin() + from);
  permutation.insert(permutation.begin() + to, from);
  return transpose(tensor, permutation);
}

Value LayerExpansion::reshape(Value tensor, ArrayRef<int64_t> shape) {
  RankedTensorType from = typeOf(tensor), to = tensorOf(shape, tensor);
  if (from == to)
    return tensor;
  if (auto groups = getReassociationIndicesForReshape(from, to)) {
    if (from.getRank() > to.getRank())
      return tensor::CollapseShapeOp::create(builder, to, tensor, *groups);
    return tensor::ExpandShapeOp::create(builder, to, tensor, *groups,
                                         sizes(shape, tensor));
  }
  // Through everything in one dimension, but for a batch, which stays alone.
  bool keepsBatch = from.getRank() > 0 && to.getRank() > 0 &&
                    from.getDimSize(0) == to.getDimSize(0);
  ArrayRef<int64_t> rest = from.getShape().drop_front(keepsBatch ? 1 : 0);
  SmallVector<int64_t> flat;
  if (keepsBatch)
    flat.push_back(from.getDimSize(0));
  flat.push_back(numElements(rest));
  return reshape(reshape(tensor, flat), shape);
}

Value LayerExpansion::concat(ArrayRef<Value> tensors, int64_t dim) {
  if (tensors.size() == 1)
    return tensors.front();
  return tensor::ConcatOp::create(builder, dim, tensors);
}

Value LayerExpansion::pad(Value tensor, ArrayRef<int64_t> low,
                          ArrayRef<int64_t> high, double value) {
  if (llvm::all_of(low, [](int64_t size) { return size == 0; }) &&
      llvm::all_of(high, [](int64_t size) { return size == 0; }))
    return tensor;
  SmallVector<int64_t> shape(typeOf(tensor).getShape());
  SmallVector<OpFoldResult> before, after;
  for (unsigned dim = 0; dim < shape.size(); ++dim) {
    if (!ShapedType::isDynamic(shape[dim]))
      shape[dim] += low[dim] + high[dim];
    before.push_back(builder.getIndexAttr(low[dim]));
    after.push_back(builder.getIndexAttr(high[dim]));
  }
  Value constant = arith::ConstantOp::create(
      builder, builder.getFloatAttr(getElementTypeOrSelf(tensor), value));
  return tensor::PadOp::create(builder, tensorOf(shape, tensor), tensor, before,
                               after, constant);
}
