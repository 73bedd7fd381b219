//===- Ports.h - What does a timestep take and give? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PORTS_H
#define TTC_PORTS_H

#include "ttc/runtime.h"

#include <string>
#include <vector>

namespace ttcrun {

/// Ends the run with this sentence.
[[noreturn]] void fail(const std::string &sentence);

/// An input or output of the model with the batch filled in, without the steps.
struct Port {
  std::string name;
  int32_t dtype;
  std::vector<int64_t> shape;
  size_t elements = 1;
  size_t bytes = 0;

  /// Element `index` of values of F32 or F64.
  double number(const unsigned char *values, size_t index) const;
  /// The digits with which one of its numbers is told from every other.
  int digits() const { return dtype == TTC_DTYPE_F64 ? 17 : 9; }
};

Port makePort(const ttc_tensor_spec &spec, int64_t batch);

/// The name of a dtype as NumPy writes it, or "" where NumPy has none.
std::string npyType(int32_t dtype);

} // namespace ttcrun

#endif // TTC_PORTS_H
