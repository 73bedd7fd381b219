//===- TTCPoolingOps.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What poolings are: windows that slide, and windows that share out a tensor.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"
#include "dialect/TTCWindow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ttc;

static ReductionKind reductionOf(PoolKind kind) {
  return kind == PoolKind::Max ? ReductionKind::Max : ReductionKind::Add;
}

/// What never is the result of a window: the neutral element.
static double nothing(PoolKind kind) {
  return kind == PoolKind::Max ? -std::numeric_limits<double>::infinity() : 0.0;
}

/// Divides sums by how many elements each has: `counts` has, for each of some
/// dimensions, a number for each place along it.
static Value
divideByCounts(LayerExpansion &expansion, Value sum,
               ArrayRef<std::pair<int64_t, SmallVector<int64_t>>> counts) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t rank = typeOf(sum).getRank();
  double everywhere = 1;
  SmallVector<Value> operands = {sum};
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(rank)};
  for (auto &[dim, numbers] : counts) {
    if (llvm::all_equal(numbers)) {
      everywhere *= numbers.front();
      continue;
    }
    SmallVector<Attribute> values;
    for (int64_t number : numbers)
      values.push_back(b.getFloatAttr(getElementTypeOrSelf(sum), number));
    operands.push_back(arith::ConstantOp::create(
        b, DenseElementsAttr::get(tensorOf({int64_t(numbers.size())}, sum),
                                  values)));
    maps.push_back(expansion.pick(rank, {dim}));
  }
  return expansion
      .elementwise(
          sum, operands, maps, 1,
          [&](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
            Value count = buildConstant(inner, everywhere, v[0]);
            for (Value number : v.drop_front())
              count = arith::MulFOp::create(inner, count, number);
            return {arith::DivFOp::create(inner, v[0], count)};
          })
      .front();
}

/// The reduction of each window of an input that is padded already.
static Value reduceWindows(LayerExpansion &expansion, Value x, PoolKind kind,
                           RankedTensorType type, const Window &window) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t rank = type.getRank(), before = rank - window.getRank();
  int64_t loops = rank + window.getRank();
  SmallVector<AffineExpr> ofInput, ofWindow;
  for (int64_t i = 0; i < before; ++i)
    ofInput.push_back(b.getAffineDimExpr(i));
  for (size_t i = 0; i < window.getRank(); ++i) {
    AffineExpr offset = b.getAffineDimExpr(rank + i);
    ofInput.push_back(b.getAffineDimExpr(before + i) * window.stride[i] +
                      offset * window.dilation[i]);
    ofWindow.push_back(offset);
  }
  // Its elements are not read: it says how large the window is.
  Value sizes = expansion.empty(tensorOf(window.kernel, x), x);
  return expansion.reduce(
      reductionOf(kind), type, x, {x, sizes},
      {AffineMap::get(loops, 0, ofInput, b.getContext()),
       AffineMap::get(loops, 0, ofWindow, b.getContext())},
      [](ImplicitLocOpBuilder &, ValueRange v) { return v.front(); });
}

//===----------------------------------------------------------------------===//
// Windows that slide
//===----------------------------------------------------------------------===//

static Window windowOf(PoolOp op) {
  return Window(op.getKernel(), op.getStride(), op.getPadding(),
                op.getPaddingHigh(), op.getDilation(), op.getKernel());
}

LogicalResult PoolOp::verify() {
  Window window = windowOf(*this);
  if (failed(window.verify(*this, getInput(), 0)))
    return failure();
  if (getExcludePadding() && getKind() != PoolKind::Average)
    return emitOpError("excludes its padding, which an average does alone");
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  SmallVector<int64_t> shape(in.getShape());
  int64_t before = in.getRank() - window.getRank();
  for (size_t dim = 0; dim < window.getRank(); ++dim) {
    int64_t extent = window.getExtent(dim), low = window.low[dim];
    if (2 * low > extent || 2 * window.high[dim] > extent)
      return emitOpError() << "pads [" << window.low << "] and [" << window.high
                           << "], expected half of a window at most";
    int64_t &size = shape[before + dim];
    int64_t whole = size, places = window.getPlaces(dim, whole);
    if (places < 1)
      return emitOpError() << "has a window of " << window.kernel
                           << ", which does not fit " << in;
    // One more, which is cut off: it begins on the input or in front of it.
    bool isCut = out.getRank() == in.getRank() &&
                 out.getDimSize(before + dim) == places + 1 &&
                 (places - 1) * window.stride[dim] + extent <
                     whole + low + window.high[dim] &&
                 places * window.stride[dim] < whole + low;
    size = isCut ? places + 1 : places;
  }
  return verifyMakes(*this, getInput(), getOutput(),
                     tensorOf(shape, getInput()));
}

/// How many elements the window has in each of its places along a dimension:
/// of the input, or also of its padding, but not of what lies beyond. One
/// number stands for all of them if it is the same.
static SmallVector<int64_t> countElements(const Window &window, size_t dim,
                                          int64_t size, int64_t places,
                                          bool excludePadding) {
  int64_t first = excludePadding ? 0 : -window.low[dim];
  int64_t end = size + (excludePadding ? 0 : window.high[dim]);
  int64_t stride = window.stride[dim], dilation = window.dilation[dim];
  int64_t kernel = window.kernel[dim];
  int64_t reach =
      (places - 1) * stride - window.low[dim] + window.getExtent(dim);
  if (first == -window.low[dim] && reach <= end)
    return {kernel};
  SmallVector<int64_t> counts;
  for (int64_t place = 0; place < places; ++place) {
    // Its elements begin at `start` and lie `dilation` apart.
    int64_t start = place * stride - window.low[dim];
    int64_t before =
        start < first ? llvm::divideCeil(first - start, dilation) : 0;
    int64_t upTo = start < end ? llvm::divideCeil(end - start, dilation) : 0;
    counts.push_back(std::min(upTo, kernel) - std::min(before, kernel));
  }
  return counts;
}

SmallVector<Value> PoolOp::expand(LayerExpansion &expansion) {
  Window window = windowOf(*this);
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  int64_t before = in.getRank() - window.getRank();
  SmallVector<int64_t> low(in.getRank(), 0), high(low);
  SmallVector<std::pair<int64_t, SmallVector<int64_t>>> counts;
  for (size_t dim = 0; dim < window.getRank(); ++dim) {
    int64_t at = before + dim, size = in.getDimSize(at);
    int64_t places = out.getDimSize(at);
    // As far as the last window reaches.
    int64_t reach = (places - 1) * window.stride[dim] + window.getExtent(dim);
    low[at] = window.low[dim];
    high[at] = std::max<int64_t>(0, reach - low[at] - size);
    counts.emplace_back(
        at, countElements(window, dim, size, places, getExcludePadding()));
  }
  Value x = expansion.pad(getInput(), low, high, nothing(getKind()));
  Value result = reduceWindows(expansion, x, getKind(), out, window);
  if (getKind() == PoolKind::Average)
    result = divideByCounts(expansion, result, counts);
  return {result};
}

//===----------------------------------------------------------------------===//
// Windows that share out
//===----------------------------------------------------------------------===//

LogicalResult AdaptivePoolOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  if (out.getRank() != in.getRank() ||
      out.getElementType() != in.getElementType() ||
      llvm::any_of(llvm::zip(in.getShape(), out.getShape()), [](auto sizes) {
        auto [from, to] = sizes;
        return ShapedType::isDynamic(from) != ShapedType::isDynamic(to);
      }))
    return emitOpError() << "makes " << out << " of " << in
                         << ", but it changes static sizes only";
  // Windows of several sizes are told by a mask of that many numbers.
  constexpr int64_t mostOfMask = int64_t(1) << 24;
  for (auto [from, to] : llvm::zip(in.getShape(), out.getShape()))
    if (from % to != 0 && from > mostOfMask / to)
      return emitOpError() << "shares " << from << " elements out to " << to
                           << " windows of several sizes, which is too many";
  return success();
}

/// Where the windows along a dimension begin and end.
static std::pair<int64_t, int64_t> windowAt(int64_t place, int64_t from,
                                            int64_t to) {
  return {place * from / to, ((place + 1) * from + to - 1) / to};
}

/// The reduction of windows of several sizes along one dimension: of all
/// elements, those outside of a window taken for none.
static Value reduceUneven(LayerExpansion &expansion, Value x, PoolKind kind,
                          int64_t dim, int64_t to) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t rank = typeOf(x).getRank(), from = typeOf(x).getDimSize(dim);
  SmallVector<Attribute> inside;
  for (int64_t place = 0; place < to; ++place)
    for (int64_t i = 0; i < from; ++i) {
      auto [start, end] = windowAt(place, from, to);
      inside.push_back(b.getFloatAttr(getElementTypeOrSelf(x),
                                      i >= start && i < end ? 1.0 : 0.0));
    }
  Value mask = arith::ConstantOp::create(
      b, DenseElementsAttr::get(tensorOf({to, from}, x), inside));
  SmallVector<int64_t> shape(typeOf(x).getShape());
  shape[dim] = to;
  SmallVector<int64_t> ofInput = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  ofInput[dim] = rank;
  return expansion.reduce(
      reductionOf(kind), tensorOf(shape, x), x, {x, mask},
      {expansion.pick(rank + 1, ofInput),
       expansion.pick(rank + 1, {dim, rank})},
      [&](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
        Value isInside =
            arith::CmpFOp::create(inner, arith::CmpFPredicate::OGT, v[1],
                                  buildConstant(inner, 0.0, v[1]));
        return arith::SelectOp::create(
            inner, isInside, v[0], buildConstant(inner, nothing(kind), v[0]));
      });
}

SmallVector<Value> AdaptivePoolOp::expand(LayerExpansion &expansion) {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  // Dimensions that are shared out evenly are one reduction; they begin with
  // the first that changes.
  SmallVector<int64_t> shape(in.getShape()), uneven, kernel;
  SmallVector<std::pair<int64_t, SmallVector<int64_t>>> counts;
  for (int64_t dim = 0; dim < in.getRank(); ++dim) {
    int64_t from = in.getDimSize(dim), to = out.getDimSize(dim);
    if (from == to) {
      if (!kernel.empty())
        kernel.push_back(1);
      continue;
    }
    SmallVector<int64_t> numbers;
    for (int64_t place = 0; place < to; ++place) {
      auto [start, end] = windowAt(place, from, to);
      numbers.push_back(end - start);
    }
    counts.emplace_back(dim, numbers);
    bool isEven = from % to == 0;
    if (isEven)
      shape[dim] = to;
    else
      uneven.push_back(dim);
    if (isEven || !kernel.empty())
      kernel.push_back(isEven ? from / to : 1);
  }
  Value result = getInput();
  if (!kernel.empty())
    result =
        reduceWindows(expansion, result, getKind(), tensorOf(shape, result),
                      Window(kernel, {}, {}, {}, {}, kernel));
  for (int64_t dim : uneven)
    result =
        reduceUneven(expansion, result, getKind(), dim, out.getDimSize(dim));
  if (getKind() == PoolKind::Average)
    result = divideByCounts(expansion, result, counts);
  return {result};
}
