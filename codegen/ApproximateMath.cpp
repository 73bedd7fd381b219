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

#include "mlir/Dialect/Arith/Transforms/Passes.h"
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
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return failure();
    Location loc = op.getLoc();
    Value x = op.getOperand();
    ImplicitLocOpBuilder builder(loc, rewriter);
    Value one = ttc::buildConstant(builder, 1, x);
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

/// expm1(x) = tanh(x / 2) (exp(x) + 1), without cancellation (Kahan).
struct ExpandExpM1 : OpRewritePattern<math::ExpM1Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpM1Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Value half = arith::MulFOp::create(b, x, ttc::buildConstant(b, 0.5, x));
    Value exp = math::ExpOp::create(b, x);
    Value sum = arith::AddFOp::create(b, exp, ttc::buildConstant(b, 1, x));
    Value product =
        arith::MulFOp::create(b, math::TanhOp::create(b, half), sum);
    // Where exp(x) is infinite, tanh(x / 2) is 1 and so is the product.
    rewriter.replaceOp(op, product);
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
    patterns.add<ExpandLog1p, ExpandExpM1>(&getContext());
    // Integer arithmetic on whole vectors: few CPUs have an instruction, and
    // those that have none would call a function for every element.
    arith::populateExpandBFloat16Patterns(patterns);
    if (!fma)
      patterns.add<SplitFMA>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
