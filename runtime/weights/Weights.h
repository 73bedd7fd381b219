//===- Weights.h - Which tensors were given? --------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table behind ttc_weights, whoever owns the data: a file, the shards of a
// checkpoint, the caller, a block on a device, or nobody.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_WEIGHTS_H
#define TTC_WEIGHTS_H

#include "device/Device.h"
#include "files/File.h"
#include "files/TensorTable.h"
#include "support/Memory.h"
#include "weights/Shards.h"

#include <mutex>

struct ttc_weights : ttc::TensorTable {
  /// What sentences call these weights: a path, or "the given weights".
  std::string label;
  /// No data at all: names, dtypes and shapes alone.
  bool isMeta = false;
  /// Who has the data: the one of these that is not empty.
  ttc::FileBytes file;
  std::unique_ptr<ttc::Shards> shards;
  std::vector<const unsigned char *> lent; ///< as header.tensors
  ttc::DeviceBlock block;

  /// Whether the data lies in the host's memory.
  bool onHost() const {
    return !isMeta && (!block.device() || block.device()->isHost());
  }
  /// The data of tensor `index` on the host, dense, aligned to its element
  /// (copied, once, where it is not so), with every boolean checked to be 0 or
  /// 1.
  ttc::Status read(size_t index, const void *&bytes) const;
  /// As read, but a copy is the caller's.
  ttc::Status fetch(size_t index, ttc::AlignedBlock &copy,
                    const void *&bytes) const;
  /// Where the data begins, in the memory of whoever has it.
  ttc::Status locate(size_t index, const unsigned char *&address) const;

private:
  mutable std::mutex mutex; ///< of what changes after opening
  mutable std::map<size_t, ttc::AlignedBlock> copies;
};

namespace ttc {

/// `tensor` describes itself consistently. `label` begins the sentences.
Status checkTensor(const std::string &label, const ttc_tensor &tensor,
                   uint64_t &bytes);

/// What `ttc_weights_open_with` does. Adds to `notes` what is odd about the
/// files, but no error.
Status openWeights(const std::string &path, int flags,
                   std::unique_ptr<ttc_weights> &out, std::string &notes);

} // namespace ttc

#endif // TTC_WEIGHTS_H
