//===- DeviceModel.h - What has a model on a GPU? ---------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Its kernels and its prepared weights, loaded when the first session is
// created there and shared by all sessions of that GPU. They go with the model.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICEMODEL_H
#define TTC_DEVICEMODEL_H

#include "device/CudaDevice.h"
#include "device/DeviceImages.h"
#include "device/LaunchGeometry.h"

#include <map>
#include <mutex>

struct ttc_model;

namespace ttc {

/// A kernel, and what the device has room for of it.
struct Kernel {
  CudaFunction function = nullptr;
  DeviceRoom room = {};
};

class DeviceModel {
public:
  DeviceModel(const ttc_model &model, std::shared_ptr<CudaDevice> device);
  ~DeviceModel();
  /// Once. `prepared` are the weights, in memory of the host.
  Status load(const void *prepared);

  const ttc_device_code &code() const;
  const void *prepared() const { return weights.get(); }
  /// That the driver could not do `what`, such as "make a step".
  Status failed(const std::string &what, int error) const;

  const ttc_model &model;
  const std::shared_ptr<CudaDevice> device;
  CudaLaunches driver = {};
  Kernel step, run;

private:
  Status loadImages();
  /// Loads one image; the driver's words are added to `log`.
  int loadImage(const ttc_device_image &image, std::string &log);
  /// A kernel that may keep weights in shared memory needs `keptBytes` for each
  /// thread.
  Status findKernel(const char *name, uint64_t keptBytes, Kernel &kernel);
  /// What a block may have of the shared memory that it can use, or 0.
  uint32_t findSharedBytes(CudaFunction function, uint64_t keptBytes);
  /// The most blocks of a kernel that can be launched as one cluster, or 0.
  uint32_t findClusterBlocks(CudaFunction function, uint32_t sharedBytes);

  CudaModule module = nullptr;
  bool imageHasClusters = false;
  DeviceBlock weights;
};

/// A model on every GPU that sessions were created on.
class DeviceModels {
public:
  /// Any thread may ask; the first who does waits for the weights to be copied.
  /// Nothing that failed is remembered.
  Status find(const ttc_model &model, int number, DeviceModel *&found);

private:
  std::mutex mutex;
  std::map<int, std::unique_ptr<DeviceModel>> models;
};

/// Checks the part of a descriptor that is for GPUs. Returns what is wrong, or
/// nothing.
std::string checkDeviceCode(const ttc_device_code &code);

} // namespace ttc

#endif // TTC_DEVICEMODEL_H
