//===- TTCNestOps.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes nests and reductions whole: shapes that fit, maps that pick one
// element.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ttc;

static LogicalResult verifyProduct(NestOp nest) {
  RankedTensorType domain = nest.getDomain();
  auto input = cast<RankedTensorType>(nest.getProductInput().getType());
  auto weight = cast<RankedTensorType>(nest.getProductWeight().getType());
  if (weight.getRank() != 2 || domain.getRank() == 0 ||
      input.getRank() != domain.getRank())
    return nest.emitOpError() << "multiplies " << input << " by " << weight
                              << ", which does not make " << domain;
  SmallVector<int64_t> expected(input.getShape().drop_back());
  expected.push_back(weight.getDimSize(0));
  if (weight.getDimSize(1) != input.getShape().back() ||
      domain.getShape() != ArrayRef<int64_t>(expected))
    return nest.emitOpError() << "multiplies " << input << " by " << weight
                              << ", which does not make " << domain;
  if (!nest.getProductBias())
    return success();
  auto bias = cast<RankedTensorType>(nest.getProductBias().getType());
  if (bias.getRank() != 1 || bias.getDimSize(0) != weight.getDimSize(0))
    return nest.emitOpError() << "adds a bias of type " << bias
                              << " to rows of " << weight.getDimSize(0);
  return success();
}

LogicalResult NestOp::verify() {
  if (getOutputs().empty())
    return emitOpError("has no results");
  RankedTensorType domain = getDomain();
  for (Value output : getOutputs())
    if (output.getType() != domain)
      return emitOpError("has results of several types: all have the shape of "
                         "its domain");
  if (hasProduct() != bool(getProductWeight()) ||
      (getProductBias() && !hasProduct()))
    return emitOpError("has a product that lacks its input or its weight");
  if (hasProduct() && failed(verifyProduct(*this)))
    return failure();
  if (getMaps().size() != getInputs().size())
    return emitOpError() << "has " << getInputs().size() << " operands, but "
                         << getMaps().size() << " maps";
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    AffineMap map = getMap(index);
    auto type = cast<RankedTensorType>(input.getType());
    if (map.getNumDims() != domain.getRank() ||
        map.getNumResults() != type.getRank() || !map.isProjectedPermutation())
      return emitOpError() << "reads operand " << index
                           << " through a map that does not pick one of its "
                              "elements for each of the domain's";
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (type.getDimSize(i) != domain.getDimSize(map.getDimPosition(i)))
        return emitOpError() << "reads operand " << index << " of type " << type
                             << " over a domain of type " << domain;
  }
  unsigned arguments = getInputs().size() + (hasProduct() ? 1 : 0);
  if (getBody().getNumArguments() != arguments)
    return emitOpError() << "has a region of " << getBody().getNumArguments()
                         << " arguments, expected " << arguments;
  Type element = domain.getElementType();
  for (auto [index, type] : llvm::enumerate(getBody().getArgumentTypes()))
    if (type != element)
      return emitOpError() << "has a region whose argument " << index << " is "
                           << type << ", expected " << element;
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getNumOperands() != getNumResults())
    return emitOpError() << "yields " << yield.getNumOperands()
                         << " values for " << getNumResults() << " results";
  for (auto [index, type] : llvm::enumerate(yield.getOperandTypes()))
    if (type != element)
      return emitOpError() << "yields " << type << " as element of result "
                           << index << ", expected " << element;
  return success();
}

LogicalResult ReduceOp::verify() {
  auto in = cast<RankedTensorType>(getInput().getType());
  auto out = cast<RankedTensorType>(getOutput().getType());
  if (in.getRank() == 0 || in.isDynamicDim(in.getRank() - 1) ||
      out.getShape() != in.getShape().drop_back())
    return emitOpError() << "makes " << out << " of " << in
                         << ", but it takes a static last dimension away";
  return success();
}
