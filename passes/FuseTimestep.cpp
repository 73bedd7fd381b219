//===- FuseTimestep.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a layer becomes one nest: products, update, firing together.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace ttc {
#define GEN_PASS_DEF_FUSETIMESTEP
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

static bool isParam(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return false;
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return function && function.getArgAttr(argument.getArgNumber(), paramAttr);
}

/// Whether a nest can be computed once the weights are known.
static bool dependsOnParamsOnly(Operation *op) {
  return isHoistable(op) && llvm::all_of(op->getOperands(), [](Value operand) {
           Operation *producer = operand.getDefiningOp();
           return producer ? dependsOnParamsOnly(producer) : isParam(operand);
         });
}

/// Whether every operand of a nest can be read tile by tile of a product.
static bool fitsProduct(NestOp nest) {
  for (auto [i, input] : llvm::enumerate(nest.getInputs()))
    if (!accessByRows(
            linearize(nest.getMap(i), cast<RankedTensorType>(input.getType())),
            nest.getDomain().getShape()))
      return false;
  return nest.getDomain().getRank() > 0;
}

static bool canFuse(NestOp producer, NestOp consumer) {
  if (producer->getBlock() != consumer->getBlock() ||
      producer.getDomain().getShape() != consumer.getDomain().getShape() ||
      dependsOnParamsOnly(producer) || dependsOnParamsOnly(consumer))
    return false;
  // Beyond some size nothing is gained: the values of a nest no longer fit the
  // registers, nor the products' tiles the nearest cache.
  constexpr size_t mostOperands = 48, mostProducts = 8;
  if (producer.getInputs().size() + consumer.getInputs().size() >
          mostOperands ||
      producer.getNumProducts() + consumer.getNumProducts() > mostProducts)
    return false;
  // A product needs whole rows of what it multiplies.
  for (Value input : consumer.getProductInputs())
    if (input.getDefiningOp() == producer)
      return false;
  for (auto [index, input] : llvm::enumerate(consumer.getInputs()))
    if (input.getDefiningOp() == producer &&
        !consumer.getMap(index).isIdentity())
      return false;
  if ((producer.hasProduct() && !fitsProduct(consumer)) ||
      (consumer.hasProduct() && !fitsProduct(producer)))
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
  SmallVector<Value> productInputs(producer.getProductInputs());
  SmallVector<Value> weights(producer.getProductWeights());
  llvm::append_range(productInputs, consumer.getProductInputs());
  llvm::append_range(weights, consumer.getProductWeights());
  SmallVector<Value> inputs(producer.getInputs());
  SmallVector<AffineMap> maps(
      producer.getMaps().getAsValueRange<AffineMapAttr>());
  for (auto [i, input] : llvm::enumerate(consumer.getInputs()))
    if (input.getDefiningOp() != producer) {
      inputs.push_back(input);
      maps.push_back(consumer.getMap(i));
    }
  SmallVector<Type> types(producer->getResultTypes());
  llvm::append_range(types, consumer->getResultTypes());
  // The layers that the nest comes from, each once.
  llvm::SetVector<StringRef> labels;
  for (StringRef label : {producer.getLabel(), consumer.getLabel()})
    for (StringRef layer : llvm::split(label, '+'))
      if (!layer.empty())
        labels.insert(layer);

  OpBuilder builder(consumer);
  unsigned before = producer.getNumProducts(), own = consumer.getNumProducts();
  NestOp fused = NestOp::create(
      builder, consumer.getLoc(), types, llvm::join(labels.getArrayRef(), "+"),
      productInputs, weights, inputs, maps,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        // The producer's sums, the consumer's, then the operands of either.
        ValueRange operands = elements.drop_front(before + own);
        IRMapping mapping;
        Block &first = producer.getBody().front();
        mapping.map(first.getArguments().take_front(before),
                    elements.take_front(before));
        mapping.map(first.getArguments().drop_front(before),
                    operands.take_front(producer.getInputs().size()));
        SmallVector<Value> yielded = cloneBody(b, first, mapping);
        Block &second = consumer.getBody().front();
        mapping.map(second.getArguments().take_front(own),
                    elements.slice(before, own));
        operands = operands.drop_front(producer.getInputs().size());
        for (auto [i, input] : llvm::enumerate(consumer.getInputs())) {
          if (input.getDefiningOp() == producer) {
            mapping.map(consumer.getElement(i),
                        yielded[cast<OpResult>(input).getResultNumber()]);
            continue;
          }
          mapping.map(consumer.getElement(i), operands.front());
          operands = operands.drop_front();
        }
        llvm::append_range(yielded, cloneBody(b, second, mapping));
        return yielded;
      });
  producer->replaceAllUsesWith(
      fused->getResults().take_front(producer->getNumResults()));
  consumer->replaceAllUsesWith(
      fused->getResults().drop_front(producer->getNumResults()));
  consumer->erase();
  producer->erase();
  return fused;
}

/// Drops results that nothing uses and operands that are passed twice or not
/// read.
static void simplify(NestOp nest) {
  SmallVector<unsigned> live;
  SmallVector<Type> types;
  for (OpResult result : nest->getResults())
    if (!result.use_empty()) {
      live.push_back(result.getResultNumber());
      types.push_back(result.getType());
    }
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
  OpBuilder builder(nest);
  unsigned products = nest.getNumProducts();
  NestOp simpler = NestOp::create(
      builder, nest.getLoc(), types, nest.getLabel(), nest.getProductInputs(),
      nest.getProductWeights(), inputs, maps,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        IRMapping mapping;
        Block &from = nest.getBody().front();
        mapping.map(from.getArguments().take_front(products),
                    elements.take_front(products));
        for (auto [i, at] : llvm::enumerate(position))
          mapping.map(nest.getElement(i), elements[products + at]);
        SmallVector<Value> all = cloneBody(b, from, mapping), yielded;
        for (unsigned index : live)
          yielded.push_back(all[index]);
        return yielded;
      });
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
    // In order, so that a nest's producers are as large as they will be when it
    // is their consumers' turn.
    for (NestOp consumer : llvm::to_vector(function.getOps<NestOp>()))
      while (NestOp producer = findProducer(consumer))
        consumer = fuse(producer, consumer);
    for (NestOp nest : llvm::to_vector(function.getOps<NestOp>()))
      simplify(nest);
  }

  static NestOp findProducer(NestOp consumer) {
    for (Value input : consumer.getInputs()) {
      auto producer = input.getDefiningOp<NestOp>();
      if (producer && canFuse(producer, consumer))
        return producer;
    }
    return nullptr;
  }
};
} // namespace
