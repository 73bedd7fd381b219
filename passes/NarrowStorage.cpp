//===- NarrowStorage.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How states and weights are kept in fewer bits than they are computed with.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringSwitch.h"

namespace ttc {
#define GEN_PASS_DEF_NARROWSTORAGE
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

bool ttc::computesInF64(ModelOp model) {
  return llvm::any_of(
      llvm::concat<const Type>(model.getArgumentTypes(),
                               model.getResultTypes()),
      [](Type type) { return getElementTypeOrSelf(type).isF64(); });
}

namespace {
struct NarrowStorage : ttc::impl::NarrowStorageBase<NarrowStorage> {
  using Base::Base;

  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model)
      return signalPassFailure();
    Type stateType = floatType(states);
    if (!stateType) {
      model.emitError() << "states are stored as f32, bf16 or f16, not as '"
                        << states << "'";
      return signalPassFailure();
    }
    Builder builder(&getContext());
    Type weightType =
        weights == "int8" ? builder.getI8Type() : floatType(weights);
    if (!weightType) {
      model.emitError()
          << "packed weights are stored as f32, bf16, f16 or int8, not as '"
          << weights << "'";
      return signalPassFailure();
    }
    if (computesInF64(model)) {
      model.emitError("computes in f64: narrower states or weights would "
                      "give that up; leave out the narrow storage");
      return signalPassFailure();
    }
    if (!stateType.isF32())
      narrowStates(model, stateType);
    if (!weightType.isF32())
      getOperation()->setAttr(packedStorageAttr, TypeAttr::get(weightType));
  }

  /// Null for a name that is none of f32, bf16 and f16.
  Type floatType(StringRef name) {
    return llvm::StringSwitch<Type>(name)
        .Case("f32", Float32Type::get(&getContext()))
        .Case("bf16", BFloat16Type::get(&getContext()))
        .Case("f16", Float16Type::get(&getContext()))
        .Default(Type());
  }

  void narrowStates(ModelOp model, Type narrow) {
    llvm::DenseSet<StringAttr> narrowed;
    for (auto state : getOperation().getOps<StateOp>()) {
      auto tensor = cast<RankedTensorType>(state.getType());
      if (!tensor.getElementType().isF32())
        continue;
      state.setType(tensor.clone(narrow));
      narrowed.insert(state.getSymNameAttr());
    }
    // Layers convert where they are expanded; what the model itself reads and
    // writes is converted here.
    model.walk([&](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (auto read = dyn_cast<ReadOp>(op)) {
        if (!narrowed.contains(read.getStateAttr().getAttr()))
          return;
        auto wide = cast<RankedTensorType>(read.getType());
        read.getResult().setType(wide.clone(narrow));
        b.setInsertionPointAfter(op);
        Value value = arith::ExtFOp::create(b, wide, read.getResult());
        read.getResult().replaceAllUsesExcept(value, value.getDefiningOp());
      } else if (auto write = dyn_cast<WriteOp>(op)) {
        if (!narrowed.contains(write.getStateAttr().getAttr()))
          return;
        auto wide = cast<RankedTensorType>(write.getValue().getType());
        write.getValueMutable().assign(
            arith::TruncFOp::create(b, wide.clone(narrow), write.getValue()));
      }
    });
  }
};
} // namespace
