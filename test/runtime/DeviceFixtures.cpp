//===- DeviceFixtures.cpp - How do the tests get a GPU? -------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceFixtures.h"

#include <dlfcn.h>

namespace {

void *library() {
  static void *loaded = ::dlopen(TTC_EMULATOR_LIBRARY, RTLD_NOW);
  REQUIRE(loaded);
  return loaded;
}

} // namespace

void *emulatorFunction(const char *name) {
  void *function = ::dlsym(library(), name);
  REQUIRE(function);
  return function;
}

TtcEmulator &emulator() {
  auto *found = static_cast<TtcEmulator *>(emulatorFunction("ttc_emulator"));
  found->failing = nullptr;
  found->error = 0;
  return *found;
}

DeviceDescriptor::DeviceDescriptor(const ttc_model_descriptor &model,
                                   const char *imagePath)
    : bytes(readBytes(imagePath)), descriptor(model) {
  emulator();
  image = {"emulated", /*is_ptx=*/0, 0, bytes.data(), bytes.size()};
  code.prepared_size = model.prepared_size;
  code.prepare = model.prepare;
  code.scratch_size = model.scratch_size;
  code.threads = {0, FAKE_NEURONS};
  code.block_threads = 32;
  code.rows_are_independent = 1;
  code.tile_rows = 1;
  code.num_images = 1;
  code.images = &image;
  descriptor.device = &code;
}

std::unique_ptr<DeviceDescriptor> fakeDeviceModel() {
  return std::make_unique<DeviceDescriptor>(ttc_model_fake, FAKE_IMAGE);
}

std::unique_ptr<DeviceDescriptor> faultyDeviceModel(int fault) {
  const char *images[] = {FAKE_IMAGE, FAKE_IMAGE_1, FAKE_IMAGE_2, FAKE_IMAGE_3,
                          FAKE_IMAGE_4};
  return std::make_unique<DeviceDescriptor>(ttc_model_fake, images[fault]);
}

std::unique_ptr<DeviceDescriptor> mixedDeviceModel() {
  auto made = std::make_unique<DeviceDescriptor>(ttc_model_mixed, MIXED_IMAGE);
  made->code.rows_are_independent = 0;
  return made;
}

DeviceModelHeld::DeviceModelHeld(const ttc_model_descriptor &descriptor) {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_create(&descriptor, weights, 1, &model, error);
  });
  ttc_weights_close(weights);
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
}

SessionHeld::SessionHeld(ttc_model *model, const char *device) {
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_create_on(model, device, &session, error);
  });
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
}

std::vector<float> SessionHeld::step(int64_t batch, int seed) {
  std::vector<float> input = fakeInput(batch, seed);
  std::vector<float> output(input.size());
  const void *in[] = {input.data()};
  void *out[] = {output.data()};
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_step_raw(session, in, out, batch, error);
  });
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  return output;
}

std::vector<float> SessionHeld::run(int64_t batch, int64_t steps, int seed) {
  std::vector<float> input = fakeInput(batch * steps, seed);
  std::vector<float> output(input.size());
  const void *in[] = {input.data()};
  void *out[] = {output.data()};
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_run_raw(session, in, out, batch, steps, error);
  });
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  return output;
}

std::vector<float> SessionHeld::states() const {
  std::vector<float> result;
  const int64_t batch = ttc_session_batch(session);
  if (batch < 0)
    return result;
  for (uint32_t i = 0; i < ttc_model_fake.num_states; ++i) {
    std::vector<float> state(static_cast<size_t>(batch) * FAKE_NEURONS);
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_session_get_state(
          session, ttc_model_fake.states[i].tensor.name, state.data(),
          state.size() * sizeof(float), error);
    });
    CAPTURE(outcome);
    REQUIRE(outcome.code == TTC_OK);
    result.insert(result.end(), state.begin(), state.end());
  }
  return result;
}

CurrentContext::CurrentContext(int device) : device(device) {
  void *context = nullptr;
  REQUIRE(driverFunction<int(void **, int)>("cuDevicePrimaryCtxRetain")(
              &context, device) == 0);
  REQUIRE(driverFunction<int(void *)>("cuCtxPushCurrent_v2")(context) == 0);
}

CurrentContext::~CurrentContext() {
  void *popped = nullptr;
  driverFunction<int(void **)>("cuCtxPopCurrent_v2")(&popped);
  driverFunction<int(int)>("cuDevicePrimaryCtxRelease_v2")(device);
}

bool isOnDevice(const void *pointer) {
  CurrentContext current;
  unsigned type = 0;
  int error = driverFunction<int(void *, int, unsigned long long)>(
      "cuPointerGetAttribute")(&type, 2, reinterpret_cast<uintptr_t>(pointer));
  return error == 0 && type == 2;
}

DeviceBuffer::DeviceBuffer(const std::vector<float> &values, int device)
    : count(values.size()), device(device) {
  CurrentContext current(device);
  REQUIRE(driverFunction<int(unsigned long long *, size_t)>("cuMemAlloc_v2")(
              &address, count * sizeof(float)) == 0);
  REQUIRE(driverFunction<int(unsigned long long, const void *, size_t)>(
              "cuMemcpyHtoD_v2")(address, values.data(),
                                 count * sizeof(float)) == 0);
}

DeviceBuffer::~DeviceBuffer() {
  CurrentContext current(device);
  driverFunction<int(unsigned long long)>("cuMemFree_v2")(address);
}

std::vector<float> DeviceBuffer::read() const {
  CurrentContext current(device);
  std::vector<float> values(count);
  REQUIRE(driverFunction<int(void *, unsigned long long, size_t)>(
              "cuMemcpyDtoH_v2")(values.data(), address,
                                 count * sizeof(float)) == 0);
  return values;
}
