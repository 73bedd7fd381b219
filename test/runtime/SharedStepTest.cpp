//===- SharedStepTest.cpp - Is a step of several threads the same? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "model/Session.h"
#include "threads/WorkerPool.h"
#include "ttc/runtime.hpp"

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace {

ttc_status setThreads(ttc_session *session, int64_t threads) {
  return ttc_session_set_threads(session, threads, nullptr);
}

/// How often worker 1 took part in a step of the counting model, and how often
/// one was made alone.
std::atomic<int> sharedCalls{0}, loneCalls{0};

/// The fake model, whose steps are counted.
const ttc_model_descriptor countingModel = [] {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.step = [](const void *const *inputs, void *const *outputs,
                       const void *prepared, void *states, void *scratch,
                       int64_t batch) {
    ++loneCalls;
    ttc_model_fake.step(inputs, outputs, prepared, states, scratch, batch);
  };
  descriptor.shared_step = [](const void *const *inputs, void *const *outputs,
                              const void *prepared, void *states, void *scratch,
                              int64_t batch, const ttc_team *team,
                              int64_t worker) {
    sharedCalls += worker == 1;
    ttc_model_fake.shared_step(inputs, outputs, prepared, states, scratch,
                               batch, team, worker);
  };
  return descriptor;
}();

/// Keeps a CPU busy for longer than it takes to share a step.
void dawdle() {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::microseconds(20);
  while (std::chrono::steady_clock::now() < end)
    ;
}

/// The same models, of which one way to make a step takes long.
const ttc_model_descriptor slowAlone = [] {
  ttc_model_descriptor descriptor = countingModel;
  descriptor.step = [](const void *const *inputs, void *const *outputs,
                       const void *prepared, void *states, void *scratch,
                       int64_t batch) {
    dawdle();
    countingModel.step(inputs, outputs, prepared, states, scratch, batch);
  };
  return descriptor;
}();
const ttc_model_descriptor slowTogether = [] {
  ttc_model_descriptor descriptor = countingModel;
  descriptor.shared_step = [](const void *const *inputs, void *const *outputs,
                              const void *prepared, void *states, void *scratch,
                              int64_t batch, const ttc_team *team,
                              int64_t worker) {
    dawdle();
    countingModel.shared_step(inputs, outputs, prepared, states, scratch, batch,
                              team, worker);
  };
  return descriptor;
}();

/// Until some seconds are over.
template <typename Body> bool comesTrue(Body &&body) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end)
    if (body())
      return true;
  return false;
}

void pause(int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

/// T steps at once; the outputs, one after the other.
std::vector<float> run(ttc_session *session, int64_t batch, int seed,
                       int64_t steps) {
  std::vector<float> x, y;
  for (int64_t t = 0; t < steps; ++t) {
    std::vector<float> one = fakeInput(batch, seed + int(t));
    x.insert(x.end(), one.begin(), one.end());
  }
  y.resize(x.size());
  const void *in[] = {x.data()};
  void *out[] = {y.data()};
  REQUIRE(ttc_session_run_raw(session, in, out, batch, steps, nullptr) ==
          TTC_OK);
  return y;
}

} // namespace

TEST_CASE("A session has one thread until it is given more") {
  FakeSession fake;
  CHECK(ttc_session_threads(fake.session) == 1);
  CHECK(ttc_session_threads(nullptr) == 1);
  for (int64_t threads : {1, 4, 2, 1}) {
    CHECK(setThreads(fake.session, threads) == TTC_OK);
    CHECK(ttc_session_threads(fake.session) == threads);
  }
  CHECK(setThreads(fake.session, 3) == TTC_OK);
  ttc_session *copy = nullptr;
  REQUIRE(ttc_session_fork(fake.session, &copy, nullptr) == TTC_OK);
  CHECK(ttc_session_threads(copy) == 3);
  ttc_session_close(copy);
  REQUIRE(ttc_session_zero(fake.session, nullptr) == TTC_OK);
  CHECK(ttc_session_threads(fake.session) == 3);
}

TEST_CASE("A number of threads that cannot be") {
  FakeSession fake;
  auto refused = [&](ttc_session *session, int64_t threads) {
    return outcomeOf([&](ttc_error *error) {
      return ttc_session_set_threads(session, threads, error);
    });
  };
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  for (int64_t threads : {int64_t(0), int64_t(-1), INT64_MIN}) {
    Outcome outcome = refused(fake.session, threads);
    CHECK(outcome.code == TTC_ERROR_VALUE);
    CHECK(outcome.mentions("The number of threads is " +
                           std::to_string(threads) +
                           "; it must be at least 1. [InvalidThreads]"));
  }
  for (int64_t threads : {int64_t(FAKE_WORKERS + 1), INT64_MAX}) {
    Outcome outcome = refused(fake.session, threads);
    CHECK(outcome.code == TTC_ERROR_VALUE);
    CHECK(outcome.mentions(
        "'fake' was compiled for 4 threads, " + std::to_string(threads) +
        " were asked for. Compile it with --threads=" +
        std::to_string(threads) + ", or ask for at most 4. [TooManyThreads]"));
  }
  CHECK(ttc_session_threads(fake.session) == 2);
  CHECK(refused(nullptr, 1).code == TTC_ERROR_ARGUMENT);

  fake.session->busy = true;
  CHECK(refused(fake.session, 1).code == TTC_ERROR_BUSY);
  fake.session->busy = false;

  for (uint32_t workers : {0u, 1u}) {
    ttc_model_descriptor alone = ttc_model_fake;
    alone.max_workers = workers;
    alone.shared_step = nullptr;
    alone.shared_run = nullptr;
    FakeSession one(alone);
    CHECK(setThreads(one.session, 1) == TTC_OK);
    Outcome outcome = refused(one.session, 2);
    CHECK(outcome.code == TTC_ERROR_VALUE);
    CHECK(outcome.mentions(
        "was compiled for one thread, 2 were asked for. Compile it with "
        "--threads=2, or ask for 1."));
  }
  ttc_model_descriptor many = ttc_model_fake;
  many.max_workers = 1000;
  FakeSession crowd(many);
  Outcome outcome = refused(crowd.session, 65);
  CHECK(outcome.code == TTC_ERROR_VALUE);
  CHECK(outcome.mentions("at most 64 make a step together"));
}

TEST_CASE("The same from C++") {
  std::vector<Tensor> tensors = fakeWeights();
  ttc::Weights weights = ttc::Weights::fromTensors(views(tensors));
  ttc::Model model = ttc::Model::create(ttc_model_fake, &weights);
  ttc::Session session(model);
  CHECK(session.threads() == 1);
  session.setThreads(2);
  CHECK(session.threads() == 2);
  CHECK_THROWS_AS(session.setThreads(5), ttc::Error);
}

TEST_CASE("A model that says it can be shared, and cannot") {
  for (bool step : {false, true}) {
    ttc_model_descriptor odd = ttc_model_fake;
    if (step)
      odd.shared_run = nullptr;
    else
      odd.shared_step = nullptr;
    ttc_model *model = nullptr;
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_model_create(&odd, nullptr, 1, &model, error);
    });
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("[InvalidDescriptor]"));
    CHECK(outcome.mentions("shared_step or shared_run is missing"));
  }
}

TEST_CASE("Any number of threads gives the bits of one") {
  TemporaryDirectory directory;
  for (int64_t batch : {1, 2, 3, 16, 65}) {
    CAPTURE(batch);
    FakeSession one, many;
    const std::string path = directory / std::to_string(batch);
    int seed = 0;
    for (int round = 0; round < 6; ++round)
      for (int64_t threads : {2, 1, 4, 3}) {
        CAPTURE(threads);
        REQUIRE(setThreads(many.session, threads) == TTC_OK);
        for (int i = 0; i < 5; ++i, ++seed)
          REQUIRE(many.step(batch, seed) == one.step(batch, seed));
        REQUIRE(run(many.session, batch, seed, 7) ==
                run(one.session, batch, seed, 7));
        REQUIRE(many.states() == one.states());
        REQUIRE(ttc_session_timestep(many.session) ==
                ttc_session_timestep(one.session));
        // What a stream may go through between two steps.
        if (threads == 4) {
          for (ttc_session *session : {many.session, one.session})
            REQUIRE(ttc_session_zero(session, nullptr) == TTC_OK);
        } else if (threads == 3) {
          REQUIRE(ttc_session_save(many.session, path.c_str(), nullptr) ==
                  TTC_OK);
          many.step(batch, seed + 1);
          REQUIRE(ttc_session_load(many.session, path.c_str(), 0, nullptr) ==
                  TTC_OK);
        } else if (threads == 2) {
          ttc_session *copy = nullptr;
          REQUIRE(ttc_session_fork(many.session, &copy, nullptr) == TTC_OK);
          ttc_session_close(many.session);
          many.session = copy;
        }
      }
  }
}

TEST_CASE("Random numbers are those of one thread") {
  for (int64_t batch : {1, 2, 5}) {
    MixedSession one, many;
    REQUIRE(setThreads(many.session, 2) == TTC_OK);
    for (ttc_session *session : {one.session, many.session})
      REQUIRE(ttc_session_seed(session, 7, nullptr) == TTC_OK);
    for (int seed = 0; seed < 200; ++seed) {
      REQUIRE(many.step(batch, seed) == one.step(batch, seed));
      REQUIRE(many.states() == one.states());
      REQUIRE(many.generator() == one.generator());
    }
  }
}

TEST_CASE("The first call of a session is shared, though workers sleep") {
  // A machine that is busy may have had steps made alone just now.
  CHECK(comesTrue([] {
    FakeSession fake(countingModel);
    REQUIRE(setThreads(fake.session, 2) == TTC_OK);
    pause(5000);
    const int before = sharedCalls;
    fake.step(2, 0);
    return sharedCalls == before + 1;
  }));
}

TEST_CASE("Small steps that come slowly are made alone") {
  FakeSession fake(countingModel);
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  fake.step(2, 0);
  constexpr int steps = 100;
  const int shared = sharedCalls, alone = loneCalls;
  for (int i = 0; i < steps; ++i) {
    pause(1000);
    fake.step(2, i);
  }
  // Some may have taken long, since the machine is busy, and some workers sleep
  // late.
  CHECK(loneCalls - alone >= steps / 2);
  CHECK(loneCalls - alone + sharedCalls - shared == steps);
}

TEST_CASE("Small steps that follow each other closely are shared") {
  FakeSession fake(slowAlone);
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  fake.step(2, 0);
  pause(5000);
  const int shared = sharedCalls;
  CHECK(comesTrue([&] {
    fake.step(2, 0);
    return sharedCalls - shared >= 1000;
  }));
}

TEST_CASE("Whichever way is sooner is kept") {
  constexpr int calls = 100;
  for (const auto &[model, kept] :
       {std::pair(&slowAlone, &sharedCalls), {&slowTogether, &loneCalls}}) {
    // Others may have had the CPUs during a trial.
    CHECK(comesTrue([model = model, kept = kept] {
      FakeSession fake(*model);
      REQUIRE(setThreads(fake.session, 2) == TTC_OK);
      const int before = *kept;
      for (int i = 0; i < calls; ++i)
        fake.step(2, i);
      return *kept - before >= calls - 20;
    }));
  }
}

TEST_CASE("One thread is never helped") {
  FakeSession fake(countingModel);
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  REQUIRE(setThreads(fake.session, 1) == TTC_OK);
  const int shared = sharedCalls, alone = loneCalls;
  for (int i = 0; i < 100; ++i)
    fake.step(2, i);
  CHECK(sharedCalls == shared);
  CHECK(loneCalls == alone + 100);
}

TEST_CASE("A step does without workers that others have") {
  FakeSession fake(countingModel);
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  REQUIRE(comesTrue([] { return ttc::workerPool.tryTake(); }));
  const int alone = loneCalls;
  for (int i = 0; i < 10; ++i)
    fake.step(2, i);
  ttc::workerPool.give();
  CHECK(loneCalls == alone + 10);
}

TEST_CASE("After a worker was put aside, steps are made alone for a while") {
  ttc_model_descriptor slow = countingModel;
  slow.shared_step = [](const void *const *inputs, void *const *outputs,
                        const void *prepared, void *states, void *scratch,
                        int64_t batch, const ttc_team *team, int64_t worker) {
    if (worker == 1) {
      ++sharedCalls;
      pause(20000);
    }
    ttc_model_fake.shared_step(inputs, outputs, prepared, states, scratch,
                               batch, team, worker);
  };
  FakeSession fake(slow), one;
  REQUIRE(setThreads(fake.session, 2) == TTC_OK);
  const int shared = sharedCalls;
  const auto start = std::chrono::steady_clock::now();
  int steps = 0;
  do {
    REQUIRE(fake.step(2, steps) == one.step(2, steps));
    ++steps;
  } while (std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  // 20 ms are lost, and 180 follow in which none are.
  CHECK(sharedCalls - shared >= 1);
  CHECK(sharedCalls - shared <= 7);
  CHECK(steps > 100);
  pause(500000);
}

TEST_CASE("Sessions of several threads compete for the workers") {
  constexpr int numThreads = 6, steps = 300;
  FakeSession fake;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < numThreads; ++i)
    threads.emplace_back([&, i] {
      const int64_t batch = 1 + i % 3;
      ttc_session *many = nullptr, *one = nullptr;
      wrong += ttc_session_create(fake.model, &many, nullptr) != TTC_OK;
      wrong += ttc_session_create(fake.model, &one, nullptr) != TTC_OK;
      std::mt19937 random(static_cast<unsigned>(i));
      for (int t = 0; t < steps; ++t) {
        if (t % 10 == 0)
          wrong += setThreads(many, 1 + random() % FAKE_WORKERS) != TTC_OK;
        std::vector<float> x = fakeInput(batch, t + i), y(x.size()), z(y);
        const void *in[] = {x.data()};
        void *out[] = {y.data()};
        void *other[] = {z.data()};
        wrong += ttc_session_step_raw(many, in, out, batch, nullptr) != TTC_OK;
        wrong += ttc_session_step_raw(one, in, other, batch, nullptr) != TTC_OK;
        wrong += y != z;
      }
      ttc_session_close(many);
      ttc_session_close(one);
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
}
