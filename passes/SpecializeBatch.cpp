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
      for (int64_t &size : shape)
        size = ShapedType::isDynamic(size) ? int64_t(batch) : size;
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
      if (!isStateTensor(type) || isStateTensor(specialize(type)))
        return success();
      return model.emitError()
             << "with a batch of " << int64_t(batch) << " the tensor " << type
             << " would have more than 2^38 elements";
    };
    for (Type type : model.getArgumentTypes())
      if (failed(check(type)))
        return failure();
    for (auto state : getOperation().getOps<StateOp>())
      if (failed(check(state.getType())))
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

  /// What was made for a dynamic size no longer takes it.
  static void dropDynamicSizes(ModelOp model) {
    SmallVector<Operation *> sized;
    model.walk([&](Operation *op) {
      if (isa<tensor::EmptyOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp>(
              op) &&
          cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape())
        sized.push_back(op);
    });
    for (Operation *op : sized) {
      OpBuilder builder(op);
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      Value fixed;
      if (isa<tensor::EmptyOp>(op)) {
        fixed =
            tensor::EmptyOp::create(builder, op->getLoc(), type, ValueRange());
      } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
        fixed = tensor::ExpandShapeOp::create(builder, op->getLoc(), type,
                                              expand.getSrc(),
                                              expand.getReassociationIndices());
      } else {
        fixed = withFixedSizes(cast<tensor::ExtractSliceOp>(op), builder);
      }
      op->replaceAllUsesWith(ValueRange(fixed));
      op->erase();
    }
  }

  static Value withFixedSizes(tensor::ExtractSliceOp slice,
                              OpBuilder &builder) {
    // A dimension that is dropped has the size 1, which is static anyway.
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
    unsigned next = 0;
    for (auto [dim, size] : llvm::enumerate(sizes))
      if (!dropped.test(dim))
        size = builder.getIndexAttr(slice.getResultType().getDimSize(next++));
    return tensor::ExtractSliceOp::create(
        builder, slice.getLoc(), slice.getResultType(), slice.getSource(),
        slice.getMixedOffsets(), sizes, slice.getMixedStrides());
  }

  static bool hasDynamicInput(ModelOp model) {
    return llvm::any_of(model.getArgumentTypes(), [](Type type) {
      return !cast<RankedTensorType>(type).hasStaticShape();
    });
  }
};
} // namespace
