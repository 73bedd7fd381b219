//===- TTCWindow.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a window slides over the last dimensions of a tensor.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTCWindow.h"
#include "dialect/TTCLayerShapes.h"

using namespace mlir;
using namespace ttc;

Window::Window(ArrayRef<int64_t> kernel,
               std::optional<ArrayRef<int64_t>> stride,
               std::optional<ArrayRef<int64_t>> padding,
               std::optional<ArrayRef<int64_t>> paddingHigh,
               std::optional<ArrayRef<int64_t>> dilation,
               ArrayRef<int64_t> defaultStride)
    : kernel(kernel), stride(stride.value_or(defaultStride)) {
  SmallVector<int64_t> zeros(kernel.size(), 0), ones(kernel.size(), 1);
  low.assign(padding.value_or(zeros));
  high.assign(paddingHigh.value_or(low));
  this->dilation.assign(dilation.value_or(ones));
}

int64_t Window::getPlaces(size_t dim, int64_t size) const {
  int64_t room = size + low[dim] + high[dim] - getExtent(dim);
  return room < 0 ? 0 : room / stride[dim] + 1;
}

LogicalResult Window::verify(Operation *op, Value input, int64_t before) const {
  if (kernel.empty())
    return op->emitOpError("has a kernel without sizes");
  for (auto [name, numbers, least] : {std::make_tuple("kernel", &kernel, 1),
                                      {"stride", &stride, 1},
                                      {"dilation", &dilation, 1},
                                      {"padding", &low, 0},
                                      {"padding", &high, 0}}) {
    if (numbers->size() != kernel.size())
      return op->emitOpError()
             << "has the " << name << " [" << *numbers << "], expected "
             << kernel.size() << " numbers, one for each size of the kernel ["
             << kernel << "]";
    for (int64_t number : *numbers)
      if (number < least || number > mostOfAnything)
        return op->emitOpError() << "has the " << name << " [" << *numbers
                                 << "], expected numbers from " << least
                                 << " to " << mostOfAnything;
  }
  RankedTensorType type = typeOf(input);
  int64_t rank = getRank();
  if (type.getRank() < before + rank)
    return op->emitOpError()
           << "slides a window over " << rank << " dimensions of " << type
           << ", which has too few";
  for (int64_t dim = type.getRank() - rank; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      return op->emitOpError()
             << "slides a window along the dynamic batch of " << type;
  return success();
}
