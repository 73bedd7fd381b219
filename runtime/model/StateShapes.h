//===- StateShapes.h - Which shapes do states have now? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shapes of a model's states depend on the batch alone: all sessions of one
// batch share them, and they go with the last of those.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STATESHAPES_H
#define TTC_STATESHAPES_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace ttc {

struct TensorLayout;

class StateShapes {
  /// Those of one batch, one state after the other.
  struct Batch {
    StateShapes *table;
    int64_t batch;
    uint64_t users;
    std::vector<int64_t> sizes;
  };

public:
  /// A share in the shapes of one batch.
  class Share {
  public:
    Share() = default;
    Share(Share &&other) noexcept
        : batch(std::exchange(other.batch, nullptr)) {}
    Share &operator=(Share &&other) noexcept {
      std::swap(batch, other.batch);
      return *this;
    }
    ~Share() {
      if (batch)
        batch->table->drop(*batch);
    }
    /// The shape of state `index`; there must be one.
    const int64_t *shape(size_t index) const {
      return batch->sizes.data() + batch->table->begins[index];
    }

  private:
    friend class StateShapes;
    explicit Share(Batch &batch) : batch(&batch) {}
    Batch *batch = nullptr;
  };

  /// Must outlive this table. Called once, before anything else.
  void describe(const std::vector<TensorLayout> &states);

  /// Locks; allocates where no session has this batch.
  Share take(int64_t batch);

  /// How many batches are known, for tests.
  size_t count() const;

private:
  void drop(Batch &batch);

  const std::vector<TensorLayout> *states = nullptr;
  std::vector<size_t> begins; ///< where the sizes of each state begin
  mutable std::mutex mutex;
  std::map<int64_t, Batch> batches;
};

} // namespace ttc

#endif // TTC_STATESHAPES_H
