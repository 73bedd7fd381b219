//===- Driver.cpp - Which devices, and which memory? ----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of the functions of NVIDIA's driver that a runtime uses, by their names in
// its library: those of devices, contexts, errors and memory.
//
//===----------------------------------------------------------------------===//

#include "Process.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace emulator {
namespace {

std::set<void *> pages; ///< of the host, that the device can reach

Context &contextOf(int device) {
  static Context contexts[16];
  contexts[device].device = device;
  return contexts[device];
}

int numDevices() { return environment("TTC_EMULATOR_DEVICES", 1); }

int copyBytes(uint64_t to, uint64_t from, size_t size) {
  if (memory.ownerOf(to, size) == Owner::Nobody ||
      memory.ownerOf(from, size) == Owner::Nobody || !to || !from)
    return invalidValue;
  memory.unlock();
  std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from),
               size);
  memory.lock();
  ++ttc_emulator.copies;
  return success;
}

int fillBytes(uint64_t address, unsigned char value, size_t size) {
  if (memory.ownerOf(address, size) != Owner::Device)
    return invalidValue;
  memory.unlock();
  std::memset(reinterpret_cast<void *>(address), value, size);
  memory.lock();
  return success;
}

} // namespace
} // namespace emulator

using namespace emulator;

//===----------------------------------------------------------------------===//
// Devices and contexts
//===----------------------------------------------------------------------===//

EXPORT int cuInit(unsigned flags) {
  Call call("cuInit", false);
  return flags ? int(invalidValue) : call.error;
}

EXPORT int cuDeviceGetCount(int *count) {
  Call call("cuDeviceGetCount", false);
  *count = numDevices();
  return call.error;
}

EXPORT int cuDeviceGet(int *device, int ordinal) {
  Call call("cuDeviceGet", false);
  if (ordinal < 0 || ordinal >= numDevices())
    return invalidDevice;
  *device = ordinal;
  return call.error;
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  Call call("cuDeviceGetAttribute", false);
  switch (attribute) {
  case 16: // the number of multiprocessors
    *value = multiprocessors();
    break;
  case 75: // the compute capability
  case 76:
    *value = 0;
    break;
  case 95: // cooperative launches
    *value = 1;
    break;
  case 97: // the shared memory of a block
    *value = int(mostSharedBytes());
    break;
  case 120: // launches of clusters
    *value = hasClusters();
    break;
  default:
    return invalidValue;
  }
  return call.error;
}

EXPORT int cuDeviceGetName(char *name, int size, int) {
  Call call("cuDeviceGetName", false);
  std::snprintf(name, size_t(size), "an emulated GPU");
  return call.error;
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  Call call("cuDevicePrimaryCtxRetain", false);
  if (call.error)
    return call.error;
  Context &own = contextOf(device);
  ++own.retained;
  ++ttc_emulator.contexts;
  *context = &own;
  return success;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  Call call("cuDevicePrimaryCtxRelease", false);
  Context &own = contextOf(device);
  if (own.retained == 0)
    return invalidContext;
  --own.retained;
  if (--ttc_emulator.contexts == 0)
    lost = success;
  return call.error;
}

EXPORT int cuCtxPushCurrent_v2(void *context) {
  Call call("cuCtxPushCurrent", false);
  if (call.error || !context)
    return call.error ? call.error : int(invalidContext);
  current.push_back(static_cast<Context *>(context));
  return success;
}

EXPORT int cuCtxPopCurrent_v2(void **context) {
  Call call("cuCtxPopCurrent", false);
  if (current.empty())
    return invalidContext;
  *context = current.back();
  current.pop_back();
  return call.error;
}

EXPORT int cuGetErrorName(int error, const char **name) {
  switch (error) {
  case invalidValue:
    *name = "CUDA_ERROR_INVALID_VALUE";
    return success;
  case outOfMemory:
    *name = "CUDA_ERROR_OUT_OF_MEMORY";
    return success;
  case invalidImage:
    *name = "CUDA_ERROR_INVALID_IMAGE";
    return success;
  case notFound:
    *name = "CUDA_ERROR_NOT_FOUND";
    return success;
  case launchFailed:
    *name = "CUDA_ERROR_LAUNCH_FAILED";
    return success;
  case invalidClusterSize:
    *name = "CUDA_ERROR_INVALID_CLUSTER_SIZE";
    return success;
  default:
    *name = nullptr;
    return invalidValue;
  }
}

EXPORT int cuGetErrorString(int error, const char **text) {
  switch (error) {
  case outOfMemory:
    *text = "out of memory";
    return success;
  case invalidImage:
    *text = "device kernel image is invalid";
    return success;
  case launchFailed:
    *text = "unspecified launch failure";
    return success;
  default:
    *text = nullptr;
    return invalidValue;
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

EXPORT int cuMemAlloc_v2(unsigned long long *address, size_t size) {
  Call call("cuMemAlloc");
  if (call.error || !size)
    return call.error ? call.error : int(invalidValue);
  uint64_t made = memory.allocate(current.back()->device, size);
  if (!made)
    return outOfMemory;
  ++ttc_emulator.blocks;
  *address = made;
  return success;
}

EXPORT int cuMemFree_v2(unsigned long long address) {
  Call call("cuMemFree");
  if (!memory.release(address))
    return invalidValue;
  --ttc_emulator.blocks;
  return call.error;
}

EXPORT int cuMemHostAlloc(void **block, size_t size, unsigned) {
  Call call("cuMemHostAlloc");
  if (call.error)
    return call.error;
  *block = std::malloc(size);
  pages.insert(*block);
  ++ttc_emulator.pinned;
  return *block ? int(success) : int(outOfMemory);
}

EXPORT int cuMemFreeHost(void *block) {
  Call call("cuMemFreeHost");
  if (!pages.erase(block))
    return invalidValue;
  std::free(block);
  --ttc_emulator.pinned;
  return call.error;
}

EXPORT int cuPointerGetAttribute(void *value, int attribute,
                                 unsigned long long address) {
  Call call("cuPointerGetAttribute");
  if (call.error)
    return call.error;
  const bool pinned = pages.count(reinterpret_cast<void *>(address)) != 0;
  if (memory.ownerOf(address, 1) != Owner::Device && !pinned)
    return invalidValue;
  if (attribute == 2) {
    unsigned type = pinned ? 1 : 2;
    std::memcpy(value, &type, sizeof(type));
  } else if (attribute == 9) {
    int device = pinned ? 0 : memory.deviceOf(address);
    std::memcpy(value, &device, sizeof(device));
  } else {
    return invalidValue;
  }
  return success;
}

EXPORT int cuMemcpyHtoD_v2(unsigned long long to, const void *from,
                           size_t size) {
  Call call("cuMemcpyHtoD");
  if (call.error || memory.ownerOf(to, size) != Owner::Device)
    return call.error ? call.error : int(invalidValue);
  return copyBytes(to, reinterpret_cast<uintptr_t>(from), size);
}

EXPORT int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) {
  Call call("cuMemcpyDtoH");
  if (call.error || memory.ownerOf(from, size) != Owner::Device)
    return call.error ? call.error : int(invalidValue);
  return copyBytes(reinterpret_cast<uintptr_t>(to), from, size);
}

EXPORT int cuMemcpyAsync(unsigned long long to, unsigned long long from,
                         size_t size, void *stream) {
  Call call("cuMemcpyAsync");
  return call.error ? call.error
                    : order(stream, [=] { return copyBytes(to, from, size); });
}

EXPORT int cuMemsetD8Async(unsigned long long address, unsigned char value,
                           size_t size, void *stream) {
  Call call("cuMemsetD8Async");
  return call.error
             ? call.error
             : order(stream, [=] { return fillBytes(address, value, size); });
}
