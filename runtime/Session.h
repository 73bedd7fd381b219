//===- Session.h - What does one stream through a model own? ----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The states behind ttc_session: one block, which does not exist before the
// first step. One thread at a time is inside; a second one is turned away.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SESSION_H
#define TTC_SESSION_H

#include "Model.h"

#include <optional>

namespace ttc {

/// Where a session's random numbers come from: each is a function of the seed,
/// the position and its place in the step.
struct GeneratorState {
  uint64_t seed = 0;
  uint64_t position = 0; ///< steps since it was seeded
};

/// A tensor that is to become a state.
struct StateSource {
  std::string_view name;
  int32_t dtype; ///< 0 where ttc does not compute with it
  const char *dtypeName;
  int64_t rank;
  const int64_t *shape;
  const void *data;
  uint64_t bytes;
};

} // namespace ttc

struct ttc_session {
  ttc_model *model;

  /// The batch for which a step finds everything ready; 0 while it does not.
  int64_t readyBatch = 0;
  std::atomic<uint64_t> timestep{0};

  /// Whether the states exist, and the batch that they have.
  std::atomic<bool> exists{false};
  std::atomic<int64_t> batch{TTC_BATCH};

  ttc::AlignedBlock states;
  int64_t statesBatch = 0; ///< what the block is laid out for; 0 for no block
  /// The generator while it is not in the states' block.
  ttc::GeneratorState idleGenerator;
  ttc::AlignedBlock scratch;
  int64_t scratchBatch = 0; ///< the largest batch that it has room for

  /// The bytes of every input and output, one timestep, at batch
  /// `buffersBatch`.
  std::vector<uint64_t> inputBytes, outputBytes;
  uint64_t largestBuffer = 0;
  int64_t buffersBatch = 0;

  /// Room for the pointers of a step on tensors.
  std::vector<const void *> inputs;
  std::vector<void *> outputs;

  /// The shapes of the states as they are now, one after the other.
  std::vector<int64_t> stateShapes;
  std::vector<size_t> stateShapeAt;

  mutable std::atomic<bool> busy{false};

  explicit ttc_session(ttc_model *model);
  ~ttc_session();
  ttc_session(const ttc_session &) = delete;
  ttc_session &operator=(const ttc_session &) = delete;

  /// Where state `index` lies; the states' block must exist.
  unsigned char *stateData(size_t index) const;
  const int64_t *stateShape(size_t index) const {
    return stateShapes.data() + stateShapeAt[index];
  }
  uint64_t stateBytes(size_t index) const;

  /// The generator as it is now.
  ttc::GeneratorState generator() const;
  void setGenerator(const ttc::GeneratorState &next);

  /// Says whether the states exist from now on, their batch and the generator.
  void setExists(bool now, int64_t newBatch, const ttc::GeneratorState &next);

  /// Replaces the states, all or nothing. `absent` names those that are
  /// recorded as not existing yet. Without a new generator the present one
  /// stays. `origin` begins the sentences: "The states file 'x'".
  ttc::Status replaceStates(
      const std::string &origin, const std::vector<ttc::StateSource> &sources,
      const std::vector<std::string> &absent, int flags, uint64_t newTimestep,
      const std::optional<ttc::GeneratorState> &newGenerator);
};

namespace ttc {

/// Allocates a zeroed block for the states of `model` at `batch`, and checks
/// that each state lies inside.
Status allocateStates(const ttc_model &model, int64_t batch,
                      AlignedBlock &block);

/// Refuses flags that do not exist.
Status checkFlags(int flags);

/// Who is inside a session, for the length of a scope.
class Occupied {
public:
  explicit Occupied(const ttc_session &session)
      : session(session),
        entered(!session.busy.exchange(true, std::memory_order_acquire)) {}
  ~Occupied() {
    if (entered)
      session.busy.store(false, std::memory_order_release);
  }
  Occupied(const Occupied &) = delete;
  Occupied &operator=(const Occupied &) = delete;
  Status status() const;

private:
  const ttc_session &session;
  bool entered;
};

} // namespace ttc

#endif // TTC_SESSION_H
