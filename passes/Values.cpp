//===- Values.cpp ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can be told of a value by what makes it: which tensor it is a view of,
// whether it may be mostly zeros.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ttc;

/// Whether an element is often exactly zero, by what makes it.
static bool isOftenZeroElement(Value element) {
  Operation *op = element.getDefiningOp();
  if (!op)
    return false;
  if (matchPattern(element, m_AnyZeroFloat()))
    return true;
  if (isa<QuantizeOp>(op))
    return true;
  if (isa<arith::NegFOp>(op))
    return isOftenZeroElement(op->getOperand(0));
  if (isa<arith::AddFOp, arith::SubFOp>(op))
    return llvm::all_of(op->getOperands(), isOftenZeroElement);
  if (isa<arith::MulFOp>(op))
    return llvm::any_of(op->getOperands(), isOftenZeroElement);
  // A rectifier, or what is clipped at zero.
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    return llvm::any_of(op->getOperands(), isOftenZeroElement);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return isOftenZeroElement(select.getTrueValue()) ||
           isOftenZeroElement(select.getFalseValue());
  return false;
}

Value ttc::rootOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

bool ttc::becomesLoops(Operation *op) {
  return isa<NestOp, ReduceOp, AssembleOp, GatherOp>(op);
}

bool ttc::mayBeEvents(Value input) {
  constexpr int64_t shortest = 32;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(input.getType()).getShape();
  return !shape.empty() && shape.back() >= shortest &&
         zerosOf(input) != Zeros::Few;
}

static Zeros zerosOfArgument(BlockArgument argument) {
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  unsigned index = argument.getArgNumber();
  if (Attribute events = function.getArgAttr(index, eventsAttr))
    return isa<UnitAttr>(events) ? Zeros::Fired : Zeros::Given;
  bool comesFromOutside = function.getArgAttr(index, inputAttr) &&
                          !function.getArgAttr(index, bufferAttr) &&
                          !function.getArgAttr(index, outputAttr);
  return comesFromOutside ? Zeros::Given : Zeros::Few;
}

Zeros ttc::zerosOf(Value input) {
  Value root = rootOf(input);
  if (auto argument = dyn_cast<BlockArgument>(root))
    return zerosOfArgument(argument);
  auto nest = root.getDefiningOp<NestOp>();
  if (!nest)
    return Zeros::Few;
  Operation *yield = nest.getBody().front().getTerminator();
  Value element = yield->getOperand(cast<OpResult>(root).getResultNumber());
  // What is rounded has the zeros of what it was.
  if (auto rounded = element.getDefiningOp<arith::TruncFOp>()) {
    element = rounded.getIn();
    unsigned products = nest.getNumProducts();
    if (auto argument = dyn_cast<BlockArgument>(element);
        argument && argument.getArgNumber() >= products)
      return zerosOf(nest.getInputs()[argument.getArgNumber() - products]);
  }
  return isOftenZeroElement(element) ? Zeros::Fired : Zeros::Few;
}
