//===- Show.cpp - What is in a file? --------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Show.h"

#include "Json.h"
#include "Statistics.h"

#include <algorithm>
#include <cstdio>

namespace ttcstate {
namespace {

constexpr size_t firstValues = 8;

std::vector<std::pair<std::string, std::string>>
metadataOf(const ttc::Weights &file) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 0; i < ttc_weights_metadata_count(file.get()); ++i) {
    const char *key = nullptr, *value = nullptr;
    ttc::detail::check([&](ttc_error *error) {
      return ttc_weights_metadata_at(file.get(), i, &key, &value, error);
    });
    pairs.emplace_back(key, value);
  }
  return pairs;
}

Json toJson(const ttc::Weights &file, size_t index, const ttc_tensor &tensor) {
  return {
      {"name", tensor.name},
      {"dtype", ttc_weights_dtype(file.get(), index)},
      {"shape", std::vector<int64_t>(tensor.shape, tensor.shape + tensor.rank)},
      {"bytes", ttc_weights_bytes(file.get(), index)}};
}

void showValues(const ttc_tensor &tensor) {
  const Statistics of = statisticsOf(tensor);
  if (of.finite())
    std::printf("  min %.9g  max %.9g  mean %.9g  std %.9g\n", of.least,
                of.most, of.mean, of.deviation);
  if (of.finite() != of.count)
    std::printf("  %zu of %zu are not finite: %zu NaN, %zu infinite\n",
                of.count - of.finite(), of.count, of.nans, of.infinities);
  if (!of.count)
    return;
  std::printf("  first values");
  for (size_t i = 0; i < std::min(of.count, firstValues); ++i)
    std::printf(" %.9g", element(tensor, i));
  std::printf("%s\n", of.count > firstValues ? " ..." : "");
}

void addValues(const ttc_tensor &tensor, Json &json) {
  const Statistics of = statisticsOf(tensor);
  if (of.finite()) {
    json["min"] = of.least;
    json["max"] = of.most;
    json["mean"] = of.mean;
    json["std"] = of.deviation;
  }
  json["nan"] = of.nans;
  json["infinite"] = of.infinities;
}

} // namespace

int list(const std::string &path, bool json) {
  // States too are listed by what describes them.
  ttc::Weights file = openNoting(path, TTC_WEIGHTS_META);
  Json tensors = Json::array();
  uint64_t total = 0;
  for (size_t i = 0; i < file.count(); ++i) {
    ttc_tensor tensor = file.at(i);
    const uint64_t bytes = ttc_weights_bytes(file.get(), i);
    total += bytes;
    if (json)
      tensors.push_back(toJson(file, i, tensor));
    else
      std::printf("%s %s %s %llu bytes\n", printable(tensor.name).c_str(),
                  ttc_weights_dtype(file.get(), i), shapeText(tensor).c_str(),
                  static_cast<unsigned long long>(bytes));
  }
  if (json)
    printJson({{"file", path}, {"tensors", tensors}, {"bytes", total}});
  else
    std::printf("%zu tensors, %llu bytes\n", file.count(),
                static_cast<unsigned long long>(total));
  return 0;
}

int show(const std::string &path, const std::string &key, bool json) {
  ttc::Weights file = openNoting(path, 0);
  Json metadata = Json::object(), tensors = Json::array();
  if (key.empty())
    for (const auto &[name, value] : metadataOf(file)) {
      metadata[name] = value;
      if (!json)
        std::printf("%s = %s\n", printable(name.c_str()).c_str(),
                    printable(value.c_str()).c_str());
    }
  bool found = key.empty();
  for (size_t i = 0; i < file.count(); ++i) {
    // Asked for by its name alone, so that no other tensor is read.
    const char *name = ttc_weights_name(file.get(), i);
    if (!key.empty() && key != name)
      continue;
    found = true;
    ttc_tensor tensor = file.at(i);
    if (json) {
      tensors.push_back(toJson(file, i, tensor));
      if (tensor.dtype)
        addValues(tensor, tensors.back());
      continue;
    }
    std::printf("%s %s %s\n", printable(tensor.name).c_str(),
                ttc_weights_dtype(file.get(), i), shapeText(tensor).c_str());
    if (tensor.dtype)
      showValues(tensor);
  }
  if (!found)
    throw std::runtime_error("'" + path + "' has no tensor '" + key +
                             "'; 'ttc-state list' prints those it has.");
  if (json)
    printJson({{"file", path}, {"metadata", metadata}, {"tensors", tensors}});
  return 0;
}

} // namespace ttcstate
