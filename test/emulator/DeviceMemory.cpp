//===- DeviceMemory.cpp - What can the device's pointers point to? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceMemory.h"

#include <cstring>
#include <sys/mman.h>

namespace emulator {
namespace {

/// Of addresses, not of memory.
constexpr uint64_t arenaBytes = uint64_t(1) << 38;
constexpr uint64_t pageBytes = 4096;
/// Where a driver's blocks begin.
constexpr uint64_t alignment = 256;

uint64_t roundUp(uint64_t bytes, uint64_t to) {
  return (bytes + to - 1) / to * to;
}

void *pointer(uint64_t address) {
  return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

} // namespace

uint64_t DeviceMemory::allocate(int device, uint64_t size) {
  if (!base) {
    void *arena = mmap(nullptr, arenaBytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED)
      return 0;
    base = reinterpret_cast<uintptr_t>(arena);
  }
  if (size > arenaBytes / 2)
    return 0;
  const uint64_t own = roundUp(size, alignment);
  const uint64_t pages = roundUp(own, pageBytes);
  if (used + pages + pageBytes > arenaBytes)
    return 0;
  const uint64_t start = base + used;
  if (mprotect(pointer(start), pages, PROT_READ | PROT_WRITE) != 0)
    return 0;
  used += pages + pageBytes;
  std::memset(pointer(start), 0xff, pages);
  mprotect(pointer(start), pages, PROT_NONE);
  // At the end of its pages, so that what is read behind it is noticed.
  const uint64_t address = start + pages - own;
  blocks[address] = {size, start, pages, device};
  return address;
}

bool DeviceMemory::release(uint64_t address) {
  auto at = blocks.find(address);
  if (at == blocks.end())
    return false;
  madvise(pointer(at->second.start), at->second.pages, MADV_DONTNEED);
  blocks.erase(at);
  return true;
}

const DeviceMemory::Block *DeviceMemory::find(uint64_t address,
                                              uint64_t *begin) const {
  auto at = blocks.upper_bound(address);
  if (at == blocks.begin())
    return nullptr;
  --at;
  if (begin)
    *begin = at->first;
  return address < at->first + at->second.size ? &at->second : nullptr;
}

Owner DeviceMemory::ownerOf(uint64_t address, uint64_t size) const {
  if (!base || address < base || address >= base + arenaBytes)
    return Owner::Host;
  uint64_t begin = 0;
  const Block *block = find(address, &begin);
  return block && size <= begin + block->size - address ? Owner::Device
                                                        : Owner::Nobody;
}

int DeviceMemory::deviceOf(uint64_t address) const {
  const Block *block = find(address);
  return block ? block->device : -1;
}

void DeviceMemory::protect(bool open) {
  for (auto &[address, block] : blocks)
    mprotect(pointer(block.start), block.pages,
             open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

} // namespace emulator
