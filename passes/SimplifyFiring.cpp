//===- SimplifyFiring.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a neuron with hard events fires without computing a sigmoid.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace ttc {
#define GEN_PASS_DEF_SIMPLIFYFIRING
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {

/// The z of 1 / (1 + exp(-z)); null if `value` is not that.
static Value argumentOfSigmoid(Value value) {
  auto quotient = value.getDefiningOp<arith::DivFOp>();
  if (!quotient || !matchPattern(quotient.getLhs(), m_OneFloat()))
    return nullptr;
  auto sum = quotient.getRhs().getDefiningOp<arith::AddFOp>();
  if (!sum)
    return nullptr;
  Value power = matchPattern(sum.getLhs(), m_OneFloat())   ? sum.getRhs()
                : matchPattern(sum.getRhs(), m_OneFloat()) ? sum.getLhs()
                                                           : Value();
  auto exp = power ? power.getDefiningOp<math::ExpOp>() : math::ExpOp();
  auto negative =
      exp ? exp.getOperand().getDefiningOp<arith::NegFOp>() : arith::NegFOp();
  return negative ? negative.getOperand() : Value();
}

struct CompareInsteadOfSigmoid : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    QuantizerAttr quantizer = op.getQuantizer();
    if (quantizer.getKind() != QuantKind::Round ||
        quantizer.getStep().convertToDouble() != 1)
      return failure();
    Value z = argumentOfSigmoid(op.getValue());
    if (!z || isa<ShapedType>(z.getType()))
      return failure();

    // Near 0 the sigmoid is 1/2 + z / 4. It rounds to more than 1/2, which then
    // rounds to 1, from beyond the half of an ulp of 1/2 on: four of these.
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<FloatType>(z.getType());
    double epsilon = std::ldexp(1, 1 - int(type.getFPMantissaWidth()));
    Value isAbove = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, z,
                                          buildConstant(b, epsilon, z));
    Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, z, z);
    Value silent =
        arith::SelectOp::create(b, isNumber, buildConstant(b, 0.0, z), z);
    Value fired =
        arith::SelectOp::create(b, isAbove, buildConstant(b, 1.0, z), silent);
    // It stays a quantizer, by which events are known.
    rewriter.modifyOpInPlace(op, [&] { op.getValueMutable().assign(fired); });
    return success();
  }
};

struct SimplifyFiring : ttc::impl::SimplifyFiringBase<SimplifyFiring> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CompareInsteadOfSigmoid>(&getContext());
    // The nests stay as they are: what is folded elsewhere is not this pass's.
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().enableFolding(false).enableConstantCSE(
                false))))
      signalPassFailure();
  }
};

} // namespace
