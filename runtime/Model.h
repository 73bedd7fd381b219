//===- Model.h - What do all sessions of a model share? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code and the prepared weights behind ttc_model. Immutable once created,
// but for two counters.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MODEL_INTERNAL_H
#define TTC_MODEL_INTERNAL_H

#include "Memory.h"

#include <atomic>
#include <vector>

namespace ttc {

/// What a step must know of an input, an output or a state, worked out once.
struct TensorLayout {
  const ttc_tensor_spec *spec;
  int32_t batchDim;   ///< where the batch stands in the shape; -1 for nowhere
  uint64_t alignment; ///< bytes an element
  uint64_t bytes;     ///< of the whole, or of one row of the batch
  int64_t limit;      ///< an input's values are below this; 0 for any value

  bool batched() const { return batchDim >= 0; }
};

} // namespace ttc

struct ttc_model {
  const ttc_model_descriptor *descriptor = nullptr;
  std::string name; ///< in quotes, for sentences
  const void *prepared = nullptr;
  std::vector<ttc::TensorLayout> inputs, outputs, states;
  /// The first input whose leading dimension is the batch, or -1.
  int64_t batchInput = -1;
  /// A batch that the states do not depend on may change from step to step.
  bool statesHaveBatch = false;

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release();

  /// The checksum of the prepared weights, computed when it is first asked for.
  uint32_t preparedChecksum() const;

  ttc_model() = default;
  ttc_model(const ttc_model &) = delete;
  ttc_model &operator=(const ttc_model &) = delete;
  ~ttc_model();

  void *library = nullptr; ///< from dlopen
  ttc::AlignedBlock preparedBlock;

private:
  std::atomic<uint64_t> references{1};
  /// Above 32 bits: not computed yet.
  mutable std::atomic<uint64_t> checksum{UINT64_MAX};
};

#endif // TTC_MODEL_INTERNAL_H
