//===- DeviceModel.cpp - What has a model on a GPU? -----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/DeviceModel.h"

#include "model/Model.h"

#include <algorithm>

namespace ttc {
namespace {

/// "8.6", of GPUs for which sm_86 is compiled.
std::string describe(const ComputeCapability &capability) {
  return std::to_string(capability.major) + "." +
         std::to_string(capability.minor);
}

} // namespace

DeviceModel::DeviceModel(const ttc_model &model,
                         std::shared_ptr<CudaDevice> device)
    : model(model), device(std::move(device)) {}

DeviceModel::~DeviceModel() {
  if (module)
    device->within([&] { return driver.moduleUnload(module); });
}

const ttc_device_code &DeviceModel::code() const {
  return *model.descriptor->device;
}

Status DeviceModel::failed(const std::string &what, int error) const {
  std::string sentence = "Cannot " + what + " of the model " + model.name +
                         " on " + device->name() + ": " +
                         device->driver.describe(error) + ".";
  if (isLastCudaError(error))
    return {TTC_ERROR_DEVICE, "DeviceLost",
            sentence +
                " After this error the driver refuses every call: whatever "
                "this process has on the device is lost. End the process, and "
                "begin anew with states that were saved."};
  return {TTC_ERROR_DEVICE, "DeviceError", sentence};
}

int DeviceModel::loadImage(const ttc_device_image &image, std::string &log) {
  char text[4096] = "";
  // The driver takes numbers where it takes pointers.
  int options[] = {cuda::jitErrorLog, cuda::jitErrorLogSize};
  void *values[] = {text, reinterpret_cast<void *>(sizeof(text))};
  int error = device->within([&] {
    return driver.moduleLoad(&module, image.data, 2, options, values);
  });
  text[sizeof(text) - 1] = '\0';
  if (error && *text)
    log += std::string(log.empty() ? "" : "; ") + text;
  return error;
}

Status DeviceModel::loadImages() {
  ComputeCapability capability = {};
  char name[256] = "";
  int error = driver.deviceGetAttribute(&capability.major, cuda::attributeMajor,
                                        device->handle());
  if (!error)
    error = driver.deviceGetAttribute(&capability.minor, cuda::attributeMinor,
                                      device->handle());
  if (!error)
    error = driver.deviceGetName(name, sizeof(name) - 1, device->handle());
  if (error)
    return failed("see what GPU runs the code", error);
  std::string gpu = device->name() + ", " + name +
                    ", has the compute capability " + describe(capability);
  std::string carried =
      "The model " + model.name + " carries " + describeImages(code());
  std::vector<const ttc_device_image *> images = imagesFor(code(), capability);
  if (images.empty())
    return {TTC_ERROR_TARGET, "NoImage",
            carried + ", of which none runs on " + gpu +
                ". Compile it with --gpu-arch=sm_" +
                std::to_string(capability.major) +
                std::to_string(capability.minor) + "."};
  // One that the driver is too old for need not be the last word.
  int first = 0;
  std::string log;
  for (const ttc_device_image *image : images) {
    error = loadImage(*image, log);
    if (!error) {
      imageHasClusters = hasClusters(*image);
      return Status::success();
    }
    if (!first)
      first = error;
    if (isLastCudaError(error))
      break;
  }
  Status status = failed("load the kernels", first);
  std::string sentence = status.message() + " " + gpu + "; the model carries " +
                         describeImages(code()) + ".";
  if (!log.empty())
    sentence += " The driver's compiler says: " + log;
  return {status.code(), status.cause(), sentence};
}

uint32_t DeviceModel::findSharedBytes(CudaFunction function,
                                      uint64_t keptBytes) {
  int most = 0;
  if (!keptBytes || keptBytes > UINT32_MAX || !driver.functionSetAttribute ||
      driver.deviceGetAttribute(&most, cuda::attributeSharedBytes,
                                device->handle()) != 0 ||
      most <= 0)
    return 0;
  const int bytes = static_cast<int>(
      std::min(keptBytes * code().block_threads, static_cast<uint64_t>(most)));
  int error = device->within([&] {
    return driver.functionSetAttribute(function, cuda::functionSharedBytes,
                                       bytes);
  });
  return error ? 0 : static_cast<uint32_t>(bytes);
}

uint32_t DeviceModel::findClusterBlocks(CudaFunction function,
                                        uint32_t sharedBytes) {
  // Every GPU that has clusters has those of so many blocks.
  constexpr uint32_t mostBlocks = 8;
  int launches = 0, clusters = 0;
  // A driver that is older than clusters refuses to say whether there are any.
  if (!imageHasClusters || !driver.hasClusters() ||
      driver.deviceGetAttribute(&launches, cuda::attributeClusterLaunch,
                                device->handle()) != 0 ||
      !launches)
    return 0;
  int error = device->within([&] {
    return driver.countClusters(&clusters, function, mostBlocks,
                                code().block_threads, sharedBytes);
  });
  // A part of a GPU may have too few multiprocessors beside each other.
  return error || clusters < 1 ? 0 : mostBlocks;
}

Status DeviceModel::findKernel(const char *name, uint64_t keptBytes,
                               Kernel &kernel) {
  int multiprocessors = 0, blocks = 0, cooperative = 0;
  int error = device->within([&] {
    int result = driver.moduleGetFunction(&kernel.function, module, name);
    if (!result)
      result = driver.occupancy(&blocks, kernel.function,
                                static_cast<int>(code().block_threads), 0);
    return result;
  });
  if (!error)
    error = driver.deviceGetAttribute(
        &multiprocessors, cuda::attributeMultiprocessors, device->handle());
  if (!error)
    error = driver.deviceGetAttribute(
        &cooperative, cuda::attributeCooperativeLaunch, device->handle());
  if (error)
    return failed("find the kernel '" + std::string(name) + "'", error);
  if (blocks < 1)
    return {TTC_ERROR_TARGET, "BlockTooLarge",
            "A block of " + std::to_string(code().block_threads) +
                " threads of the kernel '" + name + "' of the model " +
                model.name + " does not fit on " + device->name() +
                ": it needs more registers or shared memory than there are. "
                "Compile the model for this GPU."};
  const uint32_t sharedBytes = findSharedBytes(kernel.function, keptBytes);
  kernel.room = {static_cast<uint32_t>(multiprocessors),
                 static_cast<uint32_t>(blocks),
                 cooperative != 0,
                 findClusterBlocks(kernel.function, 0),
                 sharedBytes,
                 findClusterBlocks(kernel.function, sharedBytes)};
  return Status::success();
}

Status DeviceModel::load(const void *prepared) {
  Status status = loadCudaLaunches(driver);
  if (!status.failed())
    status = loadImages();
  if (!status.failed())
    status = findKernel("ttc_step", 0, step);
  if (!status.failed())
    status = findKernel("ttc_run", code().kept_bytes, run);
  if (!status.failed())
    status = weights.allocate(device,
                              "the prepared weights of the model " + model.name,
                              code().prepared_size);
  if (!status.failed() && code().prepared_size)
    status = device->copyTo(weights.get(), prepared, code().prepared_size);
  return status;
}

Status DeviceModels::find(const ttc_model &model, int number,
                          DeviceModel *&found) {
  std::lock_guard<std::mutex> lock(mutex);
  auto at = models.find(number);
  if (at != models.end()) {
    found = at->second.get();
    return Status::success();
  }
  std::shared_ptr<CudaDevice> device;
  Status status = findCudaDevice(number, "create the session on 'cpu'", device);
  if (status.failed())
    return status;
  auto made = std::make_unique<DeviceModel>(model, std::move(device));
  status = made->load(model.devicePrepared);
  if (!status.failed())
    found = models.emplace(number, std::move(made)).first->second.get();
  return status;
}

std::string checkDeviceCode(const ttc_device_code &code) {
  constexpr uint32_t mostThreads = 1024; // of every GPU
  if (!code.prepare)
    return "its code for GPUs has no prepare";
  if (code.block_threads < 1 || code.block_threads > mostThreads)
    return "its code for GPUs has blocks of " +
           std::to_string(code.block_threads) + " threads, 1 to " +
           std::to_string(mostThreads) + " are possible";
  if (code.rows_are_independent > 1)
    return "its code for GPUs does not say whether rows are independent";
  if (code.tile_rows < 1)
    return "its code for GPUs has tiles of no rows";
  if (!code.num_images || !code.images)
    return "its code for GPUs has no image";
  for (uint32_t i = 0; i < code.num_images; ++i) {
    const ttc_device_image &image = code.images[i];
    if (!image.architecture || !image.data || !image.size ||
        (image.is_ptx &&
         static_cast<const char *>(image.data)[image.size - 1] != '\0'))
      return "an image of its code for GPUs has no architecture, is empty, or "
             "is PTX without a zero byte at its end";
  }
  return {};
}

} // namespace ttc
