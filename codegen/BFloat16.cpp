//===- BFloat16.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// bf16 as integers of 16 bits: in MLIR, and in LLVM IR where MLIR has no say.
//
//===----------------------------------------------------------------------===//

#include "codegen/BFloat16.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace mlir;
using namespace ttc;

namespace {

/// What AVX-512 BF16 rounds in one instruction.
struct RoundToBF16 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || type.getRank() != 1 || !type.getElementType().isBF16() ||
        !getElementTypeOrSelf(op.getIn()).isF32() ||
        !llvm::is_contained({8, 16}, type.getNumElements()))
      return failure();
    std::string name = "llvm.x86.avx512bf16.cvtneps2bf16." +
                       std::to_string(type.getNumElements() * 32);
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, type, rewriter.getStringAttr(name), ValueRange{op.getIn()});
    return success();
  }
};

/// Elsewhere it is integer arithmetic: to nearest, ties to even, in the upper
/// half of the word. A NaN keeps its sign and becomes a quiet one, as that
/// instruction has it. Words are chosen between, not halves of them: LLVM would
/// make that a choice between numbers of bf16, for which CPUs that have none
/// call a function.
struct RoundToBF16InWords : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isBF16() ||
        !getElementTypeOrSelf(op.getIn()).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto shaped = [&](Type element) -> Type {
      auto vector = dyn_cast<VectorType>(type);
      return vector ? vector.clone(element) : element;
    };
    Type words = shaped(b.getI32Type());
    auto word = [&](int32_t value) -> Value {
      TypedAttr attr = b.getI32IntegerAttr(value);
      if (auto vector = dyn_cast<VectorType>(words))
        attr = DenseElementsAttr::get(vector, attr);
      return arith::ConstantOp::create(b, attr);
    };
    Value bits = arith::BitcastOp::create(b, words, op.getIn());
    Value isOdd = arith::AndIOp::create(
        b, arith::ShRUIOp::create(b, bits, word(16)), word(1));
    Value rounded = arith::AddIOp::create(
        b, bits, arith::AddIOp::create(b, isOdd, word(0x7fff)));
    Value quiet = arith::OrIOp::create(b, bits, word(0x00400000));
    Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO,
                                        op.getIn(), op.getIn());
    Value upper = arith::ShRUIOp::create(
        b, arith::SelectOp::create(b, isNaN, quiet, rounded), word(16));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(
        op, type,
        arith::TruncIOp::create(b, shaped(b.getIntegerType(16)), upper));
    return success();
  }
};

} // namespace

void ttc::populateBFloat16Patterns(RewritePatternSet &patterns, bool rounds) {
  MLIRContext *context = patterns.getContext();
  arith::populateExpandBFloat16Patterns(patterns);
  patterns.add<RoundToBF16InWords>(context, /*benefit=*/2);
  if (rounds)
    patterns.add<RoundToBF16>(context, /*benefit=*/3);
}

void ttc::maskAsWholeNumbers(llvm::Module &module) {
  SmallVector<llvm::IntrinsicInst *> found;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      auto *call = dyn_cast<llvm::IntrinsicInst>(&instruction);
      if (!call)
        continue;
      bool isLoad = call->getIntrinsicID() == llvm::Intrinsic::masked_load;
      if (!isLoad && call->getIntrinsicID() != llvm::Intrinsic::masked_store)
        continue;
      llvm::Type *type =
          isLoad ? call->getType() : call->getArgOperand(0)->getType();
      if (type->getScalarType()->isBFloatTy())
        found.push_back(call);
    }
  for (llvm::IntrinsicInst *call : found) {
    llvm::IRBuilder<> builder(call);
    auto whole = [&](llvm::Value *value) {
      auto *type = cast<llvm::VectorType>(value->getType());
      return builder.CreateBitCast(
          value, llvm::VectorType::get(builder.getInt16Ty(), type));
    };
    if (call->getIntrinsicID() == llvm::Intrinsic::masked_store) {
      builder.CreateMaskedStore(
          whole(call->getArgOperand(0)), call->getArgOperand(1),
          call->getParamAlign(1).valueOrOne(), call->getArgOperand(2));
    } else {
      llvm::Value *otherwise = whole(call->getArgOperand(2));
      llvm::Value *loaded =
          builder.CreateMaskedLoad(otherwise->getType(), call->getArgOperand(0),
                                   call->getParamAlign(0).valueOrOne(),
                                   call->getArgOperand(1), otherwise);
      call->replaceAllUsesWith(builder.CreateBitCast(loaded, call->getType()));
    }
    call->eraseFromParent();
  }
}
