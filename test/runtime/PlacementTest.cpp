//===- PlacementTest.cpp - Do weights get onto a device, and back? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "Fixtures.h"

#include <cstring>
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// The fake driver, loaded: whoever looks for a library of its name gets it.
FakeCuda &fakeDriver() {
  static FakeCuda *driver = [] {
    void *library = ::dlopen(FAKE_CUDA, RTLD_NOW);
    REQUIRE(library);
    return static_cast<FakeCuda *>(::dlsym(library, "ttc_fake_cuda"));
  }();
  *driver = {2, nullptr, 0, 0, driver->blocks, driver->retained, 0, 0};
  return *driver;
}

/// The answer of a process of its own: which driver is loaded first, stays.
template <typename Question> bool inChild(Question &&question) {
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    ::_exit(question() ? 42 : 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

/// Weights that close themselves.
struct Held {
  ttc_weights *weights = nullptr;
  ~Held() { ttc_weights_close(weights); }
  Outcome place(const char *device, Held &placed) const {
    return outcomeOf([&](ttc_error *error) {
      return ttc_weights_place(weights, device, &placed.weights, error);
    });
  }
  ttc_tensor find(const char *name) const {
    ttc_tensor tensor;
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_find(weights, name, &tensor, error);
    });
    CAPTURE(outcome);
    REQUIRE(outcome.code == TTC_OK);
    return tensor;
  }
  /// Its tensors are those of `makeWeights`.
  void check() const {
    REQUIRE(ttc_weights_count(weights) == 3);
    ttc_tensor tensor = find("b");
    CHECK(reinterpret_cast<uintptr_t>(tensor.data) % 4 == 0);
    const float expected[] = {1.5f, -2.25f};
    CHECK(std::memcmp(tensor.data, expected, sizeof(expected)) == 0);
    CHECK(std::memcmp(find("a").data, "abc", 3) == 0);
    CHECK(find("empty").shape[0] == 0);
  }
};

/// A file with an empty tensor, and one that is not aligned.
void makeWeights(Held &held, TemporaryDirectory &directory, int flags = 0) {
  std::string path = directory / "w.safetensors";
  std::string data = "abc";
  const float values[] = {1.5f, -2.25f};
  data.append(reinterpret_cast<const char *>(values), sizeof(values));
  writeBytes(path,
             safetensors("{\"__metadata__\":{\"k\":\"v\"}," +
                             entry("a", "U8", "[3]", "[0,3]") + "," +
                             entry("b", "F32", "[2]", "[3,11]") + "," +
                             entry("empty", "F32", "[0]", "[11,11]") + "}",
                         data));
  REQUIRE(ttc_weights_open_with(path.c_str(), flags, &held.weights, nullptr) ==
          TTC_OK);
}

} // namespace

TEST_CASE("Without a driver there are no CUDA devices") {
  // Before the fake one is loaded; a machine may have a real one.
  if (inChild([] { return ::dlopen("libcuda.so.1", RTLD_NOW) != nullptr; })) {
    MESSAGE("skipped: this machine has a driver");
    return;
  }
  TemporaryDirectory directory;
  Held held, placed;
  makeWeights(held, directory);
  Outcome outcome = held.place("cuda:0", placed);
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("[NoDriver]"));
  CHECK(outcome.mentions("Install NVIDIA's driver"));
  CHECK(placed.weights == nullptr);
}

TEST_CASE("A driver that is too old is named") {
  TemporaryDirectory directory;
  Held held;
  makeWeights(held, directory);
  CHECK(inChild([&] {
    ttc_error error = {};
    ttc_weights *placed = nullptr;
    return ::dlopen(OLD_CUDA, RTLD_NOW) &&
           ttc_weights_place(held.weights, "cuda:0", &placed, &error) ==
               TTC_ERROR_TARGET &&
           std::strstr(error.message, "'cuGetErrorString'") &&
           std::strstr(error.message, "[DriverTooOld]");
  }));
}

TEST_CASE("Weights on the cpu need neither file nor source") {
  Held placed;
  {
    TemporaryDirectory directory;
    Held held;
    makeWeights(held, directory);
    REQUIRE(held.place("cpu", placed).code == TTC_OK);
    CHECK(std::string(ttc_weights_device(held.weights)) == "cpu");
  }
  CHECK(std::string(ttc_weights_device(placed.weights)) == "cpu");
  placed.check();
  CHECK(ttc_weights_metadata_count(placed.weights) == 1);
}

TEST_CASE("Weights without data have names, dtypes and shapes") {
  TemporaryDirectory directory;
  Held held, meta, again, placed;
  makeWeights(held, directory);
  REQUIRE(held.place("meta", meta).code == TTC_OK);
  REQUIRE(meta.place("meta", again).code == TTC_OK);
  CHECK(std::string(ttc_weights_device(again.weights)) == "meta");
  ttc_tensor tensor = again.find("b");
  CHECK(tensor.data == nullptr);
  CHECK(tensor.dtype == TTC_DTYPE_F32);
  CHECK(tensor.shape[0] == 2);
  Outcome outcome = meta.place("cpu", placed);
  CHECK(outcome.code == TTC_ERROR_ARGUMENT);
  CHECK(outcome.mentions("[NotOnHost]"));
  CHECK(outcome.mentions("TTC_WEIGHTS_META"));
}

TEST_CASE("Weights go to a GPU and come back") {
  FakeCuda &driver = fakeDriver();
  TemporaryDirectory directory;
  {
    Held back;
    {
      Held held, gpu, other;
      makeWeights(held, directory);
      REQUIRE(held.place("cuda:1", gpu).code == TTC_OK);
      CHECK(driver.ordinal == 1);
      CHECK(driver.blocks == 1);
      CHECK(std::string(ttc_weights_device(gpu.weights)) == "cuda:1");
      ttc_tensor tensor = gpu.find("b");
      CHECK(reinterpret_cast<uintptr_t>(tensor.data) % 256 == 0);
      CHECK((reinterpret_cast<uintptr_t>(tensor.data) >> 62) == 1);
      // What needs the data on the host says so.
      Outcome outcome = outcomeOf([&](ttc_error *error) {
        return ttc_weights_save(gpu.weights, (directory / "x").c_str(), error);
      });
      CHECK(outcome.mentions("are on 'cuda:1'"));
      REQUIRE(gpu.place("cuda:0", other).code == TTC_OK);
      CHECK(driver.blocks == 2);
      REQUIRE(other.place("cpu", back).code == TTC_OK);
    }
    back.check();
  }
  CHECK(driver.blocks == 0);
  CHECK(driver.retained == 0);
  CHECK(driver.depth == 0);
}

TEST_CASE("Weights of a model on a GPU are refused, by name") {
  fakeDriver();
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  Held held, gpu, meta;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &held.weights,
                                   nullptr) == TTC_OK);
  REQUIRE(held.place("cuda:0", gpu).code == TTC_OK);
  REQUIRE(held.place("meta", meta).code == TTC_OK);
  for (const ttc_weights *weights : {gpu.weights, meta.weights}) {
    ttc_model *model = nullptr;
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_model_create(&ttc_model_fake, weights, 1, &model, error);
    });
    CHECK(outcome.mentions("[NotOnHost]"));
    CHECK(model == nullptr);
  }
}

TEST_CASE("Devices that do not exist") {
  FakeCuda &driver = fakeDriver();
  TemporaryDirectory directory;
  Held held, placed;
  makeWeights(held, directory);
  for (const char *device :
       {"", "cuda", "cuda:", "cuda:x", "cuda:0x", "cuda:-1", "cuda: 0",
        "cuda:99999999999", "CUDA:0", "tpu", "cpu:0", "meta "}) {
    CAPTURE(device);
    Outcome outcome = held.place(device, placed);
    CHECK(outcome.code == TTC_ERROR_ARGUMENT);
    CHECK(outcome.mentions("[UnknownDevice]"));
  }
  Outcome outcome = held.place("cuda:7", placed);
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("this machine has 2, 'cuda:0' to 'cuda:1'"));
  driver.devices = 1;
  CHECK(held.place("cuda:1", placed).mentions("has one, 'cuda:0'"));
  driver.devices = 0;
  CHECK(held.place("cuda:0", placed).mentions("has none"));
  CHECK(placed.weights == nullptr);
  CHECK(driver.retained == 0);
}

TEST_CASE(
    "Every call of the driver that fails is reported, and leaks nothing") {
  FakeCuda &driver = fakeDriver();
  TemporaryDirectory directory;
  Held held;
  makeWeights(held, directory);
  struct {
    const char *function;
    ttc_status code;
  } cases[] = {{"cuInit", TTC_ERROR_TARGET},
               {"cuDeviceGetCount", TTC_ERROR_TARGET},
               {"cuDeviceGet", TTC_ERROR_TARGET},
               {"cuDevicePrimaryCtxRetain", TTC_ERROR_TARGET},
               {"cuCtxPushCurrent", TTC_ERROR_MEMORY},
               {"cuMemAlloc", TTC_ERROR_MEMORY},
               {"cuMemcpyHtoD", TTC_ERROR_IO}};
  for (auto &each : cases)
    for (int number : {2, 77}) {
      driver.failing = each.function;
      driver.error = number;
      Held placed;
      Outcome outcome = held.place("cuda:0", placed);
      CAPTURE(each.function);
      CAPTURE(outcome);
      CHECK(outcome.code == each.code);
      CHECK(outcome.mentions(number == 2
                                 ? "CUDA_ERROR_OUT_OF_MEMORY, out of memory"
                                 : "the error 77"));
      CHECK(placed.weights == nullptr);
      driver.failing = nullptr;
      CHECK(driver.blocks == 0);
      CHECK(driver.retained == 0);
      CHECK(driver.depth == 0);
    }
  Held gpu, back;
  REQUIRE(held.place("cuda:0", gpu).code == TTC_OK);
  driver.failing = "cuMemcpyDtoH";
  driver.error = 2;
  Outcome outcome = gpu.place("cpu", back);
  CHECK(outcome.code == TTC_ERROR_IO);
  CHECK(outcome.mentions("bytes from cuda:0"));
  driver.failing = nullptr;
  REQUIRE(gpu.place("cpu", back).code == TTC_OK);
  back.check();
}

TEST_CASE("Null arguments of a placement") {
  TemporaryDirectory directory;
  Held held, placed;
  makeWeights(held, directory);
  CHECK(ttc_weights_place(nullptr, "cpu", &placed.weights, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_place(held.weights, nullptr, &placed.weights, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_place(held.weights, "cpu", nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_device(nullptr) == nullptr);
}
