//===- Diff.cpp - What differs between two files? -------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diff.h"

#include "Json.h"
#include "Tensors.h"

#include <cmath>
#include <cstdio>
#include <cstring>

namespace ttcstate {
namespace {

/// How two tensors of one dtype and shape differ.
struct Difference {
  size_t count = 0; ///< of elements that do
  size_t first = 0;
  double absolute = 0; ///< the largest, and where it is
  size_t absoluteAt = 0;
  double relative = 0; ///< to the larger of both
  size_t relativeAt = 0;
};

/// Keeps the larger of two, of which NaN is the largest.
void raise(double value, size_t at, double &largest, size_t &largestAt) {
  if (std::isnan(largest) || value <= largest)
    return;
  largest = value;
  largestAt = at;
}

Difference compare(const ttc_tensor &a, const ttc_tensor &b,
                   const Tolerance &tolerance) {
  const bool tolerant = tolerance.relative > 0 || tolerance.absolute > 0;
  const size_t size = ttc_dtype_size(a.dtype);
  const char *bytesA = static_cast<const char *>(a.data);
  const char *bytesB = static_cast<const char *>(b.data);
  Difference result;
  for (size_t i = 0; i < elements(a); ++i) {
    if (std::memcmp(bytesA + i * size, bytesB + i * size, size) == 0)
      continue;
    const double x = element(a, i), y = element(b, i);
    const double difference = std::fabs(x - y);
    if (tolerant &&
        (x == y ||
         difference <= tolerance.absolute + tolerance.relative * std::fabs(y)))
      continue;
    if (result.count++ == 0)
      result.first = i;
    const double larger = std::fmax(std::fabs(x), std::fabs(y));
    raise(difference, i, result.absolute, result.absoluteAt);
    raise(difference == 0 ? 0 : difference / larger, i, result.relative,
          result.relativeAt);
  }
  return result;
}

/// What is said of one key, in either form.
class Report {
public:
  explicit Report(bool json) : json(json) {}

  void onlyIn(const char *key, const char *side, const std::string &path) {
    differs = true;
    if (json)
      keys[side == std::string("a") ? "only_in_a" : "only_in_b"].push_back(key);
    else
      std::printf("%s: only in '%s'\n", printable(key).c_str(), path.c_str());
  }

  void otherType(const ttc_tensor &a, const char *dtypeA, const ttc_tensor &b,
                 const char *dtypeB) {
    differs = true;
    if (json)
      keys["other_type"].push_back({{"name", a.name},
                                    {"a", typeOf(a, dtypeA)},
                                    {"b", typeOf(b, dtypeB)}});
    else
      std::printf("%s: %s %s and %s %s\n", printable(a.name).c_str(), dtypeA,
                  shapeText(a).c_str(), dtypeB, shapeText(b).c_str());
  }

  /// Of a dtype that ttc does not compute with.
  void otherBits(const ttc_tensor &a, const char *dtype) {
    differs = true;
    if (json)
      keys["other_values"].push_back({{"name", a.name}, {"bits_equal", false}});
    else
      std::printf("%s: the bits differ (%s, whose values are not compared)\n",
                  printable(a.name).c_str(), dtype);
  }

  void otherValues(const ttc_tensor &a, const ttc_tensor &b,
                   const Difference &difference) {
    differs = true;
    if (json) {
      keys["other_values"].push_back(
          {{"name", a.name},
           {"bits_equal", false},
           {"differing", difference.count},
           {"elements", elements(a)},
           {"first", position(a, difference.first)},
           {"largest_absolute", difference.absolute},
           {"largest_absolute_at", position(a, difference.absoluteAt)},
           {"largest_relative", difference.relative},
           {"largest_relative_at", position(a, difference.relativeAt)}});
      return;
    }
    std::printf("%s: %zu of %zu elements differ; the first at %s is %.9g and "
                "%.9g; the largest difference, %.9g, is at %s, the largest "
                "relative one, %.9g, at %s\n",
                printable(a.name).c_str(), difference.count, elements(a),
                position(a, difference.first).c_str(),
                element(a, difference.first), element(b, difference.first),
                difference.absolute, position(a, difference.absoluteAt).c_str(),
                difference.relative,
                position(a, difference.relativeAt).c_str());
  }

  int finish() {
    if (json) {
      keys["same"] = !differs;
      printJson(keys);
    }
    return differs ? 1 : 0;
  }

private:
  static Json typeOf(const ttc_tensor &tensor, const char *dtype) {
    return {{"dtype", dtype},
            {"shape",
             std::vector<int64_t>(tensor.shape, tensor.shape + tensor.rank)}};
  }

  const bool json;
  bool differs = false;
  Json keys = {{"only_in_a", Json::array()},
               {"only_in_b", Json::array()},
               {"other_type", Json::array()},
               {"other_values", Json::array()}};
};

bool sameShape(const ttc_tensor &a, const ttc_tensor &b) {
  return a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
}

} // namespace

int diff(const std::string &pathA, const std::string &pathB,
         const Tolerance &tolerance, bool json) {
  ttc::Weights a = openNoting(pathA, 0), b = openNoting(pathB, 0);
  Report report(json);
  size_t i = 0, j = 0;
  // Both are in order of name.
  while (i < a.count() || j < b.count()) {
    const char *nameA = ttc_weights_name(a.get(), i);
    const char *nameB = ttc_weights_name(b.get(), j);
    int order = !nameA ? 1 : !nameB ? -1 : std::strcmp(nameA, nameB);
    if (order != 0) {
      if (order < 0)
        report.onlyIn(nameA, "a", pathA), ++i;
      else
        report.onlyIn(nameB, "b", pathB), ++j;
      continue;
    }
    ttc_tensor x = a.at(i), y = b.at(j);
    const char *typeX = ttc_weights_dtype(a.get(), i);
    const char *typeY = ttc_weights_dtype(b.get(), j);
    const uint64_t bytes = ttc_weights_bytes(a.get(), i);
    ++i;
    ++j;
    if (std::strcmp(typeX, typeY) != 0 || !sameShape(x, y)) {
      report.otherType(x, typeX, y, typeY);
      continue;
    }
    if (bytes == 0 || std::memcmp(x.data, y.data, bytes) == 0)
      continue;
    if (!x.dtype) {
      report.otherBits(x, typeX);
      continue;
    }
    Difference difference = compare(x, y, tolerance);
    if (difference.count)
      report.otherValues(x, y, difference);
  }
  return report.finish();
}

} // namespace ttcstate
