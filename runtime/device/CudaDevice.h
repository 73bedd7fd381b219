//===- CudaDevice.h - How are NVIDIA's GPUs reached? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CUDADEVICE_H
#define TTC_CUDADEVICE_H

#include "device/CudaDriver.h"
#include "device/Device.h"

namespace ttc {

/// A GPU, in the context that the process shares with other users of the
/// driver, such as PyTorch, so that pointers can be given to them.
class CudaDevice : public Device {
public:
  CudaDevice(const CudaDriver &driver, int number)
      : driver(driver), number(number),
        name_("cuda:" + std::to_string(number)) {}
  ~CudaDevice() override;
  /// Returns the driver's error. Nothing else may be called before.
  int open(int number);

  const std::string &name() const override { return name_; }
  bool isHost() const override { return false; }
  Status allocate(const std::string &what, uint64_t size,
                  void *&block) override;
  Status copyTo(void *block, const void *host, uint64_t size) override;
  Status copyFrom(void *host, const void *block, uint64_t size) override;
  void release(void *block) noexcept override;

  /// The driver's own number of the device.
  int handle() const { return device; }

  /// Makes a call in this device's context; the thread's own is current again
  /// afterwards. Returns the error of the driver.
  template <typename Call> int within(Call &&call) const {
    int error = driver.ctxPush(context);
    if (error)
      return error;
    error = call();
    // Its failure would undo nothing of what was done.
    CudaContext popped = nullptr;
    driver.ctxPop(&popped);
    return error;
  }

  const CudaDriver driver;
  const int number;

private:
  Status copied(uint64_t size, const char *direction, int error) const;

  const std::string name_;
  int device = 0;
  CudaContext context = nullptr;
};

/// GPU `number`, not negative, of this machine. `instead` is what can be done
/// without one.
Status findCudaDevice(int number, const std::string &instead,
                      std::shared_ptr<CudaDevice> &device);

/// Whether `name` is "cuda" or "cuda:<number>".
bool parseCudaName(const std::string &name, int &number);

} // namespace ttc

#endif // TTC_CUDADEVICE_H
