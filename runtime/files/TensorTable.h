//===- TensorTable.h - Which tensors has a file, of any kind? ---*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TENSORTABLE_H
#define TTC_TENSORTABLE_H

#include "files/FileKind.h"
#include "files/SafetensorsReader.h"
#include "support/Memory.h"

#include <map>

namespace ttc {

/// Names, dtypes and shapes, and where the data is, in the form of a
/// safetensors header: it begins at `header.dataAt + entry.begin`, and made
/// dense it has `entry.end - entry.begin` bytes.
struct TensorTable {
  SafetensorsHeader header;
  /// Of the tensors that are not dense, by their `shapeAt`; in elements.
  std::map<size_t, std::vector<int64_t>> strides;

  /// Null for a tensor that is dense.
  const int64_t *stridesOf(const SafetensorsEntry &entry) const {
    auto found = strides.find(entry.shapeAt);
    // One without dimensions has its `shapeAt` in common with the next one.
    return found == strides.end() || !entry.rank ? nullptr
                                                 : found->second.data();
  }
};

/// Reads what describes the tensors, of a safetensors file or one that
/// torch.save wrote, and no data unless `verify` asks for its checksums.
Status readTable(const std::string &path, FileKind kind,
                 const unsigned char *bytes, uint64_t size, bool verify,
                 TensorTable &table);

/// The data of `entry`, which lies at `address`, as generated code takes it:
/// dense, aligned to its element, and its booleans 0 or 1. In `copy` where it
/// does not lie so already. `label` is for the sentences only.
Status fetchTensor(const std::string &label, const TensorTable &table,
                   const SafetensorsEntry &entry, const unsigned char *address,
                   AlignedBlock &copy, const void *&bytes);

/// Refuses a boolean that is neither 0 nor 1: generated code relies on it.
Status checkBooleans(const std::string &label, std::string_view name,
                     const void *data, uint64_t bytes);

} // namespace ttc

#endif // TTC_TENSORTABLE_H
