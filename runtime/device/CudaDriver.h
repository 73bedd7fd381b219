//===- CudaDriver.h - What does NVIDIA's driver offer? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver's own library, libcuda.so.1, which is looked for when the first
// GPU is asked for: the runtime is built and runs without it. The functions
// that weights need are one set, those that models need a second one, so that a
// driver that is too old for models still holds weights.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CUDADRIVER_H
#define TTC_CUDADRIVER_H

#include "support/Error.h"

#include <cstddef>
#include <cstdint>

namespace ttc {

/// The driver's types; its handles are pointers to what only it knows.
using CudaContext = void *;
using CudaModule = void *;
using CudaFunction = void *;
using CudaStream = void *;
using CudaEvent = void *;
using CudaGraph = void *;
using CudaGraphExec = void *;
using CudaAddress = unsigned long long;

/// Numbers of the driver's API, as its manual has them.
namespace cuda {
constexpr int errorInvalidValue = 1;
constexpr int attributeMultiprocessors = 16;
constexpr int attributeMajor = 75;
constexpr int attributeMinor = 76;
constexpr int attributeCooperativeLaunch = 95;
constexpr int attributeSharedBytes = 97; // of a block that asks for them
constexpr int attributeClusterLaunch = 120;
constexpr int functionSharedBytes = 8;
constexpr unsigned launchClusterDimension = 4;
constexpr unsigned launchClusterPolicy = 5;
constexpr unsigned policySpread = 1;
constexpr int pointerMemoryType = 2;
constexpr int pointerDeviceOrdinal = 9;
constexpr unsigned memoryTypeHost = 1;
constexpr int jitErrorLog = 5;
constexpr int jitErrorLogSize = 6;
constexpr unsigned streamNonBlocking = 1;
constexpr unsigned eventDisableTiming = 2;
/// What other threads do with the driver meanwhile is theirs.
constexpr int captureThreadLocal = 1;
} // namespace cuda

/// Contexts, memory and errors.
struct CudaDriver {
  int (*init)(unsigned flags);
  int (*deviceGetCount)(int *count);
  int (*deviceGet)(int *device, int ordinal);
  int (*primaryCtxRetain)(CudaContext *context, int device);
  int (*primaryCtxRelease)(int device);
  int (*ctxPush)(CudaContext context);
  int (*ctxPop)(CudaContext *context);
  int (*memAlloc)(CudaAddress *address, size_t size);
  int (*memFree)(CudaAddress address);
  int (*copyToDevice)(CudaAddress to, const void *from, size_t size);
  int (*copyToHost)(void *to, CudaAddress from, size_t size);
  int (*getErrorName)(int error, const char **name);
  int (*getErrorString)(int error, const char **text);

  /// "CUDA_ERROR_OUT_OF_MEMORY, out of memory".
  std::string describe(int error) const;
};

/// Loads the driver and starts it. Nothing that failed is remembered: a driver
/// can be loaded later. `instead` ends the sentence where there is none, such
/// as "place the weights on 'cpu'".
Status loadCudaDriver(const std::string &instead, CudaDriver &driver);

/// What a launch asks for beside its grid, laid out as the driver's
/// CUlaunchAttribute. The values of a cluster are its blocks along x, y and z.
struct CudaLaunchAttribute {
  unsigned id;
  alignas(8) unsigned values[16];
};
static_assert(sizeof(CudaLaunchAttribute) == 72 &&
                  offsetof(CudaLaunchAttribute, values) == 8,
              "as CUlaunchAttribute");

/// A launch, laid out as the driver's CUlaunchConfig.
struct CudaLaunchConfig {
  unsigned x, y, z;
  unsigned threadsX, threadsY, threadsZ;
  unsigned sharedBytes;
  CudaStream stream;
  CudaLaunchAttribute *attributes;
  unsigned numAttributes;
};
static_assert(sizeof(CudaLaunchConfig) == 56 &&
                  offsetof(CudaLaunchConfig, sharedBytes) == 24 &&
                  offsetof(CudaLaunchConfig, stream) == 32 &&
                  offsetof(CudaLaunchConfig, attributes) == 40 &&
                  offsetof(CudaLaunchConfig, numAttributes) == 48,
              "as CUlaunchConfig");

/// Code, streams and launches.
struct CudaLaunches {
  int (*deviceGetAttribute)(int *value, int attribute, int device);
  int (*deviceGetName)(char *name, int size, int device);
  int (*moduleLoad)(CudaModule *module, const void *image, unsigned count,
                    int *options, void **values);
  int (*moduleUnload)(CudaModule module);
  int (*moduleGetFunction)(CudaFunction *function, CudaModule module,
                           const char *name);
  int (*occupancy)(int *blocks, CudaFunction function, int threads,
                   size_t sharedBytes);
  int (*launch)(CudaFunction function, unsigned x, unsigned y, unsigned z,
                unsigned threadsX, unsigned threadsY, unsigned threadsZ,
                unsigned sharedBytes, CudaStream stream, void **parameters,
                void **extra);
  int (*launchCooperative)(CudaFunction function, unsigned x, unsigned y,
                           unsigned z, unsigned threadsX, unsigned threadsY,
                           unsigned threadsZ, unsigned sharedBytes,
                           CudaStream stream, void **parameters);
  int (*pointerGetAttribute)(void *value, int attribute, CudaAddress address);
  int (*streamCreate)(CudaStream *stream, unsigned flags);
  int (*streamDestroy)(CudaStream stream);
  int (*streamSynchronize)(CudaStream stream);
  int (*streamWaitEvent)(CudaStream stream, CudaEvent event, unsigned flags);
  int (*eventCreate)(CudaEvent *event, unsigned flags);
  int (*eventDestroy)(CudaEvent event);
  int (*eventRecord)(CudaEvent event, CudaStream stream);
  /// Between any two of host and device: addresses tell which is which.
  int (*copy)(CudaAddress to, CudaAddress from, size_t size, CudaStream stream);
  int (*fill)(CudaAddress address, unsigned char value, size_t size,
              CudaStream stream);
  int (*hostAlloc)(void **block, size_t size, unsigned flags);
  int (*hostFree)(void *block);

  /// Lets a kernel have more shared memory: null where the driver has none.
  int (*functionSetAttribute)(CudaFunction function, int attribute, int value);

  /// Launches of clusters: null where the driver has none.
  int (*launchExtended)(const CudaLaunchConfig *config, CudaFunction function,
                        void **parameters, void **extra);
  int (*clusterOccupancy)(int *clusters, CudaFunction function,
                          const CudaLaunchConfig *config);
  bool hasClusters() const { return launchExtended && clusterOccupancy; }
  /// Launches `count` clusters of so many blocks, in a grid whose rows they
  /// are.
  int launchClusters(CudaFunction function, unsigned blocks, unsigned count,
                     unsigned threads, unsigned sharedBytes, CudaStream stream,
                     void **parameters) const;
  /// How many clusters of so many blocks can run at the same time.
  int countClusters(int *clusters, CudaFunction function, unsigned blocks,
                    unsigned threads, unsigned sharedBytes) const;

  /// Graphs of launches: null where the driver has none.
  int (*streamIsCapturing)(CudaStream stream, int *status);
  int (*beginCapture)(CudaStream stream, int mode);
  int (*endCapture)(CudaStream stream, CudaGraph *graph);
  int (*graphInstantiate)(CudaGraphExec *exec, CudaGraph graph,
                          unsigned long long flags);
  int (*graphLaunch)(CudaGraphExec exec, CudaStream stream);
  int (*graphExecDestroy)(CudaGraphExec exec);
  int (*graphDestroy)(CudaGraph graph);
  bool hasGraphs() const {
    return streamIsCapturing && beginCapture && endCapture &&
           graphInstantiate && graphLaunch && graphExecDestroy && graphDestroy;
  }
};

/// Of the driver that loadCudaDriver has started.
Status loadCudaLaunches(CudaLaunches &launches);

/// Whether nothing more can be done with the device in this process: a kernel
/// or the device itself has failed, and every call will say so.
bool isLastCudaError(int error);

inline CudaAddress cudaAddress(const void *pointer) {
  return static_cast<CudaAddress>(reinterpret_cast<uintptr_t>(pointer));
}

} // namespace ttc

#endif // TTC_CUDADRIVER_H
