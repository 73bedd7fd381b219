//===- ScratchTest.cpp - How much scratch memory do sessions share? -------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "model/Model.h"

#include <atomic>
#include <thread>

using ttc::ScratchBlock;
using ttc::ScratchPool;

namespace {

ScratchBlock *take(ScratchPool &pool, uint64_t bytes) {
  ScratchBlock *block = nullptr;
  REQUIRE(!pool.take("the test's memory", bytes, block).failed());
  REQUIRE(block->bytes >= bytes);
  REQUIRE(reinterpret_cast<uintptr_t>(block->data) % TTC_ALIGNMENT == 0);
  return block;
}

} // namespace

TEST_CASE("A block that is given back is taken again") {
  ScratchPool pool;
  CHECK(pool.tryTake(8) == nullptr);
  ScratchBlock *first = take(pool, 100);
  CHECK(pool.tryTake(1) == nullptr);
  ScratchBlock *second = take(pool, 10);
  CHECK(second != first);
  CHECK(pool.count() == 2);
  pool.give(*first);
  CHECK(pool.tryTake(100) == first);
  pool.give(*first);
  pool.give(*second);
  // Whatever the thread, there are two to be had, and no third.
  std::thread([&] {
    ScratchBlock *one = pool.tryTake(10), *other = pool.tryTake(10);
    CHECK(one != nullptr);
    CHECK(other != nullptr);
    CHECK(one != other);
    CHECK(pool.tryTake(10) == nullptr);
    pool.give(*one);
    pool.give(*other);
  }).join();
  CHECK(pool.count() == 2);
}

TEST_CASE("A block becomes larger before another is added") {
  ScratchPool pool;
  ScratchBlock *block = take(pool, 10);
  pool.give(*block);
  CHECK(pool.tryTake(11) == nullptr);
  CHECK(take(pool, 1000) == block);
  pool.give(*block);
  CHECK(take(pool, 10) == block);
  CHECK(block->bytes == 1000);
  CHECK(pool.count() == 1);
  pool.give(*block);
}

TEST_CASE("A block that cannot become larger stays as it was") {
  ScratchPool pool;
  ScratchBlock *block = take(pool, 10), *none = nullptr;
  pool.give(*block);
  ttc::Status status = pool.take("the test's memory", UINT64_MAX / 2, none);
  CHECK(status.failed());
  CHECK(status.message().find("the test's memory") != std::string::npos);
  CHECK(none == nullptr);
  CHECK(take(pool, 10) == block);
  CHECK(pool.take("the test's memory", UINT64_MAX / 2, none).failed());
  CHECK(pool.count() == 1);
  pool.give(*block);
}

TEST_CASE("Who wants nothing shares it") {
  ScratchPool pool;
  ScratchBlock *one = pool.tryTake(0), *other = pool.tryTake(0);
  REQUIRE(one != nullptr);
  CHECK(one == other);
  CHECK(one->data != nullptr);
  CHECK(reinterpret_cast<uintptr_t>(one->data) % TTC_ALIGNMENT == 0);
  pool.give(*one);
  CHECK(pool.tryTake(0) == one);
  CHECK(pool.count() == 0);
}

TEST_CASE("No pool is given the block of one that is gone") {
  for (int round = 0; round < 100; ++round) {
    // Most often at the same address.
    auto pool = std::make_unique<ScratchPool>();
    CHECK(pool->tryTake(8) == nullptr);
    pool->give(*take(*pool, 8));
  }
}

TEST_CASE("Two threads never have the same block") {
  ScratchPool pool;
  constexpr int numThreads = 8;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < numThreads; ++i)
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 2000; ++turn) {
        uint64_t bytes = static_cast<uint64_t>(1 + (turn * 7 + i) % 300);
        ScratchBlock *block = nullptr;
        if (pool.take("the test's memory", bytes, block).failed()) {
          ++wrong;
          continue;
        }
        unsigned char mark = static_cast<unsigned char>(i);
        block->data[0] = mark;
        block->data[bytes - 1] = mark;
        if (turn % 64 == 0)
          std::this_thread::yield();
        if (block->data[0] != mark || block->data[bytes - 1] != mark)
          ++wrong;
        pool.give(*block);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
  CHECK(pool.count() >= 1);
  MESSAGE(pool.count() << " blocks for " << numThreads << " threads");
}

TEST_CASE("A thousand sessions that step in turn need one block") {
  FakeSession fake;
  std::vector<ttc_session *> sessions(1000);
  std::vector<float> x = fakeInput(2, 0), y(x.size());
  const void *in[] = {x.data()};
  void *out[] = {y.data()};
  for (ttc_session *&session : sessions) {
    REQUIRE(ttc_session_create(fake.model, &session, nullptr) == TTC_OK);
    REQUIRE(ttc_session_step_raw(session, in, out, 2, nullptr) == TTC_OK);
  }
  CHECK(fake.model->scratch.count() == 1);
  CHECK(fake.model->stateShapes.count() == 1);
  for (ttc_session *session : sessions)
    ttc_session_close(session);
  CHECK(fake.model->stateShapes.count() == 0);
}

TEST_CASE("Shapes are those of the batch, shared, and go with the last user") {
  MixedSession mixed;
  ttc_session *other = nullptr;
  REQUIRE(ttc_session_create(mixed.model, &other, nullptr) == TTC_OK);
  CHECK(mixed.model->stateShapes.count() == 0);
  mixed.step(3, 0);
  ttc_tensor one, two;
  REQUIRE(ttc_session_state(mixed.session, 2, &one, nullptr) == TTC_OK);
  CHECK(std::vector<int64_t>(one.shape, one.shape + 3) ==
        std::vector<int64_t>{MIXED_LAYERS, 3, MIXED_SIZE});
  ttc_session *twin = nullptr;
  REQUIRE(ttc_session_fork(mixed.session, &twin, nullptr) == TTC_OK);
  REQUIRE(ttc_session_state(twin, 2, &two, nullptr) == TTC_OK);
  CHECK(one.shape == two.shape);
  REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
  mixed.step(4, 0);
  CHECK(mixed.model->stateShapes.count() == 2);
  CHECK(two.shape[1] == 3);
  ttc_session_close(twin);
  CHECK(mixed.model->stateShapes.count() == 1);
  // One without states has the shapes of the table.
  REQUIRE(ttc_session_state(other, 2, &two, nullptr) == TTC_OK);
  CHECK(two.shape[1] == TTC_BATCH);
  ttc_session_close(other);
}
