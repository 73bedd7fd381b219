//===- DeviceMemory.h - What can the device's pointers point to? -*- C++
//-*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks at addresses that are used once in the life of the process, each with
// a page behind it that nobody may touch: a pointer to what was freed, or was
// never there, is known as such. The host may touch a block only while it is
// unlocked.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICEMEMORY_H
#define TTC_DEVICEMEMORY_H

#include <cstdint>
#include <map>

namespace emulator {

/// Whose memory a range is.
enum class Owner { Host, Device, Nobody };

class DeviceMemory {
public:
  /// 0 if there is no more. New memory is full of NaNs.
  uint64_t allocate(int device, uint64_t size);
  /// False for what is no block.
  bool release(uint64_t address);

  /// That of `size` bytes; a device's must lie in one block of its.
  Owner ownerOf(uint64_t address, uint64_t size) const;
  /// The device that a block is on.
  int deviceOf(uint64_t address) const;

  void unlock() { protect(true); }
  void lock() { protect(false); }

private:
  struct Block {
    uint64_t size;  ///< that was asked for
    uint64_t start; ///< of its pages
    uint64_t pages; ///< bytes of them, without the one behind
    int device;
  };
  const Block *find(uint64_t address, uint64_t *begin = nullptr) const;
  void protect(bool open);

  uint64_t base = 0, used = 0;
  std::map<uint64_t, Block> blocks; ///< by address
};

} // namespace emulator

#endif // TTC_DEVICEMEMORY_H
