//===- Process.h - What does the emulated driver hold? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the functions of the driver have in common. One thread at a time is
// inside. Streams do at once what is ordered in them, unless it is recorded.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PROCESS_H
#define TTC_PROCESS_H

#include "DeviceMemory.h"
#include "Emulator.h"

#include <functional>
#include <mutex>
#include <set>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT TtcEmulator ttc_emulator;

namespace emulator {

/// Of the driver's errors.
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
  captureInvalidated = 901,
  invalidClusterSize = 912
};

using Work = std::function<int()>;

struct Stream {
  bool capturing = false;
  std::vector<Work> recorded;
};

/// One, whose address is that of a context, for each device.
struct Context {
  int device;
  int retained = 0;
};

extern std::recursive_mutex mutex;
extern DeviceMemory memory;
extern std::set<Stream *> streams;
/// What every call returns once a kernel has failed, until all have given the
/// contexts back.
extern int lost;
/// The contexts of this thread, the current one last.
extern thread_local std::vector<Context *> current;

/// A number of the environment.
int environment(const char *name, int otherwise);
int multiprocessors();
/// How many blocks a multiprocessor has room for, whatever the kernel.
uint32_t blocksEach(uint32_t threads, uint32_t sharedBytes = 0);
bool hasClusters();
/// The shared memory that a block may have, if its kernel asks for it, and if
/// not.
uint32_t mostSharedBytes();
constexpr uint32_t plainSharedBytes = 48 << 10;

/// Enters a function: fails if it is told to, or if the device is lost.
class Call {
public:
  explicit Call(const char *function, bool needsContext = true);
  int error = success;

private:
  std::lock_guard<std::recursive_mutex> lock;
};

/// Does something in a stream, or records it. Null, 1 and 2 are the default
/// streams, which have no object.
int order(void *stream, Work work);
bool isUsable(void *stream);
bool isCapturing(void *stream);

} // namespace emulator

#endif // TTC_PROCESS_H
