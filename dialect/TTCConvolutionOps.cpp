//===- TTCConvolutionOps.cpp ----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What convolutions are, transposed ones too.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"
#include "dialect/TTCWindow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ttc;

static Window windowOf(ConvOp op) {
  SmallVector<int64_t> ones(op.getKernel().size(), 1);
  return Window(op.getKernel(), op.getStride(), op.getPadding(),
                op.getPaddingHigh(), op.getDilation(), ones);
}

/// The place of the channels among a tensor's dimensions.
static int64_t channelDim(ConvOp op) {
  return typeOf(op.getInput()).getRank() - op.getKernel().size() - 1;
}

/// How large a transposed convolution makes `size` at least.
static int64_t transposedSize(const Window &window, size_t dim, int64_t size) {
  return (size - 1) * window.stride[dim] - window.low[dim] - window.high[dim] +
         window.getExtent(dim);
}

LogicalResult ConvOp::verify() {
  Window window = windowOf(*this);
  if (failed(window.verify(*this, getInput(), 1)))
    return failure();
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  int64_t channel = channelDim(*this), groups = getGroups();
  if (in.isDynamicDim(channel) || out.getRank() != in.getRank() ||
      out.isDynamicDim(channel))
    return emitOpError() << "makes " << out << " of " << in
                         << ", expected a static number of channels in front "
                            "of the "
                         << window.getRank() << " spatial dimensions of each";
  if (groups < 1 || in.getDimSize(channel) % groups != 0 ||
      out.getDimSize(channel) % groups != 0)
    return emitOpError() << "has " << groups << " groups, which do not divide "
                         << in.getDimSize(channel) << " and "
                         << out.getDimSize(channel) << " channels";

  SmallVector<int64_t> shape(in.getShape());
  shape[channel] = out.getDimSize(channel);
  for (size_t dim = 0; dim < window.getRank(); ++dim) {
    int64_t &size = shape[channel + 1 + dim];
    if (!getTransposed()) {
      size = window.getPlaces(dim, size);
      continue;
    }
    // The output padding is what the result has more.
    int64_t least = transposedSize(window, dim, size);
    int64_t made = out.getDimSize(channel + 1 + dim);
    bool isPadded =
        made > least &&
        made - least < std::max(window.stride[dim], window.dilation[dim]);
    size = isPadded ? made : least;
  }
  for (int64_t size : ArrayRef<int64_t>(shape).drop_front(channel + 1))
    if (size < 1)
      return emitOpError() << "has a window of " << window.kernel
                           << ", which does not fit " << in;
  return verifyMakes(*this, getInput(), getOutput(),
                     tensorOf(shape, getInput()));
}

void ConvOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t in = typeOf(getInput()).getDimSize(channelDim(*this));
  int64_t out = typeOf(getOutput()).getDimSize(channelDim(*this));
  int64_t groups = getGroups();
  SmallVector<int64_t> shape = {out, in / groups};
  if (getTransposed())
    shape = {in, out / groups};
  llvm::append_range(shape, getKernel());
  if (!getNoBias())
    specs.push_back({"bias", tensorOf({out}, getInput()), std::nullopt});
  specs.push_back({"weight", tensorOf(shape, getInput()), std::nullopt});
}

/// A convolution of an input that is padded already: x is (…, C, spatial…),
/// `weight` (F, C / groups, kernel…).
static Value buildConvolution(LayerExpansion &expansion, Value x, Value weight,
                              RankedTensorType type, const Window &window,
                              int64_t groups) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  int64_t spatial = window.getRank(), batch = type.getRank() - spatial - 1;
  // With groups, those are a dimension of their own in front of the channels.
  SmallVector<int64_t> outShape(type.getShape());
  if (groups != 1) {
    auto split = [&](ArrayRef<int64_t> shape, int64_t dim) {
      SmallVector<int64_t> result(shape);
      result[dim] /= groups;
      result.insert(result.begin() + dim, groups);
      return result;
    };
    x = expansion.reshape(x, split(typeOf(x).getShape(), batch));
    weight = expansion.reshape(weight, split(typeOf(weight).getShape(), 0));
    outShape = split(outShape, batch);
  }
  int64_t grouped = groups != 1 ? 1 : 0;
  int64_t parallel = batch + grouped + 1 + spatial;
  int64_t loops = parallel + 1 + spatial;

  // (…, [g,] f, places…, c, kernel…)
  auto dim = [&](int64_t position) { return b.getAffineDimExpr(position); };
  SmallVector<AffineExpr> ofInput, ofWeight;
  for (int64_t i = 0; i < batch + grouped; ++i)
    ofInput.push_back(dim(i));
  ofInput.push_back(dim(parallel));
  if (grouped)
    ofWeight.push_back(dim(batch));
  ofWeight.push_back(dim(batch + grouped));
  ofWeight.push_back(dim(parallel));
  for (int64_t i = 0; i < spatial; ++i) {
    AffineExpr place = dim(batch + grouped + 1 + i);
    AffineExpr offset = dim(parallel + 1 + i);
    ofInput.push_back(place * window.stride[i] + offset * window.dilation[i]);
    ofWeight.push_back(offset);
  }
  Value sum = expansion.reduce(
      ReductionKind::Add, tensorOf(outShape, x), x, {x, weight},
      {AffineMap::get(loops, 0, ofInput, b.getContext()),
       AffineMap::get(loops, 0, ofWeight, b.getContext())},
      [](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
        return arith::MulFOp::create(inner, v[0], v[1]);
      });
  return expansion.reshape(sum, type.getShape());
}

/// Spreads the elements of the last dimensions `stride` apart, with zeros
/// between them.
static Value spread(LayerExpansion &expansion, Value x,
                    ArrayRef<int64_t> stride) {
  if (llvm::all_of(stride, [](int64_t step) { return step == 1; }))
    return x;
  // Each element becomes `stride` of them; those behind the last are cut off.
  ArrayRef<int64_t> shape = typeOf(x).getShape();
  size_t before = shape.size() - stride.size();
  SmallVector<int64_t> apart(shape.take_front(before));
  SmallVector<int64_t> together(apart), cut(apart);
  SmallVector<int64_t> none(before, 0), zeros(before, 0);
  for (auto [size, step] : llvm::zip_equal(shape.drop_front(before), stride)) {
    apart.append({size, 1});
    together.push_back(size * step);
    cut.push_back((size - 1) * step + 1);
    none.append({0, 0});
    zeros.append({0, step - 1});
  }
  x = expansion.pad(expansion.reshape(x, apart), none, zeros, 0.0);
  return expansion.slice(expansion.reshape(x, together),
                         SmallVector<int64_t>(cut.size(), 0), cut);
}

/// The weight (C, F / groups, kernel…) of a transposed convolution as that of a
/// convolution: (F, C / groups, kernel…), the kernel turned round.
static Value turnWeight(LayerExpansion &expansion, Value weight,
                        int64_t groups) {
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  ArrayRef<int64_t> kernel = shape.drop_front(2);
  int64_t in = shape[0] / groups, out = shape[1];
  SmallVector<int64_t> from = {groups, in, out}, to = {groups, out, in};
  SmallVector<AffineExpr> exprs = {b.getAffineDimExpr(0), b.getAffineDimExpr(2),
                                   b.getAffineDimExpr(1)};
  for (int64_t size : kernel) {
    exprs.push_back(size - 1 - b.getAffineDimExpr(exprs.size()));
    from.push_back(size);
    to.push_back(size);
  }
  weight = expansion.reshape(weight, from);
  Value turned =
      expansion
          .compute(
              tensorOf(to, weight), weight, weight,
              AffineMap::get(to.size(), 0, exprs, b.getContext()),
              [](ImplicitLocOpBuilder &, ValueRange v) -> SmallVector<Value> {
                return {v.front()};
              })
          .front();
  SmallVector<int64_t> flat = {groups * out, in};
  llvm::append_range(flat, kernel);
  return expansion.reshape(turned, flat);
}

SmallVector<Value> ConvOp::expand(LayerExpansion &expansion) {
  Window window = windowOf(*this);
  RankedTensorType type = typeOf(getOutput());
  int64_t channel = channelDim(*this);
  Value x = getInput(), weight = expansion.param("weight");
  SmallVector<int64_t> low(type.getRank(), 0), high(low), offsets(low);
  if (getTransposed()) {
    // A transposed convolution is one of the spread input, with the kernel
    // turned round, from every place that the kernel touches it in.
    weight = turnWeight(expansion, weight, getGroups());
    x = spread(expansion, x, window.stride);
    SmallVector<int64_t> shape(typeOf(x).getShape());
    for (size_t dim = 0; dim < window.getRank(); ++dim) {
      int64_t at = channel + 1 + dim, reach = window.getExtent(dim) - 1;
      int64_t more =
          type.getDimSize(at) -
          transposedSize(window, dim, typeOf(getInput()).getDimSize(at));
      int64_t before = reach - window.low[dim];
      int64_t behind = reach - window.high[dim] + more;
      // Padding of the result beyond the kernel's reach takes elements away.
      offsets[at] = std::max<int64_t>(0, -before);
      shape[at] += std::min<int64_t>(0, before) + std::min<int64_t>(0, behind);
      low[at] = std::max<int64_t>(0, before);
      high[at] = std::max<int64_t>(0, behind);
    }
    x = expansion.slice(x, offsets, shape);
    window.stride.assign(window.getRank(), 1);
  } else {
    for (size_t dim = 0; dim < window.getRank(); ++dim) {
      low[channel + 1 + dim] = window.low[dim];
      high[channel + 1 + dim] = window.high[dim];
    }
  }
  x = expansion.pad(x, low, high, 0.0);
  Value sum = buildConvolution(expansion, x, weight, type, window, getGroups());
  if (getNoBias())
    return {sum};
  return expansion.elementwise(
      sum, {sum, expansion.param("bias")},
      {expansion.getBuilder().getMultiDimIdentityMap(type.getRank()),
       expansion.pick(type.getRank(), {channel})},
      1, [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        return {arith::AddFOp::create(b, v[0], v[1])};
      });
}
