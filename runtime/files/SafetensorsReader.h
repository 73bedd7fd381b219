//===- SafetensorsReader.h - What is in a safetensors file? -----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Eight bytes of length N, N bytes of JSON, then the tensors' data, end to end
// without a hole. Everything that the header claims is checked, in time linear
// in the file (but for sorting) and without recursion; no tensor's data is
// touched. Stricter than the format's own reader in one point: a field of a
// tensor other than dtype, shape and data_offsets is an error.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SAFETENSORSREADER_H
#define TTC_SAFETENSORSREADER_H

#include "support/Error.h"
#include "tensors/Dtype.h"

#include <vector>

namespace ttc {

/// A header that is longer is refused, as every reader of the format does.
constexpr uint64_t largestSafetensorsHeader = 100'000'000;

struct SafetensorsEntry {
  std::string name;
  const DtypeInfo *dtype = nullptr;
  size_t shapeAt = 0; ///< where its sizes begin in `shapes`
  uint32_t rank = 0;
  uint64_t begin = 0; ///< its data, relative to that of the file
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors; ///< sorted by name
  std::vector<int64_t> shapes;
  std::vector<std::pair<std::string, std::string>> metadata; ///< sorted by key
  uint64_t headerSize = 0;                                   ///< N
  uint64_t dataAt = 0;                                       ///< 8 + N

  const int64_t *shape(const SafetensorsEntry &entry) const {
    return shapes.data() + entry.shapeAt;
  }
  /// The entry of that name, or null.
  const SafetensorsEntry *find(std::string_view name) const;
  /// The value of that key of the metadata, or null.
  const std::string *findMetadata(std::string_view key) const;
};

/// Whether a text can stand in JSON.
bool isUtf8(std::string_view text);

/// `path` is for the sentences only.
Status parseSafetensors(const std::string &path, const unsigned char *bytes,
                        uint64_t size, SafetensorsHeader &header);

} // namespace ttc

#endif // TTC_SAFETENSORSREADER_H
