//===- Scratch.cpp - Whose scratch memory does a step use? ----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Scratch.h"

#include <new>

namespace ttc {
namespace {

/// The block that this thread had last, and of which pool. A number is never
/// used again, so that a pool that is gone is not taken for one that is there.
struct LastBlock {
  uint64_t pool;
  ScratchBlock *block;
};
thread_local LastBlock lastBlock = {0, nullptr};

uint64_t nextNumber() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

inline bool grab(ScratchBlock &block) {
  return !block.taken.exchange(true, std::memory_order_acquire);
}

/// A pointer to nothing is still a good pointer.
alignas(TTC_ALIGNMENT) unsigned char noBytes[TTC_ALIGNMENT];

} // namespace

ScratchPool::ScratchPool() : number(nextNumber()) { nothing.data = noBytes; }

ScratchPool::~ScratchPool() {
  ScratchBlock *block = first.load(std::memory_order_acquire);
  while (block) {
    ScratchBlock *next = block->next;
    block->~ScratchBlock();
    Free()(block);
    block = next;
  }
}

inline bool ScratchPool::grab(ScratchBlock &block, uint64_t bytes) {
  if (!ttc::grab(block))
    return false;
  if (block.bytes >= bytes)
    return true;
  give(block);
  return false;
}

ScratchBlock *ScratchPool::tryTakeSome(uint64_t bytes) {
  const LastBlock &last = lastBlock;
  if (last.pool == number && grab(*last.block, bytes))
    return last.block;
  return search(bytes);
}

ScratchBlock *ScratchPool::search(uint64_t bytes) {
  for (ScratchBlock *block = first.load(std::memory_order_acquire); block;
       block = block->next) {
    // Looking first leaves the line of a block that is taken where it is.
    if (block->taken.load(std::memory_order_relaxed) || !grab(*block, bytes))
      continue;
    lastBlock = {number, block};
    return block;
  }
  return nullptr;
}

Status ScratchPool::take(const std::string &what, uint64_t bytes,
                         ScratchBlock *&taken) {
  taken = tryTake(bytes);
  if (taken)
    return Status::success();

  // One that is too small is made larger before another is added. Its owner has
  // gone on between two looks if all were taken, so this looks twice.
  ScratchBlock *block = nullptr;
  for (int look = 0; look < 2 && !block; ++look) {
    block = first.load(std::memory_order_acquire);
    while (block && !ttc::grab(*block))
      block = block->next;
  }
  const bool added = !block;
  AlignedBlock owner;
  if (added) {
    Status status = allocateZeroed(what, sizeof(ScratchBlock), owner);
    if (status.failed())
      return status;
    block = new (owner.get()) ScratchBlock;
    block->taken.store(true, std::memory_order_relaxed);
  }
  if (block->bytes < bytes) {
    AlignedBlock memory;
    // The caller has compared the bytes with the model's budget.
    Status status = allocateZeroed(what, bytes, memory, UINT64_MAX);
    if (status.failed()) {
      if (!added)
        give(*block);
      return status;
    }
    block->data = memory.get();
    block->memory = std::move(memory);
    block->bytes = bytes;
  }
  if (added) {
    owner.release();
    block->next = first.load(std::memory_order_relaxed);
    while (!first.compare_exchange_weak(block->next, block,
                                        std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
  }
  lastBlock = {number, block};
  taken = block;
  return Status::success();
}

size_t ScratchPool::count() const {
  size_t blocks = 0;
  for (const ScratchBlock *block = first.load(std::memory_order_acquire); block;
       block = block->next)
    ++blocks;
  return blocks;
}

} // namespace ttc
