//===- Results.h - What is done with outputs? -------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_RESULTS_H
#define TTC_RESULTS_H

#include "Npy.h"
#include "Ports.h"

#include <memory>

namespace ttcrun {

/// How close two outputs must be.
struct Tolerance {
  double rtol = 1e-4;
  double atol = 1e-5;
  bool exact = false; ///< the same bits
};

/// Compares outputs with those of a golden file, element by element.
class Comparison {
public:
  Comparison(const std::string &path, const Port &port,
             const Tolerance &tolerance);
  /// `values` are those of this timestep of the input.
  void step(const unsigned char *values, int64_t timestep);
  /// Prints the result; true if nothing differs. `end` is the timestep after
  /// the last that the input has, or -1 if the run was told to stop before.
  bool finish(int64_t end) const;

private:
  bool agrees(const unsigned char *found, const unsigned char *expected,
              double difference) const;
  std::vector<int64_t> position(size_t element) const;

  NpyArray golden;
  const Port &port;
  const Tolerance &tolerance;
  int64_t steps = 0;
  uint64_t differing = 0;
  double largest = 0;
  int64_t firstStep = 0;
  size_t firstElement = 0;
  double firstFound = 0, firstExpected = 0;
};

/// Sums an output over time; the largest sum along the last axis is the class.
class Accuracy {
public:
  Accuracy(const std::string &path, const Port &port);
  void step(const unsigned char *values);
  /// Prints the result.
  void finish() const;

private:
  NpyArray labels;
  const Port &port;
  std::vector<double> sums;
  size_t classes = 0;
};

/// Where an output goes: a .npy file, or ("-") numbers without a header to
/// standard output.
class Output {
public:
  Output(const std::string &path, const Port &port);
  void steps(const unsigned char *values, int64_t count);
  void finish();

private:
  const Port &port;
  std::unique_ptr<NpyWriter> writer;
  int64_t written = 0;
};

} // namespace ttcrun

#endif // TTC_RESULTS_H
