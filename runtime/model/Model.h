//===- Model.h - What do all sessions of a model share? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code and the prepared weights behind ttc_model: immutable once created.
// What its sessions need together lies here too, with locks or atomics of its
// own: blocks of scratch memory, the shapes of states, the budget.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MODEL_INTERNAL_H
#define TTC_MODEL_INTERNAL_H

#include "model/Scratch.h"
#include "model/StateShapes.h"
#include "support/Memory.h"

#include <algorithm>
#include <atomic>
#include <vector>

namespace ttc {

class DeviceModels;

/// What a step must know of an input, an output or a state, worked out once.
struct TensorLayout {
  const ttc_tensor_spec *spec;
  int32_t batchDim;   ///< where the batch stands in the shape; -1 for nowhere
  uint64_t alignment; ///< bytes an element
  uint64_t bytes;     ///< of the whole, or of one row of the batch
  int64_t limit;      ///< an input's values are below this; 0 for any value

  bool batched() const { return batchDim >= 0; }
  /// The bytes of the whole at a batch for which ttc_model::bytesFit.
  uint64_t bytesAt(int64_t batch) const {
    return bytes * (batched() ? static_cast<uint64_t>(batch) : 1);
  }
};

} // namespace ttc

struct ttc_model {
  const ttc_model_descriptor *descriptor = nullptr;
  std::string name; ///< in quotes, for sentences
  const void *prepared = nullptr;
  /// The same for GPUs, in memory of the host; null without code for them.
  const void *devicePrepared = nullptr;
  std::vector<ttc::TensorLayout> inputs, outputs, states;
  /// The first input whose leading dimension is the batch, or -1.
  int64_t batchInput = -1;
  /// A batch that the states do not depend on may change from step to step.
  bool statesHaveBatch = false;
  /// The bytes of the largest input or output: of those without a batch, and a
  /// row of those with one.
  uint64_t largestWhole = 0, largestRow = 0;

  mutable ttc::ScratchPool scratch;
  mutable ttc::StateShapes stateShapes;
  const std::unique_ptr<ttc::DeviceModels> devices;
  /// The most bytes that the states, or the scratch memory, of a session may
  /// have.
  std::atomic<uint64_t> budget{ttc::physicalMemory()};

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release();

  /// Whether the bytes of every input and output can be counted.
  bool bytesFit(int64_t batch) const {
    uint64_t bytes = 0;
    return !__builtin_mul_overflow(largestRow, static_cast<uint64_t>(batch),
                                   &bytes);
  }
  /// The bytes of the largest input or output at a batch that fits.
  uint64_t largestBuffer(int64_t batch) const {
    return std::max(largestWhole, largestRow * static_cast<uint64_t>(batch));
  }
  /// The bytes of scratch memory at a batch that checkScratch has let through.
  uint64_t scratchBytes(int64_t batch) const {
    return descriptor->scratch_size.fixed +
           descriptor->scratch_size.per_batch * static_cast<uint64_t>(batch);
  }

  /// Refuses a batch that the model cannot have.
  ttc::Status checkBatch(int64_t batch) const;
  /// Counts the bytes of states, or of scratch memory, and compares them with
  /// the budget.
  ttc::Status checkStates(int64_t batch, uint64_t &bytes) const;
  ttc::Status checkScratch(int64_t batch) const;
  ttc::Status checkScratch(const ttc_bytes &size, int64_t batch,
                           uint64_t &bytes) const;
  /// Whether the CPU has code for steps.
  bool hasHostCode() const { return descriptor->step != nullptr; }
  /// What sentences call them.
  std::string describeStates(int64_t batch) const;
  std::string describeScratch(int64_t batch) const;

  /// The checksum of the prepared weights, computed when it is first asked for.
  uint32_t preparedChecksum() const;

  ttc_model();
  ttc_model(const ttc_model &) = delete;
  ttc_model &operator=(const ttc_model &) = delete;
  ~ttc_model();

  void *library = nullptr; ///< from dlopen
  ttc::AlignedBlock preparedBlock, devicePreparedBlock;

private:
  ttc::Status overBudget(const std::string &what, uint64_t bytes) const;

  std::atomic<uint64_t> references{1};
  /// Above 32 bits: not computed yet.
  mutable std::atomic<uint64_t> checksum{UINT64_MAX};
};

namespace ttc {

/// Says that a descriptor is not what the contract asks.
Status malformed(const std::string &who, const std::string &what);

/// Finds the weights of a model, among those that were compiled in or in
/// `weights`, and brings them into the form that its code reads. Unless
/// `strict` is true, keys that the model does not have are passed over.
Status prepareWeights(ttc_model &model, const ttc_weights *weights,
                      bool strict);

} // namespace ttc

#endif // TTC_MODEL_INTERNAL_H
