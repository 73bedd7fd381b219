//===- TTCShapeOps.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How tensors change their shapes.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

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

SmallVector<Value> FlattenOp::expand(LayerExpansion &expansion) {
  return {expansion.reshape(getInput(), typeOf(getOutput()).getShape())};
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  bool dynamic = !in.hasStaticShape();
  if (dynamic == out.hasStaticShape())
    return emitOpError() << "makes " << out << " of " << in
                         << ", but a dynamic batch stays the leading dimension";
  if (in.getElementType() == out.getElementType() &&
      numElements(in.getShape().drop_front(dynamic)) ==
          numElements(out.getShape().drop_front(dynamic)))
    return success();
  return emitOpError() << "makes " << out << " of " << in
                       << ", which has other elements";
}

SmallVector<Value> ReshapeOp::expand(LayerExpansion &expansion) {
  return {expansion.reshape(getInput(), typeOf(getOutput()).getShape())};
}

//===----------------------------------------------------------------------===//
// Permute
//===----------------------------------------------------------------------===//

LogicalResult PermuteOp::verify() {
  RankedTensorType in = typeOf(getInput());
  ArrayRef<int64_t> permutation = getPermutation();
  if (int64_t(permutation.size()) != in.getRank() ||
      !isPermutationVector(permutation))
    return emitOpError() << "has the order [" << permutation
                         << "], expected each dimension of " << in << " once";
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(in.getDimSize(dim));
  if (!in.hasStaticShape() && permutation.front() != 0)
    return emitOpError() << "moves the dynamic batch of " << in
                         << " away from the front";
  return verifyMakes(*this, getInput(), getOutput(),
                     tensorOf(shape, getInput()));
}

SmallVector<Value> PermuteOp::expand(LayerExpansion &expansion) {
  return {expansion.transpose(getInput(), getPermutation())};
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "slice")) ||
      failed(verifyChangesOnly(*this, getInput(), getOutput(), getDim())))
    return failure();
  int64_t dim = fromFront(getDim(), getInput());
  int64_t size = typeOf(getInput()).getDimSize(dim);
  int64_t count = typeOf(getOutput()).getDimSize(dim);
  int64_t start = getStart(), step = getStep();
  // The last element, in a form that cannot overflow.
  if (start >= 0 && start < size && step >= 1 &&
      count - 1 <= (size - 1 - start) / step)
    return success();
  return emitOpError() << "takes " << count << " elements from " << start
                       << " on in steps of " << step << ", but dimension "
                       << int64_t(getDim()) << " of its input has " << size;
}

SmallVector<Value> SliceOp::expand(LayerExpansion &expansion) {
  int64_t dim = fromFront(getDim(), getInput());
  return {expansion.slice(getInput(), dim, getStart(),
                          typeOf(getOutput()).getDimSize(dim), getStep())};
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::verify() {
  if (getInputs().empty())
    return emitOpError("puts nothing together, expected a tensor at least");
  Value first = getInputs().front();
  if (failed(verifyStaticDim(*this, first, getDim(), "parts")))
    return failure();
  int64_t dim = fromFront(getDim(), first), size = 0;
  SmallVector<int64_t> shape(typeOf(first).getShape());
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    RankedTensorType type = typeOf(input);
    if (type.getRank() == int64_t(shape.size()))
      shape[dim] = type.getDimSize(dim);
    if (type != tensorOf(shape, first) || type.isDynamicDim(dim))
      return emitOpError() << "puts " << type << ", its input " << index
                           << ", behind " << first.getType()
                           << ", which differs in more than the size of "
                              "dimension "
                           << int64_t(getDim());
    size += type.getDimSize(dim);
  }
  shape[dim] = size;
  return verifyMakes(*this, first, getOutput(), tensorOf(shape, first));
}

SmallVector<Value> ConcatOp::expand(LayerExpansion &expansion) {
  return {expansion.concat(llvm::to_vector(getInputs()),
                           fromFront(getDim(), getOutput()))};
}

//===----------------------------------------------------------------------===//
// Broadcast
//===----------------------------------------------------------------------===//

/// A tensor whose leading size is the batch: the input itself, or one of the
/// model's.
static Value findBatch(BroadcastOp op) {
  if (!typeOf(op.getInput()).hasStaticShape())
    return op.getInput();
  auto model = op->getParentOfType<ModelOp>();
  if (!model)
    return nullptr;
  for (BlockArgument input : model.getBody().getArguments())
    if (!typeOf(input).hasStaticShape())
      return input;
  return nullptr;
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  int64_t missing = out.getRank() - in.getRank();
  bool grows = missing >= 0 && in.getElementType() == out.getElementType();
  for (int64_t dim = 0; grows && dim < in.getRank(); ++dim)
    grows = in.getDimSize(dim) == 1 ||
            in.getDimSize(dim) == out.getDimSize(dim + missing);
  if (!grows)
    return emitOpError() << "makes " << out << " of " << in
                         << ", but only sizes of 1, and dimensions that are "
                            "missing in front, grow";
  if (!out.hasStaticShape() && !findBatch(*this))
    return emitOpError() << "makes " << out
                         << ", but no input of the model has a dynamic batch";
  return success();
}

SmallVector<Value> BroadcastOp::expand(LayerExpansion &expansion) {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  if (in == out)
    return {getInput()};
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t missing = out.getRank() - in.getRank();
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < in.getRank(); ++dim)
    exprs.push_back(in.getDimSize(dim) == out.getDimSize(dim + missing)
                        ? b.getAffineDimExpr(dim + missing)
                        : b.getAffineConstantExpr(0));
  return expansion.compute(
      out, findBatch(*this), getInput(),
      AffineMap::get(out.getRank(), 0, exprs, b.getContext()),
      [](ImplicitLocOpBuilder &, ValueRange v) -> SmallVector<Value> {
        return {v.front()};
      });
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

LogicalResult PadOp::verify() {
  RankedTensorType in = typeOf(getInput());
  int64_t rank = in.getRank();
  if (int64_t(getLow().size()) != rank || int64_t(getHigh().size()) != rank)
    return emitOpError() << "pads [" << getLow() << "] in front and ["
                         << getHigh() << "] behind, expected " << rank
                         << " numbers each, one for each dimension";
  SmallVector<int64_t> shape(in.getShape());
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t low = getLow()[dim], high = getHigh()[dim];
    if (low < 0 || high < 0)
      return emitOpError() << "pads dimension " << dim << " by " << low
                           << " and " << high
                           << ", expected numbers that are not negative";
    if (low == 0 && high == 0)
      continue;
    if (in.isDynamicDim(dim))
      return emitOpError() << "pads the dynamic batch of " << in;
    if (llvm::AddOverflow(shape[dim], low, shape[dim]) ||
        llvm::AddOverflow(shape[dim], high, shape[dim]))
      return emitOpError() << "pads dimension " << dim << " by " << low
                           << " and " << high << ", which is too much";
  }
  return verifyMakes(*this, getInput(), getOutput(),
                     tensorOf(shape, getInput()));
}

SmallVector<Value> PadOp::expand(LayerExpansion &expansion) {
  return {expansion.pad(getInput(), getLow(), getHigh(),
                        getValue().convertToDouble())};
}
