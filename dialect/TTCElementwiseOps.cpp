//===- TTCElementwiseOps.cpp ----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What comparisons, choices, limits and constants are.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ttc;

static arith::CmpFPredicate predicateOf(ComparisonKind kind) {
  switch (kind) {
  case ComparisonKind::Equal:
    return arith::CmpFPredicate::OEQ;
  case ComparisonKind::NotEqual:
    return arith::CmpFPredicate::UNE;
  case ComparisonKind::Less:
    return arith::CmpFPredicate::OLT;
  case ComparisonKind::LessEqual:
    return arith::CmpFPredicate::OLE;
  case ComparisonKind::Greater:
    return arith::CmpFPredicate::OGT;
  case ComparisonKind::GreaterEqual:
    return arith::CmpFPredicate::OGE;
  }
  llvm_unreachable("every comparison has its predicate");
}

SmallVector<Value> CompareOp::expand(LayerExpansion &expansion) {
  return {expansion.combine(
      {getLhs(), getRhs()},
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
        Value holds =
            arith::CmpFOp::create(b, predicateOf(getKind()), v[0], v[1]);
        return arith::SelectOp::create(b, holds, buildConstant(b, 1.0, v[0]),
                                       buildConstant(b, 0.0, v[0]));
      })};
}

SmallVector<Value> WhereOp::expand(LayerExpansion &expansion) {
  return {expansion.combine(
      {getCondition(), getA(), getB()},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
        Value holds = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, v[0],
                                            buildConstant(b, 0.0, v[0]));
        return arith::SelectOp::create(b, holds, v[1], v[2]);
      })};
}

LogicalResult ClampOp::verify() {
  if (!getMin() && !getMax())
    return emitOpError("has neither a min nor a max: it limits nothing");
  if ((getMin() && getMin()->isNaN()) || (getMax() && getMax()->isNaN()))
    return emitOpError("has a limit that is not a number");
  return success();
}

SmallVector<Value> ClampOp::expand(LayerExpansion &expansion) {
  return {expansion.map(getInput(), [&](ImplicitLocOpBuilder &b, Value x) {
    if (getMin())
      x = arith::MaximumFOp::create(
          b, x, buildConstant(b, getMin()->convertToDouble(), x));
    if (getMax())
      x = arith::MinimumFOp::create(
          b, x, buildConstant(b, getMax()->convertToDouble(), x));
    return x;
  })};
}

SmallVector<Value> FillOp::expand(LayerExpansion &expansion) {
  return {expansion.fill(typeOf(getOutput()), getValue().convertToDouble(),
                         getLike())};
}
