//===- Scratch.h - Whose scratch memory does a step use? --------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scratch memory keeps nothing from one step to the next, so it belongs to the
// model: a step takes a block for its length and gives it back. There are as
// many blocks as threads ever stepped at once, whatever the number of sessions.
// Taking one is one atomic exchange, giving it back one store; a thread begins
// with the block that it had last, which lies in its caches.
//
// Blocks are only ever added to the list, and freed with the model: a pointer
// to one is good as long as the model lives. Where the memory of a block is too
// small for a batch, whoever has taken the block replaces it.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SCRATCH_H
#define TTC_SCRATCH_H

#include "support/Memory.h"

#include <atomic>

namespace ttc {

/// Alone on its cache line: threads that have different blocks do not meet.
struct alignas(TTC_ALIGNMENT) ScratchBlock {
  std::atomic<bool> taken{false};
  unsigned char *data = nullptr; ///< of `memory`
  uint64_t bytes = 0;
  ScratchBlock *next = nullptr;
  AlignedBlock memory;
};

class ScratchPool {
public:
  ScratchPool();
  ~ScratchPool();
  ScratchPool(const ScratchPool &) = delete;
  ScratchPool &operator=(const ScratchPool &) = delete;

  /// A free block of at least `bytes`, or null. Never allocates. All who want
  /// nothing have the same block.
  ScratchBlock *tryTake(uint64_t bytes) {
    return bytes ? tryTakeSome(bytes) : &nothing;
  }

  /// As tryTake, but makes a block larger or adds one where there is none.
  /// `what` names the memory in the sentence of a failure.
  Status take(const std::string &what, uint64_t bytes, ScratchBlock *&taken);

  void give(ScratchBlock &block) {
    if (&block != &nothing)
      block.taken.store(false, std::memory_order_release);
  }

  /// How many blocks there are, for tests.
  size_t count() const;

private:
  ScratchBlock *tryTakeSome(uint64_t bytes);
  /// A free block of at least `bytes`, wherever it is.
  ScratchBlock *search(uint64_t bytes);
  bool grab(ScratchBlock &block, uint64_t bytes);

  /// No two pools of a process have the same: a thread remembers a block by it.
  const uint64_t number;
  std::atomic<ScratchBlock *> first{nullptr};
  ScratchBlock nothing;
};

/// A block that is given back at the end of a scope, unless it is kept.
class ScratchLease {
public:
  ScratchLease(ScratchPool &pool, ScratchBlock *block)
      : pool(pool), block(block) {}
  ~ScratchLease() {
    if (block)
      pool.give(*block);
  }
  ScratchLease(const ScratchLease &) = delete;
  ScratchLease &operator=(const ScratchLease &) = delete;
  void keep() { block = nullptr; }

private:
  ScratchPool &pool;
  ScratchBlock *block;
};

} // namespace ttc

#endif // TTC_SCRATCH_H
