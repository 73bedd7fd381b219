//===- Statistics.h - How are a tensor's values spread? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STATISTICS_H
#define TTC_STATISTICS_H

#include "Tensors.h"

namespace ttcstate {

/// Of the values that are finite; the others are counted.
struct Statistics {
  size_t count = 0; ///< of all
  size_t nans = 0;
  size_t infinities = 0;
  double least = 0;
  double most = 0;
  double mean = 0;
  double deviation = 0; ///< the standard deviation, of all rather than a sample

  size_t finite() const { return count - nans - infinities; }
};

/// Of a tensor of a dtype that ttc computes with.
Statistics statisticsOf(const ttc_tensor &tensor);

} // namespace ttcstate

#endif // TTC_STATISTICS_H
