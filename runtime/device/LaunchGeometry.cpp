//===- LaunchGeometry.cpp - How many blocks make a timestep? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/LaunchGeometry.h"

#include "support/Memory.h"

#include <algorithm>

namespace ttc {
namespace {

/// The most blocks along y, of every device.
constexpr uint64_t mostParts = 65535;
constexpr uint64_t warpThreads = 32;
/// What each block of a cluster has to do, at least: two warps, of which one
/// computes while the other waits for memory.
constexpr uint64_t leastClusterThreads = 64;

uint64_t divideUp(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

uint64_t wholeWarps(uint64_t threads) {
  return divideUp(threads, warpThreads) * warpThreads;
}

/// Threads that a timestep of so many rows keeps busy.
uint64_t threadsOf(const ttc_device_code &code, uint64_t rows) {
  uint64_t threads = 0;
  return bytesAtBatch(code.threads, static_cast<int64_t>(rows), threads)
             ? std::max<uint64_t>(threads, 1)
             : UINT64_MAX;
}

/// Over how many blocks of a cluster threads are spread.
uint64_t clusterBlocksFor(uint64_t threads, const DeviceRoom &room) {
  uint64_t blocks = 1;
  while (2 * blocks <= room.clusterBlocks &&
         threads / (2 * blocks) >= leastClusterThreads)
    blocks *= 2;
  return blocks;
}

} // namespace

LaunchGeometry chooseGeometry(const ttc_device_code &code, int64_t batch,
                              const DeviceRoom &room) {
  const uint64_t rows = static_cast<uint64_t>(batch);
  const uint64_t blockThreads = code.block_threads;
  const uint64_t resident =
      std::max<uint64_t>(uint64_t(room.multiprocessors) * room.blocksEach, 1);

  uint64_t parts = 1;
  if (code.rows_are_independent && rows > 1) {
    const uint64_t rowsEach =
        std::max<uint64_t>(blockThreads / threadsOf(code, 1), 1);
    parts = std::min({divideUp(rows, rowsEach), resident, mostParts});
  }

  const uint64_t threads = threadsOf(code, divideUp(rows, parts));
  auto grid = [&](uint64_t team, uint64_t each, LaunchKind kind) {
    return LaunchGeometry{static_cast<uint32_t>(team),
                          static_cast<uint32_t>(parts),
                          static_cast<uint32_t>(each), kind};
  };
  if (threads > blockThreads && threads <= room.clusterBlocks * blockThreads &&
      parts * room.clusterBlocks <= resident) {
    const uint64_t blocks = clusterBlocksFor(threads, room);
    const uint64_t each = wholeWarps(divideUp(threads, blocks));
    if (blocks > 1 && each <= blockThreads)
      return grid(blocks, each, LaunchKind::Cluster);
  }

  // With one part the last block may be idle in places; with more, blocks are
  // dear.
  const uint64_t wanted =
      parts == 1 ? divideUp(threads, blockThreads) : threads / blockThreads;
  const uint64_t team =
      room.cooperative ? std::clamp<uint64_t>(wanted, 1, resident / parts) : 1;
  return grid(team, blockThreads,
              team > 1 ? LaunchKind::Cooperative : LaunchKind::Alone);
}

} // namespace ttc
