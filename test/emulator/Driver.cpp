//===- Driver.cpp - What does a driver promise? ---------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of NVIDIA's driver that a runtime uses, by their names in its
// library. One thread at a time is inside. Streams do at once what is ordered
// in them, unless it is recorded.
//
//===----------------------------------------------------------------------===//

#include "DeviceMemory.h"
#include "Emulator.h"
#include "Grid.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT TtcEmulator ttc_emulator;
TtcEmulator ttc_emulator = {};

namespace emulator {
namespace {

enum : int {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  invalidDevice = 101,
  invalidImage = 200,
  invalidContext = 201,
  invalidHandle = 400,
  notFound = 500,
  launchFailed = 719,
  cooperativeTooLarge = 720,
  captureUnsupported = 900,
  captureInvalidated = 901
};

using Work = std::function<int()>;

struct Stream {
  bool capturing = false;
  std::vector<Work> recorded;
};

struct Graph {
  std::vector<Work> recorded;
};

struct Module {
  void *library = nullptr;
};

/// One, whose address is that of a context, for each device.
struct Context {
  int device;
  int retained = 0;
};

std::recursive_mutex mutex;
DeviceMemory memory;
std::set<Stream *> streams;
std::set<void *> pages; ///< of the host, that the device can reach
/// What every call returns once a kernel has failed, until all have given the
/// contexts back.
int lost = success;

Context &contextOf(int device) {
  static Context contexts[16];
  contexts[device].device = device;
  return contexts[device];
}

thread_local std::vector<Context *> current;

int environment(const char *name, int otherwise) {
  const char *given = std::getenv(name);
  return given ? std::atoi(given) : otherwise;
}

int numDevices() { return environment("TTC_EMULATOR_DEVICES", 1); }

int multiprocessors() { return environment("TTC_EMULATOR_MULTIPROCESSORS", 4); }

/// Of every multiprocessor, whatever the kernel.
constexpr uint32_t threadsEach = 2048;

uint32_t blocksEach(uint32_t threads) { return threadsEach / threads; }

/// Enters a function: fails if it is told to, or if the device is lost.
class Call {
public:
  explicit Call(const char *function, bool needsContext = true) : lock(mutex) {
    if (ttc_emulator.failing &&
        std::strcmp(ttc_emulator.failing, function) == 0)
      error = ttc_emulator.error;
    else if (needsContext)
      error = current.empty() ? int(invalidContext) : lost;
  }
  int error = success;

private:
  std::lock_guard<std::recursive_mutex> lock;
};

/// Does something in a stream, or records it. Null, 1 and 2 are the default
/// streams, which have no object.
int order(void *stream, Work work) {
  if (reinterpret_cast<uintptr_t>(stream) <= 2)
    return work();
  auto at = streams.find(static_cast<Stream *>(stream));
  if (at == streams.end())
    return invalidHandle;
  if (!(*at)->capturing)
    return work();
  (*at)->recorded.push_back(std::move(work));
  return success;
}

bool isUsable(void *stream) {
  return reinterpret_cast<uintptr_t>(stream) <= 2 ||
         streams.count(static_cast<Stream *>(stream));
}

bool isCapturing(void *stream) {
  auto at = streams.find(static_cast<Stream *>(stream));
  return at != streams.end() && (*at)->capturing;
}

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

int runKernel(const Launch &launch, void *stream) {
  memory.unlock();
  std::string failure = runGrid(launch);
  memory.lock();
  ++ttc_emulator.kernels;
  ttc_emulator.gridX = launch.gridX;
  ttc_emulator.gridY = launch.gridY;
  ttc_emulator.blockThreads = launch.threads;
  ttc_emulator.stream = stream;
  if (failure.empty())
    return success;
  std::fprintf(stderr, "emulator: a kernel failed: %s\n", failure.c_str());
  return lost = launchFailed;
}

int launchKernel(void *function, unsigned x, unsigned y, unsigned z,
                 unsigned threadsX, unsigned threadsY, unsigned threadsZ,
                 void *stream, void **parameters, bool cooperative) {
  if (!function || !x || !y || z != 1 || !threadsX || threadsX > 1024 ||
      threadsY != 1 || threadsZ != 1 || y > 65535 || !parameters)
    return invalidValue;
  if (cooperative &&
      uint64_t(x) * y > uint64_t(multiprocessors()) * blocksEach(threadsX))
    return cooperativeTooLarge;
  Launch launch = {function, {}, x, y, threadsX, cooperative};
  // There is no signature to tell where they end.
  for (void **parameter = parameters; *parameter; ++parameter) {
    uint64_t value = 0;
    std::memcpy(&value, *parameter, sizeof(value));
    launch.arguments.push_back(value);
  }
  if (launch.arguments.size() > mostParameters)
    return invalidValue;
  return order(stream, [launch, stream] { return runKernel(launch, stream); });
}

/// The bytes of an ELF file in memory, from its own tables; 0 if it is none.
size_t elfBytes(const void *image) {
  Elf64_Ehdr header;
  std::memcpy(&header, image, SELFMAG);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return 0;
  std::memcpy(&header, image, sizeof(header));
  return header.e_shoff + size_t(header.e_shentsize) * header.e_shnum;
}

/// The image's own functions look for those of the emulator among all that the
/// process shows to everybody.
void showEmulator() {
  Dl_info self;
  if (dladdr(&ttc_emulator, &self))
    dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

int loadImage(const void *image, Module &module, std::string &log) {
  const size_t size = elfBytes(image);
  if (!size) {
    log = "the image is no shared library of the host";
    return invalidImage;
  }
  int file = memfd_create("image", MFD_CLOEXEC);
  if (file < 0 || write(file, image, size) != ssize_t(size)) {
    log = "there is no room for the image";
    return outOfMemory;
  }
  showEmulator();
  std::string path = "/proc/self/fd/" + std::to_string(file);
  module.library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module.library) {
    const char *reason = dlerror();
    log = reason ? reason : "no reason is known";
  }
  close(file);
  return module.library ? success : invalidImage;
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

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

EXPORT int cuModuleLoadDataEx(void **module, const void *image, unsigned count,
                              int *options, void **values) {
  Call call("cuModuleLoadDataEx");
  auto made = std::make_unique<Module>();
  std::string log;
  int error = call.error ? call.error : loadImage(image, *made, log);
  char *text = nullptr;
  size_t room = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == 5)
      text = static_cast<char *>(values[i]);
    if (options[i] == 6)
      room = size_t(reinterpret_cast<uintptr_t>(values[i]));
  }
  if (text && room)
    std::snprintf(text, room, "%s", log.c_str());
  if (error)
    return error;
  ++ttc_emulator.modules;
  *module = made.release();
  return success;
}

EXPORT int cuModuleUnload(void *module) {
  Call call("cuModuleUnload");
  std::unique_ptr<Module> own(static_cast<Module *>(module));
  dlclose(own->library);
  --ttc_emulator.modules;
  return call.error;
}

EXPORT int cuModuleGetFunction(void **function, void *module,
                               const char *name) {
  Call call("cuModuleGetFunction");
  if (call.error)
    return call.error;
  *function = dlsym(static_cast<Module *>(module)->library, name);
  return *function ? int(success) : int(notFound);
}

EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *,
                                                       int threads, size_t) {
  Call call("cuOccupancyMaxActiveBlocksPerMultiprocessor");
  *blocks = int(blocksEach(uint32_t(threads)));
  return call.error;
}

EXPORT int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z,
                          unsigned threadsX, unsigned threadsY,
                          unsigned threadsZ, unsigned, void *stream,
                          void **parameters, void **extra) {
  Call call("cuLaunchKernel");
  if (call.error || extra)
    return call.error ? call.error : int(invalidValue);
  return launchKernel(function, x, y, z, threadsX, threadsY, threadsZ, stream,
                      parameters, /*cooperative=*/false);
}

EXPORT int cuLaunchCooperativeKernel(void *function, unsigned x, unsigned y,
                                     unsigned z, unsigned threadsX,
                                     unsigned threadsY, unsigned threadsZ,
                                     unsigned, void *stream,
                                     void **parameters) {
  Call call("cuLaunchCooperativeKernel");
  return call.error ? call.error
                    : launchKernel(function, x, y, z, threadsX, threadsY,
                                   threadsZ, stream, parameters,
                                   /*cooperative=*/true);
}

//===----------------------------------------------------------------------===//
// Streams, events and graphs
//===----------------------------------------------------------------------===//

EXPORT int cuStreamCreate(void **stream, unsigned) {
  Call call("cuStreamCreate");
  if (call.error)
    return call.error;
  auto *made = new Stream();
  streams.insert(made);
  ++ttc_emulator.streams;
  *stream = made;
  return success;
}

EXPORT int cuStreamDestroy_v2(void *stream) {
  Call call("cuStreamDestroy");
  auto *own = static_cast<Stream *>(stream);
  if (!streams.erase(own))
    return invalidHandle;
  delete own;
  --ttc_emulator.streams;
  return call.error;
}

EXPORT int cuStreamSynchronize(void *stream) {
  Call call("cuStreamSynchronize");
  if (call.error)
    return call.error;
  return !isUsable(stream)     ? int(invalidHandle)
         : isCapturing(stream) ? int(captureUnsupported)
                               : int(success);
}

EXPORT int cuStreamWaitEvent(void *stream, void *event, unsigned) {
  Call call("cuStreamWaitEvent");
  return call.error                  ? call.error
         : event && isUsable(stream) ? int(success)
                                     : int(invalidHandle);
}

EXPORT int cuEventCreate(void **event, unsigned) {
  Call call("cuEventCreate");
  *event = std::malloc(1);
  return call.error;
}

EXPORT int cuEventDestroy_v2(void *event) {
  Call call("cuEventDestroy");
  std::free(event);
  return call.error;
}

EXPORT int cuEventRecord(void *event, void *stream) {
  Call call("cuEventRecord");
  return call.error                  ? call.error
         : event && isUsable(stream) ? int(success)
                                     : int(invalidHandle);
}

EXPORT int cuStreamIsCapturing(void *stream, int *status) {
  Call call("cuStreamIsCapturing");
  *status = isCapturing(stream);
  return call.error;
}

EXPORT int cuStreamBeginCapture_v2(void *stream, int) {
  Call call("cuStreamBeginCapture");
  auto at = streams.find(static_cast<Stream *>(stream));
  if (call.error || at == streams.end() || (*at)->capturing)
    return call.error ? call.error : int(captureUnsupported);
  (*at)->capturing = true;
  return success;
}

EXPORT int cuStreamEndCapture(void *stream, void **graph) {
  Call call("cuStreamEndCapture");
  auto at = streams.find(static_cast<Stream *>(stream));
  if (at == streams.end() || !(*at)->capturing)
    return captureInvalidated;
  (*at)->capturing = false;
  auto made = std::make_unique<Graph>();
  made->recorded.swap((*at)->recorded);
  if (call.error)
    return call.error;
  *graph = made.release();
  return success;
}

EXPORT int cuGraphInstantiateWithFlags(void **exec, void *graph,
                                       unsigned long long) {
  Call call("cuGraphInstantiate");
  if (call.error)
    return call.error;
  *exec = new Graph(*static_cast<Graph *>(graph));
  ++ttc_emulator.graphs;
  return success;
}

EXPORT int cuGraphLaunch(void *exec, void *stream) {
  Call call("cuGraphLaunch");
  if (call.error || isCapturing(stream))
    return call.error ? call.error : int(captureUnsupported);
  ++ttc_emulator.graphLaunches;
  for (const Work &work : static_cast<Graph *>(exec)->recorded)
    if (int error = order(stream, work))
      return error;
  return success;
}

EXPORT int cuGraphExecDestroy(void *exec) {
  Call call("cuGraphExecDestroy");
  delete static_cast<Graph *>(exec);
  --ttc_emulator.graphs;
  return call.error;
}

EXPORT int cuGraphDestroy(void *graph) {
  Call call("cuGraphDestroy");
  delete static_cast<Graph *>(graph);
  return call.error;
}
