//===- TTCLinearOps.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What products of matrices are: linear layers, matmul, and rows of tables.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ttc;

LogicalResult LinearOp::verify() {
  RankedTensorType in = typeOf(getInput()), out = typeOf(getOutput());
  if (in.getRank() == 0 || in.isDynamicDim(in.getRank() - 1))
    return emitOpError() << "takes " << in
                         << ", but the last dimension, its features, must be "
                            "there and static";
  if (out.getRank() != in.getRank() ||
      out.getShape().drop_back() != in.getShape().drop_back() ||
      out.isDynamicDim(out.getRank() - 1))
    return emitOpError() << "makes " << out << " of " << in
                         << ", but it changes the size of the last dimension "
                            "only";
  return success();
}

void LinearOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t in = typeOf(getInput()).getShape().back();
  int64_t out = typeOf(getOutput()).getShape().back();
  if (!getNoBias())
    specs.push_back({"bias", tensorOf({out}, getInput()), std::nullopt});
  specs.push_back({"weight", tensorOf({out, in}, getInput()), std::nullopt});
}

SmallVector<Value> LinearOp::expand(LayerExpansion &expansion) {
  Value bias = getNoBias() ? Value() : expansion.param("bias");
  return {expansion.product(getInput(), expansion.param("weight"), bias)};
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

LogicalResult MatmulOp::verify() {
  RankedTensorType a = typeOf(getA()), b = typeOf(getB());
  auto fits = [&] {
    if (a.getRank() < 2 || b.getRank() < 2 ||
        (b.getRank() != 2 && b.getRank() != a.getRank()) ||
        a.getElementType() != b.getElementType())
      return false;
    ArrayRef<int64_t> inner = b.getShape().take_back(2);
    return a.getShape().back() == inner.front() &&
           !ShapedType::isDynamic(inner.front()) &&
           (b.getRank() == 2 ||
            a.getShape().drop_back(2) == b.getShape().drop_back(2));
  };
  if (!fits())
    return emitOpError() << "multiplies " << a << " by " << b
                         << ", expected (…, m, k) by (…, k, n) or (k, n)";
  SmallVector<int64_t> shape(a.getShape().drop_back());
  shape.push_back(b.getShape().back());
  return verifyMakes(*this, getA(), getOutput(), tensorOf(shape, getA()));
}

/// Whether a value is known once the weights are.
static bool dependsOnParamsOnly(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<ReadOp>(op))
    return false;
  return isa<ParamValueOp>(op) ||
         (op->getNumOperands() > 0 &&
          llvm::all_of(op->getOperands(), [](Value operand) {
            return dependsOnParamsOnly(operand) ||
                   operand.getDefiningOp<tensor::EmptyOp>();
          }));
}

SmallVector<Value> MatmulOp::expand(LayerExpansion &expansion) {
  RankedTensorType b = typeOf(getB()), out = typeOf(getOutput());
  if (b.getRank() == 2 && dependsOnParamsOnly(getB()))
    return {expansion.product(getA(), expansion.transpose(getB(), {1, 0}))};
  int64_t rank = out.getRank();
  SmallVector<int64_t> batch = llvm::to_vector(llvm::seq<int64_t>(0, rank - 2));
  SmallVector<int64_t> ofA(batch), ofB;
  if (b.getRank() != 2)
    ofB = batch;
  ofA.append({rank - 2, rank});
  ofB.append({rank, rank - 1});
  return {expansion.reduce(
      ReductionKind::Add, out, getA(), {getA(), getB()},
      {expansion.pick(rank + 1, ofA), expansion.pick(rank + 1, ofB)},
      [](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
        return arith::MulFOp::create(inner, v[0], v[1]);
      })};
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  RankedTensorType out = typeOf(getOutput());
  int64_t rows = getRows();
  if (rows < 1 || rows > mostOfAnything)
    return emitOpError() << "has a table of " << rows << " rows, expected 1 to "
                         << mostOfAnything;
  if (out.getRank() != typeOf(getIds()).getRank() + 1 ||
      out.getShape().drop_back() != typeOf(getIds()).getShape() ||
      out.isDynamicDim(out.getRank() - 1))
    return emitOpError() << "makes " << out << " of " << getIds().getType()
                         << ", but it adds one static dimension at the end";
  return success();
}

void EmbeddingOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  specs.push_back(
      {"weight",
       tensorOf({int64_t(getRows()), typeOf(getOutput()).getShape().back()},
                getOutput()),
       std::nullopt});
}

SmallVector<Value> EmbeddingOp::expand(LayerExpansion &expansion) {
  return {GatherOp::create(expansion.getBuilder(), getOutput().getType(),
                           expansion.param("weight"), getIds())};
}
