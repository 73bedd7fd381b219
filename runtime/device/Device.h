//===- Device.h - Where can tensors be placed? ------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A device is the host, or a GPU through the driver that the machine has.
// Blocks of it are addressed by its own pointers, which only it may follow.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICE_H
#define TTC_DEVICE_H

#include "support/Error.h"

#include <cstdint>
#include <memory>

namespace ttc {

/// Every call may be made from any thread, and returns when its work is done.
class Device {
public:
  virtual ~Device() = default;
  /// "cpu" or "cuda:0".
  virtual const std::string &name() const = 0;
  /// Whether its pointers are the host's.
  virtual bool isHost() const = 0;
  /// Aligned to TTC_ALIGNMENT, `size` is not 0. `what` names the block in the
  /// sentence of a failure.
  virtual Status allocate(const std::string &what, uint64_t size,
                          void *&block) = 0;
  virtual Status copyTo(void *block, const void *host, uint64_t size) = 0;
  virtual Status copyFrom(void *host, const void *block, uint64_t size) = 0;
  virtual void release(void *block) noexcept = 0;
};

/// The device of that name, "cpu" or "cuda:<number>".
Status findDevice(const std::string &name, std::shared_ptr<Device> &device);

/// A block that goes back to its device.
class DeviceBlock {
public:
  DeviceBlock() = default;
  DeviceBlock(DeviceBlock &&other) noexcept
      : device_(std::move(other.device_)),
        block(std::exchange(other.block, nullptr)) {}
  DeviceBlock &operator=(DeviceBlock &&other) noexcept {
    std::swap(device_, other.device_);
    std::swap(block, other.block);
    return *this;
  }
  ~DeviceBlock();
  /// Once.
  Status allocate(std::shared_ptr<Device> device, const std::string &what,
                  uint64_t size);
  Device *device() const { return device_.get(); }
  unsigned char *get() const { return static_cast<unsigned char *>(block); }

private:
  std::shared_ptr<Device> device_;
  void *block = nullptr;
};

} // namespace ttc

#endif // TTC_DEVICE_H
