//===- Core.cpp -----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the system tells of its caches.
//
//===----------------------------------------------------------------------===//

#include "codegen/Core.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace ttc;

StringRef ttc::levelName(Level level) {
  switch (level) {
  case Level::L1:
    return "L1";
  case Level::L2:
    return "L2";
  case Level::L3:
    return "L3";
  case Level::Memory:
    return "memory";
  }
  llvm_unreachable("every level has a name");
}

/// The first line of a file of the system; empty if there is none.
static std::string firstLine(const Twine &path) {
  auto file = MemoryBuffer::getFileAsStream(path);
  return file ? (*file)->getBuffer().split('\n').first.str() : "";
}

Core Core::ofHost() {
  Core core;
  for (unsigned index = 0; index < 8; ++index) {
    std::string cache =
        ("/sys/devices/system/cpu/cpu0/cache/index" + Twine(index)).str();
    unsigned level = 0;
    int64_t kibibytes = 0;
    if (!to_integer(firstLine(cache + "/level"), level) || level < 1 ||
        level > core.caches.size() ||
        firstLine(cache + "/type") == "Instruction")
      continue;
    std::string size = firstLine(cache + "/size");
    if (StringRef(size).ends_with("K") &&
        to_integer(StringRef(size).drop_back(), kibibytes))
      core.caches[level - 1] = kibibytes << 10;
  }
  return core;
}

Level Core::levelOf(int64_t bytes) const {
  unsigned level = 0;
  while (level < caches.size() && bytes > caches[level])
    ++level;
  return Level(level);
}
