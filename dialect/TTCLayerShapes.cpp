//===- TTCLayerShapes.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the verifiers of all layers ask of shapes.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTCLayerShapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ttc;

RankedTensorType ttc::tensorOf(ArrayRef<int64_t> shape, Value like) {
  return RankedTensorType::get(shape, getElementTypeOrSelf(like));
}

int64_t ttc::numElements(ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  return elements;
}

LogicalResult ttc::verifyDim(Operation *op, Value input, int64_t dim,
                             StringRef what) {
  int64_t rank = typeOf(input).getRank();
  if (dim >= -rank && dim < rank)
    return success();
  return op->emitOpError() << "has its " << what << " along dimension " << dim
                           << ", but its input has rank " << rank;
}

LogicalResult ttc::verifyStaticDim(Operation *op, Value input, int64_t dim,
                                   StringRef what) {
  if (failed(verifyDim(op, input, dim, what)))
    return failure();
  if (!typeOf(input).isDynamicDim(fromFront(dim, input)))
    return success();
  return op->emitOpError() << "has its " << what << " along dimension " << dim
                           << ", whose size is dynamic: it must be static";
}

LogicalResult ttc::verifyMakes(Operation *op, Value input, Value output,
                               RankedTensorType expected) {
  if (output.getType() == expected)
    return success();
  return op->emitOpError() << "makes " << output.getType() << " of "
                           << input.getType() << ", expected " << expected;
}

LogicalResult ttc::verifyChangesOnly(Operation *op, Value input, Value output,
                                     int64_t dim) {
  RankedTensorType in = typeOf(input), out = typeOf(output);
  SmallVector<int64_t> expected(in.getShape());
  int64_t front = fromFront(dim, input);
  if (out.getRank() == in.getRank())
    expected[front] = out.getDimSize(front);
  if (out == tensorOf(expected, input) && !out.isDynamicDim(front))
    return success();
  return op->emitOpError() << "makes " << out << " of " << in
                           << ", but it changes the size of dimension " << dim
                           << " only";
}
