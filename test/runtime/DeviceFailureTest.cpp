//===- DeviceFailureTest.cpp - What if a GPU is not there, or fails? ------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceFixtures.h"
#include "device/CudaDriver.h"
#include "support/Checksum.h"

#include <cstring>
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

Outcome createOn(ttc_model *model, const char *device) {
  ttc_session *session = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_create_on(model, device, &session, error);
  });
  ttc_session_close(session);
  return outcome;
}

Outcome createModel(const ttc_model_descriptor &descriptor) {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  ttc_model *model = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_create(&descriptor, weights, 1, &model, error);
  });
  ttc_weights_close(weights);
  ttc_model_close(model);
  return outcome;
}

Outcome stepOn(ttc_session *session, int64_t batch) {
  std::vector<float> x = fakeInput(batch, 0), y(x.size());
  const void *in[] = {x.data()};
  void *out[] = {y.data()};
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_step_raw(session, in, out, batch, error);
  });
}

/// What a process of its own says of a session on a GPU, with the driver that
/// is loaded first there, if any.
std::string messageWithDriver(const char *driver) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (driver && !::dlopen(driver, RTLD_NOW))
      ::_exit(1);
    const ttc_device_image image = {"sm_90", 0, 0, "", 1};
    ttc_device_code code = {};
    code.prepare = ttc_model_fake.prepare;
    code.prepared_size = ttc_model_fake.prepared_size;
    code.block_threads = 32;
    code.tile_rows = 1;
    code.num_images = 1;
    code.images = &image;
    ttc_model_descriptor descriptor = ttc_model_fake;
    descriptor.device = &code;
    std::vector<Tensor> tensors = fakeWeights();
    std::vector<ttc_tensor> table = views(tensors);
    ttc_weights *weights = nullptr;
    ttc_model *model = nullptr;
    ttc_session *session = nullptr;
    ttc_error error = {};
    ttc_weights_from_tensors(table.data(), table.size(), &weights, nullptr);
    ttc_model_create(&descriptor, weights, 1, &model, &error);
    if (ttc_session_create_on(model, "cuda:0", &session, &error) !=
        TTC_ERROR_TARGET)
      ::_exit(2);
    ::_exit(::write(ends[1], error.message, std::strlen(error.message)) < 0);
  }
  ::close(ends[1]);
  char text[1024] = "";
  ssize_t length = ::read(ends[0], text, sizeof(text) - 1);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  return std::string(text, length > 0 ? static_cast<size_t>(length) : 0);
}

} // namespace

// First: until a driver is loaded, this process has the machine's.
TEST_CASE("Without a driver a model still opens, and a session says why not") {
  if (!::dlopen("libcuda.so.1", RTLD_NOW)) {
    std::string message = messageWithDriver(nullptr);
    CAPTURE(message);
    CHECK(message.find("There is no driver for CUDA devices") == 0);
    CHECK(message.find("or create the session on 'cpu'") != std::string::npos);
  }
  // One that can hold weights, but is too old for models.
  std::string message = messageWithDriver(FAKE_CUDA);
  CAPTURE(message);
  CHECK(message.find("has no function 'cuDeviceGetAttribute': it is too old") !=
        std::string::npos);
}

TEST_CASE("A device that is not there is named") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  Outcome outcome = createOn(held.model, "cuda:3");
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("There is no device 'cuda:3': this machine has one"));
  for (const char *name : {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:0x",
                           "cudabc", "CPU", "meta"}) {
    CAPTURE(name);
    outcome = createOn(held.model, name);
    CHECK(outcome.code == TTC_ERROR_ARGUMENT);
    CHECK(outcome.mentions("There is no device '"));
  }
  CHECK(createOn(held.model, nullptr).code == TTC_ERROR_ARGUMENT);
  CHECK(createOn(nullptr, "cpu").code == TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_device(nullptr) == nullptr);
  CHECK(ttc_session_set_stream(nullptr, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_synchronize(nullptr, nullptr) == TTC_ERROR_ARGUMENT);
}

TEST_CASE("A model runs where it was compiled for, and says where not") {
  DeviceModelHeld onlyHost(ttc_model_fake);
  Outcome outcome = createOn(onlyHost.model, "cuda:0");
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("was compiled for the CPU alone, not for 'cuda:0': "
                         "compile it with --target=nvptx"));

  auto with = fakeDeviceModel();
  with->descriptor.prepare = nullptr;
  with->descriptor.step = nullptr;
  with->descriptor.run = nullptr;
  DeviceModelHeld onlyDevice(with->descriptor);
  outcome = createOn(onlyDevice.model, "cpu");
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("has no code for the CPU"));
  FakeSession reference;
  SessionHeld session(onlyDevice.model, "cuda:0");
  CHECK(session.step(3, 1) == reference.step(3, 1));
  uint64_t states = 0, scratch = 0;
  REQUIRE(ttc_model_session_bytes(onlyDevice.model, 2, &states, &scratch,
                                  nullptr) == TTC_OK);
  CHECK(scratch == with->code.scratch_size.per_batch * 2);
  TemporaryDirectory directory;
  CHECK(ttc_session_save(session.session, (directory / "s").c_str(), nullptr) ==
        TTC_OK);
}

TEST_CASE("A compiler has weights prepared before there are steps") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.step = nullptr;
  descriptor.run = nullptr;
  DeviceModelHeld held(descriptor);
  FakeSession reference;
  REQUIRE(ttc_model_prepared(held.model));
  CHECK(std::memcmp(ttc_model_prepared(held.model),
                    ttc_model_prepared(reference.model),
                    descriptor.prepared_size) == 0);
  CHECK(ttc_model_prepared_checksum(held.model) ==
        ttc_model_prepared_checksum(reference.model));
  CHECK(createOn(held.model, "cpu").code == TTC_ERROR_TARGET);
  CHECK(createOn(held.model, "cuda:0").code == TTC_ERROR_TARGET);
}

TEST_CASE("A descriptor whose code for GPUs is not whole is refused") {
  auto refuse = [](const char *part, auto &&change) {
    CAPTURE(part);
    auto with = fakeDeviceModel();
    change(*with);
    Outcome outcome = createModel(with->descriptor);
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions(part));
  };
  refuse("no prepare", [](auto &with) { with.code.prepare = nullptr; });
  refuse("blocks of 0", [](auto &with) { with.code.block_threads = 0; });
  refuse("blocks of 2048", [](auto &with) { with.code.block_threads = 2048; });
  refuse("whether rows",
         [](auto &with) { with.code.rows_are_independent = 2; });
  refuse("tiles of no rows", [](auto &with) { with.code.tile_rows = 0; });
  refuse("no image", [](auto &with) { with.code.num_images = 0; });
  refuse("no image", [](auto &with) { with.code.images = nullptr; });
  refuse("is empty", [](auto &with) { with.image.size = 0; });
  refuse("no architecture",
         [](auto &with) { with.image.architecture = nullptr; });
  refuse("without a zero byte", [](auto &with) {
    with.bytes.back() = 'x';
    with.image.is_ptx = 1;
  });
  refuse("one of prepare, step and run",
         [](auto &with) { with.descriptor.step = nullptr; });
}

TEST_CASE("No image, one that does not load, and one without kernels") {
  auto with = fakeDeviceModel();
  with->image.architecture = "sm_90";
  {
    DeviceModelHeld held(with->descriptor);
    Outcome outcome = createOn(held.model, "cuda:0");
    CHECK(outcome.code == TTC_ERROR_TARGET);
    CHECK(outcome.mentions("carries machine code for sm_90, of which none runs "
                           "on cuda:0, an emulated GPU, has the compute "
                           "capability 0.0"));
  }
  with->image.architecture = "emulated";
  std::string text = "no image of anything, but long enough for a header......";
  with->image.data = text.data();
  {
    DeviceModelHeld held(with->descriptor);
    Outcome outcome = createOn(held.model, "cuda:0");
    CHECK(outcome.code == TTC_ERROR_DEVICE);
    CHECK(outcome.mentions("CUDA_ERROR_INVALID_IMAGE"));
    CHECK(outcome.mentions("The driver's compiler says: the image is no "
                           "shared library of the host"));
  }
  // Another library: that of the model itself.
  std::string library = readBytes(FAKE_LIBRARY);
  with->image.data = library.data();
  {
    DeviceModelHeld held(with->descriptor);
    Outcome outcome = createOn(held.model, "cuda:0");
    CHECK(outcome.code == TTC_ERROR_DEVICE);
    CHECK(outcome.mentions("Cannot find the kernel 'ttc_step'"));
  }
  CHECK(emulator().modules == 0);
  CHECK(emulator().blocks == 0);
}

TEST_CASE("Of several images the first that loads is taken") {
  auto with = fakeDeviceModel();
  std::string text = "no image of anything, but long enough for a header......";
  ttc_device_image images[] = {with->image, with->image};
  images[0].data = text.data();
  with->code.images = images;
  with->code.num_images = 2;
  DeviceModelHeld held(with->descriptor);
  FakeSession reference;
  SessionHeld session(held.model, "cuda:0");
  CHECK(session.step(2, 1) == reference.step(2, 1));
}

TEST_CASE("Embedded weights are verified for the device as well") {
  auto with = fakeDeviceModel();
  FakeSession reference;
  alignas(64) static unsigned char prepared[64];
  std::memcpy(prepared, ttc_model_prepared(reference.model),
              ttc_model_fake.prepared_size);
  const std::string right =
      ttc::checksumText(ttc::crc32c(prepared, ttc_model_fake.prepared_size));
  with->descriptor.prepared = prepared;
  with->descriptor.prepared_checksum = right.c_str();
  with->code.prepared = prepared;
  with->code.prepared_checksum = right.c_str();
  ttc_model *model = nullptr;
  REQUIRE(ttc_model_create(&with->descriptor, nullptr, 1, &model, nullptr) ==
          TTC_OK);
  {
    SessionHeld session(model, "cuda:0");
    CHECK(session.step(2, 1) == reference.step(2, 1));
  }
  ttc_model_close(model);
  auto create = [&] {
    return outcomeOf([&](ttc_error *error) {
      return ttc_model_create(&with->descriptor, nullptr, 1, &model, error);
    });
  };
  with->code.prepared_checksum = "00000000";
  CHECK(create().code == TTC_ERROR_CHECKSUM);
  with->code.prepared = nullptr;
  CHECK(create().code == TTC_ERROR_MISSING);
}

TEST_CASE("A budget holds on the device") {
  auto with = fakeDeviceModel();
  with->code.scratch_size = {0, 1000};
  DeviceModelHeld held(with->descriptor);
  SessionHeld session(held.model, "cuda:0");
  REQUIRE(ttc_model_set_budget(held.model, 1500, nullptr) == TTC_OK);
  CHECK(stepOn(session.session, 1).code == TTC_OK);
  Outcome outcome = stepOn(session.session, 2);
  CHECK(outcome.code == TTC_ERROR_SHAPE);
  REQUIRE(ttc_session_zero(session.session, nullptr) == TTC_OK);
  outcome = stepOn(session.session, 2);
  CHECK(outcome.code == TTC_ERROR_MEMORY);
  CHECK(outcome.mentions("the scratch memory of the model 'fake' at batch 2"));
  CHECK(ttc_session_batch(session.session) == -1);
}

TEST_CASE("The device has no room: nothing has changed, and later it has") {
  auto with = fakeDeviceModel();
  DeviceModelHeld held(with->descriptor);
  SessionHeld session(held.model, "cuda:0");
  TtcEmulator &driver = emulator();
  driver.failing = "cuMemAlloc";
  driver.error = 2;
  Outcome outcome = stepOn(session.session, 2);
  CHECK(outcome.code == TTC_ERROR_MEMORY);
  CHECK(outcome.mentions("on cuda:0"));
  CHECK(outcome.mentions("CUDA_ERROR_OUT_OF_MEMORY, out of memory"));
  CHECK(ttc_session_batch(session.session) == -1);
  emulator();
  FakeSession reference;
  CHECK(session.step(2, 1) == reference.step(2, 1));
}

TEST_CASE("Whichever of the driver's functions fails, all is given back") {
  const char *functions[] = {"cuInit",
                             "cuDeviceGetCount",
                             "cuDeviceGet",
                             "cuDevicePrimaryCtxRetain",
                             "cuDeviceGetAttribute",
                             "cuDeviceGetName",
                             "cuModuleLoadDataEx",
                             "cuModuleGetFunction",
                             "cuOccupancyMaxActiveBlocksPerMultiprocessor",
                             "cuLaunchKernel",
                             "cuLaunchCooperativeKernel",
                             "cuLaunchKernelEx",
                             "cuPointerGetAttribute",
                             "cuStreamCreate",
                             "cuStreamSynchronize",
                             "cuStreamWaitEvent",
                             "cuEventRecord",
                             "cuMemcpyAsync",
                             "cuMemcpyHtoD",
                             "cuMemsetD8Async",
                             "cuMemHostAlloc",
                             "cuGraphLaunch",
                             "cuCtxPushCurrent",
                             "cuMemAlloc",
                             "cuStreamIsCapturing"};
  for (const char *function : functions) {
    CAPTURE(function);
    int failures = 0;
    const bool isCooperative =
        std::strcmp(function, "cuLaunchCooperativeKernel") == 0;
    Environment clusters("TTC_EMULATOR_CLUSTERS", isCooperative ? "0" : "1");
    auto with = fakeDeviceModel();
    with->code.rows_are_independent = 0;
    // A batch of 40 is then a cluster.
    if (std::strcmp(function, "cuLaunchKernelEx") == 0)
      with->code.block_threads = 128;
    TtcEmulator &driver = emulator();
    driver.error = 999; // CUDA_ERROR_UNKNOWN
    {
      // From the start, or once the session is there.
      DeviceModelHeld held(with->descriptor);
      driver.failing = function;
      failures += createOn(held.model, "cuda:0").code != TTC_OK;
      driver.failing = nullptr;
      SessionHeld session(held.model, "cuda:0");
      driver.failing = function;
      for (int t = 0; t < 4; ++t)
        failures += stepOn(session.session, 3).code != TTC_OK;
      ttc_session *fork = nullptr;
      failures += ttc_session_fork(session.session, &fork, nullptr) != TTC_OK;
      ttc_session_close(fork);
      driver.failing = nullptr;
      REQUIRE(ttc_session_zero(session.session, nullptr) == TTC_OK);
      failures += stepOn(session.session, 40).code != TTC_OK;
      driver.failing = function;
      for (int t = 0; t < 4; ++t)
        failures += stepOn(session.session, 40).code != TTC_OK;
      driver.failing = nullptr;
      REQUIRE(ttc_session_zero(session.session, nullptr) == TTC_OK);
      SessionHeld reference(held.model, "cpu");
      CHECK(session.step(40, 1) == reference.step(40, 1));
    }
    // Where it says nothing of what the step needs, no step fails.
    CHECK((failures > 0) ==
          (std::strcmp(function, "cuStreamIsCapturing") != 0));
    CHECK(driver.blocks == 0);
    CHECK(driver.pinned == 0);
    CHECK(driver.modules == 0);
    CHECK(driver.streams == 0);
    CHECK(driver.graphs == 0);
    CHECK(driver.contexts == 0);
  }
}

TEST_CASE("Where the driver counts no clusters, a team runs at the same time") {
  auto with = fakeDeviceModel();
  with->code.rows_are_independent = 0;
  with->code.block_threads = 128;
  DeviceModelHeld held(with->descriptor);
  TtcEmulator &driver = emulator();
  driver.failing = "cuOccupancyMaxActiveClusters";
  driver.error = 1;
  SessionHeld session(held.model, "cuda:0");
  CHECK(stepOn(session.session, 40).code == TTC_OK);
  CHECK(driver.gridX == 2);
  CHECK(driver.clusterBlocks == 1);
  driver.failing = nullptr;
}

TEST_CASE("A kernel that fails takes the device with it, which is said") {
  for (int fault : {2, 3, 4}) {
    CAPTURE(fault);
    auto with = faultyDeviceModel(fault);
    {
      DeviceModelHeld held(with->descriptor);
      SessionHeld session(held.model, "cuda:0");
      Outcome outcome = stepOn(session.session, 8);
      CHECK(outcome.code == TTC_ERROR_DEVICE);
      CHECK(
          outcome.mentions("Cannot make a step of the model 'fake' on cuda:0: "
                           "CUDA_ERROR_LAUNCH_FAILED, unspecified launch "
                           "failure. After this error"));
      outcome = stepOn(session.session, 8);
      CHECK(outcome.code == TTC_ERROR_DEVICE);
      CHECK(outcome.mentions("begin anew with states that were saved"));
    }
    CHECK(emulator().contexts == 0);
  }
}

TEST_CASE("A thread that ends leaves its cluster waiting, which is found") {
  auto with = faultyDeviceModel(2);
  with->code.rows_are_independent = 0;
  with->code.block_threads = 128;
  DeviceModelHeld held(with->descriptor);
  SessionHeld session(held.model, "cuda:0");
  CHECK(stepOn(session.session, 64).code == TTC_ERROR_DEVICE);
  CHECK(emulator().clusterBlocks == 4);
}

TEST_CASE("The emulator shows a barrier that is missing") {
  auto steps = [](const char *order, int fault) {
    Environment environment("TTC_EMULATOR_ORDER", order);
    auto with = faultyDeviceModel(fault);
    DeviceModelHeld held(with->descriptor);
    SessionHeld session(held.model, "cuda:0");
    session.step(40, 1);
    session.step(40, 2);
    std::string bytes;
    for (float value : session.states())
      bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
    return bytes;
  };
  CHECK(steps("ascending", 0) == steps("descending", 0));
  CHECK(steps("ascending", 0) == steps("shuffle:5", 0));
  CHECK(steps("ascending", 1) != steps("ascending", 0));
  CHECK(steps("ascending", 1) != steps("descending", 1));
}

TEST_CASE("The emulator is less forgiving than a GPU") {
  emulator();
  CurrentContext current;
  auto *allocate =
      driverFunction<int(unsigned long long *, size_t)>("cuMemAlloc_v2");
  auto *release = driverFunction<int(unsigned long long)>("cuMemFree_v2");
  auto *read = driverFunction<int(void *, unsigned long long, size_t)>(
      "cuMemcpyDtoH_v2");
  unsigned long long block = 0;
  float values[4] = {};
  REQUIRE(allocate(&block, sizeof(values)) == 0);
  REQUIRE(read(values, block, sizeof(values)) == 0);
  for (float value : values)
    CHECK(value != value);
  CHECK(read(values, block + 4, sizeof(values)) != 0);
  REQUIRE(release(block) == 0);
  CHECK(read(values, block, sizeof(values)) != 0);
  CHECK(release(block) != 0);
  CHECK(release(reinterpret_cast<uintptr_t>(values)) != 0);
}

TEST_CASE("The emulator takes clusters of up to eight blocks along a row") {
  emulator();
  CurrentContext current;
  const std::string image = readBytes(FAKE_IMAGE);
  void *module = nullptr, *step = nullptr;
  REQUIRE(driverFunction<int(void **, const void *, unsigned, int *, void **)>(
              "cuModuleLoadDataEx")(&module, image.data(), 0, nullptr,
                                    nullptr) == 0);
  REQUIRE(driverFunction<int(void **, void *, const char *)>(
              "cuModuleGetFunction")(&step, module, "ttc_step") == 0);
  constexpr int invalidClusterSize = 912;
  auto *count =
      driverFunction<int(int *, void *, const ttc::CudaLaunchConfig *)>(
          "cuOccupancyMaxActiveClusters");
  auto *launch = driverFunction<int(const ttc::CudaLaunchConfig *, void *,
                                    void **, void **)>("cuLaunchKernelEx");
  int clusters = 0;
  auto ask = [&](unsigned gridX, unsigned x, unsigned y) {
    ttc::CudaLaunchAttribute cluster = {ttc::cuda::launchClusterDimension,
                                        {x, y, 1}};
    const ttc::CudaLaunchConfig config = {gridX, 1, 1,       256,      1,
                                          1,     0, nullptr, &cluster, 1};
    const int error = count(&clusters, step, &config);
    // One that would be launched has no parameters here.
    CHECK(launch(&config, step, nullptr, nullptr) == (error ? error : 1));
    return error;
  };
  CHECK(ask(8, 8, 1) == 0);
  // Four multiprocessors of eight blocks.
  CHECK(clusters == 4);
  CHECK(ask(8, 2, 1) == 0);
  CHECK(clusters == 16);
  CHECK(ask(16, 16, 1) == invalidClusterSize);
  CHECK(ask(4, 3, 1) == invalidClusterSize);
  CHECK(ask(4, 0, 1) == invalidClusterSize);
  CHECK(ask(4, 2, 2) == invalidClusterSize);
  Environment none("TTC_EMULATOR_CLUSTERS", "0");
  CHECK(ask(8, 8, 1) == invalidClusterSize);
  driverFunction<int(void *)>("cuModuleUnload")(module);
}
