//===- TTCNestOps.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes nests and reductions whole: shapes that fit, maps that pick one
// element.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace ttc;

LogicalResult QuantizeOp::verify() {
  if (getQuantizer().isStochastic() == bool(getUniform()))
    return success();
  return emitOpError() << stringifyQuantKind(getQuantizer().getKind())
                       << (getUniform() ? " takes no random number"
                                        : " needs a random number");
}

LogicalResult GatherOp::verify() {
  RankedTensorType table = getTable().getType(), out = getOutput().getType();
  SmallVector<int64_t> expected(getIds().getType().getShape());
  if (table.getRank() == 2)
    expected.push_back(table.getDimSize(1));
  if (table.getRank() != 2 || !table.hasStaticShape() ||
      out.getShape() != ArrayRef<int64_t>(expected) ||
      out.getElementType() != table.getElementType())
    return emitOpError()
           << "makes " << out << " of a table " << table << " and numbers "
           << getIds().getType()
           << ": it takes a matrix, and a row of it replaces each "
              "number";
  return success();
}

static LogicalResult verifyProduct(NestOp nest, unsigned index) {
  RankedTensorType domain = nest.getDomain();
  auto input = cast<RankedTensorType>(nest.getProductInputs()[index].getType());
  auto weight =
      cast<RankedTensorType>(nest.getProductWeights()[index].getType());
  auto fits = [&] {
    bool isNarrowed =
        input.getElementType().isBF16() && weight.getElementType().isF32();
    if (!isNarrowed && input.getElementType() != weight.getElementType())
      return false;
    if (weight.getRank() != 2 || domain.getRank() == 0 ||
        input.getRank() != domain.getRank())
      return false;
    SmallVector<int64_t> expected(input.getShape().drop_back());
    expected.push_back(weight.getDimSize(0));
    return weight.getDimSize(1) == input.getShape().back() &&
           domain.getShape() == ArrayRef<int64_t>(expected);
  };
  if (fits())
    return success();
  return nest.emitOpError() << "multiplies " << input << " by " << weight
                            << ", which does not make " << domain;
}

LinearAccess ttc::linearize(AffineMap map, ArrayRef<int64_t> strides) {
  // What an affine function is can be read off its value at 0 and at each of
  // the unit vectors.
  unsigned dims = map.getNumDims();
  SmallVector<int64_t> point(dims, 0);
  auto at = [&] {
    int64_t sum = 0;
    for (auto [value, stride] : llvm::zip_equal(map.compose(point), strides))
      sum += value * stride;
    return sum;
  };
  LinearAccess access;
  access.offset = at();
  for (unsigned dim = 0; dim < dims; ++dim) {
    point[dim] = 1;
    access.factors.push_back(at() - access.offset);
    point[dim] = 0;
  }
  return access;
}

LinearAccess ttc::linearize(AffineMap map, RankedTensorType type) {
  return linearize(map, rowMajorStrides(type.getShape()));
}

std::optional<RowAccess> ttc::accessByRows(const LinearAccess &access,
                                           ArrayRef<int64_t> domain) {
  if (domain.empty())
    return std::nullopt;
  RowAccess result;
  result.offset = access.offset;
  // A dimension of size 1 has no second element that could lie anywhere.
  if (domain.back() != 1)
    result.column = access.factors.back();
  if (result.column != 0 && result.column != 1)
    return std::nullopt;
  int64_t rows = 1;
  for (size_t dim = domain.size() - 1; dim-- > 0;) {
    if (domain[dim] == 1)
      continue;
    if (rows == 1)
      result.row = access.factors[dim];
    else if (access.factors[dim] != result.row * rows)
      return std::nullopt;
    rows *= domain[dim];
  }
  return result;
}

SmallVector<int64_t> ttc::rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Whether a map is affine: sums of multiples of its dimensions.
static bool isLinear(AffineMap map) {
  return llvm::none_of(map.getResults(), [](AffineExpr expr) {
    return !expr.isPureAffine() ||
           expr.walk([](AffineExpr part) {
                 bool divides = part.getKind() == AffineExprKind::FloorDiv ||
                                part.getKind() == AffineExprKind::CeilDiv ||
                                part.getKind() == AffineExprKind::Mod;
                 return divides ? WalkResult::interrupt()
                                : WalkResult::advance();
               })
               .wasInterrupted();
  });
}

/// Whether each result of an operand's map lies in the operand, everywhere in a
/// box of `sizes`. A dynamic size can only be passed on.
static bool staysInside(AffineMap map, ArrayRef<int64_t> sizes,
                        ArrayRef<int64_t> shape) {
  if (map.getNumDims() != sizes.size() || map.getNumSymbols() != 0 ||
      map.getNumResults() != shape.size() || !isLinear(map))
    return false;
  for (auto [expr, size] : llvm::zip_equal(map.getResults(), shape)) {
    LinearAccess access =
        linearize(AffineMap::get(map.getNumDims(), 0, expr), {1});
    int64_t low = access.offset, high = access.offset;
    bool followsBatch = false;
    for (auto [factor, extent] : llvm::zip_equal(access.factors, sizes)) {
      if (factor == 0)
        continue;
      if (!ShapedType::isDynamic(extent)) {
        (factor < 0 ? low : high) += factor * (extent - 1);
        continue;
      }
      if (factor != 1)
        return false;
      followsBatch = true;
    }
    // The batch is read row by row, by nothing else.
    if (followsBatch != ShapedType::isDynamic(size))
      return false;
    if (followsBatch ? low != 0 || high != 0 : low < 0 || high >= size)
      return false;
  }
  return true;
}

/// What nests and reductions have in common: operands read through maps over
/// `sizes`, and a region on their elements.
template <typename OpT>
static LogicalResult verifyOperands(OpT op, ArrayRef<int64_t> sizes,
                                    ArrayRef<Type> accumulators) {
  if (op.getMaps().size() != op.getInputs().size())
    return op.emitOpError()
           << "has " << op.getInputs().size() << " operands, but "
           << op.getMaps().size() << " maps";
  SmallVector<Type> arguments(accumulators);
  for (auto [index, input] : llvm::enumerate(op.getInputs())) {
    auto type = cast<RankedTensorType>(input.getType());
    if (!staysInside(op.getMap(index), sizes, type.getShape()))
      return op.emitOpError()
             << "reads operand " << index << " of type " << type
             << " through a map that does not pick one of its "
                "elements everywhere";
    arguments.push_back(type.getElementType());
  }
  if (op.getBody().getNumArguments() != arguments.size())
    return op.emitOpError()
           << "has a region of " << op.getBody().getNumArguments()
           << " arguments, expected " << arguments.size();
  for (auto [index, type] : llvm::enumerate(op.getBody().getArgumentTypes()))
    if (type != arguments[index])
      return op.emitOpError()
             << "has a region whose argument " << index << " is " << type
             << ", expected " << arguments[index];
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  if (yield.getNumOperands() != op->getNumResults())
    return op.emitOpError()
           << "yields " << yield.getNumOperands() << " values for "
           << op->getNumResults() << " results";
  for (auto [index, type] : llvm::enumerate(yield.getOperandTypes()))
    if (type != getElementTypeOrSelf(op->getResult(index)))
      return op.emitOpError()
             << "yields " << type << " as element of result " << index
             << ", expected " << getElementTypeOrSelf(op->getResult(index));
  return success();
}

/// Fills a nest's region: one argument of each type, and what `body` makes of
/// them.
static void buildBody(OpBuilder &builder, Location loc, Region &region,
                      ArrayRef<Type> arguments, ElementBody body) {
  Block &block = region.emplaceBlock();
  for (Type type : arguments)
    block.addArgument(type, loc);
  ImplicitLocOpBuilder inner(loc, builder.getContext());
  inner.setInsertionPointToEnd(&block);
  YieldOp::create(inner, TypeRange(), body(inner, block.getArguments()));
}

static SmallVector<Type> elementTypes(ValueRange tensors) {
  return llvm::map_to_vector(
      tensors, [](Value tensor) { return getElementTypeOrSelf(tensor); });
}

void NestOp::build(OpBuilder &builder, OperationState &state, TypeRange types,
                   StringRef label, ValueRange productInputs,
                   ValueRange productWeights, ValueRange inputs,
                   ArrayRef<AffineMap> maps, ElementBody body) {
  state.addTypes(types);
  state.addOperands(productInputs);
  state.addOperands(productWeights);
  state.addOperands(inputs);
  auto &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>{int32_t(productInputs.size()),
                               int32_t(productWeights.size()),
                               int32_t(inputs.size())},
             properties.operandSegmentSizes.begin());
  properties.label = builder.getStringAttr(label);
  properties.maps = builder.getAffineMapArrayAttr(maps);
  SmallVector<Type> arguments = elementTypes(productWeights);
  llvm::append_range(arguments, elementTypes(inputs));
  OpBuilder::InsertionGuard guard(builder);
  buildBody(builder, state.location, *state.addRegion(), arguments, body);
}

void ReduceOp::build(OpBuilder &builder, OperationState &state, Type type,
                     ReductionKind kind, StringRef label, ValueRange inputs,
                     ArrayRef<AffineMap> maps, ArrayRef<int64_t> window,
                     ElementBody body) {
  state.addTypes(type);
  state.addOperands(inputs);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.kind = ReductionKindAttr::get(builder.getContext(), kind);
  properties.label = builder.getStringAttr(label);
  properties.maps = builder.getAffineMapArrayAttr(maps);
  properties.window = builder.getDenseI64ArrayAttr(window);
  OpBuilder::InsertionGuard guard(builder);
  buildBody(builder, state.location, *state.addRegion(), elementTypes(inputs),
            body);
}

SmallVector<Value> ttc::cloneBody(ImplicitLocOpBuilder &b, Block &from,
                                  IRMapping &mapping) {
  auto bring = [&](Value value) {
    if (!mapping.contains(value))
      mapping.map(value, b.clone(*value.getDefiningOp())->getResult(0));
    return mapping.lookup(value);
  };
  for (Operation &op : from.without_terminator()) {
    for (Value operand : op.getOperands())
      bring(operand);
    b.clone(op, mapping);
  }
  return llvm::map_to_vector(from.getTerminator()->getOperands(), bring);
}

LogicalResult NestOp::verify() {
  if (getOutputs().empty())
    return emitOpError("has no results");
  ArrayRef<int64_t> sizes = getDomain().getShape();
  for (Value output : getOutputs())
    if (cast<RankedTensorType>(output.getType()).getShape() != sizes)
      return emitOpError("has results of several shapes: all have the shape of "
                         "its domain");
  if (getProductInputs().size() != getProductWeights().size())
    return emitOpError("has a product that lacks its input or its weight");
  SmallVector<Type> accumulators;
  for (unsigned i = 0; i < getNumProducts(); ++i) {
    if (failed(verifyProduct(*this, i)))
      return failure();
    accumulators.push_back(getElementTypeOrSelf(getProductWeights()[i]));
  }
  if (failed(verifyOperands(*this, sizes, accumulators)))
    return failure();
  for (auto [index, input] : llvm::enumerate(getInputs()))
    if (hasProduct() &&
        !accessByRows(
            linearize(getMap(index), cast<RankedTensorType>(input.getType())),
            sizes))
      return emitOpError() << "has a product, but does not read operand "
                           << index << " along its rows";
  return success();
}

LogicalResult ReduceOp::verify() {
  SmallVector<int64_t> sizes(getOutput().getType().getShape());
  for (int64_t size : getWindow()) {
    if (size <= 0)
      return emitOpError() << "has a window with the size " << size
                           << ", expected sizes of at least 1";
    sizes.push_back(size);
  }
  return verifyOperands(*this, sizes, {});
}

SmallVector<int64_t> AssembleOp::getOffset(unsigned index) {
  return llvm::map_to_vector(
      cast<ArrayAttr>(getOffsets()[index]).getAsRange<IntegerAttr>(),
      [](IntegerAttr attr) { return attr.getInt(); });
}

LogicalResult AssembleOp::verify() {
  RankedTensorType out = getOutput().getType();
  if (getInputs().size() != getOffsets().size())
    return emitOpError() << "has " << getInputs().size() << " inputs, but "
                         << getOffsets().size() << " offsets";
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    auto in = cast<RankedTensorType>(input.getType());
    SmallVector<int64_t> offset = getOffset(index);
    bool fits = in.getRank() == out.getRank() &&
                int64_t(offset.size()) == in.getRank() &&
                in.getElementType() == out.getElementType();
    for (int64_t dim = 0; fits && dim < in.getRank(); ++dim)
      fits = in.isDynamicDim(dim) || out.isDynamicDim(dim)
                 ? in.isDynamicDim(dim) && out.isDynamicDim(dim) &&
                       offset[dim] == 0
                 : offset[dim] >= 0 &&
                       offset[dim] <= out.getDimSize(dim) - in.getDimSize(dim);
    if (!fits)
      return emitOpError() << "has an input " << index << " of type " << in
                           << " that does not lie in " << out;
  }
  return success();
}
