//===- CudaDevice.h - How are NVIDIA's GPUs reached? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Through the driver's own library, which is looked for when the first GPU is
// asked for: the runtime is built and runs without it.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CUDADEVICE_H
#define TTC_CUDADEVICE_H

#include "Device.h"

namespace ttc {

/// GPU `number`, not negative, of this machine. Uses the context that the
/// process shares with other users of the driver, such as PyTorch, so that
/// pointers can be given to them.
Status findCudaDevice(int number, std::shared_ptr<Device> &device);

} // namespace ttc

#endif // TTC_CUDADEVICE_H
