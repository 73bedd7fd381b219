//===- ThreadsTest.cpp - Do sessions of one model keep apart? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 16 threads with 64 sessions each, of one model. Every stream is what it is
// when it is alone, whatever is done between its steps: copies that go on in
// its place, rows that are zeroed, states that are taken out and put back,
// sessions that are closed in any order. TTC_THREADS_SECONDS repeats it for so
// long; the memory in use must not grow.
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "model/Session.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

namespace {

constexpr size_t numThreads = 16, numSessions = 64;
constexpr int numSteps = 24;
constexpr size_t numStates = 2;

/// All that may be done to a stream between two steps without a change, but for
/// zeroing a row, which the serial run does at the same step.
enum Action { None, Fork, GetAndSet, SetOne, Detach, Query, numActions };

/// A stream's batch, and the step before which which row is zeroed.
struct Plan {
  int64_t batch;
  int zeroAt;
  size_t row;
};

Plan planOf(size_t stream) {
  const int64_t batch = static_cast<int64_t>(1 + stream % 3);
  return {batch, static_cast<int>(3 + stream % 17),
          stream % static_cast<size_t>(batch)};
}

bool zeroRow(ttc_session *session, const Plan &plan) {
  std::array<uint8_t, 3> rows = {};
  rows[plan.row] = 1;
  return ttc_session_zero_rows(session, rows.data(),
                               static_cast<size_t>(plan.batch),
                               nullptr) == TTC_OK;
}

/// What stream number `stream` gives when it is alone.
std::vector<std::vector<float>> serialRun(ttc_model *model, size_t stream) {
  const Plan plan = planOf(stream);
  std::vector<std::vector<float>> outputs;
  ttc_session *session = nullptr;
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
  for (int t = 0; t < numSteps; ++t) {
    if (t == plan.zeroAt)
      REQUIRE(zeroRow(session, plan));
    std::vector<float> x = fakeInput(plan.batch, t + int(stream)), y(x.size());
    const void *in[] = {x.data()};
    void *out[] = {y.data()};
    REQUIRE(ttc_session_step_raw(session, in, out, plan.batch, nullptr) ==
            TTC_OK);
    outputs.push_back(y);
  }
  ttc_session_close(session);
  return outputs;
}

/// Copies the states to memory, makes a session of them and puts it in the
/// place of the old one.
bool moveThroughMemory(ttc_session *&session, int64_t batch) {
  std::array<std::vector<float>, numStates> data;
  std::array<ttc_tensor, numStates> tensors;
  const int64_t shape[] = {batch, FAKE_NEURONS};
  for (size_t i = 0; i < numStates; ++i) {
    const char *name = ttc_model_fake.states[i].tensor.name;
    data[i].resize(static_cast<size_t>(batch) * FAKE_NEURONS);
    if (ttc_session_get_state(session, name, data[i].data(),
                              data[i].size() * sizeof(float),
                              nullptr) != TTC_OK)
      return false;
    tensors[i] = {name, TTC_DTYPE_F32, 2, shape, data[i].data()};
  }
  ttc_session *next = nullptr;
  if (ttc_session_create(session->model, &next, nullptr) != TTC_OK)
    return false;
  bool good =
      ttc_session_set_states(next, tensors.data(), numStates, 0,
                             ttc_session_timestep(session), nullptr) == TTC_OK;
  ttc_session_close(session);
  session = next;
  return good;
}

bool act(Action action, ttc_session *&session, int64_t batch) {
  if (action == Fork) {
    ttc_session *copy = nullptr;
    if (ttc_session_fork(session, &copy, nullptr) != TTC_OK)
      return false;
    ttc_session_close(session);
    session = copy;
    return true;
  }
  if (action == Detach)
    return ttc_session_detach(session, nullptr) == TTC_OK;
  if (action == Query) {
    uint64_t states = 0, scratch = 0;
    return ttc_model_session_bytes(session->model, batch, &states, &scratch,
                                   nullptr) == TTC_OK;
  }
  if (ttc_session_batch(session) == TTC_BATCH)
    return true; // before the first step there is nothing to take out
  if (action == GetAndSet)
    return moveThroughMemory(session, batch);
  if (action == SetOne) {
    ttc_tensor view;
    return ttc_session_state(session, 1, &view, nullptr) == TTC_OK &&
           ttc_session_set_state(session, &view, nullptr) == TTC_OK;
  }
  return true;
}

/// One thread's sessions, in an order of its own; returns what went wrong.
int runThread(ttc_model *model, unsigned seed,
              const std::vector<std::vector<std::vector<float>>> &expected) {
  struct Stream {
    ttc_session *session = nullptr;
    int step = 0;
  };
  std::mt19937 random(seed);
  std::vector<Stream> streams(numSessions);
  std::vector<size_t> open(numSessions);
  int wrong = 0;
  for (size_t s = 0; s < numSessions; ++s) {
    open[s] = s;
    wrong += ttc_session_create(model, &streams[s].session, nullptr) != TTC_OK;
  }
  while (!open.empty() && !wrong) {
    const size_t at = random() % open.size();
    const size_t number = open[at];
    const Plan plan = planOf(number);
    Stream &stream = streams[number];
    wrong += !act(static_cast<Action>(random() % numActions), stream.session,
                  plan.batch);
    if (stream.step == plan.zeroAt)
      wrong += !zeroRow(stream.session, plan);
    std::vector<float> x = fakeInput(plan.batch, stream.step + int(number)),
                       y(x.size());
    const void *in[] = {x.data()};
    void *out[] = {y.data()};
    wrong += ttc_session_step_raw(stream.session, in, out, plan.batch,
                                  nullptr) != TTC_OK;
    wrong += y != expected[number][static_cast<size_t>(stream.step)];
    if (++stream.step == numSteps) {
      ttc_session_close(stream.session);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  for (size_t number : open)
    ttc_session_close(streams[number].session);
  return wrong;
}

} // namespace

TEST_CASE(
    "16 threads with 64 sessions each give what each stream gives alone") {
  FakeSession fake;
  std::vector<std::vector<std::vector<float>>> expected;
  for (size_t s = 0; s < numSessions; ++s)
    expected.push_back(serialRun(fake.model, s));
  const char *text = std::getenv("TTC_THREADS_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(text ? std::atoi(text) : 0);
  unsigned round = 0;
  do {
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < numThreads; ++i)
      threads.emplace_back([&, i] {
        wrong += runThread(
            fake.model, round * unsigned(numThreads) + unsigned(i), expected);
      });
    for (std::thread &thread : threads)
      thread.join();
    REQUIRE(wrong == 0);
    // Nothing is left but the blocks of those who stepped at once.
    REQUIRE(fake.model->stateShapes.count() == 0);
    REQUIRE(fake.model->scratch.count() <= 2 * numThreads);
    ++round;
  } while (std::chrono::steady_clock::now() < end);
}

TEST_CASE("The model goes with the last of its sessions, whoever closes it") {
  for (int round = 0; round < 20; ++round) {
    auto fake = std::make_unique<FakeSession>();
    std::vector<ttc_session *> sessions(numThreads);
    for (ttc_session *&session : sessions)
      REQUIRE(ttc_session_fork(fake->session, &session, nullptr) == TTC_OK);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (ttc_session *session : sessions)
      threads.emplace_back([session, &wrong] {
        std::vector<float> x = fakeInput(2, 0), y(x.size());
        const void *in[] = {x.data()};
        void *out[] = {y.data()};
        wrong += ttc_session_step_raw(session, in, out, 2, nullptr) != TTC_OK;
        ttc_session_close(session);
      });
    fake.reset();
    for (std::thread &thread : threads)
      thread.join();
    CHECK(wrong == 0);
  }
}
