//===- Results.cpp - What is done with outputs? ---------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Results.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace ttcrun {

Comparison::Comparison(const std::string &path, const Port &port,
                       const Tolerance &tolerance)
    : golden(readNpy(path)), port(port), tolerance(tolerance) {
  std::vector<int64_t> rest(golden.shape.begin() + !golden.shape.empty(),
                            golden.shape.end());
  if (golden.shape.empty() || rest != port.shape)
    fail("'" + path + "' has the shape " + shapeText(golden.shape) +
         "; the output '" + port.name + "' gives (timesteps, then " +
         shapeText(port.shape) + ").");
  if (golden.type() != npyType(port.dtype))
    fail("'" + path + "' has the type " + golden.type() + ", the output '" +
         port.name + "' is " + ttc_dtype_name(port.dtype) + ".");
}

void Comparison::step(const unsigned char *values, int64_t timestep) {
  if (timestep >= golden.shape[0])
    fail("'" + golden.path + "' has only " + std::to_string(golden.shape[0]) +
         " timesteps to compare with.");
  ++steps;
  const unsigned char *expected =
      golden.data.data() + static_cast<size_t>(timestep) * port.bytes;
  for (size_t i = 0; i < port.elements; ++i) {
    double found = port.number(values, i), wanted = port.number(expected, i);
    double difference = std::fabs(found - wanted);
    if (difference > largest)
      largest = difference;
    size_t at = i * golden.itemSize;
    if (agrees(values + at, expected + at, difference))
      continue;
    if (differing++ == 0) {
      firstStep = timestep;
      firstElement = i;
      firstFound = found;
      firstExpected = wanted;
    }
  }
}

bool Comparison::finish(int64_t end) const {
  if (!steps)
    fail("There is nothing to compare with '" + golden.path +
         "': no timestep was run.");
  if (end >= 0 && end < golden.shape[0])
    fail("'" + golden.path + "' has " + std::to_string(golden.shape[0]) +
         " timesteps, the input ended after " + std::to_string(end) +
         "; say --steps if that is meant.");
  char rule[64];
  if (tolerance.exact)
    std::snprintf(rule, sizeof(rule), "to the bit");
  else
    std::snprintf(rule, sizeof(rule), "within rtol %g, atol %g", tolerance.rtol,
                  tolerance.atol);
  if (!differing) {
    std::printf("compare: output '%s' agrees with '%s' %s over %lld "
                "timesteps; the largest difference is %.9g\n",
                port.name.c_str(), golden.path.c_str(), rule,
                static_cast<long long>(steps), largest);
    return true;
  }
  std::printf("compare: output '%s' differs from '%s' (%s): at timestep "
              "%lld, element %s is %.*g, %.*g is expected; %llu of %llu "
              "elements differ, the largest difference is %.9g\n",
              port.name.c_str(), golden.path.c_str(), rule,
              static_cast<long long>(firstStep),
              shapeText(position(firstElement)).c_str(), port.digits(),
              firstFound, port.digits(), firstExpected,
              static_cast<unsigned long long>(differing),
              static_cast<unsigned long long>(port.elements) *
                  static_cast<unsigned long long>(steps),
              largest);
  return false;
}

bool Comparison::agrees(const unsigned char *found,
                        const unsigned char *expected,
                        double difference) const {
  if (tolerance.exact)
    return std::memcmp(found, expected, golden.itemSize) == 0;
  double a = port.number(found, 0), b = port.number(expected, 0);
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) && std::isnan(b);
  return a == b || difference <= tolerance.atol + tolerance.rtol * std::fabs(b);
}

std::vector<int64_t> Comparison::position(size_t element) const {
  std::vector<int64_t> result(port.shape.size());
  for (size_t i = port.shape.size(); i-- > 0;) {
    result[i] =
        static_cast<int64_t>(element % static_cast<size_t>(port.shape[i]));
    element /= static_cast<size_t>(port.shape[i]);
  }
  return result;
}

Accuracy::Accuracy(const std::string &path, const Port &port)
    : labels(readNpy(path)), port(port), sums(port.elements) {
  if (port.shape.empty() || port.elements == 0)
    fail("The output '" + port.name + "' has no classes to choose from.");
  classes = static_cast<size_t>(port.shape.back());
  if (labels.kind == 'f')
    fail("'" + path + "' has the type " + labels.type() +
         ", labels are integers.");
  if (labels.elements() != port.elements / classes)
    fail("'" + path + "' has " + std::to_string(labels.elements()) +
         " labels, the output '" + port.name + "' of shape " +
         shapeText(port.shape) + " gives " +
         std::to_string(port.elements / classes) + " predictions.");
}

void Accuracy::step(const unsigned char *values) {
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] += port.number(values, i);
}

void Accuracy::finish() const {
  size_t rows = sums.size() / classes;
  size_t right = 0;
  for (size_t row = 0; row < rows; ++row) {
    auto start = sums.begin() + static_cast<ptrdiff_t>(row * classes);
    auto best =
        std::max_element(start, start + static_cast<ptrdiff_t>(classes));
    right += static_cast<double>(best - start) == labels.number(row);
  }
  std::printf("accuracy: %.4f (%zu of %zu)\n",
              static_cast<double>(right) / static_cast<double>(rows), right,
              rows);
}

Output::Output(const std::string &path, const Port &port) : port(port) {
  if (path != "-")
    writer = std::make_unique<NpyWriter>(path, npyType(port.dtype), port.shape);
}

void Output::steps(const unsigned char *values, int64_t count) {
  size_t bytes = port.bytes * static_cast<size_t>(count);
  written += count;
  if (writer)
    writer->write(values, bytes);
  else if (std::fwrite(values, 1, bytes, stdout) != bytes ||
           std::fflush(stdout) != 0)
    fail("Cannot write to standard output: " +
         std::generic_category().message(errno) + ".");
}

void Output::finish() {
  if (writer)
    writer->finish(written);
}

} // namespace ttcrun
