//===- WorkerPool.h - Which threads help a step? ----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A process has one pool of workers, for all sessions of all models: a step
// takes the whole of it and gives it back, or does without. The thread that
// steps is worker 0 of its team; the pool's threads are the others.
//
// A worker without work looks out for some for a short while, in which it can
// be had for the price of a cache line, and then sleeps until it is woken. Who
// waits at a barrier looks for a short while too, then lets others have the
// CPU, then sleeps in slices: a thread that the system has put aside costs its
// team time, but keeps no CPU busy.
//
// The system may wake a worker on the CPU of the thread that wakes it, and
// leave the two there, each waiting for the other, while another CPU is idle: a
// worker that finds itself so moves to one that its team does not use.
//
// Nothing here allocates or locks once the threads are there. A forked child
// has none of them and makes its own when it first needs them.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_WORKERPOOL_H
#define TTC_WORKERPOOL_H

#include "support/Error.h"

#include <array>
#include <atomic>
#include <mutex>
#include <pthread.h>

namespace ttc {

/// What a clock that only goes forward shows.
uint64_t nanosecondsNow();

class WorkerPool {
public:
  /// The most workers of a team, with the thread that steps.
  static constexpr int64_t mostWorkers = 64;
  /// For how long a worker without work stays awake: longer than the longest
  /// step that is made alone while it wakes.
  static constexpr uint64_t awakeNanoseconds = 150'000;

  /// What every worker of a team does once.
  using Work = void (*)(const void *job, const ttc_team *team, int64_t worker);

  /// Makes threads until there are enough for a team of so many.
  Status make(int64_t workers);

  /// Whether the pool now belongs to the caller.
  bool tryTake() {
    return !taken.load(std::memory_order_relaxed) &&
           !taken.exchange(true, std::memory_order_acquire);
  }
  void give() { taken.store(false, std::memory_order_release); }

  // These are for whom the pool belongs to.

  /// Whether there are enough threads for a team of so many.
  bool suffices(int64_t workers) const {
    return made.load(std::memory_order_acquire) >= workers - 1;
  }
  bool anyAsleep(int64_t workers) const;
  /// Wakes all without work: those that sleep look out for some again.
  void wake();
  /// Has a team of so many do `work`, the caller among them, and returns when
  /// all have. Returns for how long the caller waited for others, in
  /// nanoseconds, short waits left out.
  uint64_t work(int64_t workers, Work work, const void *job);

  /// Has forks leave the child a pool without threads. Returns the system's
  /// reason where it does not.
  int watchForks();
  /// Ends the threads, if no step has them. None are made afterwards.
  void stop();

  constexpr WorkerPool() = default;
  WorkerPool(const WorkerPool &) = delete;
  WorkerPool &operator=(const WorkerPool &) = delete;

private:
  /// Two cache lines at once are what some CPUs fetch.
  static constexpr size_t apart = 128;

  /// A worker's place. Number 0 is that of whoever has the pool.
  struct alignas(apart) Worker {
    std::atomic<bool> asleep{false};
    std::atomic<int> cpu{-1}; ///< where it was last seen
    /// How many have to have arrived before the worker goes on.
    uint64_t expected = 0;
    uint64_t waited = 0; ///< nanoseconds of long waits in this job
    uint64_t last = 0;   ///< the turn that it has seen
    pthread_t thread = {};
  };

  static void barrier(const ttc_team *team, int64_t worker);
  void arrive() { arrived.fetch_add(1, std::memory_order_acq_rel); }
  /// Waits until as many have arrived as the worker expects.
  void waitForOthers(Worker &self);
  void waitLong(Worker &self);
  static void *threadMain(void *worker);
  void serve(Worker &self);
  void awaitTurn(Worker &self);
  /// Notes where this thread runs, and has a worker leave a CPU where others of
  /// the pool were seen, if there is one without them.
  void moveApart(Worker &self);
  /// Begins a turn of so many workers.
  void call(int64_t workers);

  static void beforeFork();
  static void afterFork();
  static void inForkedChild();

  alignas(apart) std::atomic<bool> taken{false};

  /// Counts what the workers were asked to do; the last eight bits say how many
  /// are to do it, the caller among them. Those who are not look at nothing
  /// else.
  alignas(apart) std::atomic<uint64_t> turn{0};
  // What they are asked, on the same cache line; written before.
  ttc_team team = {0, nullptr};
  Work todo = nullptr;
  const void *job = nullptr;
  uint64_t arrivedBefore = 0;
  uint64_t roundAs = 0; ///< how the thread that steps rounds
  bool stopping = false;

  /// How often a worker came to a barrier, ever. Between two jobs nobody does.
  alignas(apart) std::atomic<uint64_t> arrived{0};

  std::array<Worker, mostWorkers> workers;

  // Making threads.
  std::mutex making;
  std::atomic<int64_t> made{0};
  bool watchesForks = false;
};

/// The process's own.
extern WorkerPool workerPool;

} // namespace ttc

#endif // TTC_WORKERPOOL_H
