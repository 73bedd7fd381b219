//===- Ports.h - What does a model take and give at a timestep? --*- C++
//-*-===//
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
};

Port makePort(const ttc_tensor_spec &spec, int64_t batch);

/// The name of a dtype as NumPy writes it, or "" where NumPy has none.
std::string npyType(int32_t dtype);

} // namespace ttcrun

#endif // TTC_PORTS_H
