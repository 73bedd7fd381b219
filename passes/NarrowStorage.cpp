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

namespace ttc {
#define GEN_PASS_DEF_NARROWSTORAGE
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct NarrowStorage : ttc::impl::NarrowStorageBase<NarrowStorage> {
  using Base::Base;

  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model)
      return signalPassFailure();
    Builder builder(&getContext());
    Type narrow;
    if (type == "bf16")
      narrow = builder.getBF16Type();
    else if (type == "f16")
      narrow = builder.getF16Type();
    if (!narrow) {
      model.emitError()
          << "states and weights are stored as bf16 or f16, not as '" << type
          << "'";
      return signalPassFailure();
    }
    for (Type type : llvm::concat<const Type>(model.getArgumentTypes(),
                                              model.getResultTypes()))
      if (getElementTypeOrSelf(type).isF64()) {
        model.emitError(
            "computes in f64: storing its states and weights in 16 "
            "bits would give that up; leave out the narrow storage");
        return signalPassFailure();
      }

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
    getOperation()->setAttr(packedStorageAttr, TypeAttr::get(narrow));
  }
};
} // namespace
