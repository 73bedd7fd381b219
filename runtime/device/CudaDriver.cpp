//===- CudaDriver.cpp - What does NVIDIA's driver offer? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/CudaDriver.h"

#include <dlfcn.h>

namespace ttc {
namespace {

constexpr const char *file = "libcuda.so.1";

/// Nothing is looked for twice. The library is never closed, since its own
/// threads may run until the process ends.
class Library {
public:
  Library() : library(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {}
  bool isThere() const { return library != nullptr; }

  /// Some functions have a newer form under the name with "_v2".
  template <typename Function>
  bool find(const char *name, Function *&function) {
    function = reinterpret_cast<Function *>(::dlsym(library, name));
    return function != nullptr;
  }
  template <typename Function>
  void want(const char *name, Function *&function) {
    if (!find(name, function) && !missing)
      missing = name;
  }
  /// Whether all that was wanted is there.
  Status status() const {
    if (!missing)
      return Status::success();
    return {TTC_ERROR_TARGET, "DriverTooOld",
            std::string("The driver for CUDA devices, ") + file +
                ", has no function '" + missing +
                "': it is too old. Install a newer driver of NVIDIA."};
  }

private:
  void *library;
  const char *missing = nullptr;
};

CudaLaunchAttribute clusterOf(unsigned blocks) {
  return {cuda::launchClusterDimension, {blocks, 1, 1}};
}

} // namespace

std::string CudaDriver::describe(int error) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName(error, &name) != 0 || !name)
    return "the error " + std::to_string(error);
  std::string result = name;
  if (getErrorString(error, &text) == 0 && text)
    result += std::string(", ") + text;
  return result;
}

Status loadCudaDriver(const std::string &instead, CudaDriver &driver) {
  Library library;
  if (!library.isThere()) {
    const char *reason = ::dlerror();
    return {TTC_ERROR_TARGET, "NoDriver",
            std::string("There is no driver for CUDA devices: ") + file +
                " cannot be loaded (" +
                (reason ? reason : "no reason is known") +
                "). Install NVIDIA's driver, or " + instead + "."};
  }
  library.want("cuInit", driver.init);
  library.want("cuDeviceGetCount", driver.deviceGetCount);
  library.want("cuDeviceGet", driver.deviceGet);
  library.want("cuDevicePrimaryCtxRetain", driver.primaryCtxRetain);
  library.want("cuDevicePrimaryCtxRelease_v2", driver.primaryCtxRelease);
  library.want("cuCtxPushCurrent_v2", driver.ctxPush);
  library.want("cuCtxPopCurrent_v2", driver.ctxPop);
  library.want("cuMemAlloc_v2", driver.memAlloc);
  library.want("cuMemFree_v2", driver.memFree);
  library.want("cuMemcpyHtoD_v2", driver.copyToDevice);
  library.want("cuMemcpyDtoH_v2", driver.copyToHost);
  library.want("cuGetErrorName", driver.getErrorName);
  library.want("cuGetErrorString", driver.getErrorString);
  Status status = library.status();
  if (status.failed())
    return status;
  int error = driver.init(0);
  if (error)
    return {TTC_ERROR_TARGET, "DriverError",
            "The driver for CUDA devices does not start: " +
                driver.describe(error) +
                ". Look whether nvidia-smi sees a GPU."};
  return status;
}

Status loadCudaLaunches(CudaLaunches &launches) {
  Library library;
  library.want("cuDeviceGetAttribute", launches.deviceGetAttribute);
  library.want("cuDeviceGetName", launches.deviceGetName);
  library.want("cuModuleLoadDataEx", launches.moduleLoad);
  library.want("cuModuleUnload", launches.moduleUnload);
  library.want("cuModuleGetFunction", launches.moduleGetFunction);
  library.want("cuOccupancyMaxActiveBlocksPerMultiprocessor",
               launches.occupancy);
  library.want("cuLaunchKernel", launches.launch);
  library.want("cuLaunchCooperativeKernel", launches.launchCooperative);
  library.want("cuPointerGetAttribute", launches.pointerGetAttribute);
  library.want("cuStreamCreate", launches.streamCreate);
  library.want("cuStreamDestroy_v2", launches.streamDestroy);
  library.want("cuStreamSynchronize", launches.streamSynchronize);
  library.want("cuStreamWaitEvent", launches.streamWaitEvent);
  library.want("cuEventCreate", launches.eventCreate);
  library.want("cuEventDestroy_v2", launches.eventDestroy);
  library.want("cuEventRecord", launches.eventRecord);
  library.want("cuMemcpyAsync", launches.copy);
  library.want("cuMemsetD8Async", launches.fill);
  library.want("cuMemHostAlloc", launches.hostAlloc);
  library.want("cuMemFreeHost", launches.hostFree);
  library.find("cuFuncSetAttribute", launches.functionSetAttribute);
  library.find("cuLaunchKernelEx", launches.launchExtended);
  library.find("cuOccupancyMaxActiveClusters", launches.clusterOccupancy);
  library.find("cuStreamIsCapturing", launches.streamIsCapturing);
  library.find("cuStreamBeginCapture_v2", launches.beginCapture);
  library.find("cuStreamEndCapture", launches.endCapture);
  library.find("cuGraphInstantiateWithFlags", launches.graphInstantiate);
  library.find("cuGraphLaunch", launches.graphLaunch);
  library.find("cuGraphExecDestroy", launches.graphExecDestroy);
  library.find("cuGraphDestroy", launches.graphDestroy);
  return library.status();
}

int CudaLaunches::launchClusters(CudaFunction function, unsigned blocks,
                                 unsigned count, unsigned threads,
                                 unsigned sharedBytes, CudaStream stream,
                                 void **parameters) const {
  // A block is so small that several would fit on one multiprocessor, whose
  // arithmetic and caches they were to be more than.
  CudaLaunchAttribute attributes[] = {
      clusterOf(blocks), {cuda::launchClusterPolicy, {cuda::policySpread}}};
  const CudaLaunchConfig config = {blocks, count,       1,      threads,    1,
                                   1,      sharedBytes, stream, attributes, 2};
  return launchExtended(&config, function, parameters, nullptr);
}

int CudaLaunches::countClusters(int *clusters, CudaFunction function,
                                unsigned blocks, unsigned threads,
                                unsigned sharedBytes) const {
  CudaLaunchAttribute cluster = clusterOf(blocks);
  const CudaLaunchConfig config = {blocks, 1,           1,       threads,  1,
                                   1,      sharedBytes, nullptr, &cluster, 1};
  return clusterOccupancy(clusters, function, &config);
}

bool isLastCudaError(int error) {
  // Of the driver's manual, those after which "the context is in an
  // inconsistent state" or the device is gone.
  switch (error) {
  case 4:   // CUDA_ERROR_DEINITIALIZED
  case 46:  // CUDA_ERROR_DEVICE_UNAVAILABLE
  case 214: // CUDA_ERROR_ECC_UNCORRECTABLE
  case 220: // CUDA_ERROR_NVLINK_UNCORRECTABLE
  case 226: // CUDA_ERROR_CONTAINED
  case 700: // CUDA_ERROR_ILLEGAL_ADDRESS
  case 702: // CUDA_ERROR_LAUNCH_TIMEOUT
  case 709: // CUDA_ERROR_CONTEXT_IS_DESTROYED
  case 710: // CUDA_ERROR_ASSERT
  case 714: // CUDA_ERROR_HARDWARE_STACK_ERROR
  case 715: // CUDA_ERROR_ILLEGAL_INSTRUCTION
  case 716: // CUDA_ERROR_MISALIGNED_ADDRESS
  case 717: // CUDA_ERROR_INVALID_ADDRESS_SPACE
  case 718: // CUDA_ERROR_INVALID_PC
  case 719: // CUDA_ERROR_LAUNCH_FAILED
  case 721: // CUDA_ERROR_TENSOR_MEMORY_LEAK
    return true;
  default:
    return false;
  }
}

} // namespace ttc
