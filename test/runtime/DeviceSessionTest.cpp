//===- DeviceSessionTest.cpp - Does a session on a GPU do what it should? -===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On the emulator: every step is compared with a session on the CPU, whatever
// the order in which the threads of a grid take turns.
//
//===----------------------------------------------------------------------===//

#include "DeviceFixtures.h"

#include "ttc/runtime.hpp"

TEST_CASE("Steps on a device are those on the CPU, in any order of threads") {
  for (const char *order : {"ascending", "descending", "shuffle:3"}) {
    CAPTURE(order);
    Environment environment("TTC_EMULATOR_ORDER", order);
    auto with = fakeDeviceModel();
    DeviceModelHeld held(with->descriptor);
    for (int64_t batch : {1, 3, 64, 1000}) {
      CAPTURE(batch);
      SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
      for (int t = 0; t < 5; ++t) {
        CHECK(onDevice.step(batch, t) == onHost.step(batch, t));
        CHECK(onDevice.states() == onHost.states());
      }
      CHECK(onDevice.run(batch, 7, 11) == onHost.run(batch, 7, 11));
      CHECK(onDevice.states() == onHost.states());
      CHECK(ttc_session_timestep(onDevice.session) == 12);
    }
  }
}

TEST_CASE("A team of blocks makes one row") {
  auto with = fakeDeviceModel();
  // A batch of 40 then keeps five blocks of 32 threads busy.
  with->code.rows_are_independent = 0;
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  CHECK(onDevice.step(40, 1) == onHost.step(40, 1));
  CHECK(emulator().gridX == 5);
  CHECK(emulator().gridY == 1);
  CHECK(onDevice.run(40, 6, 2) == onHost.run(40, 6, 2));
  CHECK(onDevice.states() == onHost.states());
}
