//===- WorkerPoolTest.cpp - Do workers work together? ---------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "threads/WorkerPool.h"
#include "Fixtures.h"
#include "support/SystemCalls.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cfenv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <iostream>
#include <sched.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

// It ends a forked child that makes threads.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_THREADS_AFTER_FORK
#endif
#elif defined(__SANITIZE_THREAD__)
#define NO_THREADS_AFTER_FORK
#endif

using ttc::WorkerPool;
using ttc::workerPool;

namespace {

constexpr int64_t most = 4;

/// Has a team do `body(team, worker)`.
template <typename Body> uint64_t together(int64_t workers, Body body) {
  REQUIRE(!workerPool.make(workers).failed());
  REQUIRE(workerPool.suffices(workers));
  REQUIRE(workerPool.tryTake());
  uint64_t waited = workerPool.work(
      workers,
      [](const void *job, const ttc_team *team, int64_t worker) {
        (*static_cast<const Body *>(job))(team, worker);
      },
      &body);
  workerPool.give();
  return waited;
}

/// Every worker reads what all others wrote before the barrier, `rounds` times;
/// how often it was wrong.
int exchange(int64_t workers, int rounds) {
  std::array<int, most> written = {};
  std::atomic<int> wrong{0};
  together(workers, [&](const ttc_team *team, int64_t worker) {
    for (int round = 1; round <= rounds; ++round) {
      written[static_cast<size_t>(worker)] = round;
      team->barrier(team, worker);
      for (int64_t other = 0; other < team->workers; ++other)
        wrong += written[static_cast<size_t>(other)] != round;
      team->barrier(team, worker);
    }
  });
  return wrong;
}

/// Waits, some seconds at most, until `condition` holds.
template <typename Condition> bool comesTrue(Condition &&condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (condition())
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool allAsleep(int64_t workers) {
  for (int64_t i = 2; i <= workers; ++i)
    if (!workerPool.anyAsleep(i))
      return false;
  return true;
}

/// Runs `body` in a child; whether it came to its end in time and was content.
template <typename Body> bool inChild(Body &&body) {
  std::cout.flush(); // or the child writes it too
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(60);
    // exit, not _exit: the pool ends as it does in every program.
    std::exit(body() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST_CASE("Each worker of a team works once") {
  for (int round = 0; round < 500; ++round)
    for (int64_t workers = 1; workers <= most; ++workers) {
      std::array<std::atomic<int>, most> calls = {};
      std::atomic<int> wrong{0};
      together(workers, [&](const ttc_team *team, int64_t worker) {
        ++calls[static_cast<size_t>(worker)];
        wrong += team->workers != workers;
      });
      REQUIRE(wrong == 0);
      for (int64_t i = 0; i < most; ++i)
        REQUIRE(calls[static_cast<size_t>(i)] == (i < workers));
    }
}

TEST_CASE("A barrier shows what others wrote before it") {
  // Teams of every size after each other: who was left out is behind.
  for (int round = 0; round < 20; ++round)
    for (int64_t workers : {2, 4, 3, 1, 2, 3})
      REQUIRE(exchange(workers, 50) == 0);
}

TEST_CASE("What a barrier and a whole team cost") {
  constexpr int rounds = 20000;
  auto nanoseconds = [](auto &&body) {
    auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double, std::nano>(
               std::chrono::steady_clock::now() - start)
               .count() /
           rounds;
  };
  std::atomic<int> arrived{0};
  const double barrier = nanoseconds([&] {
    together(2, [&](const ttc_team *team, int64_t worker) {
      for (int round = 0; round < rounds; ++round)
        team->barrier(team, worker);
      ++arrived;
    });
  });
  CHECK(arrived == 2);
  const double team = nanoseconds([&] {
    for (int round = 0; round < rounds; ++round)
      together(2, [&](const ttc_team *, int64_t) { ++arrived; });
  });
  CHECK(arrived == 2 + 2 * rounds);
  MESSAGE("a barrier of two: " << barrier << " ns; a job of two: " << team
                               << " ns");
}

TEST_CASE("Workers without work sleep, and are woken with it or without") {
  REQUIRE(exchange(most, 1) == 0);
  REQUIRE(comesTrue([] { return allAsleep(most); }));
  REQUIRE(exchange(most, 3) == 0);
  REQUIRE(comesTrue([] { return allAsleep(most); }));
  REQUIRE(workerPool.tryTake());
  // It may sleep again before this looks: it tries until it has seen it.
  CHECK(comesTrue([] {
    workerPool.wake();
    for (int look = 0; look < 100000; ++look)
      if (!workerPool.anyAsleep(2))
        return true;
    return false;
  }));
  workerPool.give();
  REQUIRE(exchange(most, 3) == 0);
}

TEST_CASE("The pool belongs to one at a time") {
  REQUIRE(workerPool.tryTake());
  CHECK_FALSE(workerPool.tryTake());
  std::thread([] { CHECK_FALSE(workerPool.tryTake()); }).join();
  workerPool.give();
  std::atomic<int> wrong{0}, jobs{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int turn = 0; turn < 500; ++turn) {
        if (!workerPool.tryTake())
          continue;
        std::array<int, most> seen = {};
        workerPool.work(
            2,
            [](const void *job, const ttc_team *team, int64_t worker) {
              auto *to =
                  static_cast<std::array<int, most> *>(const_cast<void *>(job));
              (*to)[static_cast<size_t>(worker)] = 1;
              team->barrier(team, worker);
            },
            &seen);
        wrong += seen[0] + seen[1] != 2;
        ++jobs;
        workerPool.give();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
  CHECK(jobs > 0);
}

TEST_CASE("A worker rounds as the thread that it helps") {
  const int before = std::fegetround();
  std::array<float, 3> thirds = {};
  const int modes[] = {FE_DOWNWARD, FE_TONEAREST, FE_UPWARD};
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(std::fesetround(modes[i]) == 0);
    together(2, [&](const ttc_team *, int64_t worker) {
      volatile float one = 1.0f, three = 3.0f;
      if (worker == 1)
        thirds[i] = one / three;
    });
  }
  std::fesetround(before);
  // The nearest float lies above a third.
  CHECK(thirds[0] < thirds[1]);
  CHECK(thirds[1] == thirds[2]);
}

TEST_CASE("Workers have a name, and no signals of the program's") {
  std::array<char, 16> name = {};
  bool blocked = false;
  together(2, [&](const ttc_team *, int64_t worker) {
    if (worker == 0)
      return;
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = ::sigismember(&mask, SIGINT) && ::sigismember(&mask, SIGALRM);
  });
  CHECK(std::strcmp(name.data(), "ttc-worker-1") == 0);
  CHECK(blocked);
  sigset_t own;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &own);
  CHECK_FALSE(::sigismember(&own, SIGINT));
}

TEST_CASE("A thread that is put aside costs time, but does not stall") {
  // All workers on one CPU: at each barrier the others must be let in.
  cpu_set_t before, one;
  REQUIRE(::sched_getaffinity(0, sizeof(before), &before) == 0);
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  const auto start = std::chrono::steady_clock::now();
  together(most, [&](const ttc_team *, int64_t) {
    ::sched_setaffinity(0, sizeof(one), &one);
  });
  CHECK(exchange(most, 100) == 0);
  together(most, [&](const ttc_team *, int64_t) {
    ::sched_setaffinity(0, sizeof(before), &before);
  });
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - start;
  MESSAGE("200 barriers of " << most << " workers on one CPU took "
                             << took.count() * 1000 << " ms");
  CHECK(took.count() < 30);
}

TEST_CASE("Long waits of the thread that steps are counted, short ones not") {
  const uint64_t waited = together(2, [](const ttc_team *team, int64_t worker) {
    if (worker == 1)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    team->barrier(team, worker);
  });
  CHECK(waited > 15'000'000);
  // That of others is theirs. A busy machine may hold a worker up each time.
  CHECK(comesTrue([] {
    return together(2, [](const ttc_team *team, int64_t worker) {
             if (worker == 0)
               std::this_thread::sleep_for(std::chrono::milliseconds(1));
             team->barrier(team, worker);
           }) == 0;
  }));
}

#if !defined(NO_THREADS_AFTER_FORK)

TEST_CASE("A thread that the system refuses is reported") {
  // In a child, where no thread is there yet.
  CHECK(inChild([] {
    static int allowed = 2;
    ttc::systemCalls.startThread = [](pthread_t *thread,
                                      const pthread_attr_t *attributes,
                                      void *(*body)(void *), void *argument) {
      return allowed-- > 0
                 ? ::pthread_create(thread, attributes, body, argument)
                 : EAGAIN;
    };
    ttc::Status status = workerPool.make(4);
    bool good = status.failed() && status.code() == TTC_ERROR_IO &&
                status.message().find("Only 3 of 4 threads") == 0 &&
                !workerPool.suffices(4) && workerPool.suffices(3);
    good = good && !workerPool.make(3).failed() && exchange(3, 10) == 0;
    allowed = 1;
    return good && !workerPool.make(4).failed() && exchange(4, 10) == 0;
  }));
}

TEST_CASE("A forked child makes threads of its own") {
  REQUIRE(exchange(most, 3) == 0);
  for (int round = 0; round < 10; ++round) {
    CHECK(inChild([] {
      return !workerPool.suffices(2) && exchange(most, 20) == 0 &&
             exchange(2, 20) == 0;
    }));
    REQUIRE(exchange(most, 3) == 0);
  }
}

TEST_CASE("A fork in the middle of another thread's work") {
  static std::atomic<bool> over{false};
  static std::atomic<int> wrong{0};
  // Not a std::thread, whose memory nothing in the child would point to.
  pthread_t other;
  REQUIRE(::pthread_create(
              &other, nullptr,
              [](void *) -> void * {
                while (!over)
                  wrong += exchange(2, 5) != 0;
                return nullptr;
              },
              nullptr) == 0);
  for (int round = 0; round < 20; ++round)
    CHECK(inChild([] { return exchange(3, 20) == 0; }));
  over = true;
  REQUIRE(::pthread_join(other, nullptr) == 0);
  CHECK(wrong == 0);
}

TEST_CASE("A library that is unloaded takes its workers with it") {
  CHECK(inChild([] {
    void *library = ::dlopen(RUNTIME_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    auto function = [&](auto *like, const char *name) {
      return reinterpret_cast<decltype(like)>(::dlsym(library, name));
    };
    std::vector<Tensor> tensors = fakeWeights();
    std::vector<ttc_tensor> table = views(tensors);
    ttc_weights *weights = nullptr;
    ttc_model *model = nullptr;
    ttc_session *session = nullptr;
    bool good = library &&
                function(&ttc_weights_from_tensors, "ttc_weights_from_tensors")(
                    table.data(), table.size(), &weights, nullptr) == TTC_OK &&
                function(&ttc_model_create, "ttc_model_create")(
                    &ttc_model_fake, weights, 1, &model, nullptr) == TTC_OK &&
                function(&ttc_session_create, "ttc_session_create")(
                    model, &session, nullptr) == TTC_OK &&
                function(&ttc_session_set_threads, "ttc_session_set_threads")(
                    session, 4, nullptr) == TTC_OK;
    std::vector<float> x = fakeInput(2, 0), y(x.size());
    const void *in[] = {x.data()};
    void *out[] = {y.data()};
    auto step = function(&ttc_session_step_raw, "ttc_session_step_raw");
    for (int i = 0; i < 100 && good; ++i)
      good = step(session, in, out, 2, nullptr) == TTC_OK;
    function(&ttc_session_close, "ttc_session_close")(session);
    function(&ttc_model_close, "ttc_model_close")(model);
    function(&ttc_weights_close, "ttc_weights_close")(weights);
    ::dlclose(library);
    // It is gone, with what it would do in a fork.
    good = good && !::dlopen(RUNTIME_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    const auto threads = std::filesystem::directory_iterator("/proc/self/task");
    good = good && std::distance(begin(threads), end(threads)) == 1;
    return good && inChild([] { return true; });
  }));
}

TEST_CASE("A worker that wakes leaves the CPU of the one that woke it") {
  cpu_set_t allowed;
  REQUIRE(::sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
  if (CPU_COUNT(&allowed) < 2)
    return;
  std::array<std::atomic<int>, 2> cpus{};
  std::atomic<bool> mayUseAll{false};
  auto wakeAndLook = [&] {
    const uint64_t sleep = 4 * WorkerPool::awakeNanoseconds;
    std::this_thread::sleep_for(std::chrono::nanoseconds(sleep));
    together(2, [&](const ttc_team *team, int64_t worker) {
      cpus[static_cast<size_t>(worker)] = ::sched_getcpu();
      if (worker == 1) {
        cpu_set_t own;
        ::sched_getaffinity(0, sizeof(own), &own);
        mayUseAll = CPU_EQUAL(&own, &allowed);
      }
      team->barrier(team, worker);
    });
    return mayUseAll && cpus[0] != cpus[1];
  };
  // Whoever moves the threads may do so at any time, but not every time.
  constexpr int rounds = 20;
  CHECK(comesTrue([&] {
    int apart = 0;
    for (int round = 0; round < rounds; ++round)
      apart += wakeAndLook();
    return apart >= rounds - 2;
  }));
}

TEST_CASE("A program ends, whatever its threads do") {
  // With workers that sleep.
  CHECK(inChild([] { return exchange(most, 3) == 0; }));
  // In the middle of work, of which there is always more.
  CHECK(inChild([] {
    static std::atomic<int> jobs{0};
    std::thread([] {
      if (workerPool.make(2).failed())
        return;
      // When the program ends, the pool is no longer to be had.
      for (;; std::this_thread::yield())
        if (workerPool.tryTake()) {
          workerPool.work(
              2,
              [](const void *, const ttc_team *team, int64_t worker) {
                team->barrier(team, worker);
              },
              nullptr);
          workerPool.give();
          ++jobs;
        }
    }).detach();
    return comesTrue([] { return jobs > 10; });
  }));
  // In the middle of work that has no end.
  CHECK(inChild([] {
    static std::atomic<int> working{0};
    std::thread([] {
      together(2, [](const ttc_team *, int64_t) {
        ++working;
        for (;;)
          std::this_thread::sleep_for(std::chrono::seconds(1));
      });
    }).detach();
    return comesTrue([] { return working == 2; });
  }));
}

#endif
