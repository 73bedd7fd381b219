//===- TTCWindow.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a window slides over the last dimensions of a tensor.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIALECT_TTCWINDOW_H
#define TTC_DIALECT_TTCWINDOW_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace ttc {

/// A number for each dimension that a window slides along.
struct Window {
  llvm::SmallVector<int64_t> kernel, stride, low, high, dilation;

  /// The window of an op's attributes: `defaultStride` is where none is given.
  Window(llvm::ArrayRef<int64_t> kernel,
         std::optional<llvm::ArrayRef<int64_t>> stride,
         std::optional<llvm::ArrayRef<int64_t>> padding,
         std::optional<llvm::ArrayRef<int64_t>> paddingHigh,
         std::optional<llvm::ArrayRef<int64_t>> dilation,
         llvm::ArrayRef<int64_t> defaultStride);

  size_t getRank() const { return kernel.size(); }
  /// How many elements it reaches over.
  int64_t getExtent(size_t dim) const {
    return dilation[dim] * (kernel[dim] - 1) + 1;
  }
  /// How many places it has on `size` elements, the last of them whole.
  int64_t getPlaces(size_t dim, int64_t size) const;

  /// Checks that the attributes fit each other, and `input`, which has at least
  /// `before` dimensions in front of those that the window slides along.
  mlir::LogicalResult verify(mlir::Operation *op, mlir::Value input,
                             int64_t before) const;
};

} // namespace ttc

#endif // TTC_DIALECT_TTCWINDOW_H
