//===- ConvertToNests.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How any spelling of a timestep's arithmetic becomes nests and reductions.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

namespace ttc {
#define GEN_PASS_DEF_CONVERTTONESTS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

/// The path of the layer that an operation came from: the name of its location.
static std::string labelOf(Operation *op) {
  auto name = dyn_cast<NameLoc>(op->getLoc());
  return name ? name.getName().str() : "";
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// What an operation reads of a tensor: an element for each point of its loops.
struct Access {
  Value tensor;
  AffineMap map;
};

/// The same elements read from what a slice was taken of.
static Access throughSlices(Access access) {
  while (auto slice = access.tensor.getDefiningOp<tensor::ExtractSliceOp>()) {
    if (llvm::any_of(slice.getStaticOffsets(), ShapedType::isDynamic) ||
        llvm::any_of(slice.getStaticStrides(), ShapedType::isDynamic))
      break;
    MLIRContext *context = slice.getContext();
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<AffineExpr> exprs;
    unsigned next = 0;
    for (auto [dim, offset] : llvm::enumerate(slice.getStaticOffsets())) {
      AffineExpr expr = getAffineConstantExpr(offset, context);
      if (!dropped.test(dim))
        expr =
            expr + access.map.getResult(next++) * slice.getStaticStrides()[dim];
      exprs.push_back(expr);
    }
    access = {slice.getSource(),
              AffineMap::get(access.map.getNumDims(), 0, exprs, context)};
  }
  return access;
}

/// The same elements read from what was moved: broadcast, or, if `anyOrder`,
/// transposed.
static Access throughMovement(Access access, bool anyOrder) {
  auto op = access.tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumReductionLoops() != 0 || op->getNumResults() != 1 ||
      isa<linalg::FillOp>(op.getOperation()))
    return access;
  auto moved =
      dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0));
  AffineMap outputMap = op.getMatchingIndexingMap(&op.getDpsInitsMutable()[0]);
  if (!moved || moved.getOwner() != op.getBlock() || !outputMap.isPermutation())
    return access;
  OpOperand &from = op->getOpOperand(moved.getArgNumber());
  AffineMap map =
      op.getMatchingIndexingMap(&from).compose(inversePermutation(outputMap));
  bool inOrder =
      map.isProjectedPermutation() &&
      llvm::is_sorted(map.getResults(), [](AffineExpr l, AffineExpr r) {
        return cast<AffineDimExpr>(l).getPosition() <
               cast<AffineDimExpr>(r).getPosition();
      });
  if (!isa<RankedTensorType>(from.get().getType()) || (!inOrder && !anyOrder))
    return access;
  return {from.get(), map.compose(access.map)};
}

/// What an access reads in the end. A transposition that is read many times,
/// as a window is, is better made once.
static Access resolve(Access access, bool anyOrder) {
  while (true) {
    Access next = throughMovement(throughSlices(access), anyOrder);
    if (next.tensor == access.tensor)
      return next;
    access = next;
  }
}

/// The scalar that a tensor is filled with, if it is.
static Value filledWith(Value tensor) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  return fill ? fill.getInputs().front() : Value();
}

/// Collects an operation's operands for the nest that replaces it: a region
/// argument of the operation becomes one of the nest's, or a constant.
class Operands {
public:
  /// Reads `access` where the operation's region reads `argument`.
  void add(Access access, BlockArgument argument, bool anyOrder = true) {
    access = resolve(access, anyOrder);
    // A tensor of one value everywhere is that value.
    SplatElementsAttr splat;
    if (matchPattern(access.tensor, m_Constant(&splat))) {
      constants.emplace_back(argument, splat.getSplatValue<TypedAttr>());
      return;
    }
    TypedAttr scalar;
    if (Value fill = filledWith(access.tensor);
        fill && matchPattern(fill, m_Constant(&scalar))) {
      constants.emplace_back(argument, scalar);
      return;
    }
    tensors.push_back(access.tensor);
    maps.push_back(access.map);
    arguments.push_back(argument);
  }

  /// What the region's arguments are in the nest, whose own for the operands
  /// are `elements`.
  IRMapping mapping(ImplicitLocOpBuilder &b, ValueRange elements) const {
    IRMapping mapping;
    for (auto [argument, element] : llvm::zip_equal(arguments, elements))
      mapping.map(argument, element);
    for (auto [argument, value] : constants)
      mapping.map(argument, arith::ConstantOp::create(b, value));
    return mapping;
  }

  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;

private:
  SmallVector<BlockArgument> arguments;
  SmallVector<std::pair<BlockArgument, TypedAttr>> constants;
};

/// Whether an operation is one of tensors, and its region uses only its own
/// values and constants.
static bool isSelfContained(linalg::LinalgOp op) {
  Region &region = op->getRegion(0);
  if (!llvm::all_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
      !region.getOps<linalg::IndexOp>().empty())
    return false;
  return !region
              .walk([&](Operation *inner) {
                for (Value operand : inner->getOperands())
                  if (!region.isAncestor(operand.getParentRegion()) &&
                      !matchPattern(operand, m_Constant()))
                    return WalkResult::interrupt();
                return WalkResult::advance();
              })
              .wasInterrupted();
}

/// A nest that combines what an operation started with and what it computed.
static Value combineWithInit(
    linalg::LinalgOp op, Value computed,
    function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> combine) {
  auto type = cast<RankedTensorType>(computed.getType());
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(type.getRank(), op.getContext());
  BlockArgument init = op.getBlock()->getArguments().back();
  Operands operands;
  operands.add({op.getDpsInits().front(), identity}, init);
  SmallVector<Value> tensors(operands.tensors);
  SmallVector<AffineMap> maps(operands.maps);
  tensors.push_back(computed);
  maps.push_back(identity);
  OpBuilder builder(op);
  return NestOp::create(
             builder, op.getLoc(), TypeRange(type), labelOf(op), ValueRange(),
             ValueRange(), tensors, maps,
             [&](ImplicitLocOpBuilder &b,
                 ValueRange elements) -> SmallVector<Value> {
               IRMapping mapping = operands.mapping(b, elements.drop_back());
               return {combine(b, mapping.lookup(init), elements.back())};
             })
      ->getResult(0);
}

static void replace(Operation *op, Operation *by) {
  op->replaceAllUsesWith(by);
  op->erase();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Whether a value is known once the weights are.
static bool dependsOnParamsOnly(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return bool(function.getArgAttr(argument.getArgNumber(), paramAttr));
  }
  Operation *op = value.getDefiningOp();
  return op->hasTrait<OpTrait::ConstantLike>() ||
         (op->getNumOperands() > 0 &&
          llvm::all_of(op->getOperands(), dependsOnParamsOnly));
}

/// y = init + x Wᵀ, with a matrix of weights, as a nest with a product.
static LogicalResult convertProduct(linalg::LinalgOp op) {
  // Any spelling of the product is recognised, by its maps.
  if (!isa<linalg::ContractionOpInterface>(op.getOperation()) ||
      op.getNumReductionLoops() != 1 || op->getNumResults() != 1 ||
      op.getNumLoops() < 2 || !isSelfContained(op))
    return failure();
  unsigned loops = op.getNumLoops(), rank = loops - 1;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  MLIRContext *context = op.getContext();
  AffineExpr n = getAffineDimExpr(rank - 1, context);
  AffineExpr k = getAffineDimExpr(rank, context);
  SmallVector<AffineExpr> batch;
  for (unsigned i = 0; i + 1 < rank; ++i)
    batch.push_back(getAffineDimExpr(i, context));
  SmallVector<AffineExpr> inputExprs(batch), outputExprs(batch);
  inputExprs.push_back(k);
  outputExprs.push_back(n);
  if (maps[0] != AffineMap::get(loops, 0, inputExprs, context) ||
      maps[1] != AffineMap::get(loops, 0, {n, k}, context) ||
      maps[2] != AffineMap::get(loops, 0, outputExprs, context) ||
      !dependsOnParamsOnly(op.getDpsInputs()[1]))
    return failure();

  OpBuilder builder(op);
  Value product =
      NestOp::create(builder, op.getLoc(), op->getResultTypes(), labelOf(op),
                     op.getDpsInputs()[0], op.getDpsInputs()[1], ValueRange(),
                     ArrayRef<AffineMap>(),
                     [](ImplicitLocOpBuilder &, ValueRange elements) {
                       return SmallVector<Value>(elements);
                     })
          ->getResult(0);
  Value filled = filledWith(op.getDpsInits().front());
  if (!filled || !matchPattern(filled, m_AnyZeroFloat()))
    product = combineWithInit(
        op, product, [](ImplicitLocOpBuilder &b, Value init, Value sum) {
          return arith::AddFOp::create(b, sum, init);
        });
  op->replaceAllUsesWith(ValueRange(product));
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// How a reduction combines: `combine` takes the accumulator and what is new.
struct Combiner {
  Operation *combine;
  Value contribution;
  ReductionKind kind;
};

static std::optional<Combiner> matchCombiner(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  BlockArgument accumulator = body->getArguments().back();
  Operation *combine = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!combine || !accumulator.hasOneUse() ||
      *accumulator.getUsers().begin() != combine ||
      combine->getNumOperands() != 2 || !combine->getResult(0).hasOneUse())
    return std::nullopt;
  bool accumulatorFirst = combine->getOperand(0) == accumulator;
  Combiner combiner{combine, combine->getOperand(accumulatorFirst ? 1 : 0),
                    ReductionKind::Add};
  if (isa<arith::MaximumFOp>(combine))
    combiner.kind = ReductionKind::Max;
  else if (isa<arith::MinimumFOp>(combine))
    combiner.kind = ReductionKind::Min;
  else if (!isa<arith::AddFOp>(combine))
    return std::nullopt;
  return combiner;
}

/// A sum, or the largest or smallest, over any of the loops. An init that is
/// not the neutral element is combined afterwards.
static LogicalResult convertReduction(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1 ||
      !isSelfContained(op))
    return failure();
  std::optional<Combiner> combiner = matchCombiner(op);
  OpOperand &init = op.getDpsInitsMutable()[0];
  AffineMap outputMap = op.getMatchingIndexingMap(&init);
  unsigned loops = op.getNumLoops();
  if (!combiner || !outputMap.isProjectedPermutation() ||
      outputMap.getNumResults() != op.getNumParallelLoops())
    return failure();

  // The result's dimensions first, then the window's.
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> newDims(loops);
  for (unsigned i = 0; i < outputMap.getNumResults(); ++i)
    newDims[outputMap.getDimPosition(i)] = getAffineDimExpr(i, context);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges(), window;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (linalg::isReductionIterator(kind)) {
      if (ShapedType::isDynamic(ranges[loop]))
        return failure();
      newDims[loop] =
          getAffineDimExpr(outputMap.getNumResults() + window.size(), context);
      window.push_back(ranges[loop]);
    }
  Operands operands;
  for (OpOperand *input : op.getDpsInputOperands())
    if (op.payloadUsesValueFromOperand(input))
      operands.add(
          {input->get(), op.getMatchingIndexingMap(input).replaceDimsAndSymbols(
                             newDims, {}, loops, 0)},
          op.getMatchingBlockArgument(input), /*anyOrder=*/false);

  OpBuilder builder(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value result = ttc::ReduceOp::create(
      builder, op.getLoc(), type, combiner->kind, labelOf(op), operands.tensors,
      operands.maps, window,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
        IRMapping mapping = operands.mapping(b, elements);
        // The combination itself is what the reduction is; a placeholder for
        // its accumulator is not needed, since nothing else reads it.
        for (Operation &inner : op.getBlock()->without_terminator()) {
          if (&inner == combiner->combine)
            continue;
          for (Value operand : inner.getOperands())
            if (!mapping.contains(operand))
              mapping.map(operand,
                          b.clone(*operand.getDefiningOp())->getResult(0));
          b.clone(inner, mapping);
        }
        if (!mapping.contains(combiner->contribution))
          mapping.map(
              combiner->contribution,
              b.clone(*combiner->contribution.getDefiningOp())->getResult(0));
        return {mapping.lookup(combiner->contribution)};
      });
  Value filled = filledWith(init.get());
  bool isNeutral = filled && (combiner->kind == ReductionKind::Add
                                  ? matchPattern(filled, m_AnyZeroFloat())
                              : combiner->kind == ReductionKind::Max
                                  ? matchPattern(filled, m_NegInfFloat())
                                  : matchPattern(filled, m_PosInfFloat()));
  if (!isNeutral)
    result = combineWithInit(
        op, result, [&](ImplicitLocOpBuilder &b, Value init, Value reduced) {
          IRMapping mapping;
          mapping.map(op.getBlock()->getArguments().back(), init);
          mapping.map(combiner->contribution, reduced);
          return b.clone(*combiner->combine, mapping)->getResult(0);
        });
  op->replaceAllUsesWith(ValueRange(result));
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Elementwise operations and movements
//===----------------------------------------------------------------------===//

/// An elementwise operation, in whatever order it reads, as a nest.
static LogicalResult convertElementwise(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() != 0 || op->getNumResults() == 0)
    return failure();
  if (auto fill = dyn_cast<linalg::FillOp>(op.getOperation()))
    if (!matchPattern(fill.getInputs().front(), m_Constant()))
      return failure();
  bool isFill = isa<linalg::FillOp>(op.getOperation());
  if (!isFill && !isSelfContained(op))
    return failure();
  // The loops in the order of the results.
  AffineMap outputMap = op.getMatchingIndexingMap(&op.getDpsInitsMutable()[0]);
  for (OpOperand &init : op.getDpsInitsMutable())
    if (op.getMatchingIndexingMap(&init) != outputMap)
      return failure();
  if (!outputMap.isPermutation())
    return failure();
  AffineMap toLoops = inversePermutation(outputMap);

  Operands operands;
  for (OpOperand &operand : op->getOpOperands())
    if (!isFill && op.payloadUsesValueFromOperand(&operand))
      operands.add(
          {operand.get(), op.getMatchingIndexingMap(&operand).compose(toLoops)},
          op.getMatchingBlockArgument(&operand));
  OpBuilder builder(op);
  replace(
      op,
      NestOp::create(
          builder, op.getLoc(), op->getResultTypes(), labelOf(op), ValueRange(),
          ValueRange(), operands.tensors, operands.maps,
          [&](ImplicitLocOpBuilder &b,
              ValueRange elements) -> SmallVector<Value> {
            if (isFill)
              return {
                  b.clone(*op.getDpsInputs()[0].getDefiningOp())->getResult(0)};
            IRMapping mapping = operands.mapping(b, elements);
            return cloneBody(b, *op.getBlock(), mapping);
          }));
  return success();
}

static void convertUniform(UniformOp op) {
  OpBuilder builder(op);
  replace(op,
          NestOp::create(
              builder, op.getLoc(), op->getResultTypes(), labelOf(op),
              ValueRange(), ValueRange(), ValueRange(), ArrayRef<AffineMap>(),
              [&](ImplicitLocOpBuilder &b, ValueRange) -> SmallVector<Value> {
                return {DrawOp::create(b, getElementTypeOrSelf(op.getOutput()),
                                       op.getStreamAttr())};
              }));
}

/// A slice that no nest reads through its map: it is copied.
static LogicalResult convertSlice(tensor::ExtractSliceOp op) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(
      op.getResultType().getRank(), op.getContext());
  Access access = throughSlices({op.getResult(), identity});
  if (access.tensor == op.getResult())
    return failure();
  OpBuilder builder(op);
  replace(op,
          NestOp::create(builder, op.getLoc(), TypeRange(op.getResultType()),
                         labelOf(op), ValueRange(), ValueRange(),
                         ValueRange(access.tensor), access.map,
                         [](ImplicitLocOpBuilder &,
                            ValueRange elements) -> SmallVector<Value> {
                           return {elements.front()};
                         }));
  return success();
}

static ArrayAttr offsetsAttr(Builder &b, ArrayRef<SmallVector<int64_t>> all) {
  SmallVector<Attribute> attrs;
  for (ArrayRef<int64_t> offsets : all)
    attrs.push_back(b.getI64ArrayAttr(offsets));
  return b.getArrayAttr(attrs);
}

static LogicalResult convertPad(tensor::PadOp op) {
  Value value = op.getConstantPaddingValue();
  FloatAttr fill;
  if (!value || !matchPattern(value, m_Constant(&fill)) || !op.getLow().empty())
    return failure();
  OpBuilder builder(op);
  SmallVector<int64_t> offset(op.getStaticLow());
  replace(op, AssembleOp::create(
                  builder, op.getLoc(), op.getResultType(),
                  ValueRange(op.getSource()), offsetsAttr(builder, offset),
                  builder.getF64FloatAttr(fill.getValueAsDouble())));
  return success();
}

static LogicalResult convertConcat(tensor::ConcatOp op) {
  if (op.getResultType().isDynamicDim(op.getDim()))
    return failure();
  OpBuilder builder(op);
  SmallVector<SmallVector<int64_t>> offsets;
  int64_t position = 0;
  for (Value input : op.getInputs()) {
    offsets.emplace_back(op.getResultType().getRank(), 0);
    offsets.back()[op.getDim()] = position;
    position += cast<RankedTensorType>(input.getType()).getDimSize(op.getDim());
  }
  replace(op, AssembleOp::create(builder, op.getLoc(), op.getResultType(),
                                 op.getInputs(), offsetsAttr(builder, offsets),
                                 FloatAttr()));
  return success();
}

namespace {
struct ConvertToNests : ttc::impl::ConvertToNestsBase<ConvertToNests> {
  void runOnOperation() override {
    func::FuncOp function = getStepFunction(getOperation());
    if (!function)
      return signalPassFailure();

    // Elementwise arithmetic on tensors is one more spelling of linalg.generic.
    if (failed(checkTypes(function)))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();
    if (failed(convert(function)) || failed(checkVocabulary(function)))
      return signalPassFailure();
  }

  /// A timestep computes with floats; numbers of rows are only passed on.
  static LogicalResult checkTypes(func::FuncOp function) {
    bool hasFailed = false;
    for (Operation &op : function.getBody().front()) {
      if (isa<GatherOp, arith::ConstantOp, tensor::DimOp,
              tensor::CollapseShapeOp, tensor::ExpandShapeOp, func::ReturnOp>(
              op))
        continue;
      for (Type type :
           llvm::concat<const Type>(op.getOperandTypes(), op.getResultTypes()))
        if (isa<RankedTensorType>(type) && !isModelTensor(type)) {
          op.emitOpError()
              << "computes with " << type << ": "
              << (isa<FloatType>(getElementTypeOrSelf(type))
                      ? "a tensor has 2^38 elements at most, and its leading "
                        "size alone may be dynamic"
                      : "a timestep computes with floats alone; compare with "
                        "ttc.compare, choose with ttc.where, and give numbers "
                        "of rows to an embedding as they are");
          hasFailed = true;
          break;
        }
    }
    return failure(hasFailed);
  }

  static LogicalResult convert(func::FuncOp function) {
    // One operation's error does not hide another's.
    bool hasFailed = false;
    auto fail = [&](Operation *op, StringRef why) {
      op->emitOpError(why);
      hasFailed = true;
    };
    // Products and reductions first, since what they start with is part of
    // them.
    for (auto op : llvm::to_vector(function.getOps<linalg::LinalgOp>())) {
      if (op.getNumReductionLoops() == 0)
        continue;
      if (failed(convertProduct(op)) && failed(convertReduction(op)))
        fail(op, "is neither a product with a matrix nor a sum, a maximum or a "
                 "minimum over a window: it cannot be compiled");
    }
    eraseDead(function);
    // Users before what they use, which they may look through.
    auto rest = llvm::to_vector(function.getOps<linalg::LinalgOp>());
    for (linalg::LinalgOp op : llvm::reverse(rest))
      if (op.getNumReductionLoops() == 0 && !isOpTriviallyDead(op) &&
          failed(convertElementwise(op)))
        fail(op, "is not elementwise, with each of its elements written once: "
                 "it cannot be compiled");
    for (auto op : llvm::to_vector(function.getOps<UniformOp>()))
      convertUniform(op);
    for (auto op : llvm::to_vector(function.getOps<tensor::PadOp>()))
      if (failed(convertPad(op)))
        fail(op, "pads with what is not a constant, or by sizes that are not: "
                 "it cannot be compiled");
    for (auto op : llvm::to_vector(function.getOps<tensor::ConcatOp>()))
      if (failed(convertConcat(op)))
        fail(op, "joins along the batch: it cannot be compiled");
    eraseDead(function);
    auto slices = llvm::to_vector(function.getOps<tensor::ExtractSliceOp>());
    for (tensor::ExtractSliceOp op : llvm::reverse(slices))
      if (!isOpTriviallyDead(op) && !isPartOfWeights(op) &&
          failed(convertSlice(op)))
        fail(op, "has an offset or a stride that is not known: it cannot be "
                 "compiled");
    if (hasFailed)
      return failure();
    eraseDead(function);
    return success();
  }

  /// Rows and columns of a parameter that a product packs need no copy.
  static bool isPartOfWeights(tensor::ExtractSliceOp op) {
    bool hasUnitStrides =
        llvm::all_of(op.getStaticStrides(), [](int64_t s) { return s == 1; });
    return isa<BlockArgument>(op.getSource()) && hasUnitStrides &&
           op.getSourceType().getRank() == 2 &&
           op.getResultType().getRank() == 2 &&
           dependsOnParamsOnly(op.getSource()) &&
           llvm::all_of(op->getUses(), [](OpOperand &use) {
             auto nest = dyn_cast<NestOp>(use.getOwner());
             return nest &&
                    llvm::is_contained(nest.getProductWeights(), use.get()) &&
                    !llvm::is_contained(nest.getInputs(), use.get()) &&
                    !llvm::is_contained(nest.getProductInputs(), use.get());
           });
  }

  static void eraseDead(func::FuncOp function) {
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  /// What the code generators know. A size is the batch, or known.
  static LogicalResult checkVocabulary(func::FuncOp function) {
    bool hasFailed = false;
    for (Operation &op : function.getBody().front().without_terminator()) {
      if (isa<NestOp, ttc::ReduceOp, AssembleOp, GatherOp, arith::ConstantOp,
              tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::DimOp,
              tensor::ExtractSliceOp>(op))
        continue;
      op.emitOpError("cannot be compiled: a timestep is made of elementwise "
                     "operations, products with matrices, reductions, and "
                     "movements of elements");
      hasFailed = true;
    }
    return failure(hasFailed);
  }
};
} // namespace
