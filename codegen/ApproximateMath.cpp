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

#include "codegen/BFloat16.h"
#include "codegen/TTCCodegenPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

/// What polynomials of `like`, a number or a vector of them, are made of.
struct Words {
  ImplicitLocOpBuilder &b;
  Value like;

  Value constant(double value) { return ttc::buildConstant(b, value, like); }
  Value multiply(Value l, Value r) { return arith::MulFOp::create(b, l, r); }
  Value fma(Value l, Value r, Value sum) {
    return math::FmaOp::create(b, l, r, sum);
  }
};

/// exp(x) = 2^n exp(r) with x = n ln 2 + r, a polynomial of |r| <= ln 2 / 2:
/// its coefficients are those of the Cephes library (Moshier), as MLIR has
/// them. Beyond what an f32 has a power for it is zero, or infinite.
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  ExpandExp(MLIRContext *context, bool scales)
      : OpRewritePattern(context, /*benefit=*/2), scales(scales) {}

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Words words{b, x};
    // A NaN is beyond neither, and stays.
    auto atLeast = [&](Value value, double bound) -> Value {
      Value isWithin = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE,
                                             value, words.constant(bound));
      return arith::SelectOp::create(b, isWithin, value, words.constant(bound));
    };
    auto atMost = [&](Value value, double bound) -> Value {
      Value isWithin = arith::CmpFOp::create(b, arith::CmpFPredicate::ULE,
                                             value, words.constant(bound));
      return arith::SelectOp::create(b, isWithin, value, words.constant(bound));
    };
    x = atMost(atLeast(x, -87.8), 88.8);
    Value n = math::FloorOp::create(
        b,
        words.fma(x, words.constant(1.44269504088896341), words.constant(0.5)));
    bool scalesAtOnce = scales && isWholeVector(x.getType());
    // The largest power that has an exponent of its own.
    if (!scalesAtOnce)
      n = atMost(n, 127);
    Value r = words.fma(n, words.constant(-0.693359375), x);
    r = words.fma(n, words.constant(2.12194440e-4), r);
    Value sum = words.constant(1.9875691500E-4);
    for (double coefficient :
         {1.3981999507E-3, 8.3334519073E-3, 4.1665795894E-2, 1.6666665459E-1,
          5.0000001201E-1})
      sum = words.fma(sum, r, words.constant(coefficient));
    sum = words.fma(sum, words.multiply(r, r), r);
    sum = arith::AddFOp::create(b, sum, words.constant(1));
    rewriter.replaceOp(op, scalesAtOnce ? scaleAtOnce(b, sum, n)
                                        : scale(b, sum, n));
    return success();
  }

private:
  static bool isWholeVector(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector && vector.getRank() == 1 &&
           llvm::is_contained({4, 8, 16}, vector.getNumElements());
  }

  /// value · 2^n, infinite or zero where that is.
  static Value scaleAtOnce(ImplicitLocOpBuilder &b, Value value, Value n) {
    auto type = cast<VectorType>(value.getType());
    int64_t lanes = type.getNumElements();
    Type mask = b.getIntegerType(std::max<int64_t>(lanes, 8));
    SmallVector<Value> arguments = {
        value, n, value,
        arith::ConstantOp::create(b, b.getIntegerAttr(mask, -1))};
    constexpr int64_t asTheControlRegisterSays = 4;
    if (lanes == 16)
      arguments.push_back(LLVM::ConstantOp::create(
          b, b.getI32IntegerAttr(asTheControlRegisterSays)));
    std::string name =
        "llvm.x86.avx512.mask.scalef.ps." + std::to_string(lanes * 32);
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name),
                                         arguments)
        .getResult(0);
  }

  /// The same for -127 <= n <= 127.
  static Value scale(ImplicitLocOpBuilder &b, Value value, Value n) {
    auto vector = dyn_cast<VectorType>(value.getType());
    Type bits = b.getI32Type();
    if (vector)
      bits = vector.clone(bits);
    auto number = [&](int64_t value) -> Value {
      Value scalar = arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
      return vector ? Value(vector::BroadcastOp::create(b, bits, scalar))
                    : scalar;
    };
    constexpr int64_t bias = 127, mantissaBits = 23;
    Value exponent = arith::AddIOp::create(
        b, arith::FPToSIOp::create(b, bits, n), number(bias));
    Value power = arith::BitcastOp::create(
        b, value.getType(),
        arith::ShLIOp::create(b, exponent, number(mantissaBits)));
    return arith::MulFOp::create(b, value, power);
  }

  bool scales;
};

/// sin(x) and cos(x) by their polynomials within an eighth of a turn, whichever
/// the quarter of the turn asks for.
template <typename Op> struct ExpandQuarters : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Words words{b, x};

    // The rest of whole quarters, whose number times each of the first three
    // parts of pi / 2 is exact up to 2^13 quarters (Cody and Waite).
    static constexpr double halfPi[] = {0x1.92p+0, 0x1.fb4p-12, 0x1.444p-24,
                                        0x1.68c234p-39};
    Value quarters = math::RoundEvenOp::create(
        b, words.multiply(x, words.constant(0x1.45f306p-1))); // 2 / pi
    Value rest = x;
    for (double part : halfPi)
      rest = words.fma(quarters, words.constant(-part), rest);
    // Where an f32 is coarser than a quarter the rest is none: no value is
    // beyond 1 even so.
    rest = arith::MinimumFOp::create(b, rest, words.constant(0.8));
    rest = arith::MaximumFOp::create(b, rest, words.constant(-0.8));

    // Fitted for the least error within pi / 4.
    Value square = words.multiply(rest, rest);
    Value sine = words.constant(-0.0001951495505636558);
    sine = words.fma(sine, square, words.constant(0.00833215843886137));
    sine = words.fma(sine, square, words.constant(-0.16666655242443085));
    sine = words.fma(sine, words.multiply(rest, square), rest);
    Value cosine = words.constant(2.4438088075839914e-05);
    cosine = words.fma(cosine, square, words.constant(-0.0013887364184483886));
    cosine = words.fma(cosine, square, words.constant(0.04166664555668831));
    cosine = words.fma(cosine, square, words.constant(-0.5));
    cosine = words.fma(cosine, square, words.constant(1));

    // The quarter of the turn: 0 to 3.
    Value turns = math::FloorOp::create(
        b, words.multiply(quarters, words.constant(0.25)));
    Value quarter = words.fma(turns, words.constant(-4), quarters);
    auto is = [&](arith::CmpFPredicate predicate, double value) -> Value {
      return arith::CmpFOp::create(b, predicate, quarter,
                                   words.constant(value));
    };
    Value isFirst = is(arith::CmpFPredicate::OEQ, 1);
    Value isOdd =
        arith::OrIOp::create(b, isFirst, is(arith::CmpFPredicate::OEQ, 3));
    constexpr bool isSine = std::is_same_v<Op, math::SinOp>;
    Value value = isSine ? arith::SelectOp::create(b, isOdd, cosine, sine)
                         : arith::SelectOp::create(b, isOdd, sine, cosine);
    Value isNegative =
        isSine ? is(arith::CmpFPredicate::OGE, 2)
               : Value(arith::OrIOp::create(b, isFirst,
                                            is(arith::CmpFPredicate::OEQ, 2)));
    Value negative = arith::NegFOp::create(b, value);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isNegative, negative,
                                                 value);
    return success();
  }
};

/// tanh(x) is 1 or -1 from where an f32 cannot tell it from them: without a
/// fused multiply-add its polynomials end a little below, which a large factor
/// would show.
struct SaturateTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &rewriter) const override {
    constexpr llvm::StringLiteral isWithin = "ttc.within";
    if (!getElementTypeOrSelf(op.getType()).isF32() || op->hasAttr(isWithin))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    auto within = math::TanhOp::create(b, x);
    within->setAttr(isWithin, b.getUnitAttr());
    Value one = ttc::buildConstant(b, 1, x);
    Value isBeyond = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                           math::AbsFOp::create(b, x),
                                           ttc::buildConstant(b, 9.1, x));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(
        op, isBeyond, math::CopySignOp::create(b, one, x), within);
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
      // Theirs loses what is left of an argument of many turns.
      if (name == math::SinOp::getOperationName() ||
          name == math::CosOp::getOperationName())
        return false;
      // What the hardware has stays.
      return name != math::SqrtOp::getOperationName() &&
             name != math::RsqrtOp::getOperationName() &&
             name != math::RoundEvenOp::getOperationName();
    });
    patterns.add<ExpandExp>(&getContext(), scale);
    patterns.add<ExpandLog1p, ExpandExpM1, ExpandQuarters<math::SinOp>,
                 ExpandQuarters<math::CosOp>>(&getContext());
    ttc::populateBFloat16Patterns(patterns, pairs);
    if (!fma) {
      patterns.add<SplitFMA>(&getContext());
      // In front of the polynomials.
      patterns.add<SaturateTanh>(&getContext(), /*benefit=*/2);
    }
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
