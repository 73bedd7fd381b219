//===- CudaDevice.cpp - How are NVIDIA's GPUs reached? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/CudaDevice.h"

#include <charconv>

namespace ttc {

CudaDevice::~CudaDevice() {
  if (context)
    driver.primaryCtxRelease(device);
}

int CudaDevice::open(int number) {
  int error = driver.deviceGet(&device, number);
  return error ? error : driver.primaryCtxRetain(&context, device);
}

Status CudaDevice::allocate(const std::string &what, uint64_t size,
                            void *&block) {
  CudaAddress address = 0;
  int error = within([&] { return driver.memAlloc(&address, size); });
  if (error)
    return {TTC_ERROR_MEMORY, "DeviceMemory",
            "There is no room for " + what + " on " + name_ + ": " +
                std::to_string(size) + " bytes were asked for (" +
                driver.describe(error) + ")."};
  block = reinterpret_cast<void *>(static_cast<uintptr_t>(address));
  return Status::success();
}

Status CudaDevice::copyTo(void *block, const void *host, uint64_t size) {
  return copied(size, "to", within([&] {
                  return driver.copyToDevice(cudaAddress(block), host, size);
                }));
}

Status CudaDevice::copyFrom(void *host, const void *block, uint64_t size) {
  return copied(size, "from", within([&] {
                  return driver.copyToHost(host, cudaAddress(block), size);
                }));
}

void CudaDevice::release(void *block) noexcept {
  within([&] { return driver.memFree(cudaAddress(block)); });
}

Status CudaDevice::copied(uint64_t size, const char *direction,
                          int error) const {
  if (!error)
    return Status::success();
  return {TTC_ERROR_IO, "DeviceError",
          "Cannot copy " + std::to_string(size) + " bytes " + direction + " " +
              name_ + ": " + driver.describe(error) + "."};
}

Status findCudaDevice(int number, const std::string &instead,
                      std::shared_ptr<CudaDevice> &device) {
  CudaDriver driver = {};
  Status status = loadCudaDriver(instead, driver);
  if (status.failed())
    return status;
  auto failed = [&](int error) -> Status {
    return {TTC_ERROR_TARGET, "DriverError",
            "The device 'cuda:" + std::to_string(number) +
                "' cannot be used: " + driver.describe(error) + "."};
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

bool parseCudaName(const std::string &name, int &number) {
  constexpr std::string_view cuda = "cuda";
  if (name.compare(0, cuda.size(), cuda) != 0)
    return false;
  number = 0;
  if (name.size() == cuda.size())
    return true;
  if (name[cuda.size()] != ':')
    return false;
  const char *begin = name.data() + cuda.size() + 1;
  const char *end = name.data() + name.size();
  auto [stop, error] = std::from_chars(begin, end, number);
  return begin != end && error == std::errc() && stop == end && *begin != '-';
}

} // namespace ttc
