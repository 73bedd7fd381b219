//===- ApproximateMath.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How functions such as exp become inline arithmetic.
//
//===----------------------------------------------------------------------===//

#include "codegen/TTCCodegenPasses.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace ttc {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "codegen/TTCCodegenPasses.h.inc"
} // namespace ttc

using namespace mlir;

namespace {

/// log1p(x) = x log(w) / (w - 1) with w = 1 + x: the rounding of w cancels
/// (Kahan).
struct ExpandLog1p : OpRewritePattern<math::Log1pOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Log1pOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return failure();
    Location loc = op.getLoc();
    Value x = op.getOperand();
    Value one =
        arith::ConstantOp::create(rewriter, loc, rewriter.getF64FloatAttr(1));
    Value w = arith::AddFOp::create(rewriter, loc, one, x);
    Value difference = arith::SubFOp::create(rewriter, loc, w, one);
    Value log = math::LogOp::create(rewriter, loc, w);
    Value quotient = arith::DivFOp::create(rewriter, loc, log, difference);
    Value product = arith::MulFOp::create(rewriter, loc, x, quotient);
    Value isSmall =
        arith::CmpFOp::create(rewriter, loc, arith::CmpFPredicate::OEQ, w, one);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isSmall, x, product);
    return success();
  }
};

struct SplitFMA : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    Value product =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
    return success();
  }
};

struct ApproximateMath : ttc::impl::ApproximateMathBase<ApproximateMath> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      // What the hardware has stays.
      return name != math::SqrtOp::getOperationName() &&
             name != math::RsqrtOp::getOperationName() &&
             name != math::RoundEvenOp::getOperationName();
    });
    patterns.add<ExpandLog1p>(&getContext());
    if (!fma)
      patterns.add<SplitFMA>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
