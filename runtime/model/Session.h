//===- Session.h - What does one stream through a model own? ----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The states behind ttc_session: one block, which does not exist before the
// first step, and little else: a service holds thousands of sessions. One
// thread at a time is inside; a second one is turned away.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SESSION_H
#define TTC_SESSION_H

#include "device/DeviceSession.h"
#include "model/Model.h"

#include <optional>

namespace ttc {

/// Where a session's random numbers come from: each is a function of the seed,
/// the position and its place in the step.
struct GeneratorState {
  uint64_t seed = 0;
  uint64_t position = 0; ///< steps since it was seeded
};

/// Memory that is laid out for the states of a batch.
struct StatesBlock {
  AlignedBlock bytes; ///< null where they lie on a device
  StateShapes::Share shapes;
  int64_t batch = 0; ///< 0 for no block
};

struct Sharing;

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
  /// The batch of the states.
  std::atomic<int64_t> batch{TTC_BATCH};
  ttc::StatesBlock states;
  /// The generator while it is not in the states' block.
  ttc::GeneratorState idleGenerator;
  /// Whether the states exist.
  std::atomic<bool> exists{false};
  mutable std::atomic<bool> busy{false};
  /// How several threads make its steps; null where none ever did.
  std::atomic<ttc::Sharing *> sharing{nullptr};
  /// What it has on a GPU; null on the CPU. With it a session and the block of
  /// its states, each behind the 16 bytes that glibc's heap keeps of it, fill
  /// whole cache lines: with another size, the alignment of the next block
  /// would leave a gap of 64 bytes for each.
  std::unique_ptr<ttc::DeviceSession> device;

  explicit ttc_session(ttc_model *model);
  ~ttc_session();
  ttc_session(const ttc_session &) = delete;
  ttc_session &operator=(const ttc_session &) = delete;

  /// Where state `index` lies; the states' block must exist. On a device it is
  /// an address of that.
  unsigned char *stateData(size_t index) const;
  /// Where it begins in the block.
  uint64_t stateOffset(size_t index) const;
  /// Its shape as it is now; the batch is TTC_BATCH while there is none.
  const int64_t *stateShape(size_t index) const;
  uint64_t stateBytes(size_t index) const;

  /// All states in memory of the host: where they are, or, from a device, a
  /// copy. Null where there are none.
  ttc::Status readStates(ttc::AlignedBlock &copy,
                         const unsigned char *&bytes) const;

  /// The generator as it is now.
  ttc::GeneratorState generator() const;
  void setGenerator(const ttc::GeneratorState &next);

  /// Says whether the states exist from now on, their batch and the generator.
  void setExists(bool now, int64_t newBatch, const ttc::GeneratorState &next);

  /// Replaces the states, all or nothing. `absent` names those that are
  /// recorded as not existing yet. Without a new generator the present one
  /// stays. `origin` begins the sentences: "The states file 'x'". Adds
  /// sentences to `note` on what is remarkable about states that are accepted.
  ttc::Status replaceStates(
      const std::string &origin, const std::vector<ttc::StateSource> &sources,
      const std::vector<std::string> &absent, int flags, uint64_t newTimestep,
      const std::optional<ttc::GeneratorState> &newGenerator,
      std::string &note);
};

namespace ttc {

/// Lays out the states of `model` at `batch`, and checks that each lies inside:
/// a block without bytes, and how many those are.
Status layOutStates(const ttc_model &model, int64_t batch, StatesBlock &block,
                    uint64_t &size);
/// As layOutStates, with bytes on the host, zeroed.
Status allocateStates(const ttc_model &model, int64_t batch,
                      StatesBlock &block);

/// The index of the state of that name, or of the name that it is an alias of;
/// -1 if there is none.
int64_t findState(const ttc_model &model, std::string_view name);

/// A tensor of a caller's that is to become a state of the session, consistent
/// in itself. `copy` holds its data where it lies on the session's device, and
/// must live as long as the source.
Status makeSource(const ttc_session &session, const ttc_tensor &tensor,
                  AlignedBlock &copy, StateSource &source);

/// Refuses flags that do not exist.
Status checkFlags(int flags);

/// Adds a sentence to those that a caller is to get.
void addSentence(std::string &note, const std::string &sentence);

/// The sentence of a session that another thread is in.
Status busy(const ttc_session &session);

/// Enters a session, or fails because it is null or another thread is inside.
inline bool enter(const ttc_session *session) {
  return session && !session->busy.exchange(true, std::memory_order_acquire);
}
inline void leave(const ttc_session *session) {
  session->busy.store(false, std::memory_order_release);
}
/// Says why `enter` failed.
ttc_status refuseEntry(const ttc_session *session, ttc_error *error);

/// Who is inside a session, for the length of a scope.
class Occupied {
public:
  explicit Occupied(const ttc_session &session)
      : session(session), entered(enter(&session)) {}
  ~Occupied() {
    if (entered)
      leave(&session);
  }
  Occupied(const Occupied &) = delete;
  Occupied &operator=(const Occupied &) = delete;
  Status status() const { return entered ? Status::success() : busy(session); }

private:
  const ttc_session &session;
  bool entered;
};

/// Calls `body` while nobody else uses the session, which must not be null.
template <typename Body>
ttc_status whileOccupied(const ttc_session *session, ttc_error *error,
                         Body &&body) {
  return guarded(error, [&]() -> Status {
    if (!session)
      return nullArgument("session");
    Occupied occupied(*session);
    Status status = occupied.status();
    return status.failed() ? status : body();
  });
}

} // namespace ttc

#endif // TTC_SESSION_H
