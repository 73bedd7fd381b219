//===- DeviceFixtures.h - How do the tests get a GPU? -----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICEFIXTURES_H
#define TTC_DEVICEFIXTURES_H

#include "../emulator/Emulator.h"
#include "Fixtures.h"

#include <cstdlib>
#include <memory>

/// The emulator, loaded: whoever looks for a driver gets it. Nothing fails in
/// it until a test says so.
TtcEmulator &emulator();

/// A function of the emulator, as a driver has it.
void *emulatorFunction(const char *name);
template <typename Function> Function *driverFunction(const char *name) {
  return reinterpret_cast<Function *>(emulatorFunction(name));
}

/// A variable of the environment, for the length of a scope.
class Environment {
public:
  Environment(const char *name, const std::string &value) : name(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { ::unsetenv(name); }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

private:
  const char *name;
};

/// A descriptor with code for GPUs, which can be changed. Must outlive the
/// models that are made of it.
struct DeviceDescriptor {
  std::string bytes; ///< of the image
  ttc_device_image image = {};
  ttc_device_code code = {};
  ttc_model_descriptor descriptor = {};

  DeviceDescriptor(const ttc_model_descriptor &model, const char *imagePath);
  DeviceDescriptor(const DeviceDescriptor &) = delete;
  DeviceDescriptor &operator=(const DeviceDescriptor &) = delete;
};

/// The fake model, with the kernels of FakeKernels.c.
std::unique_ptr<DeviceDescriptor> fakeDeviceModel();
/// The same with one of its faults, 1 to 4.
std::unique_ptr<DeviceDescriptor> faultyDeviceModel(int fault);
/// The mixed model.
std::unique_ptr<DeviceDescriptor> mixedDeviceModel();

/// A model of the fake one's weights, and a session that the test creates.
struct DeviceModelHeld {
  ttc_model *model = nullptr;
  explicit DeviceModelHeld(const ttc_model_descriptor &descriptor);
  ~DeviceModelHeld() { ttc_model_close(model); }
  DeviceModelHeld(const DeviceModelHeld &) = delete;
  DeviceModelHeld &operator=(const DeviceModelHeld &) = delete;
};

struct SessionHeld {
  ttc_session *session = nullptr;
  SessionHeld() = default;
  SessionHeld(ttc_model *model, const char *device);
  ~SessionHeld() { ttc_session_close(session); }
  SessionHeld(const SessionHeld &) = delete;
  SessionHeld &operator=(const SessionHeld &) = delete;

  /// As those of FakeSession, by way of the C API's copies.
  std::vector<float> step(int64_t batch, int seed);
  std::vector<float> run(int64_t batch, int64_t steps, int seed);
  std::vector<float> states() const;
};

/// Whether the driver knows it as memory of a device.
bool isOnDevice(const void *pointer);

/// The context of a device, current for the length of a scope.
class CurrentContext {
public:
  explicit CurrentContext(int device = 0);
  ~CurrentContext();
  CurrentContext(const CurrentContext &) = delete;
  CurrentContext &operator=(const CurrentContext &) = delete;

private:
  const int device;
};

/// A block of the device, filled from the host.
class DeviceBuffer {
public:
  explicit DeviceBuffer(const std::vector<float> &values, int device = 0);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer &) = delete;
  DeviceBuffer &operator=(const DeviceBuffer &) = delete;
  void *data() const { return reinterpret_cast<void *>(address); }
  std::vector<float> read() const;

private:
  unsigned long long address = 0;
  size_t count;
  int device;
};

#endif // TTC_DEVICEFIXTURES_H
