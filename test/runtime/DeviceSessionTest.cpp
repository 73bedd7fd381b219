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

#include <cmath>
#include <limits>

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
  Environment environment("TTC_EMULATOR_CLUSTERS", "0");
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

TEST_CASE("A team is a cluster, if it has few blocks and the device has any") {
  for (const char *order : {"ascending", "descending", "shuffle:3"}) {
    CAPTURE(order);
    Environment environment("TTC_EMULATOR_ORDER", order);
    auto with = fakeDeviceModel();
    with->code.rows_are_independent = 0;
    with->code.block_threads = 128;
    DeviceModelHeld held(with->descriptor);
    struct Expected {
      int64_t batch;
      uint32_t gridX, threads, clusterBlocks;
    };
    // A row keeps four threads busy.
    for (const Expected &expected :
         {Expected{30, 1, 128, 1}, Expected{50, 2, 128, 2},
          Expected{64, 4, 64, 4}, Expected{200, 8, 128, 8},
          Expected{300, 8, 128, 8}, Expected{600, 19, 128, 1}}) {
      const int64_t batch = expected.batch;
      CAPTURE(batch);
      SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
      for (int t = 0; t < 3; ++t) {
        CHECK(onDevice.step(batch, t) == onHost.step(batch, t));
        CHECK(onDevice.states() == onHost.states());
      }
      CHECK(emulator().gridX == expected.gridX);
      CHECK(emulator().gridY == 1);
      CHECK(emulator().blockThreads == expected.threads);
      CHECK(emulator().clusterBlocks == expected.clusterBlocks);
      CHECK(onDevice.run(batch, 6, 2) == onHost.run(batch, 6, 2));
      CHECK(emulator().clusterBlocks == expected.clusterBlocks);
      CHECK(onDevice.states() == onHost.states());
    }
  }
}

TEST_CASE("A sequence has shared memory for the weights that it keeps") {
  auto with = fakeDeviceModel();
  with->code.rows_are_independent = 0;
  with->code.block_threads = 128;
  with->code.kept_bytes = 100;
  with->code.kept_threads = {0, 4};
  Environment multiprocessors("TTC_EMULATOR_MULTIPROCESSORS", "16");
  TtcEmulator &driver = emulator();
  auto sharedBytes = [&] {
    DeviceModelHeld held(with->descriptor);
    SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
    CHECK(onDevice.step(30, 1) == onHost.step(30, 1));
    CHECK(driver.sharedBytes == 0);
    CHECK(onDevice.run(30, 6, 2) == onHost.run(30, 6, 2));
    CHECK(onDevice.states() == onHost.states());
    return driver.sharedBytes;
  };
  // Four threads of 30 rows.
  CHECK(sharedBytes() == 12800);
  {
    Environment environment("TTC_EMULATOR_SHARED_BYTES", "6400");
    CHECK(sharedBytes() == 6400);
    CHECK(driver.clusterBlocks == 2);
  }
  {
    Environment environment("TTC_EMULATOR_SHARED_BYTES", "3199");
    CHECK(sharedBytes() == 0);
  }
  // A driver that does not give it: the sequence keeps nothing.
  driver.error = 1; // CUDA_ERROR_INVALID_VALUE
  driver.failing = "cuFuncSetAttribute";
  CHECK(sharedBytes() == 0);
  driver.failing = nullptr;
}

TEST_CASE("Several parts of a batch are several clusters") {
  auto with = fakeDeviceModel();
  with->code.block_threads = 128;
  with->code.threads = {0, 300};
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  for (int t = 0; t < 3; ++t)
    CHECK(onDevice.step(3, t) == onHost.step(3, t));
  CHECK(emulator().gridX == 4);
  CHECK(emulator().gridY == 3);
  CHECK(emulator().blockThreads == 96);
  CHECK(emulator().clusterBlocks == 4);
  CHECK(onDevice.states() == onHost.states());
}

TEST_CASE("Without clusters the same team waits by memory of the device") {
  auto with = fakeDeviceModel();
  with->code.rows_are_independent = 0;
  with->code.block_threads = 128;
  auto blocksAfterStep = [&](uint32_t expectedGridX, uint32_t expectedCluster) {
    DeviceModelHeld held(with->descriptor);
    SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
    CHECK(onDevice.step(200, 1) == onHost.step(200, 1));
    CHECK(emulator().gridX == expectedGridX);
    CHECK(emulator().clusterBlocks == expectedCluster);
    return emulator().blocks;
  };
  const int asCluster = blocksAfterStep(8, 8);
  // Of a step and of a sequence.
  Environment none("TTC_EMULATOR_CLUSTERS", "0");
  CHECK(blocksAfterStep(7, 1) == asCluster + 2);
}

namespace {

Outcome stepOn(ttc_session *session, const void *x, void *y, int64_t batch) {
  const void *in[] = {x};
  void *out[] = {y};
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_step_raw(session, in, out, batch, error);
  });
}

void *makeStream() {
  CurrentContext current;
  void *stream = nullptr;
  REQUIRE(driverFunction<int(void **, unsigned)>("cuStreamCreate")(&stream,
                                                                   0) == 0);
  return stream;
}

/// A name for each test's states file.
const char *statesFile = "states.safetensors";

} // namespace

TEST_CASE("Buffers of the device are not copied") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  const int64_t batch = 3;
  DeviceBuffer y(std::vector<float>(batch * FAKE_NEURONS));
  CHECK(onDevice.step(batch, 0) == onHost.step(batch, 0));
  for (int t = 1; t < 6; ++t) {
    DeviceBuffer x(fakeInput(batch, t));
    const int copies = emulator().copies;
    Outcome outcome = stepOn(onDevice.session, x.data(), y.data(), batch);
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_OK);
    CHECK(emulator().copies == copies);
    REQUIRE(ttc_session_synchronize(onDevice.session, nullptr) == TTC_OK);
    CHECK(y.read() == onHost.step(batch, t));
  }
  CHECK(onDevice.states() == onHost.states());
}

TEST_CASE("A mix of host and device is refused, as is another device") {
  Environment two("TTC_EMULATOR_DEVICES", "2");
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:1");
  CHECK(std::string(ttc_session_device(onDevice.session)) == "cuda:1");
  std::vector<float> x = fakeInput(2, 0), y(x.size());
  DeviceBuffer there(x, 1), elsewhere(x, 0);
  Outcome outcome = stepOn(onDevice.session, x.data(), there.data(), 2);
  CHECK(outcome.code == TTC_ERROR_ARGUMENT);
  CHECK(outcome.mentions("the input 'x' is the host's, that of the output 'y' "
                         "on cuda:1"));
  outcome = stepOn(onDevice.session, there.data(), y.data(), 2);
  CHECK(outcome.mentions("the input 'x' is on cuda:1, that of the output 'y' "
                         "the host's"));
  outcome = stepOn(onDevice.session, elsewhere.data(), there.data(), 2);
  CHECK(outcome.code == TTC_ERROR_ARGUMENT);
  CHECK(outcome.mentions("is on cuda:0, the session on cuda:1"));
  CHECK(ttc_session_batch(onDevice.session) == -1);
}

TEST_CASE("Whatever is wrong with a call is said as on the CPU") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda"), onHost(held.model, "cpu");
  onDevice.step(2, 0);
  onHost.step(2, 0);
  std::vector<float> x(64), y(64);
  int64_t shape[] = {2, FAKE_NEURONS + 1};
  auto compare = [&](auto &&call) {
    Outcome device = outcomeOf(
        [&](ttc_error *error) { return call(onDevice.session, error); });
    Outcome host = outcomeOf(
        [&](ttc_error *error) { return call(onHost.session, error); });
    CHECK(host.code != TTC_OK);
    CHECK(device.code == host.code);
    CHECK(device.message == host.message);
  };
  auto raw = [&](const void *from, void *to, int64_t batch) {
    compare([&](ttc_session *session, ttc_error *error) {
      const void *in[] = {from};
      void *out[] = {to};
      return ttc_session_step_raw(session, in, out, batch, error);
    });
  };
  raw(nullptr, y.data(), 2);
  raw(x.data(), nullptr, 2);
  raw(x.data(), x.data() + 1, 2);
  raw(reinterpret_cast<char *>(x.data()) + 1, y.data(), 2);
  raw(x.data(), y.data(), 3);
  raw(x.data(), y.data(), 0);
  raw(x.data(), y.data(), INT64_MAX);
  compare([&](ttc_session *session, ttc_error *error) {
    ttc_tensor in = {"x", TTC_DTYPE_F32, 2, shape, x.data()};
    ttc_tensor out = {"y", TTC_DTYPE_F32, 2, shape, y.data()};
    return ttc_session_step(session, &in, &out, error);
  });
  compare([&](ttc_session *session, ttc_error *error) {
    const void *in[] = {x.data()};
    void *out[] = {y.data()};
    return ttc_session_run_raw(session, in, out, 2, -1, error);
  });
  compare([&](ttc_session *session, ttc_error *error) {
    return ttc_session_step_raw(session, nullptr, nullptr, 2, error);
  });
  compare([&](ttc_session *session, ttc_error *error) {
    return ttc_session_zero_state(session, "net.1.nothing", error);
  });
  compare([&](ttc_session *session, ttc_error *error) {
    return ttc_session_get_state(session, "net.1.mem", x.data(), 4, error);
  });
  CHECK(onDevice.states() == onHost.states());
}

TEST_CASE("A step that repeats is recorded once, and replayed") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  const int before = emulator().graphLaunches;
  for (int t = 0; t < 6; ++t)
    CHECK(onDevice.step(4, t) == onHost.step(4, t));
  // From the third on.
  CHECK(emulator().graphLaunches == before + 4);
  CHECK(emulator().graphs == 1);
  CHECK(onDevice.states() == onHost.states());
  // Another batch has other blocks: nothing of the old is replayed.
  REQUIRE(ttc_session_zero(onDevice.session, nullptr) == TTC_OK);
  REQUIRE(ttc_session_zero(onHost.session, nullptr) == TTC_OK);
  for (int t = 0; t < 4; ++t)
    CHECK(onDevice.step(9, t) == onHost.step(9, t));
  CHECK(emulator().graphs == 1);
  CHECK(emulator().graphLaunches == before + 6);
}

TEST_CASE("A cluster is recorded and replayed, too") {
  auto with = fakeDeviceModel();
  with->code.rows_are_independent = 0;
  with->code.block_threads = 128;
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  const int before = emulator().graphLaunches;
  for (int t = 0; t < 6; ++t)
    CHECK(onDevice.step(64, t) == onHost.step(64, t));
  CHECK(emulator().graphLaunches == before + 4);
  CHECK(emulator().clusterBlocks == 4);
  CHECK(onDevice.states() == onHost.states());
}

TEST_CASE("Where the driver cannot record, steps are launched") {
  for (const char *function :
       {"cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate"}) {
    CAPTURE(function);
    auto with = fakeDeviceModel();
    DeviceModelHeld held(with->descriptor);
    SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
    TtcEmulator &driver = emulator();
    driver.failing = function;
    driver.error = 801; // CUDA_ERROR_NOT_SUPPORTED
    for (int t = 0; t < 5; ++t)
      CHECK(onDevice.step(4, t) == onHost.step(4, t));
    CHECK(emulator().graphs == 0);
  }
}

TEST_CASE("All is ordered in the caller's stream, which may be recorded") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  emulator();
  void *stream = makeStream();
  CHECK(onDevice.step(2, 0) == onHost.step(2, 0));
  REQUIRE(ttc_session_set_stream(onDevice.session, stream, nullptr) == TTC_OK);
  CHECK(onDevice.step(2, 1) == onHost.step(2, 1));
  CHECK(emulator().stream == stream);

  DeviceBuffer x(fakeInput(2, 2)), y(std::vector<float>(2 * FAKE_NEURONS));
  CurrentContext current;
  REQUIRE(driverFunction<int(void *, int)>("cuStreamBeginCapture_v2")(stream,
                                                                      1) == 0);
  const int kernels = emulator().kernels;
  CHECK(stepOn(onDevice.session, x.data(), y.data(), 2).code == TTC_OK);
  CHECK(emulator().kernels == kernels);
  void *graph = nullptr, *exec = nullptr;
  REQUIRE(driverFunction<int(void *, void **)>("cuStreamEndCapture")(
              stream, &graph) == 0);
  REQUIRE(driverFunction<int(void **, void *, unsigned long long)>(
              "cuGraphInstantiateWithFlags")(&exec, graph, 0) == 0);
  REQUIRE(driverFunction<int(void *, void *)>("cuGraphLaunch")(exec, stream) ==
          0);
  CHECK(y.read() == onHost.step(2, 2));
  driverFunction<int(void *)>("cuGraphExecDestroy")(exec);
  driverFunction<int(void *)>("cuGraphDestroy")(graph);
  REQUIRE(ttc_session_set_stream(onDevice.session, nullptr, nullptr) == TTC_OK);
  CHECK(onDevice.step(2, 3) == onHost.step(2, 3));
  driverFunction<int(void *)>("cuStreamDestroy_v2")(stream);

  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_set_stream(onHost.session, nullptr, error);
  });
  CHECK(outcome.code == TTC_ERROR_ARGUMENT);
  CHECK(outcome.mentions("is on the CPU, where there are no streams"));
  CHECK(ttc_session_synchronize(onHost.session, nullptr) == TTC_OK);
}

TEST_CASE("States that were saved on one go on on the other") {
  TemporaryDirectory directory;
  const std::string path = directory / statesFile;
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  for (const char *device : {"cuda:0", "cpu"}) {
    CAPTURE(device);
    const char *other = std::string(device) == "cpu" ? "cuda:0" : "cpu";
    SessionHeld first(held.model, device), second(held.model, other);
    for (int t = 0; t < 4; ++t)
      first.step(5, t);
    REQUIRE(ttc_session_save(first.session, path.c_str(), nullptr) == TTC_OK);
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_session_load(second.session, path.c_str(), TTC_LOAD_STRICT,
                              error);
    });
    CAPTURE(outcome);
    REQUIRE(outcome.code == TTC_OK);
    CHECK(ttc_session_timestep(second.session) == 4);
    CHECK(second.states() == first.states());
    CHECK(second.step(5, 9) == first.step(5, 9));
    // The same bytes, whoever writes them.
    REQUIRE(ttc_session_save(first.session, path.c_str(), nullptr) == TTC_OK);
    const std::string bytes = readBytes(path);
    REQUIRE(ttc_session_save(second.session, path.c_str(), nullptr) == TTC_OK);
    CHECK(readBytes(path) == bytes);
  }
}

TEST_CASE("States are read, set, zeroed and forked on the device") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  const int64_t batch = 6;
  std::vector<float> values = fakeInput(batch, 5);
  int64_t shape[] = {batch, FAKE_NEURONS};
  DeviceBuffer there(values);
  // Before a step, from the device and from the host.
  ttc_tensor tensor = {"net.1.syn", TTC_DTYPE_F32, 2, shape, there.data()};
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_set_state(onDevice.session, &tensor, error);
  });
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  tensor.data = values.data();
  REQUIRE(ttc_session_set_state(onHost.session, &tensor, nullptr) == TTC_OK);
  CHECK(onDevice.states() == onHost.states());
  CHECK(onDevice.step(batch, 1) == onHost.step(batch, 1));

  ttc_tensor state = {};
  REQUIRE(ttc_session_state(onDevice.session, 0, &state, nullptr) == TTC_OK);
  CHECK(isOnDevice(state.data));
  CHECK(state.shape[0] == batch);
  // A copy on the device.
  REQUIRE(ttc_session_get_state(onDevice.session, "net.1.mem", there.data(),
                                values.size() * sizeof(float),
                                nullptr) == TTC_OK);
  std::vector<float> mem = onHost.states();
  mem.resize(values.size());
  CHECK(there.read() == mem);

  for (const std::vector<uint8_t> &rows :
       {std::vector<uint8_t>{0, 1, 1, 0, 0, 1}, {1, 0, 0, 0, 1, 0}}) {
    for (ttc_session *session : {onDevice.session, onHost.session})
      REQUIRE(ttc_session_zero_rows(session, rows.data(), rows.size(),
                                    nullptr) == TTC_OK);
    CHECK(onDevice.states() == onHost.states());
    CHECK(onDevice.step(batch, 2) == onHost.step(batch, 2));
  }
  for (ttc_session *session : {onDevice.session, onHost.session})
    REQUIRE(ttc_session_zero_state(session, "net.1.mem", nullptr) == TTC_OK);
  CHECK(onDevice.states() == onHost.states());

  SessionHeld fork;
  REQUIRE(ttc_session_fork(onDevice.session, &fork.session, nullptr) == TTC_OK);
  CHECK(std::string(ttc_session_device(fork.session)) == "cuda:0");
  CHECK(fork.states() == onHost.states());
  onDevice.step(batch, 8);
  CHECK(fork.step(batch, 3) == onHost.step(batch, 3));
  CHECK(fork.states() == onHost.states());
  CHECK(ttc_session_detach(fork.session, nullptr) == TTC_OK);

  REQUIRE(ttc_session_zero(fork.session, nullptr) == TTC_OK);
  REQUIRE(ttc_session_zero(onHost.session, nullptr) == TTC_OK);
  CHECK(fork.states().empty());
  CHECK(fork.step(batch, 4) == onHost.step(batch, 4));
  CHECK(fork.states() == onHost.states());
}

TEST_CASE("A set of states from the device is verified before it is taken") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0");
  onDevice.step(2, 0);
  const std::vector<float> before = onDevice.states();
  std::vector<float> values = fakeInput(2, 5);
  values[3] = std::numeric_limits<float>::quiet_NaN();
  int64_t shape[] = {2, FAKE_NEURONS};
  DeviceBuffer mem(values), syn(fakeInput(2, 6));
  ttc_tensor tensors[] = {{"net.1.mem", TTC_DTYPE_F32, 2, shape, mem.data()},
                          {"net.1.syn", TTC_DTYPE_F32, 2, shape, syn.data()}};
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_set_states(onDevice.session, tensors, 2,
                                  TTC_LOAD_REFUSE_NONFINITE, 7, error);
  });
  CHECK(outcome.code == TTC_ERROR_VALUE);
  CHECK(onDevice.states() == before);
  REQUIRE(ttc_session_set_states(onDevice.session, tensors, 2, TTC_LOAD_STRICT,
                                 7, nullptr) == TTC_OK);
  CHECK(ttc_session_timestep(onDevice.session) == 7);
  CHECK(std::isnan(onDevice.states()[3]));
}

TEST_CASE("Random numbers go on where they are, on the device as on the CPU") {
  TemporaryDirectory directory;
  const std::string path = directory / statesFile;
  auto with = mixedDeviceModel();
  std::vector<AnyTensor> tensors = mixedWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  ttc_model *model = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  REQUIRE(ttc_model_create(&with->descriptor, weights, 1, &model, nullptr) ==
          TTC_OK);
  ttc_weights_close(weights);
  const int64_t batch = 3;
  auto step = [&](ttc_session *session, int t) {
    std::vector<int64_t> ids = mixedIds(batch, t);
    std::vector<double> x = mixedInput(batch, t), y(x.size());
    const void *in[] = {ids.data(), x.data()};
    void *out[] = {y.data()};
    REQUIRE(ttc_session_step_raw(session, in, out, batch, nullptr) == TTC_OK);
    return y;
  };
  auto generator = [](ttc_session *session) {
    std::pair<uint64_t, uint64_t> now;
    REQUIRE(ttc_session_generator(session, &now.first, &now.second, nullptr) ==
            TTC_OK);
    return now;
  };
  {
    SessionHeld onDevice(model, "cuda:0"), onHost(model, "cpu");
    for (ttc_session *session : {onDevice.session, onHost.session})
      REQUIRE(ttc_session_seed(session, 42, nullptr) == TTC_OK);
    for (int t = 0; t < 5; ++t)
      CHECK(step(onDevice.session, t) == step(onHost.session, t));
    CHECK(generator(onDevice.session) == generator(onHost.session));
    CHECK(generator(onDevice.session).second == 5);
    // A new seed in the middle; states that were zeroed; a fork.
    for (ttc_session *session : {onDevice.session, onHost.session})
      REQUIRE(ttc_session_set_generator(session, 7, 100, nullptr) == TTC_OK);
    CHECK(step(onDevice.session, 5) == step(onHost.session, 5));
    for (ttc_session *session : {onDevice.session, onHost.session})
      REQUIRE(ttc_session_zero(session, nullptr) == TTC_OK);
    CHECK(step(onDevice.session, 6) == step(onHost.session, 6));
    SessionHeld fork;
    REQUIRE(ttc_session_fork(onDevice.session, &fork.session, nullptr) ==
            TTC_OK);
    CHECK(step(fork.session, 7) == step(onHost.session, 7));
    REQUIRE(ttc_session_save(fork.session, path.c_str(), nullptr) == TTC_OK);
    SessionHeld loaded(model, "cpu");
    REQUIRE(ttc_session_load(loaded.session, path.c_str(), 0, nullptr) ==
            TTC_OK);
    CHECK(generator(loaded.session) == generator(onHost.session));
    CHECK(step(loaded.session, 8) == step(onHost.session, 8));

    // Integers on the host are compared with their limit.
    std::vector<int64_t> ids = {0, MIXED_ROWS, 0};
    std::vector<double> x = mixedInput(batch, 0), y(x.size());
    const void *in[] = {ids.data(), x.data()};
    void *out[] = {y.data()};
    CHECK(ttc_session_step_raw(onDevice.session, in, out, batch, nullptr) ==
          TTC_ERROR_VALUE);
  }
  ttc_model_close(model);
}

TEST_CASE("Inputs and outputs of any size pass through") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  // Below and above what goes by way of the host's pages.
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  CHECK(onDevice.run(64, 2000, 1) == onHost.run(64, 2000, 1));
  CHECK(onDevice.step(64, 2) == onHost.step(64, 2));
  CHECK(onDevice.run(64, 10, 3) == onHost.run(64, 10, 3));
  CHECK(onDevice.run(64, 3000, 4) == onHost.run(64, 3000, 4));
  CHECK(onDevice.states() == onHost.states());
}

TEST_CASE("The face in C++ names devices") {
  auto with = fakeDeviceModel();
  std::vector<Tensor> tensors = fakeWeights();
  ttc::Weights weights = ttc::Weights::fromTensors(views(tensors));
  ttc::Model model = ttc::Model::create(with->descriptor, &weights);
  ttc::Session onDevice(model, "cuda:0"), onHost(model);
  CHECK(onDevice.device() == "cuda:0");
  CHECK(onHost.device() == "cpu");
  Tensor x("x", {1, FAKE_NEURONS}, 1), y("y", {1, FAKE_NEURONS}),
      z("z", {1, FAKE_NEURONS});
  onDevice.setStream(nullptr);
  onDevice.step(x.view(), y.view());
  onHost.step(x.view(), z.view());
  onDevice.synchronize();
  CHECK(y.data == z.data);
  CHECK_THROWS_AS(ttc::Session(model, "cuda:9"), ttc::Error);
}

TEST_CASE("Thirty-two blocks of 1,024 threads wait for each other") {
  Environment large("TTC_EMULATOR_MULTIPROCESSORS", "16");
  auto with = fakeDeviceModel();
  with->code.rows_are_independent = 0;
  with->code.block_threads = 1024;
  DeviceModelHeld held(with->descriptor);
  SessionHeld onDevice(held.model, "cuda:0"), onHost(held.model, "cpu");
  CHECK(onDevice.run(10000, 3, 1) == onHost.run(10000, 3, 1));
  CHECK(emulator().gridX == 32);
  CHECK(emulator().blockThreads == 1024);
  CHECK(onDevice.states() == onHost.states());
}
