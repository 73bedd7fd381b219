//===- SafetensorsWriter.cpp - How does a safetensors file begin? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/SafetensorsWriter.h"

#include "files/Json.h"

#include <cstring>

std::string
ttc::makeSafetensorsHeader(const std::map<std::string, std::string> &metadata,
                           const std::vector<OutgoingTensor> &tensors) {
  std::string pairs;
  for (const auto &[key, value] : metadata)
    pairs +=
        (pairs.empty() ? "" : ",") + jsonString(key) + ":" + jsonString(value);
  std::string entries;
  if (!metadata.empty())
    entries = "\"__metadata__\":{" + pairs + "}";
  uint64_t at = 0;
  for (const OutgoingTensor &tensor : tensors) {
    entries += (entries.empty() ? "" : ",") + jsonString(tensor.name) +
               ":{\"dtype\":\"" + tensor.dtypeName + "\",\"shape\":[";
    for (size_t d = 0; d < tensor.rank; ++d)
      entries += (d ? "," : "") + std::to_string(tensor.shape[d]);
    entries += "],\"data_offsets\":[" + std::to_string(at) + "," +
               std::to_string(at + tensor.data.size) + "]}";
    at += tensor.data.size;
  }
  std::string header = std::string(8, '\0') + "{" + entries + "}";
  header.append((TTC_ALIGNMENT - header.size() % TTC_ALIGNMENT) % TTC_ALIGNMENT,
                ' ');
  uint64_t size = header.size() - 8;
  std::memcpy(header.data(), &size, 8);
  return header;
}
