//===- ttc-state.cpp - What is in a file of states or weights? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Tensors.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

using namespace ttcstate;

namespace {

constexpr size_t firstValues = 8;

//===----------------------------------------------------------------------===//
// The commands
//===----------------------------------------------------------------------===//

int list(const std::string &path) {
  ttc::Weights file = ttc::Weights::open(path);
  for (size_t i = 0; i < file.count(); ++i) {
    ttc_tensor tensor = file.at(i);
    std::printf("%s %s %s\n", printable(tensor.name).c_str(),
                ttc_weights_dtype(file.get(), i), shapeText(tensor).c_str());
  }
  return 0;
}

void showValues(const ttc_tensor &tensor) {
  size_t count = elements(tensor);
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  double sum = 0;
  size_t finite = 0, nans = 0;
  for (size_t i = 0; i < count; ++i) {
    double value = element(tensor, i);
    nans += std::isnan(value);
    if (!std::isfinite(value))
      continue;
    ++finite;
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  if (finite)
    std::printf("  min %.9g  max %.9g  mean %.9g\n", least, most,
                sum / static_cast<double>(finite));
  if (finite != count)
    std::printf("  %zu of %zu are not finite: %zu NaN, %zu infinite\n",
                count - finite, count, nans, count - finite - nans);
  if (!count)
    return;
  std::printf("  first values");
  for (size_t i = 0; i < std::min(count, firstValues); ++i)
    std::printf(" %.9g", element(tensor, i));
  std::printf("%s\n", count > firstValues ? " ..." : "");
}

int show(const std::string &path, const std::string &key) {
  ttc::Weights file = ttc::Weights::open(path);
  if (key.empty())
    for (size_t i = 0; i < ttc_weights_metadata_count(file.get()); ++i) {
      const char *name = nullptr, *value = nullptr;
      ttc::detail::check([&](ttc_error *error) {
        return ttc_weights_metadata_at(file.get(), i, &name, &value, error);
      });
      std::printf("%s = %s\n", printable(name).c_str(),
                  printable(value).c_str());
    }
  bool found = false;
  for (size_t i = 0; i < file.count(); ++i) {
    ttc_tensor tensor = file.at(i);
    if (!key.empty() && key != tensor.name)
      continue;
    found = true;
    std::printf("%s %s %s\n", printable(tensor.name).c_str(),
                ttc_weights_dtype(file.get(), i), shapeText(tensor).c_str());
    if (tensor.dtype)
      showValues(tensor);
  }
  if (!found && !key.empty())
    throw std::runtime_error("'" + path + "' has no tensor '" + key +
                             "'; 'ttc-state list' prints those it has.");
  return 0;
}

/// Compares two tensors of one key; true if they are equal to the bit, up to
/// the tolerance.
bool diffTensors(const ttc_tensor &a, const ttc_tensor &b, double rtol,
                 double atol) {
  size_t count = elements(a);
  size_t size = ttc_dtype_size(a.dtype);
  size_t differing = 0, first = 0, largestAt = 0;
  double largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::memcmp(static_cast<const char *>(a.data) + i * size,
                    static_cast<const char *>(b.data) + i * size, size) == 0)
      continue;
    double x = element(a, i), y = element(b, i);
    double difference = std::fabs(x - y);
    // With a tolerance, numbers count: without one, bits do.
    if ((rtol > 0 || atol > 0) &&
        (x == y || difference <= atol + rtol * std::fabs(y)))
      continue;
    if (differing++ == 0)
      first = i;
    if (!(difference <= largest)) {
      largest = difference;
      largestAt = i;
    }
  }
  if (!differing)
    return true;
  std::printf("%s: %zu of %zu elements differ; the first at %s is %.9g and "
              "%.9g; the largest difference, %.9g, is at %s\n",
              printable(a.name).c_str(), differing, count,
              position(a, first).c_str(), element(a, first), element(b, first),
              largest, position(a, largestAt).c_str());
  return false;
}

int diff(const std::string &pathA, const std::string &pathB, double rtol,
         double atol) {
  ttc::Weights a = ttc::Weights::open(pathA), b = ttc::Weights::open(pathB);
  bool same = true;
  size_t i = 0, j = 0;
  // Both are in order of name.
  while (i < a.count() || j < b.count()) {
    int order = i == a.count()   ? 1
                : j == b.count() ? -1
                                 : std::strcmp(a.at(i).name, b.at(j).name);
    if (order != 0) {
      const char *name = order < 0 ? a.at(i++).name : b.at(j++).name;
      std::printf("%s: only in '%s'\n", printable(name).c_str(),
                  (order < 0 ? pathA : pathB).c_str());
      same = false;
      continue;
    }
    ttc_tensor x = a.at(i), y = b.at(j);
    const char *typeX = ttc_weights_dtype(a.get(), i++);
    const char *typeY = ttc_weights_dtype(b.get(), j++);
    if (std::strcmp(typeX, typeY) != 0 || shapeText(x) != shapeText(y)) {
      std::printf("%s: %s %s and %s %s\n", printable(x.name).c_str(), typeX,
                  shapeText(x).c_str(), typeY, shapeText(y).c_str());
      same = false;
      continue;
    }
    if (!x.dtype)
      throw std::runtime_error("The tensor '" + printable(x.name) + "' is " +
                               typeX + ", which ttc does not compare.");
    same &= diffTensors(x, y, rtol, atol);
  }
  return same ? 0 : 1;
}

int verify(const std::string &path) {
  ttc::detail::check(
      [&](ttc_error *error) { return ttc_states_verify(path.c_str(), error); });
  std::printf("'%s' is whole: every checksum is right\n", path.c_str());
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    CLI::App app("Looks into files of states and weights (.safetensors), and "
                 "converts weights.");
    app.set_version_flag("--version", std::string("ttc ") + ttc_version());
    app.require_subcommand(1);
    std::string file, other, key, model;
    bool raw = false;
    double rtol = 0, atol = 0;

    CLI::App *listing =
        app.add_subcommand("list", "one line a tensor: key, dtype, shape");
    listing->add_option("file", file, "the file")->required();
    CLI::App *showing = app.add_subcommand(
        "show", "metadata, and the range and first values of each tensor");
    showing->add_option("file", file, "the file")->required();
    showing->add_option("key", key, "this tensor only");
    CLI::App *differing = app.add_subcommand(
        "diff", "what differs between two files; exit code 1 if anything does");
    differing->add_option("a", file, "one file")->required();
    differing->add_option("b", other, "the other")->required();
    differing->add_option("--rtol", rtol, "relative tolerance (default: bits)")
        ->check(CLI::NonNegativeNumber);
    differing->add_option("--atol", atol, "absolute tolerance (default: bits)")
        ->check(CLI::NonNegativeNumber);
    CLI::App *verifying = app.add_subcommand(
        "verify", "whether every checksum of a states file is right");
    verifying->add_option("file", file, "the file")->required();

    CLI::App *converting = app.add_subcommand(
        "convert", "weights with their constrained parameters in another form; "
                   "prints what is lost");
    CLI::Option_group *forms = converting->add_option_group("form");
    forms->add_flag("--raw", raw, "as they are trained: raw_beta");
    forms->add_flag("--compiled", "as the model uses them: beta");
    forms->require_option(1);
    converting
        ->add_option("--model", model,
                     "the model, a shared library: it knows the parameters")
        ->required();
    converting->add_option("in", file, "the weights")->required();
    converting->add_option("out", other, "where to write them")->required();

    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
      return app.exit(error) == 0 ? 0 : 1;
    }
    int code = listing->parsed()     ? list(file)
               : showing->parsed()   ? show(file, key)
               : differing->parsed() ? diff(file, other, rtol, atol)
               : verifying->parsed() ? verify(file)
                                     : convert(raw ? Form::Raw : Form::Compiled,
                                               model, file, other);
    if (std::fflush(stdout) != 0)
      throw std::runtime_error("Cannot write to standard output.");
    return code;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ttc-state: error: %s\n", error.what());
    return 1;
  }
}
