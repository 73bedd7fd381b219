//===- Device.cpp - Where can tensors be placed? --------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/Device.h"

#include "device/CudaDevice.h"
#include "support/Memory.h"

#include <cstring>

namespace ttc {
namespace {

class HostDevice : public Device {
public:
  const std::string &name() const override {
    static const std::string cpu = "cpu";
    return cpu;
  }
  bool isHost() const override { return true; }
  Status allocate(const std::string &what, uint64_t size,
                  void *&block) override {
    AlignedBlock memory;
    Status status = allocateZeroed(what, size, memory);
    if (!status.failed())
      block = memory.release();
    return status;
  }
  Status copyTo(void *block, const void *host, uint64_t size) override {
    std::memcpy(block, host, size);
    return Status::success();
  }
  Status copyFrom(void *host, const void *block, uint64_t size) override {
    std::memcpy(host, block, size);
    return Status::success();
  }
  void release(void *block) noexcept override { std::free(block); }
};

} // namespace

Status findDevice(const std::string &name, std::shared_ptr<Device> &device) {
  if (name == "cpu") {
    device = std::make_shared<HostDevice>();
    return Status::success();
  }
  int number = 0;
  if (name != "cuda" && parseCudaName(name, number)) {
    std::shared_ptr<CudaDevice> found;
    Status status = findCudaDevice(number, "place the weights on 'cpu'", found);
    device = std::move(found);
    return status;
  }
  return {TTC_ERROR_ARGUMENT, "UnknownDevice",
          "There is no device " + quoteName(name) +
              ": 'cpu', 'meta', and 'cuda:0' and so on are known."};
}

DeviceBlock::~DeviceBlock() {
  if (block)
    device_->release(block);
}

Status DeviceBlock::allocate(std::shared_ptr<Device> device,
                             const std::string &what, uint64_t size) {
  Status status = device->allocate(what, size ? size : 1, block);
  if (!status.failed())
    device_ = std::move(device);
  return status;
}

} // namespace ttc
