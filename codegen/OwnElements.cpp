//===- OwnElements.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function has elements of its own if it is one nest that reads each state
// where it writes it.
//
//===----------------------------------------------------------------------===//

#include "codegen/OwnElements.h"

#include "passes/TTCPasses.h"

using namespace mlir;
using namespace ttc;

/// The only operation that becomes loops, if it is such a nest.
static NestOp onlyNest(func::FuncOp step) {
  NestOp only;
  for (Operation &op : step.getBody().front().without_terminator()) {
    if (!becomesLoops(&op))
      continue;
    auto nest = dyn_cast<NestOp>(op);
    if (only || !nest || nest.hasProduct())
      return NestOp();
    only = nest;
  }
  // Each timestep draws other numbers than the one before.
  return only && only.getBody().getOps<DrawOp>().empty() ? only : NestOp();
}

static bool readsOwnElement(NestOp nest, OpOperand &state) {
  return state.getOwner() == nest &&
         nest.getMap(state.getOperandNumber()).isIdentity();
}

BytesAttr ttc::ownElements(func::FuncOp step) {
  NestOp nest = onlyNest(step);
  if (!nest)
    return BytesAttr();
  for (BlockArgument argument : step.getArguments())
    if (step.getArgAttr(argument.getArgNumber(), stateAttr))
      for (OpOperand &use : argument.getUses())
        if (!readsOwnElement(nest, use))
          return BytesAttr();
  for (Value result : step.getBody().front().getTerminator()->getOperands())
    if (rootOf(result).getDefiningOp() != nest)
      return BytesAttr();
  int64_t elements = 1;
  for (int64_t size : nest.getDomain().getShape())
    elements *= ShapedType::isDynamic(size) ? 1 : size;
  bool isStatic = nest.getDomain().hasStaticShape();
  return BytesAttr::get(step.getContext(), isStatic ? elements : 0,
                        isStatic ? 0 : elements);
}
