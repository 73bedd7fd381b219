//===- PrepareWeights.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What of a timestep depends on the weights alone, and is computed once.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace ttc {
#define GEN_PASS_DEF_PREPAREWEIGHTS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

bool ttc::isHoistable(Operation *op) {
  if (!llvm::all_of(op->getResultTypes(), [](Type type) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        return tensor && tensor.hasStaticShape();
      }))
    return false;
  if (op->hasTrait<OpTrait::ConstantLike>())
    return true;
  if (auto nest = dyn_cast<NestOp>(op);
      nest && (nest.hasProduct() || !nest.getBody().getOps<DrawOp>().empty()))
    return false;
  return op->getNumOperands() > 0;
}

namespace {
struct PrepareWeights : ttc::impl::PrepareWeightsBase<PrepareWeights> {
  void runOnOperation() override {
    func::FuncOp step = getStepFunction(getOperation());
    if (!step)
      return signalPassFailure();
    if (step->hasAttr(prepareAttr)) {
      step.emitError("has its prepare function already");
      return signalPassFailure();
    }
    Block &body = step.getBody().front();

    SmallVector<BlockArgument> params;
    llvm::SetVector<Value> known;
    for (BlockArgument argument : body.getArguments())
      if (step.getArgAttr(argument.getArgNumber(), paramAttr)) {
        params.push_back(argument);
        known.insert(argument);
      }
    SmallVector<Operation *> hoisted;
    for (Operation &op : body.without_terminator())
      if (isHoistable(&op) &&
          llvm::all_of(op.getOperands(), [&](Value operand) {
            return known.contains(operand);
          })) {
        hoisted.push_back(&op);
        known.insert(op.result_begin(), op.result_end());
      }

    // What the step still needs: a known value with a user that stays.
    llvm::SmallPtrSet<Operation *, 8> isHoisted(hoisted.begin(), hoisted.end());
    SmallVector<Value> prepared;
    for (Value value : known)
      if (llvm::any_of(value.getUsers(), [&](Operation *user) {
            return !isHoisted.contains(user);
          }))
        prepared.push_back(value);

    createPrepare(step, params, hoisted, prepared);
    replaceParams(step, params, hoisted, prepared);
  }

private:
  /// A function from all params to the prepared values, in front of the step.
  void createPrepare(func::FuncOp step, ArrayRef<BlockArgument> params,
                     ArrayRef<Operation *> hoisted, ArrayRef<Value> prepared) {
    OpBuilder builder(step);
    std::string name = (step.getSymName() + ".prepare").str();
    auto prepare = func::FuncOp::create(
        builder, step.getLoc(), name,
        builder.getFunctionType(ValueRange(params).getTypes(),
                                ValueRange(prepared).getTypes()));
    Block *block = prepare.addEntryBlock();
    IRMapping mapping;
    for (auto [i, param] : llvm::enumerate(params)) {
      mapping.map(param, block->getArgument(i));
      prepare.setArgAttr(i, paramAttr,
                         step.getArgAttr(param.getArgNumber(), paramAttr));
    }
    builder.setInsertionPointToEnd(block);
    for (Operation *op : hoisted)
      builder.clone(*op, mapping);
    SmallVector<Value> results;
    for (Value value : prepared)
      results.push_back(mapping.lookup(value));
    func::ReturnOp::create(builder, step.getLoc(), results);
    step->setAttr(prepareAttr, FlatSymbolRefAttr::get(&getContext(), name));
  }

  /// The step takes the prepared values in the place of the params.
  void replaceParams(func::FuncOp step, ArrayRef<BlockArgument> params,
                     ArrayRef<Operation *> hoisted, ArrayRef<Value> prepared) {
    Builder builder(&getContext());
    unsigned position = params.empty() ? 0 : params.front().getArgNumber();
    llvm::BitVector dropped(step.getNumArguments());
    for (BlockArgument param : params)
      dropped.set(param.getArgNumber());
    for (unsigned i = 0; i < prepared.size(); ++i) {
      Value value = prepared[i];
      auto name = builder.getNamedAttr(preparedAttr, builder.getIndexAttr(i));
      unsigned at = position + i;
      if (failed(step.insertArgument(at, value.getType(),
                                     builder.getDictionaryAttr(name),
                                     value.getLoc())))
        return signalPassFailure();
      value.replaceUsesWithIf(step.getArgument(at), [&](OpOperand &use) {
        return !llvm::is_contained(hoisted, use.getOwner());
      });
    }
    for (Operation *op : llvm::reverse(hoisted))
      op->erase();
    llvm::BitVector erased(step.getNumArguments());
    for (unsigned index : dropped.set_bits())
      erased.set(index + prepared.size());
    if (failed(step.eraseArguments(erased)))
      return signalPassFailure();
  }
};
} // namespace
