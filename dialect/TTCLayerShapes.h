//===- TTCLayerShapes.h ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the verifiers of all layers ask of shapes.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIALECT_TTCLAYERSHAPES_H
#define TTC_DIALECT_TTCLAYERSHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace ttc {

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// The tensor of `shape` with the element type of `like`.
mlir::RankedTensorType tensorOf(llvm::ArrayRef<int64_t> shape,
                                mlir::Value like);

/// A dimension counted from the front; negative ones count from behind the
/// last. Attributes carry them as they were written, in unsigned getters.
inline int64_t fromFront(int64_t dim, mlir::Value tensor) {
  return dim < 0 ? dim + typeOf(tensor).getRank() : dim;
}

/// The largest size that an attribute may ask for: below it no product of two
/// of them overflows, and beyond it nothing fits a tensor.
constexpr int64_t mostOfAnything = int64_t(1) << 30;

/// How many elements, where every size is static.
int64_t numElements(llvm::ArrayRef<int64_t> shape);

/// Checks that the dimension `dim` of `input`, along which lie `what`, exists.
mlir::LogicalResult verifyDim(mlir::Operation *op, mlir::Value input,
                              int64_t dim, llvm::StringRef what);
/// The same, and that its size is static.
mlir::LogicalResult verifyStaticDim(mlir::Operation *op, mlir::Value input,
                                    int64_t dim, llvm::StringRef what);

/// Checks that a result is what its input makes.
mlir::LogicalResult verifyMakes(mlir::Operation *op, mlir::Value input,
                                mlir::Value output,
                                mlir::RankedTensorType expected);

/// Checks that `output` has the shape of `input` but for the size of `dim`,
/// which is static in both.
mlir::LogicalResult verifyChangesOnly(mlir::Operation *op, mlir::Value input,
                                      mlir::Value output, int64_t dim);

} // namespace ttc

#endif // TTC_DIALECT_TTCLAYERSHAPES_H
