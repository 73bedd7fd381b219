//===- Kernels.cpp - How do images and kernels run? -----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Grid.h"
#include "Process.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace emulator {
namespace {

struct Module {
  void *library = nullptr;
  /// Open as long as the library is loaded: the loader tells libraries apart by
  /// their paths, and this one's is the number of the file.
  int file = -1;
  ~Module() {
    if (library)
      dlclose(library);
    if (file >= 0)
      close(file);
  }
};

int runKernel(const Launch &launch, void *stream) {
  memory.unlock();
  ttc_emulator.sharedUses = 0;
  std::string failure = runGrid(launch);
  memory.lock();
  ++ttc_emulator.kernels;
  ttc_emulator.gridX = launch.gridX;
  ttc_emulator.gridY = launch.gridY;
  ttc_emulator.blockThreads = launch.threads;
  ttc_emulator.clusterBlocks = launch.clusterBlocks;
  ttc_emulator.sharedBytes = launch.sharedBytes;
  ttc_emulator.stream = stream;
  if (failure.empty())
    return success;
  std::fprintf(stderr, "emulator: a kernel failed: %s\n", failure.c_str());
  return lost = launchFailed;
}

/// What kernels have asked for.
std::map<void *, uint32_t> sharedBytesOf;

int launchKernel(void *function, unsigned x, unsigned y, unsigned z,
                 unsigned threadsX, unsigned threadsY, unsigned threadsZ,
                 unsigned sharedBytes, void *stream, void **parameters,
                 bool cooperative, unsigned clusterBlocks = 1) {
  if (!function || !x || !y || z != 1 || !threadsX || threadsX > 1024 ||
      threadsY != 1 || threadsZ != 1 || y > 65535 || !parameters ||
      sharedBytes > std::max(plainSharedBytes, sharedBytesOf[function]))
    return invalidValue;
  if (cooperative && uint64_t(x) * y > uint64_t(multiprocessors()) *
                                           blocksEach(threadsX, sharedBytes))
    return cooperativeTooLarge;
  Launch launch = {function,      {},         x, y, threadsX, cooperative,
                   clusterBlocks, sharedBytes};
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

/// The driver's CUlaunchAttribute, of which a cluster's three sizes are known
/// here, and its CUlaunchConfig.
struct Attribute {
  unsigned id;
  alignas(8) unsigned value[16];
};
struct Config {
  unsigned x, y, z, threadsX, threadsY, threadsZ, sharedBytes;
  void *stream;
  const Attribute *attributes;
  unsigned count;
};
static_assert(sizeof(Attribute) == 72 && sizeof(Config) == 56,
              "as the driver has them");

/// Reads the blocks of a cluster out of what a launch asks for.
int readCluster(const Config &config, unsigned &blocks) {
  constexpr unsigned clusterDimension = 4, clusterPolicy = 5, mostBlocks = 8;
  blocks = 1;
  for (unsigned i = 0; i < config.count; ++i) {
    const Attribute &attribute = config.attributes[i];
    if (attribute.id == clusterPolicy && attribute.value[0] <= 2)
      continue;
    if (attribute.id != clusterDimension)
      return invalidValue;
    blocks = attribute.value[0];
    if (!hasClusters() || blocks < 1 || blocks > mostBlocks ||
        config.x % blocks != 0 || attribute.value[1] != 1 ||
        attribute.value[2] != 1)
      return invalidClusterSize;
  }
  return success;
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
  module.file = memfd_create("image", MFD_CLOEXEC);
  if (module.file < 0 || write(module.file, image, size) != ssize_t(size)) {
    log = "there is no room for the image";
    return outOfMemory;
  }
  showEmulator();
  std::string path = "/proc/self/fd/" + std::to_string(module.file);
  module.library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module.library) {
    const char *reason = dlerror();
    log = reason ? reason : "no reason is known";
  }
  return module.library ? success : invalidImage;
}

} // namespace
} // namespace emulator

using namespace emulator;

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

EXPORT int cuFuncSetAttribute(void *function, int attribute, int value) {
  Call call("cuFuncSetAttribute");
  constexpr int sharedBytes = 8;
  if (call.error)
    return call.error;
  if (!function || attribute != sharedBytes || value < 0 ||
      uint32_t(value) > mostSharedBytes())
    return invalidValue;
  sharedBytesOf[function] = uint32_t(value);
  return success;
}

EXPORT int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z,
                          unsigned threadsX, unsigned threadsY,
                          unsigned threadsZ, unsigned sharedBytes, void *stream,
                          void **parameters, void **extra) {
  Call call("cuLaunchKernel");
  if (call.error || extra)
    return call.error ? call.error : int(invalidValue);
  return launchKernel(function, x, y, z, threadsX, threadsY, threadsZ,
                      sharedBytes, stream, parameters, /*cooperative=*/false);
}

EXPORT int cuLaunchCooperativeKernel(void *function, unsigned x, unsigned y,
                                     unsigned z, unsigned threadsX,
                                     unsigned threadsY, unsigned threadsZ,
                                     unsigned sharedBytes, void *stream,
                                     void **parameters) {
  Call call("cuLaunchCooperativeKernel");
  return call.error ? call.error
                    : launchKernel(function, x, y, z, threadsX, threadsY,
                                   threadsZ, sharedBytes, stream, parameters,
                                   /*cooperative=*/true);
}

EXPORT int cuOccupancyMaxActiveClusters(int *clusters, void *,
                                        const void *config) {
  Call call("cuOccupancyMaxActiveClusters");
  const auto &given = *static_cast<const Config *>(config);
  unsigned blocks = 1;
  int error = call.error ? call.error : readCluster(given, blocks);
  if (!error)
    *clusters = int(uint32_t(multiprocessors()) *
                    blocksEach(given.threadsX, given.sharedBytes) / blocks);
  return error;
}

EXPORT int cuLaunchKernelEx(const void *config, void *function,
                            void **parameters, void **extra) {
  Call call("cuLaunchKernelEx");
  const auto &given = *static_cast<const Config *>(config);
  unsigned blocks = 1;
  int error = call.error ? call.error : readCluster(given, blocks);
  if (error || extra)
    return error ? error : int(invalidValue);
  return launchKernel(function, given.x, given.y, given.z, given.threadsX,
                      given.threadsY, given.threadsZ, given.sharedBytes,
                      given.stream, parameters,
                      /*cooperative=*/false, blocks);
}
