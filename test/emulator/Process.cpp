//===- Process.cpp - What does the emulated driver hold? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Process.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

TtcEmulator ttc_emulator = {};

namespace emulator {

std::recursive_mutex mutex;
DeviceMemory memory;
std::set<Stream *> streams;
int lost = success;
thread_local std::vector<Context *> current;

int environment(const char *name, int otherwise) {
  const char *given = std::getenv(name);
  return given ? std::atoi(given) : otherwise;
}

int multiprocessors() { return environment("TTC_EMULATOR_MULTIPROCESSORS", 4); }

uint32_t blocksEach(uint32_t threads, uint32_t sharedBytes) {
  constexpr uint32_t threadsEach = 2048;
  constexpr uint32_t reserved = 1024; // for the driver, of each block
  return std::min(threadsEach / threads,
                  (mostSharedBytes() + reserved) / (sharedBytes + reserved));
}

bool hasClusters() { return environment("TTC_EMULATOR_CLUSTERS", 1) != 0; }

uint32_t mostSharedBytes() {
  return uint32_t(environment("TTC_EMULATOR_SHARED_BYTES", 232448));
}

Call::Call(const char *function, bool needsContext) : lock(mutex) {
  if (ttc_emulator.failing && std::strcmp(ttc_emulator.failing, function) == 0)
    error = ttc_emulator.error;
  else if (needsContext)
    error = current.empty() ? int(invalidContext) : lost;
}

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

} // namespace emulator
