//===- CudaDevice.cpp - How are NVIDIA's GPUs reached? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"

#include <dlfcn.h>

namespace ttc {
namespace {

using Context = void *;
using Address = unsigned long long;

/// The functions of the driver's API that are used here, by their names in the
/// library: some have a newer form under the name with "_v2".
struct Driver {
  int (*init)(unsigned flags);
  int (*deviceGetCount)(int *count);
  int (*deviceGet)(int *device, int ordinal);
  int (*primaryCtxRetain)(Context *context, int device);
  int (*primaryCtxRelease)(int device);
  int (*ctxPush)(Context context);
  int (*ctxPop)(Context *context);
  int (*memAlloc)(Address *address, size_t size);
  int (*memFree)(Address address);
  int (*copyToDevice)(Address to, const void *from, size_t size);
  int (*copyToHost)(void *to, Address from, size_t size);
  int (*getErrorName)(int error, const char **name);
  int (*getErrorString)(int error, const char **text);
};

/// "CUDA_ERROR_OUT_OF_MEMORY, out of memory".
std::string describe(const Driver &driver, int error) {
  const char *name = nullptr, *text = nullptr;
  if (driver.getErrorName(error, &name) != 0 || !name)
    return "the error " + std::to_string(error);
  std::string result = name;
  if (driver.getErrorString(error, &text) == 0 && text)
    result += std::string(", ") + text;
  return result;
}

template <typename Function>
bool look(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(::dlsym(library, name));
  return function != nullptr;
}

/// Nothing is looked for twice, and nothing that failed is remembered: a driver
/// can be loaded later. The library is never closed, since its own threads may
/// run until the process ends.
Status loadDriver(Driver &driver) {
  constexpr const char *file = "libcuda.so.1";
  void *library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = ::dlerror();
    return {TTC_ERROR_TARGET, "NoDriver",
            std::string("There is no driver for CUDA devices: ") + file +
                " cannot be loaded (" +
                (reason ? reason : "no reason is known") +
                "). Install NVIDIA's driver, or place the weights on 'cpu'."};
  }
  const char *missing = nullptr;
  auto want = [&](const char *name, auto *&function) {
    if (!look(library, name, function) && !missing)
      missing = name;
  };
  want("cuInit", driver.init);
  want("cuDeviceGetCount", driver.deviceGetCount);
  want("cuDeviceGet", driver.deviceGet);
  want("cuDevicePrimaryCtxRetain", driver.primaryCtxRetain);
  want("cuDevicePrimaryCtxRelease_v2", driver.primaryCtxRelease);
  want("cuCtxPushCurrent_v2", driver.ctxPush);
  want("cuCtxPopCurrent_v2", driver.ctxPop);
  want("cuMemAlloc_v2", driver.memAlloc);
  want("cuMemFree_v2", driver.memFree);
  want("cuMemcpyHtoD_v2", driver.copyToDevice);
  want("cuMemcpyDtoH_v2", driver.copyToHost);
  want("cuGetErrorName", driver.getErrorName);
  want("cuGetErrorString", driver.getErrorString);
  if (missing)
    return {TTC_ERROR_TARGET, "DriverTooOld",
            std::string("The driver for CUDA devices, ") + file +
                ", has no function '" + missing +
                "': it is too old. Install a newer driver of NVIDIA."};
  int error = driver.init(0);
  if (error)
    return {TTC_ERROR_TARGET, "DriverError",
            "The driver for CUDA devices does not start: " +
                describe(driver, error) +
                ". Look whether nvidia-smi sees a GPU."};
  return Status::success();
}

Address addressOf(const void *block) {
  return static_cast<Address>(reinterpret_cast<uintptr_t>(block));
}

class CudaDevice : public Device {
public:
  CudaDevice(const Driver &driver, int number)
      : driver(driver), name_("cuda:" + std::to_string(number)) {}
  ~CudaDevice() override {
    if (context)
      driver.primaryCtxRelease(device);
  }
  /// Returns the driver's error. Nothing else may be called before.
  int open(int number) {
    int error = driver.deviceGet(&device, number);
    return error ? error : driver.primaryCtxRetain(&context, device);
  }

  const std::string &name() const override { return name_; }
  bool isHost() const override { return false; }

  Status allocate(const std::string &what, uint64_t size,
                  void *&block) override {
    Address address = 0;
    int error = within([&] { return driver.memAlloc(&address, size); });
    if (error)
      return {TTC_ERROR_MEMORY, "DeviceMemory",
              "There is no room for " + what + " on " + name_ + ": " +
                  std::to_string(size) + " bytes were asked for (" +
                  describe(driver, error) + ")."};
    block = reinterpret_cast<void *>(static_cast<uintptr_t>(address));
    return Status::success();
  }
  Status copyTo(void *block, const void *host, uint64_t size) override {
    return copied(size, "to", within([&] {
                    return driver.copyToDevice(addressOf(block), host, size);
                  }));
  }
  Status copyFrom(void *host, const void *block, uint64_t size) override {
    return copied(size, "from", within([&] {
                    return driver.copyToHost(host, addressOf(block), size);
                  }));
  }
  void release(void *block) noexcept override {
    within([&] { return driver.memFree(addressOf(block)); });
  }

private:
  /// Makes a call in this device's context; the thread's own is current again
  /// afterwards.
  template <typename Call> int within(Call &&call) const {
    int error = driver.ctxPush(context);
    if (error)
      return error;
    error = call();
    // Its failure would undo nothing of what was done.
    Context popped = nullptr;
    driver.ctxPop(&popped);
    return error;
  }

  Status copied(uint64_t size, const char *direction, int error) const {
    if (!error)
      return Status::success();
    return {TTC_ERROR_IO, "DeviceError",
            "Cannot copy " + std::to_string(size) + " bytes " + direction +
                " " + name_ + ": " + describe(driver, error) + "."};
  }

  const Driver driver;
  const std::string name_;
  int device = 0;
  Context context = nullptr;
};

} // namespace

Status findCudaDevice(int number, std::shared_ptr<Device> &device) {
  Driver driver = {};
  Status status = loadDriver(driver);
  if (status.failed())
    return status;
  auto failed = [&](int error) -> Status {
    return {TTC_ERROR_TARGET, "DriverError",
            "The device 'cuda:" + std::to_string(number) +
                "' cannot be used: " + describe(driver, error) + "."};
  };
  int count = 0;
  int error = driver.deviceGetCount(&count);
  if (error)
    return failed(error);
  if (number >= count)
    return {TTC_ERROR_TARGET, "NoSuchDevice",
            "There is no device 'cuda:" + std::to_string(number) +
                "': this machine has " +
                (count == 0   ? "none"
                 : count == 1 ? "one, 'cuda:0'"
                              : std::to_string(count) + ", 'cuda:0' to 'cuda:" +
                                    std::to_string(count - 1) + "'") +
                "."};
  auto found = std::make_shared<CudaDevice>(driver, number);
  error = found->open(number);
  if (error)
    return failed(error);
  device = std::move(found);
  return status;
}

} // namespace ttc
