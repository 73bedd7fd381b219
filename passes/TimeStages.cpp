//===- TimeStages.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/TimeStages.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ttc;

StepFunction::StepFunction(func::FuncOp function) : function(function) {
  for (BlockArgument argument : body().getArguments())
    if (function.getArgAttr(argument.getArgNumber(), inputAttr))
      batched |= !cast<RankedTensorType>(argument.getType()).hasStaticShape();
}

bool StepFunction::isState(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && function.getArgAttr(argument.getArgNumber(), stateAttr);
}
bool StepFunction::isPrepared(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && function.getArgAttr(argument.getArgNumber(), preparedAttr);
}
bool StepFunction::isStateResult(unsigned index) {
  return bool(function.getResultAttr(index, stateAttr));
}

bool StepFunction::canLeadByTime() {
  auto fits = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return !type || isPrepared(value) || type.hasStaticShape() != batched;
  };
  if (!llvm::all_of(body().getArguments(), fits))
    return false;
  for (Operation &op : body().without_terminator()) {
    bool isSize = llvm::all_of(op.getResultTypes(),
                               [](Type type) { return type.isIndex(); });
    if (!becomesLoops(&op) && !isSize &&
        !isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      return false;
    if (!llvm::all_of(op.getResults(), fits))
      return false;
    if (auto nest = dyn_cast<NestOp>(op);
        nest && !nest.getBody().getOps<DrawOp>().empty())
      return false;
  }
  // What is passed through would have to be copied for every timestep.
  for (Value value : terminator()->getOperands())
    if (!rootOf(value).getDefiningOp())
      return false;
  return true;
}

BlockArgument StepFunction::stateOf(unsigned index) {
  for (BlockArgument argument : body().getArguments()) {
    unsigned i = argument.getArgNumber();
    if (isState(argument) &&
        function.getArgAttr(i, stateAttr) ==
            function.getResultAttr(index, stateAttr) &&
        function.getArgAttr(i, placeAttr) ==
            function.getResultAttr(index, placeAttr))
      return argument;
  }
  llvm_unreachable("thread-states gives every state an argument");
}

namespace {

class StagePlanner {
public:
  explicit StagePlanner(StepFunction &step) : step(step) {}

  /// Products of a recurrent nest whose inputs no recurrence needs become nests
  /// of their own.
  void splitProducts() {
    findGroups();
    // Decided for all before any is replaced: the groups know the operations
    // that were there.
    SmallVector<std::pair<NestOp, SmallVector<unsigned>>> splits;
    for (auto [index, op] : llvm::enumerate(ops)) {
      auto nest = dyn_cast<NestOp>(op);
      if (!nest || !nest.hasProduct() || !recurrent[index])
        continue;
      SmallVector<unsigned> apart;
      for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
        Value root = rootOf(nest.getProductInputs()[p]);
        Operation *producer = root.getDefiningOp();
        bool isRecurrent = step.isState(root) ||
                           (producer && groupOf(producer) == groupOf(nest));
        if (!isRecurrent)
          apart.push_back(p);
      }
      if (!apart.empty())
        splits.push_back({nest, apart});
    }
    for (auto &[nest, apart] : splits)
      splitNest(nest, apart);
    findGroups();
  }

  SmallVector<Stage> plan() {
    SmallVector<Stage> stages;
    SmallVector<unsigned> pending;
    for (unsigned i = 0; i < ops.size(); ++i)
      if (group[i] == i)
        pending.push_back(i);
    auto needs = [&](unsigned later, unsigned earlier) {
      return later != earlier && after[earlier].test(later);
    };
    while (!pending.empty()) {
      // The first that needs none of the others; one that joins the stage
      // before it, if there is.
      auto isReady = [&](unsigned g) {
        return llvm::none_of(pending, [&](unsigned o) { return needs(g, o); });
      };
      auto chosen = llvm::find_if(pending, [&](unsigned g) {
        return isReady(g) && !recurrent[g] && !stages.empty() &&
               stages.back().wholeBlock;
      });
      if (chosen == pending.end())
        chosen = llvm::find_if(pending, isReady);
      unsigned g = *chosen;
      pending.erase(chosen);
      bool joins = !stages.empty() && stages.back().wholeBlock && !recurrent[g];
      if (!joins)
        stages.push_back({{}, !recurrent[g]});
      for (unsigned i = 0; i < ops.size(); ++i)
        if (group[i] == g)
          stages.back().ops.push_back(ops[i]);
    }
    for (Stage &stage : stages)
      llvm::sort(stage.ops, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
    return stages;
  }

private:
  void splitNest(NestOp nest, ArrayRef<unsigned> apart) {
    SmallVector<Value> inputs, weights, keptInputs, keptWeights;
    SmallVector<Type> types;
    for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
      bool isApart = llvm::is_contained(apart, p);
      (isApart ? inputs : keptInputs).push_back(nest.getProductInputs()[p]);
      (isApart ? weights : keptWeights).push_back(nest.getProductWeights()[p]);
      if (isApart)
        types.push_back(nest.getDomain().clone(
            getElementTypeOrSelf(nest.getProductWeights()[p])));
    }
    OpBuilder builder(nest);
    auto sums =
        NestOp::create(builder, nest.getLoc(), types, nest.getLabel(), inputs,
                       weights, ValueRange(), ArrayRef<AffineMap>(),
                       [](ImplicitLocOpBuilder &, ValueRange elements) {
                         return SmallVector<Value>(elements);
                       });
    SmallVector<Value> operands(sums.getResults());
    SmallVector<AffineMap> maps(
        operands.size(),
        builder.getMultiDimIdentityMap(nest.getDomain().getRank()));
    llvm::append_range(operands, nest.getInputs());
    llvm::append_range(maps, nest.getMaps().getAsValueRange<AffineMapAttr>());
    auto rest = NestOp::create(
        builder, nest.getLoc(), nest->getResultTypes(), nest.getLabel(),
        keptInputs, keptWeights, operands, maps,
        [&](ImplicitLocOpBuilder &b, ValueRange elements) {
          IRMapping mapping;
          ValueRange kept = elements.take_front(keptInputs.size());
          ValueRange others = elements.drop_front(keptInputs.size());
          for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
            ValueRange &from = llvm::is_contained(apart, p) ? others : kept;
            mapping.map(nest.getBody().getArgument(p), from.front());
            from = from.drop_front();
          }
          for (unsigned i = 0; i < nest.getInputs().size(); ++i)
            mapping.map(nest.getElement(i), others[i]);
          return cloneBody(b, nest.getBody().front(), mapping);
        });
    nest->replaceAllUsesWith(rest);
    nest->erase();
  }

  //===--------------------------------------------------------------------===//
  // Which operations need each other
  //===--------------------------------------------------------------------===//

  /// The operations whose results an operation reads, through changes of shape.
  SmallVector<Operation *> producersOf(Operation *op) {
    SmallVector<Operation *> producers;
    for (Value operand : op->getOperands())
      if (Operation *producer = rootOf(operand).getDefiningOp())
        if (becomesLoops(producer))
          producers.push_back(producer);
    return producers;
  }

  /// Numbers the groups of operations that need each other through time: all
  /// that read or write one state, and what lies between.
  void findGroups() {
    ops.clear();
    llvm::DenseMap<Operation *, unsigned> number;
    for (Operation &op : step.body().without_terminator())
      if (becomesLoops(&op)) {
        number[&op] = ops.size();
        ops.push_back(&op);
      }
    unsigned count = ops.size();
    SmallVector<llvm::SetVector<unsigned>> next(count);
    for (Operation *op : ops)
      for (Operation *producer : producersOf(op))
        next[number[producer]].insert(number[op]);
    llvm::DenseMap<Value, SmallVector<unsigned>> users;
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        if (step.isState(rootOf(operand)))
          users[rootOf(operand)].push_back(number[op]);
    for (OpOperand &operand : step.terminator()->getOpOperands())
      if (step.isStateResult(operand.getOperandNumber()))
        users[step.stateOf(operand.getOperandNumber())].push_back(
            number[rootOf(operand.get()).getDefiningOp()]);
    recurrent.assign(count, false);
    for (auto &[state, list] : users)
      for (unsigned a : list) {
        recurrent[a] = true;
        for (unsigned b : list)
          next[a].insert(b);
      }

    for (auto [index, op] : llvm::enumerate(ops))
      if (!step.hasBatch() && mustKeepTimestep(op))
        recurrent[index] = true;

    SmallVector<llvm::BitVector> reached(count, llvm::BitVector(count));
    for (unsigned from = 0; from < count; ++from) {
      SmallVector<unsigned> pending = {from};
      while (!pending.empty())
        for (unsigned to : next[pending.pop_back_val()])
          if (!reached[from].test(to)) {
            reached[from].set(to);
            pending.push_back(to);
          }
    }
    group.assign(count, 0);
    for (unsigned i = 0; i < count; ++i) {
      group[i] = i;
      for (unsigned j = 0; j < i; ++j)
        if (reached[i].test(j) && reached[j].test(i)) {
          group[i] = group[j];
          break;
        }
    }
    after = std::move(reached);
  }

  /// Where the time would come in front of what was a reduction's first
  /// dimension, the order of its sums could change; and a parameter that goes
  /// along a product's rows would not go along all of a block's.
  bool mustKeepTimestep(Operation *op) {
    if (isa<ReduceOp>(op))
      return true;
    auto nest = dyn_cast<NestOp>(op);
    if (!nest || !nest.hasProduct())
      return false;
    for (auto [i, input] : llvm::enumerate(nest.getInputs()))
      if (step.isPrepared(rootOf(input)) &&
          accessByRows(linearize(nest.getMap(i),
                                 cast<RankedTensorType>(input.getType())),
                       nest.getDomain().getShape())
                  ->row != 0)
        return true;
    return false;
  }

  unsigned groupOf(Operation *op) {
    auto at = llvm::find(ops, op);
    assert(at != ops.end() && "replaced since the groups were found");
    return group[at - ops.begin()];
  }

  StepFunction &step;
  SmallVector<Operation *> ops;
  SmallVector<bool> recurrent;
  SmallVector<unsigned> group;
  SmallVector<llvm::BitVector> after;
};

} // namespace

SmallVector<Stage> ttc::planStages(StepFunction &step) {
  StagePlanner planner(step);
  planner.splitProducts();
  return planner.plan();
}
