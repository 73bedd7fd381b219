//===- Weights.h - Which tensors were given? --------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table behind ttc_weights, whether a file or the caller owns the data.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_WEIGHTS_H
#define TTC_WEIGHTS_H

#include "File.h"
#include "Memory.h"
#include "SafetensorsReader.h"

#include <map>
#include <mutex>

struct ttc_weights {
  /// What sentences call these weights: a path, or "the given weights".
  std::string label;
  ttc::MappedFile file;
  ttc::SafetensorsHeader header;
  std::vector<const unsigned char *> data; ///< as header.tensors

  /// The data of tensor `index`, aligned to its element (copied, once, where it
  /// is not), with every boolean checked to be 0 or 1.
  ttc::Status read(size_t index, const void *&bytes) const;

private:
  mutable std::mutex mutex;
  mutable std::map<size_t, ttc::AlignedBlock> copies;
};

namespace ttc {

/// `tensor` describes itself consistently. `label` begins the sentences.
Status checkTensor(const std::string &label, const ttc_tensor &tensor,
                   uint64_t &bytes);

/// Refuses a boolean that is neither 0 nor 1: generated code relies on it.
Status checkBooleans(const std::string &label, std::string_view name,
                     const void *data, uint64_t bytes);

} // namespace ttc

#endif // TTC_WEIGHTS_H
