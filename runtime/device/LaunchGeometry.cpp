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
/// A thread of a cluster has a second turn in the time that it takes blocks
/// that are no cluster to wait for each other.
constexpr uint64_t mostTurns = 2;

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

uint64_t roundUp(uint64_t value, uint64_t multiple) {
  return divideUp(value, multiple) * multiple;
}

/// The grid that is being chosen.
class Choice {
public:
  Choice(const ttc_device_code &code, uint64_t rows, const DeviceRoom &room)
      : code(code), room(room),
        resident(std::max<uint64_t>(
            uint64_t(room.multiprocessors) * room.blocksEach, 1)) {
    rowsOfPart = rows;
    if (code.rows_are_independent && rows > 1) {
      const uint64_t busy = code.block_threads / threadsOf(code, 1);
      const uint64_t each =
          roundUp(std::max<uint64_t>(busy, 1), code.tile_rows);
      parts = std::min({divideUp(rows, each), resident, mostParts});
      rowsOfPart =
          std::min(rows, roundUp(divideUp(rows, parts), code.tile_rows));
    }
    for (uint64_t blocks = 2;
         blocks <= room.clusterBlocks && parts * blocks <= resident;
         blocks *= 2)
      mostOfCluster = blocks;
    threads = threadsOf(code, rowsOfPart);
    blockThreads = code.block_threads;
  }

  LaunchGeometry make() {
    chooseTeam();
    keepWeights();
    return {static_cast<uint32_t>(blocks), static_cast<uint32_t>(parts),
            static_cast<uint32_t>(blockThreads), kind,
            static_cast<uint32_t>(sharedBytes)};
  }

private:
  void chooseTeam() {
    if (threads <= blockThreads)
      return;
    // With one part the last block may be idle in places; with more, blocks are
    // dear.
    const uint64_t wanted =
        parts == 1 ? divideUp(threads, blockThreads) : threads / blockThreads;
    const uint64_t anywhere =
        room.cooperative ? std::clamp<uint64_t>(wanted, 1, resident / parts)
                         : 1;
    if (mostOfCluster > 1 &&
        (anywhere <= mostOfCluster ||
         threads <= mostTurns * mostOfCluster * blockThreads)) {
      kind = LaunchKind::Cluster;
      blocks = mostOfCluster;
      while (blocks > 2 && threads / blocks < leastClusterThreads &&
             divideUp(2 * threads, blocks) <= blockThreads)
        blocks /= 2;
      blockThreads =
          std::min(blockThreads, wholeWarps(divideUp(threads, blocks)));
      return;
    }
    blocks = anywhere;
    kind = blocks > 1 ? LaunchKind::Cooperative : LaunchKind::Alone;
  }

  /// What a block needs for its share of the weights, or 0 if there is no room
  /// for it in a team of so many blocks.
  uint64_t sharedBytesOf(uint64_t team) const {
    const uint64_t each = wholeWarps(divideUp(keptThreads, team));
    const uint64_t bytes = each * code.kept_bytes;
    const bool fits = each <= code.block_threads && bytes <= room.sharedBytes &&
                      team * parts <= room.multiprocessors;
    return fits ? bytes : 0;
  }

  void keepWeights() {
    if (code.kept_batch && (parts > 1 || rowsOfPart > code.kept_batch))
      return;
    // Larger numbers could not be multiplied.
    if (!code.kept_bytes || code.kept_bytes > room.sharedBytes ||
        !bytesAtBatch(code.kept_threads, static_cast<int64_t>(rowsOfPart),
                      keptThreads) ||
        !keptThreads || keptThreads > UINT32_MAX)
      return;
    const uint64_t mostKept =
        std::min<uint64_t>(mostOfCluster, room.keptClusterBlocks);
    if (sharedBytesOf(blocks) &&
        (kind != LaunchKind::Cluster || blocks <= mostKept))
      return takeTeam(blocks, kind);
    for (uint64_t team = 2 * blocks; team <= mostKept; team *= 2)
      if (sharedBytesOf(team))
        return takeTeam(team, LaunchKind::Cluster);
    const uint64_t most =
        room.sharedBytes / code.kept_bytes / warpThreads * warpThreads;
    if (!room.cooperative || !most)
      return;
    const uint64_t team =
        divideUp(keptThreads, std::min<uint64_t>(most, code.block_threads));
    if (team > blocks && sharedBytesOf(team))
      takeTeam(team, LaunchKind::Cooperative);
  }

  /// With whole blocks: what is no product from shared memory uses all threads.
  void takeTeam(uint64_t team, LaunchKind how) {
    sharedBytes = sharedBytesOf(team);
    blocks = team;
    kind = how;
    blockThreads = code.block_threads;
  }

  const ttc_device_code &code;
  const DeviceRoom &room;
  const uint64_t resident;
  uint64_t parts = 1, rowsOfPart, threads, blockThreads, keptThreads = 0;
  /// Of how many blocks a part's cluster may be; 0 for none.
  uint64_t mostOfCluster = 0;
  uint64_t blocks = 1, sharedBytes = 0;
  LaunchKind kind = LaunchKind::Alone;
};

} // namespace

LaunchGeometry chooseGeometry(const ttc_device_code &code, int64_t batch,
                              const DeviceRoom &room) {
  return Choice(code, static_cast<uint64_t>(batch), room).make();
}

} // namespace ttc
