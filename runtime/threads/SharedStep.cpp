//===- SharedStep.cpp - Who makes a step together? ------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A team is not always sooner: which way is, is tried (TeamTrial.h). Workers
// that sleep must be woken, which takes longer than a small step: that one is
// made alone, and where steps follow each other closely the workers are woken
// for the next one. On a machine with fewer
// free CPUs than workers the system puts one aside in the middle of a step, for
// milliseconds, and all others wait: then steps are made alone for several
// times as long as was lost, so that no more than a small part of the time is.
//
//===----------------------------------------------------------------------===//

#include "threads/SharedStep.h"

#include "threads/WorkerPool.h"

namespace ttc {
namespace {

/// What it takes to wake a worker, on machines that share CPUs with others.
constexpr uint64_t wakeNanoseconds = 100'000;
/// After a time that was lost, steps are made alone for so many times as long,
constexpr uint64_t aloneTimes = 9;
/// but no longer than this.
constexpr uint64_t mostAloneNanoseconds = 1'000'000'000;

/// Until when steps are made alone, and when the last shared call, of whatever
/// session, ended.
std::atomic<uint64_t> aloneUntil{0}, lastEnd{0};

/// What a worker needs to know of a step, or of a run.
struct Call {
  const ttc_session &session;
  const void *const *inputs;
  void *const *outputs;
  void *scratch;
  int64_t batch;
  int64_t steps;
};

void shareOfStep(const void *job, const ttc_team *team, int64_t worker) {
  const Call &call = *static_cast<const Call *>(job);
  const ttc_model &model = *call.session.model;
  model.descriptor->shared_step(call.inputs, call.outputs, model.prepared,
                                call.session.states.bytes.get(), call.scratch,
                                call.batch, team, worker);
}

void shareOfRun(const void *job, const ttc_team *team, int64_t worker) {
  const Call &call = *static_cast<const Call *>(job);
  const ttc_model &model = *call.session.model;
  model.descriptor->shared_run(call.inputs, call.outputs, model.prepared,
                               call.session.states.bytes.get(), call.scratch,
                               call.batch, call.steps, team, worker);
}

/// How a call was made.
struct Made {
  bool together = false;
  bool woke = false;   ///< workers, for this call
  uint64_t waited = 0; ///< nanoseconds, for workers
};

/// Makes the call by a team if the pool, which belongs to the caller, has one
/// that is sooner. `start` is now, `expected` how long the call is thought to
/// take.
Made tryTogether(WorkerPool::Work work, const Call &call, int64_t workers,
                 uint64_t start, uint64_t expected) {
  Made made;
  if (!workerPool.suffices(workers)) {
    // In a forked child. A process that may have no threads goes on alone.
    ttc_error ignored;
    if (guarded(&ignored, [&] { return workerPool.make(workers); }) != TTC_OK ||
        !workerPool.suffices(workers))
      return made;
  }
  made.woke = workerPool.anyAsleep(workers);
  if (made.woke && expected < wakeNanoseconds) {
    const uint64_t pause = start - lastEnd.load(std::memory_order_relaxed);
    if (pause < WorkerPool::awakeNanoseconds)
      workerPool.wake();
    return made;
  }
  made.waited = workerPool.work(workers, work, &call);
  made.together = true;
  return made;
}

/// What is thought of the next call after one that took so long a step.
uint32_t nextEstimate(uint32_t present, const Made &made, uint64_t step) {
  const bool unknown = present == Sharing::unknownNanoseconds;
  if (made.together && !unknown)
    // A call for which workers were woken does not show how long it takes
    // without. Where it is less than is thought, a few of them lead to one that
    // is made alone and shows it.
    return made.woke ? present - present / 8 : present;
  return static_cast<uint32_t>(
      std::min(step, uint64_t(Sharing::unknownNanoseconds - 1)));
}

template <typename Alone>
void make(ttc_session &session, WorkerPool::Work work, const Call &call,
          Alone &&alone) {
  Sharing &sharing = *session.sharing.load(std::memory_order_relaxed);
  const TeamTrial::Way way = sharing.trial.next(call.batch, work == shareOfRun);
  if (way == TeamTrial::Way::AloneUnmeasured)
    return alone();
  const uint64_t start = nanosecondsNow();
  const uint64_t steps = static_cast<uint64_t>(call.steps);
  Made made;
  if (way == TeamTrial::Way::Team &&
      start >= aloneUntil.load(std::memory_order_relaxed) &&
      workerPool.tryTake()) {
    uint64_t expected = 0;
    if (__builtin_mul_overflow(steps, uint64_t(sharing.stepNanoseconds),
                               &expected))
      expected = UINT64_MAX;
    made =
        tryTogether(work, call, sharing.threads.load(std::memory_order_relaxed),
                    start, expected);
    workerPool.give();
  }
  if (!made.together)
    alone();
  const uint64_t end = nanosecondsNow(), took = end - start;
  lastEnd.store(end, std::memory_order_relaxed);
  // To wake a worker takes its time: that is no sign of CPUs that are missing.
  const uint64_t allowed = made.woke ? wakeNanoseconds : 0;
  const uint64_t lost = made.waited - std::min(made.waited, allowed);
  if (lost > took / 2)
    aloneUntil.store(end + std::min(lost * aloneTimes, mostAloneNanoseconds),
                     std::memory_order_relaxed);
  // In a steady stream nobody is woken.
  if (!made.together || !made.woke)
    sharing.trial.took(made.together, took, took / steps);
  sharing.stepNanoseconds =
      nextEstimate(sharing.stepNanoseconds, made, took / steps);
}

} // namespace

void setSharing(ttc_session &session, int64_t threads) {
  Sharing *sharing = session.sharing.load(std::memory_order_relaxed);
  if (!sharing) {
    if (threads == 1)
      return;
    sharing = new Sharing;
    session.sharing.store(sharing, std::memory_order_release);
  }
  sharing->trial = TeamTrial();
  sharing->threads.store(static_cast<int32_t>(threads),
                         std::memory_order_relaxed);
}

void stepShared(ttc_session &session, const void *const *inputs,
                void *const *outputs, void *scratch, int64_t batch) {
  const Call call = {session, inputs, outputs, scratch, batch, 1};
  make(session, shareOfStep, call, [&] {
    const ttc_model &model = *session.model;
    model.descriptor->step(inputs, outputs, model.prepared,
                           session.states.bytes.get(), scratch, batch);
  });
}

void runShared(ttc_session &session, const void *const *inputs,
               void *const *outputs, void *scratch, int64_t batch,
               int64_t steps) {
  const Call call = {session, inputs, outputs, scratch, batch, steps};
  make(session, shareOfRun, call, [&] {
    const ttc_model &model = *session.model;
    model.descriptor->run(inputs, outputs, model.prepared,
                          session.states.bytes.get(), scratch, batch, steps);
  });
}

} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_session_set_threads(ttc_session *session,
                                              int64_t threads,
                                              ttc_error *error) {
  return whileOccupied(session, error, [&]() -> Status {
    const ttc_model &model = *session->model;
    const int64_t most = std::max<int64_t>(model.descriptor->max_workers, 1);
    if (threads < 1)
      return {TTC_ERROR_VALUE, "InvalidThreads",
              "The number of threads is " + std::to_string(threads) +
                  "; it must be at least 1."};
    if (threads > most)
      return {
          TTC_ERROR_VALUE, "TooManyThreads",
          "The model " + model.name + " was compiled for " +
              (most == 1 ? "one thread" : std::to_string(most) + " threads") +
              ", " + std::to_string(threads) +
              " were asked for. Compile it with --threads=" +
              std::to_string(threads) + ", or ask for " +
              (most == 1 ? "1" : "at most " + std::to_string(most)) + "."};
    if (threads > WorkerPool::mostWorkers)
      return {TTC_ERROR_VALUE, "TooManyThreads",
              std::to_string(threads) + " threads were asked for; at most " +
                  std::to_string(WorkerPool::mostWorkers) +
                  " make a step together."};
    Status status = workerPool.make(threads);
    if (!status.failed())
      setSharing(*session, threads);
    return status;
  });
}

extern "C" int64_t ttc_session_threads(const ttc_session *session) {
  const Sharing *sharing =
      session ? session->sharing.load(std::memory_order_acquire) : nullptr;
  return sharing ? sharing->threads.load(std::memory_order_relaxed) : 1;
}
