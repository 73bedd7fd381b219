//===- FuseTimestep.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a timestep becomes one nest a layer: product, update, firing together.
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
#define GEN_PASS_DEF_FUSETIMESTEP
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

/// The path of the layer that an operation came from: the name of its location.
static std::string labelOf(Operation *op) {
  auto name = dyn_cast<NameLoc>(op->getLoc());
  return name ? name.getName().str() : "";
}

static bool isParam(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return false;
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return function && function.getArgAttr(argument.getArgNumber(), paramAttr);
}

/// Whether a nest can be computed once the weights are known.
static bool dependsOnParamsOnly(NestOp nest) {
  return !nest.hasProduct() && !nest.getOperands().empty() &&
         llvm::all_of(nest.getOperands(), [](Value operand) {
           auto producer = operand.getDefiningOp<NestOp>();
           return isParam(operand) ||
                  (producer && dependsOnParamsOnly(producer));
         });
}

//===----------------------------------------------------------------------===//
// From linalg to nests
//===----------------------------------------------------------------------===//

/// Builds a nest over the shape of `type`. `product` is empty or input, weight
/// and perhaps bias; the region is filled by `body`, which gets a builder and
/// the region's arguments and returns what it yields.
static NestOp buildNest(OpBuilder &builder, Operation *origin,
                        ArrayRef<Type> types, ArrayRef<Value> product,
                        ArrayRef<Value> inputs, ArrayRef<AffineMap> maps,
                        ElementBody body) {
  auto at = [&](size_t i) { return i < product.size() ? product[i] : Value(); };
  auto nest = NestOp::create(
      builder, origin->getLoc(), types, builder.getStringAttr(labelOf(origin)),
      at(0), at(1), at(2), inputs, builder.getAffineMapArrayAttr(maps));
  Block &block = nest.getBody().emplaceBlock();
  if (!product.empty())
    block.addArgument(getElementTypeOrSelf(types.front()), origin->getLoc());
  for (Value input : inputs)
    block.addArgument(getElementTypeOrSelf(input), origin->getLoc());
  ImplicitLocOpBuilder inner(origin->getLoc(), origin->getContext());
  inner.setInsertionPointToEnd(&block);
  YieldOp::create(inner, TypeRange(), body(inner, block.getArguments()));
  return nest;
}

/// Clones the operations of `from`, but its terminator, at the builder;
/// constants that the region captured from outside come along. Returns the
/// terminator's operands.
static SmallVector<Value> cloneBody(ImplicitLocOpBuilder &b, Block &from,
                                    IRMapping &mapping) {
  for (Operation &op : from.without_terminator()) {
    for (Value operand : op.getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, b.clone(*operand.getDefiningOp())->getResult(0));
    b.clone(op, mapping);
  }
  SmallVector<Value> yielded;
  for (Value value : from.getTerminator()->getOperands()) {
    if (!mapping.contains(value))
      mapping.map(value, b.clone(*value.getDefiningOp())->getResult(0));
    yielded.push_back(mapping.lookup(value));
  }
  return yielded;
}

/// Whether everything that a region uses is its own, or a scalar constant.
static bool capturesConstantsOnly(Region &region) {
  llvm::SetVector<Value> captured;
  region.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        captured.insert(operand);
  });
  return llvm::all_of(
      captured, [](Value value) { return matchPattern(value, m_Constant()); });
}

/// The scalar that a tensor is filled with, if it is.
static Value filledWith(Value tensor) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  return fill ? fill.getInputs().front() : Value();
}

/// An elementwise linalg operation as a nest without a product.
static LogicalResult convertElementwise(linalg::LinalgOp op) {
  if (op.getNumLoops() != op.getNumParallelLoops() ||
      !capturesConstantsOnly(op->getRegion(0)))
    return failure();
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&init).isIdentity())
      return failure();
  if (llvm::any_of(op->getOperandTypes(),
                   [](Type type) { return !isa<RankedTensorType>(type); }) ||
      !op->getRegion(0).getOps<linalg::IndexOp>().empty())
    return failure();

  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<unsigned> arguments;
  SmallVector<std::pair<unsigned, TypedAttr>> constants;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!op.payloadUsesValueFromOperand(&operand))
      continue;
    // A tensor of one value everywhere is that value.
    SplatElementsAttr splat;
    if (matchPattern(operand.get(), m_Constant(&splat))) {
      constants.emplace_back(operand.getOperandNumber(),
                             splat.getSplatValue<TypedAttr>());
      continue;
    }
    // Elements in the domain's order: a transposing map would have to gather.
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!map.isProjectedPermutation() ||
        !llvm::is_sorted(map.getResults(), [](AffineExpr l, AffineExpr r) {
          return cast<AffineDimExpr>(l).getPosition() <
                 cast<AffineDimExpr>(r).getPosition();
        }))
      return failure();
    inputs.push_back(operand.get());
    maps.push_back(map);
    arguments.push_back(operand.getOperandNumber());
  }
  OpBuilder builder(op);
  Block &from = op->getRegion(0).front();
  NestOp nest = buildNest(
      builder, op, llvm::to_vector(op->getResultTypes()), {}, inputs, maps,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        IRMapping mapping;
        for (auto [index, element] : llvm::zip_equal(arguments, elements))
          mapping.map(from.getArgument(index), element);
        for (auto [index, value] : constants)
          mapping.map(from.getArgument(index),
                      arith::ConstantOp::create(b, value));
        return cloneBody(b, from, mapping);
      });
  op->replaceAllUsesWith(nest);
  op->erase();
  return success();
}

/// y = init + x Wᵀ as a nest with a product. The bias is what was broadcast
/// into the init; another init is added by the region.
static LogicalResult convertProduct(linalg::LinalgOp op) {
  // Any spelling of the product is recognised, by its maps.
  if (!isa<linalg::ContractionOpInterface>(op.getOperation()) ||
      op.getNumReductionLoops() != 1 || op->getNumResults() != 1)
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
      maps[2] != AffineMap::get(loops, 0, outputExprs, context))
    return failure();

  Value init = op.getDpsInits().front();
  SmallVector<Value> product = {op.getDpsInputs()[0], op.getDpsInputs()[1]};
  SmallVector<Value> inputs;
  SmallVector<AffineMap> inputMaps;
  auto broadcast = init.getDefiningOp<linalg::BroadcastOp>();
  auto broadcastType =
      broadcast ? dyn_cast<RankedTensorType>(broadcast.getInput().getType())
                : RankedTensorType();
  Value filled = filledWith(init);
  if (broadcastType && broadcastType.getRank() == 1 &&
      !llvm::is_contained(broadcast.getDimensions(), int64_t(rank - 1))) {
    product.push_back(broadcast.getInput());
  } else if (!filled || !matchPattern(filled, m_AnyZeroFloat())) {
    inputs.push_back(init);
    inputMaps.push_back(AffineMap::getMultiDimIdentityMap(rank, context));
  }
  OpBuilder builder(op);
  NestOp nest = buildNest(
      builder, op, llvm::to_vector(op->getResultTypes()), product, inputs,
      inputMaps,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
        if (inputs.empty())
          return {elements.front()};
        return {arith::AddFOp::create(b, elements[0], elements[1])};
      });
  op->replaceAllUsesWith(nest);
  op->erase();
  return success();
}

/// A sum or a maximum along the last dimension, started at its neutral element.
static LogicalResult convertReduction(linalg::ReduceOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getInputs().front().getType());
  if (op.getInputs().size() != 1 || !type || op.getDimensions().size() != 1 ||
      op.getDimensions().front() != type.getRank() - 1)
    return failure();
  Block &body = op.getCombiner().front();
  Value filled = filledWith(op.getInits().front());
  if (!filled || !llvm::hasNItems(body.begin(), body.end(), 2))
    return failure();
  Operation &combine = body.front();
  bool combinesBoth =
      combine.getNumResults() == 1 && combine.getNumOperands() == 2 &&
      combine.getOperand(0) != combine.getOperand(1) &&
      isa<BlockArgument>(combine.getOperand(0)) &&
      isa<BlockArgument>(combine.getOperand(1)) &&
      body.getTerminator()->getOperand(0) == combine.getResult(0);
  ReductionKind kind;
  if (combinesBoth && isa<arith::AddFOp>(combine) &&
      matchPattern(filled, m_AnyZeroFloat()))
    kind = ReductionKind::Add;
  else if (combinesBoth && isa<arith::MaximumFOp>(combine) &&
           matchPattern(filled, m_NegInfFloat()))
    kind = ReductionKind::Max;
  else
    return failure();
  OpBuilder builder(op);
  op->replaceAllUsesWith(ttc::ReduceOp::create(builder, op.getLoc(),
                                               op->getResult(0).getType(), kind,
                                               op.getInputs().front()));
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// From nests to one nest a layer
//===----------------------------------------------------------------------===//

/// Whether every operand of a nest with a product lies along its rows, its
/// columns, or is a scalar: what the product's tiles can be updated with.
static bool fitsProduct(NestOp nest) {
  unsigned rank = nest.getDomain().getRank();
  for (unsigned i = 0; i < nest.getInputs().size(); ++i) {
    AffineMap map = nest.getMap(i);
    bool isColumn =
        map.getNumResults() == 1 && map.getDimPosition(0) == rank - 1;
    if (!map.isIdentity() && !isColumn && map.getNumResults() != 0)
      return false;
  }
  return true;
}

static bool canFuse(NestOp producer, NestOp consumer) {
  if (consumer.hasProduct() || producer->getBlock() != consumer->getBlock() ||
      producer.getDomain().getShape() != consumer.getDomain().getShape() ||
      dependsOnParamsOnly(producer) || dependsOnParamsOnly(consumer))
    return false;
  // Beyond some size nothing is gained: the values of a nest no longer fit the
  // registers.
  constexpr size_t mostOperands = 48;
  if (producer.getInputs().size() + consumer.getInputs().size() > mostOperands)
    return false;
  for (auto [index, input] : llvm::enumerate(consumer.getInputs()))
    if (input.getDefiningOp() == producer &&
        !consumer.getMap(index).isIdentity())
      return false;
  if (producer.hasProduct() && !fitsProduct(consumer))
    return false;
  // The fused nest stands where the consumer does: no other user may come
  // before.
  return llvm::all_of(producer->getUsers(), [&](Operation *user) {
    return user == consumer || (user->getBlock() == consumer->getBlock() &&
                                consumer->isBeforeInBlock(user));
  });
}

/// One nest that computes both: the consumer's region continues the producer's.
static NestOp fuse(NestOp producer, NestOp consumer) {
  SmallVector<Value> product, inputs(producer.getInputs());
  SmallVector<AffineMap> maps;
  if (producer.hasProduct()) {
    product = {producer.getProductInput(), producer.getProductWeight()};
    if (producer.getProductBias())
      product.push_back(producer.getProductBias());
  }
  for (unsigned i = 0; i < producer.getInputs().size(); ++i)
    maps.push_back(producer.getMap(i));
  for (auto [i, input] : llvm::enumerate(consumer.getInputs()))
    if (input.getDefiningOp() != producer) {
      inputs.push_back(input);
      maps.push_back(consumer.getMap(i));
    }
  SmallVector<Type> types(producer->getResultTypes());
  llvm::append_range(types, consumer->getResultTypes());

  OpBuilder builder(consumer);
  unsigned offset =
      producer.getInputs().size() + (producer.hasProduct() ? 1 : 0);
  NestOp fused = buildNest(
      builder, consumer, types, product, inputs, maps,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        IRMapping mapping;
        Block &first = producer.getBody().front();
        for (auto [from, to] : llvm::zip(first.getArguments(), elements))
          mapping.map(from, to);
        SmallVector<Value> yielded = cloneBody(b, first, mapping);
        Block &second = consumer.getBody().front();
        unsigned next = offset;
        for (auto [i, input] : llvm::enumerate(consumer.getInputs())) {
          Value element = input.getDefiningOp() == producer
                              ? yielded[cast<OpResult>(input).getResultNumber()]
                              : elements[next++];
          mapping.map(second.getArgument(i), element);
        }
        llvm::append_range(yielded, cloneBody(b, second, mapping));
        return yielded;
      });
  SmallVector<StringRef> labels = {producer.getLabel(), consumer.getLabel()};
  llvm::erase_if(labels, [](StringRef label) { return label.empty(); });
  fused.setLabel(llvm::join(labels, "+"));
  producer->replaceAllUsesWith(
      fused->getResults().take_front(producer->getNumResults()));
  consumer->replaceAllUsesWith(
      fused->getResults().drop_front(producer->getNumResults()));
  consumer->erase();
  producer->erase();
  return fused;
}

/// Drops results that nothing uses and operands that are passed twice.
static void simplify(NestOp nest) {
  SmallVector<unsigned> live;
  for (OpResult result : nest->getResults())
    if (!result.use_empty())
      live.push_back(result.getResultNumber());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<unsigned> position;
  for (auto [i, input] : llvm::enumerate(nest.getInputs())) {
    unsigned at = 0;
    while (at < inputs.size() &&
           !(inputs[at] == input && maps[at] == nest.getMap(i)))
      ++at;
    if (at == inputs.size()) {
      inputs.push_back(input);
      maps.push_back(nest.getMap(i));
    }
    position.push_back(at);
  }
  if (live.size() == nest->getNumResults() &&
      inputs.size() == nest.getInputs().size())
    return;
  SmallVector<Value> product;
  if (nest.hasProduct()) {
    product = {nest.getProductInput(), nest.getProductWeight()};
    if (nest.getProductBias())
      product.push_back(nest.getProductBias());
  }
  OpBuilder builder(nest);
  NestOp simpler = buildNest(
      builder, nest, SmallVector<Type>(live.size(), nest.getDomain()), product,
      inputs, maps, [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        IRMapping mapping;
        Block &from = nest.getBody().front();
        unsigned first = nest.hasProduct() ? 1 : 0;
        if (first)
          mapping.map(from.getArgument(0), elements[0]);
        for (auto [i, at] : llvm::enumerate(position))
          mapping.map(from.getArgument(first + i), elements[first + at]);
        SmallVector<Value> all = cloneBody(b, from, mapping), yielded;
        for (unsigned index : live)
          yielded.push_back(all[index]);
        return yielded;
      });
  simpler.setLabel(nest.getLabel());
  for (auto [to, from] : llvm::enumerate(live))
    nest->getResult(from).replaceAllUsesWith(simpler->getResult(to));
  nest->erase();
}

namespace {
struct FuseTimestep : ttc::impl::FuseTimestepBase<FuseTimestep> {
  void runOnOperation() override {
    func::FuncOp function = getStepFunction(getOperation());
    if (!function)
      return signalPassFailure();

    // Elementwise arithmetic on tensors is one more spelling of linalg.generic.
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();

    if (failed(convertToNests(function)))
      return signalPassFailure();
    eraseDead(function);
    fuseNests(function);
    for (NestOp nest : llvm::to_vector(function.getOps<NestOp>()))
      simplify(nest);
    if (failed(checkVocabulary(function)))
      signalPassFailure();
  }

  /// Products first, since a broadcast bias is part of its product and not a
  /// nest.
  LogicalResult convertToNests(func::FuncOp function) {
    auto ops = llvm::to_vector(function.getOps<linalg::LinalgOp>());
    for (linalg::LinalgOp op : ops)
      if (isa<linalg::ContractionOpInterface>(op.getOperation()) &&
          failed(convertProduct(op)))
        return op.emitOpError("is not the product of the last dimension with a "
                              "matrix (out, in): it cannot be compiled");
    for (auto op : llvm::to_vector(function.getOps<linalg::ReduceOp>()))
      if (failed(convertReduction(op)))
        return op.emitOpError(
            "is not a sum from 0 or a maximum from -inf along "
            "the last dimension: it cannot be compiled");
    eraseDead(function);
    for (auto op : llvm::to_vector(function.getOps<linalg::LinalgOp>()))
      if (!isa<linalg::FillOp>(op) && failed(convertElementwise(op)))
        return op.emitOpError("is not elementwise, with every operand read in "
                              "the order of the result: it cannot be compiled");
    return success();
  }

  /// In order, so that a nest's producers are as large as they will be when it
  /// is their consumers' turn.
  void fuseNests(func::FuncOp function) {
    for (NestOp consumer : llvm::to_vector(function.getOps<NestOp>()))
      while (NestOp producer = findProducer(consumer))
        consumer = fuse(producer, consumer);
  }

  static NestOp findProducer(NestOp consumer) {
    for (Value input : consumer.getInputs()) {
      auto producer = input.getDefiningOp<NestOp>();
      if (producer && canFuse(producer, consumer))
        return producer;
    }
    return nullptr;
  }

  static void eraseDead(func::FuncOp function) {
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  /// What the code generators know: nests, reductions, and changes of shape
  /// that move no element.
  static LogicalResult checkVocabulary(func::FuncOp function) {
    for (Operation &op : function.getBody().front().without_terminator())
      if (!isa<NestOp, ttc::ReduceOp, tensor::CollapseShapeOp,
               tensor::ExpandShapeOp>(op))
        return op.emitOpError("cannot be compiled: a timestep is made of "
                              "elementwise operations, products with matrices, "
                              "reductions, and changes of shape");
    return success();
  }
};
} // namespace
