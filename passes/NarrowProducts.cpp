//===- NarrowProducts.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How products come to multiply in bf16, and to add in f32.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ttc {
#define GEN_PASS_DEF_NARROWPRODUCTS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

/// Whether the inputs of a product are worth rounding: instructions multiply
/// them in pairs, and of a short sum the rounding would be the larger part.
static bool isNarrowed(RankedTensorType input, RankedTensorType weight) {
  constexpr int64_t shortest = 32;
  int64_t inputs = weight.getDimSize(1);
  return input.getElementType().isF32() && weight.getElementType().isF32() &&
         inputs >= shortest && inputs % 2 == 0;
}

/// A nest behind `input` that rounds it, named after the layer that makes it,
/// or else after the one that reads it.
static Value round(Value input, NestOp reader) {
  auto type = cast<RankedTensorType>(input.getType());
  OpBuilder builder(input.getContext());
  builder.setInsertionPointAfterValue(input);
  auto maker = rootOf(input).getDefiningOp<NestOp>();
  Type narrow = builder.getBF16Type();
  AffineMap same = builder.getMultiDimIdentityMap(type.getRank());
  return NestOp::create(builder, reader.getLoc(), TypeRange{type.clone(narrow)},
                        (maker ? maker : reader).getLabel(), ValueRange(),
                        ValueRange(), ValueRange{input}, {same},
                        [&](ImplicitLocOpBuilder &b, ValueRange elements) {
                          return SmallVector<Value>{arith::TruncFOp::create(
                              b, narrow, elements.front())};
                        })
      ->getResult(0);
}

namespace {
struct NarrowProducts : ttc::impl::NarrowProductsBase<NarrowProducts> {
  void runOnOperation() override {
    func::FuncOp function = getStepFunction(getOperation());
    if (!function)
      return signalPassFailure();
    llvm::DenseMap<Value, Value> rounded;
    for (NestOp nest : llvm::to_vector(function.getOps<NestOp>()))
      for (unsigned i = 0; i < nest.getNumProducts(); ++i) {
        OpOperand &input = nest.getProductInputsMutable()[i];
        auto type = cast<RankedTensorType>(input.get().getType());
        auto weight =
            cast<RankedTensorType>(nest.getProductWeights()[i].getType());
        if (!isNarrowed(type, weight))
          continue;
        Value &narrow = rounded[input.get()];
        if (!narrow)
          narrow = round(input.get(), nest);
        input.set(narrow);
      }
  }
};
} // namespace
