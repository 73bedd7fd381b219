//===- Statistics.cpp - How are a tensor's values spread? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include <algorithm>
#include <cmath>

ttcstate::Statistics ttcstate::statisticsOf(const ttc_tensor &tensor) {
  Statistics result;
  result.count = elements(tensor);
  // Welford's recurrence: no sum of squares loses a small spread.
  double squares = 0, seen = 0;
  for (size_t i = 0; i < result.count; ++i) {
    const double value = element(tensor, i);
    if (!std::isfinite(value)) {
      ++(std::isnan(value) ? result.nans : result.infinities);
      continue;
    }
    result.least = seen == 0 ? value : std::min(result.least, value);
    result.most = seen == 0 ? value : std::max(result.most, value);
    const double distance = value - result.mean;
    result.mean += distance / ++seen;
    squares += distance * (value - result.mean);
  }
  if (seen > 0)
    result.deviation = std::sqrt(squares / seen);
  return result;
}
