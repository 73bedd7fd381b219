//===- WorkerPool.cpp - Which threads help a step? ------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "threads/WorkerPool.h"

#include "support/FloatControl.h"
#include "support/SystemCalls.h"

#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ttc {

WorkerPool workerPool;

namespace {

/// Who waits for others of its team looks so often without looking at a clock;
constexpr int eagerLooks = 64;
/// then for so long;
constexpr uint64_t patientNanoseconds = 20'000;
/// then, for so long, lets others have the CPU between two looks;
constexpr uint64_t yieldingNanoseconds = 1'000'000;
/// then sleeps for so long between two looks.
constexpr long sleepNanoseconds = 50'000;
/// Between two looks at the clock lie so many at what is waited for.
constexpr int looksPerTime = 32;

/// Tells the CPU that this thread waits for another one.
inline void breathe() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void sleepFor(long nanoseconds) {
  const timespec time = {0, nanoseconds};
  ::nanosleep(&time, nullptr);
}

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
                  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the kernel compares the first 32 bits of a number in memory");

/// Sleeps if the number is still that, until somebody wakes all who do. May
/// return without a reason.
void sleepOn(const std::atomic<uint64_t> &number, uint64_t value) {
  ::syscall(SYS_futex, &number, FUTEX_WAIT_PRIVATE,
            static_cast<uint32_t>(value), nullptr, nullptr, 0);
}

void wakeAll(const std::atomic<uint64_t> &number) {
  ::syscall(SYS_futex, &number, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr,
            0);
}

/// When a program starts, and when a library that has the runtime is loaded: a
/// fork may come at any time afterwards, even while the first thread is made.
[[gnu::constructor]] void watchForks() { workerPool.watchForks(); }

/// When a program ends, and when a library that has the runtime is unloaded.
[[gnu::destructor]] void stopWorkers() { workerPool.stop(); }

} // namespace

uint64_t nanosecondsNow() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

//===----------------------------------------------------------------------===//
// A team at work
//===----------------------------------------------------------------------===//

inline void WorkerPool::waitForOthers(Worker &self) {
  for (int look = 0; look < eagerLooks; ++look) {
    if (arrived.load(std::memory_order_acquire) >= self.expected)
      return;
    breathe();
  }
  waitLong(self);
}

[[gnu::noinline]] void WorkerPool::waitLong(Worker &self) {
  auto there = [&] {
    return arrived.load(std::memory_order_acquire) >= self.expected;
  };
  const uint64_t start = nanosecondsNow();
  uint64_t waited = 0;
  while (waited < patientNanoseconds) {
    for (int look = 0; look < looksPerTime; ++look) {
      if (there())
        return;
      breathe();
    }
    waited = nanosecondsNow() - start;
  }
  moveApart(self);
  while (!there()) {
    // A worker that was woken may need this CPU to come to itself.
    if (waited < yieldingNanoseconds && !anyAsleep(team.workers))
      ::sched_yield();
    else
      sleepFor(sleepNanoseconds);
    waited = nanosecondsNow() - start;
  }
  self.waited += waited;
}

/// The number of arrivals only grows: nobody has to be let out of one barrier
/// before the next one. It is added to and read at once, which between two
/// workers takes one way of a cache line, and flags of their own take two.
void WorkerPool::barrier(const ttc_team *team, int64_t number) {
  Worker &self = workerPool.workers[static_cast<size_t>(number)];
  self.expected += static_cast<uint64_t>(team->workers);
  workerPool.arrive();
  workerPool.waitForOthers(self);
}

bool WorkerPool::anyAsleep(int64_t count) const {
  for (size_t i = 1; i < static_cast<size_t>(count); ++i)
    if (workers[i].asleep.load(std::memory_order_relaxed))
      return true;
  return false;
}

void WorkerPool::wake() {
  moveApart(workers[0]);
  wakeAll(turn);
}

void WorkerPool::call(int64_t count) {
  static_assert(mostWorkers < 256, "eight bits for the number of workers");
  const uint64_t next = (turn.load(std::memory_order_relaxed) | 255) + 1;
  // Either this sees that a worker sleeps, or the worker sees its turn before
  // it does: these operations are in one order that all threads agree on.
  turn.store(next | static_cast<uint64_t>(count), std::memory_order_seq_cst);
  for (size_t i = 1; i < static_cast<size_t>(count); ++i)
    if (workers[i].asleep.load(std::memory_order_seq_cst))
      return wake();
}

uint64_t WorkerPool::work(int64_t count, Work work, const void *newJob) {
  Worker &self = workers[0];
  team = {count, barrier};
  todo = work;
  job = newJob;
  roundAs = floatControl();
  arrivedBefore = arrived.load(std::memory_order_relaxed);
  self.expected = arrivedBefore;
  self.waited = 0;
  call(count);
  work(newJob, &team, 0);
  // A barrier at which the caller alone waits.
  self.expected += static_cast<uint64_t>(count);
  arrive();
  waitForOthers(self);
  return self.waited;
}

//===----------------------------------------------------------------------===//
// The pool's threads
//===----------------------------------------------------------------------===//

void WorkerPool::awaitTurn(Worker &self) {
  for (;;) {
    const uint64_t start = nanosecondsNow();
    do {
      for (int look = 0; look < looksPerTime; ++look) {
        const uint64_t now = turn.load(std::memory_order_acquire);
        if (now != self.last) {
          self.last = now;
          return;
        }
        breathe();
      }
      moveApart(self);
    } while (nanosecondsNow() - start < awakeNanoseconds);
    self.asleep.store(true, std::memory_order_seq_cst);
    if (turn.load(std::memory_order_seq_cst) == self.last)
      sleepOn(turn, self.last);
    // Until it is where it will work, nobody counts on it.
    moveApart(self);
    self.asleep.store(false, std::memory_order_relaxed);
  }
}

void WorkerPool::moveApart(Worker &self) {
  const int here = ::sched_getcpu();
  self.cpu.store(here, std::memory_order_relaxed);
  // The caller's thread is where its program wants it.
  if (&self == workers.data())
    return;
  const int64_t count = made.load(std::memory_order_relaxed);
  auto forOthers = [&](auto &&take) {
    for (size_t i = 0; i <= static_cast<size_t>(count); ++i)
      if (&workers[i] != &self &&
          !workers[i].asleep.load(std::memory_order_relaxed))
        take(workers[i].cpu.load(std::memory_order_relaxed));
  };
  bool together = false;
  forOthers([&](int cpu) { together |= cpu == here; });
  cpu_set_t allowed;
  if (!together || ::sched_getaffinity(0, sizeof(allowed), &allowed))
    return;
  cpu_set_t others = allowed;
  forOthers([&](int cpu) {
    if (cpu >= 0 && cpu < CPU_SETSIZE)
      CPU_CLR(cpu, &others);
  });
  if (CPU_COUNT(&others) == 0 ||
      ::sched_setaffinity(0, sizeof(others), &others))
    return;
  self.cpu.store(::sched_getcpu(), std::memory_order_relaxed);
  // It may be moved again, to where it may always be.
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
}

void WorkerPool::serve(Worker &self) {
  const int64_t number = &self - workers.data();
  for (;;) {
    awaitTurn(self);
    if (static_cast<int64_t>(self.last & 255) <= number)
      continue;
    if (stopping)
      return;
    setFloatControl(roundAs);
    self.expected = arrivedBefore;
    todo(job, &team, number);
    arrive();
  }
}

void *WorkerPool::threadMain(void *argument) {
  Worker &self = *static_cast<Worker *>(argument);
  char name[16];
  std::snprintf(name, sizeof(name), "ttc-worker-%d",
                static_cast<int>(&self - workerPool.workers.data()));
  ::pthread_setname_np(::pthread_self(), name);
  workerPool.serve(self);
  return nullptr;
}

Status WorkerPool::make(int64_t count) {
  if (suffices(count))
    return Status::success();
  std::lock_guard<std::mutex> lock(making);
  // Mostly 0: it was done when the program started.
  int reason = watchForks();
  // Signals are for the program's own threads.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  while (!suffices(count) && !stopping && !reason) {
    const int64_t number = made.load(std::memory_order_relaxed) + 1;
    Worker &worker = workers[static_cast<size_t>(number)];
    // What was asked before is not for this one, whatever it finds there of a
    // thread that a fork has left behind.
    worker.last = turn.load(std::memory_order_relaxed);
    reason =
        systemCalls.startThread(&worker.thread, nullptr, threadMain, &worker);
    if (!reason)
      made.store(number, std::memory_order_release);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (reason)
    return {TTC_ERROR_IO, "ThreadRefused",
            "Only " + std::to_string(made.load(std::memory_order_relaxed) + 1) +
                " of " + std::to_string(count) +
                " threads are there: " + systemReason(reason) +
                ". Use fewer, or let the process have more."};
  return Status::success();
}

void WorkerPool::stop() {
  // Another thread may be in the middle of a step; it may go on while the
  // program ends, but not for ever, and with its workers.
  constexpr int tries = 100;
  int turn = 0;
  while (turn < tries && !tryTake()) {
    sleepFor(1'000'000);
    ++turn;
  }
  if (turn == tries)
    return;
  std::lock_guard<std::mutex> lock(making);
  stopping = true;
  const int64_t count = made.load(std::memory_order_relaxed);
  call(count + 1);
  for (size_t i = 1; i <= static_cast<size_t>(count); ++i)
    ::pthread_join(workers[i].thread, nullptr);
  // The pool stays taken: a step that comes still does without.
  made.store(0, std::memory_order_relaxed);
}

//===----------------------------------------------------------------------===//
// A process that forks
//===----------------------------------------------------------------------===//

int WorkerPool::watchForks() {
  int reason = 0;
  if (!watchesForks)
    reason = ::pthread_atfork(beforeFork, afterFork, inForkedChild);
  watchesForks |= reason == 0;
  return reason;
}

void WorkerPool::beforeFork() { workerPool.making.lock(); }
void WorkerPool::afterFork() { workerPool.making.unlock(); }

void WorkerPool::inForkedChild() {
  WorkerPool &pool = workerPool;
  pool.made.store(0, std::memory_order_relaxed);
  for (Worker &worker : pool.workers)
    worker.asleep.store(false, std::memory_order_relaxed);
  pool.give();
  pool.making.unlock();
}

} // namespace ttc
