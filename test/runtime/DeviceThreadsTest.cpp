//===- DeviceThreadsTest.cpp - Do threads share a model on a GPU? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceFixtures.h"

#include <atomic>
#include <thread>

TEST_CASE("Threads create, step, fork and close sessions of one model") {
  auto with = fakeDeviceModel();
  std::vector<std::vector<float>> expected;
  {
    FakeSession reference;
    for (int t = 0; t < 8; ++t)
      expected.push_back(reference.step(4, t));
  }
  DeviceModelHeld held(with->descriptor);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        ttc_session *session = nullptr, *fork = nullptr;
        if (ttc_session_create_on(held.model, "cuda:0", &session, nullptr) !=
            TTC_OK) {
          ++wrong;
          return;
        }
        for (size_t t = 0; t < expected.size(); ++t) {
          std::vector<float> x = fakeInput(4, static_cast<int>(t));
          std::vector<float> y(x.size());
          const void *in[] = {x.data()};
          void *out[] = {y.data()};
          wrong += ttc_session_step_raw(session, in, out, 4, nullptr) != TTC_OK;
          wrong += y != expected[t];
        }
        wrong += ttc_session_fork(session, &fork, nullptr) != TTC_OK;
        ttc_session_close(session);
        ttc_session_close(fork);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("A second thread in a session on a device is turned away") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld session(held.model, "cuda:0");
  session.step(2, 0);
  std::atomic<bool> stop{false};
  std::atomic<int> busy{0}, other{0};
  auto loop = [&] {
    while (!stop) {
      std::vector<float> x = fakeInput(2, 0), y(x.size());
      const void *in[] = {x.data()};
      void *out[] = {y.data()};
      ttc_status status =
          ttc_session_step_raw(session.session, in, out, 2, nullptr);
      busy += status == TTC_ERROR_BUSY;
      other += status != TTC_ERROR_BUSY && status != TTC_OK;
      status = ttc_session_synchronize(session.session, nullptr);
      other += status != TTC_ERROR_BUSY && status != TTC_OK;
    }
  };
  std::thread first(loop), second(loop);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stop = true;
  first.join();
  second.join();
  CHECK(busy > 0);
  CHECK(other == 0);
}
