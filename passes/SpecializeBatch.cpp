//===- SpecializeBatch.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a model for any batch becomes one for a given batch.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace ttc {
#define GEN_PASS_DEF_SPECIALIZEBATCH
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct SpecializeBatch : ttc::impl::SpecializeBatchBase<SpecializeBatch> {
  using Base::Base;

  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model)
      return signalPassFailure();
    if (batch <= 0) {
      model.emitError()
          << "the batch to compile for must be at least 1, but is "
          << int64_t(batch);
      return signalPassFailure();
    }
    if (!hasDynamicInput(model)) {
      model.emitError() << "the model @" << model.getSymName()
                        << " has no dynamic batch that could become "
                        << int64_t(batch);
      return signalPassFailure();
    }

    auto specialize = [&](Type type) -> Type {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || tensor.hasStaticShape())
        return type;
      SmallVector<int64_t> shape(tensor.getShape());
      shape.front() = batch;
      return tensor.clone(shape);
    };
    if (failed(checkSizes(model, specialize)))
      return signalPassFailure();
    SmallVector<Type> inputs, outputs;
    llvm::append_range(inputs,
                       llvm::map_range(model.getArgumentTypes(), specialize));
    llvm::append_range(outputs,
                       llvm::map_range(model.getResultTypes(), specialize));
    model.setFunctionType(FunctionType::get(&getContext(), inputs, outputs));
    for (BlockArgument argument : model.getBody().getArguments())
      argument.setType(specialize(argument.getType()));
    model.getBody().walk([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(specialize(result.getType()));
    });
    dropDynamicSizes(model);
    getOperation().walk([&](StateOp state) {
      state.setType(cast<RankedTensorType>(specialize(state.getType())));
    });
  }

  LogicalResult checkSizes(ModelOp model,
                           llvm::function_ref<Type(Type)> specialize) {
    auto check = [&](Type type) -> LogicalResult {
      if (!isModelTensor(type) || isModelTensor(specialize(type)))
        return success();
      return model.emitError()
             << "with a batch of " << int64_t(batch) << " the tensor " << type
             << " would have more than 2^38 elements";
    };
    for (Type type : model.getArgumentTypes())
      if (failed(check(type)))
        return failure();
    return failure(model
                       .walk([&](Operation *op) -> WalkResult {
                         for (Type type : op->getResultTypes())
                           if (failed(check(type)))
                             return WalkResult::interrupt();
                         return WalkResult::advance();
                       })
                       .wasInterrupted());
  }

  /// A tensor that was made for a dynamic size no longer takes it.
  static void dropDynamicSizes(ModelOp model) {
    SmallVector<tensor::EmptyOp> empties;
    model.walk([&](tensor::EmptyOp empty) {
      if (empty.getType().hasStaticShape() && !empty.getDynamicSizes().empty())
        empties.push_back(empty);
    });
    for (tensor::EmptyOp empty : empties) {
      OpBuilder builder(empty);
      Value fixed = tensor::EmptyOp::create(builder, empty.getLoc(),
                                            empty.getType(), ValueRange());
      empty.replaceAllUsesWith(fixed);
      empty.erase();
    }
  }

  static bool hasDynamicInput(ModelOp model) {
    return llvm::any_of(model.getArgumentTypes(), [](Type type) {
      return !cast<RankedTensorType>(type).hasStaticShape();
    });
  }
};
} // namespace
