//===- LaunchGeometry.h - How many blocks make a timestep? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_LAUNCHGEOMETRY_H
#define TTC_LAUNCHGEOMETRY_H

#include "ttc/model.h"

namespace ttc {

/// What a device has room for, of the blocks of one kernel.
struct DeviceRoom {
  uint32_t multiprocessors;
  /// Blocks that one multiprocessor holds at a time.
  uint32_t blocksEach;
  /// Whether blocks can be launched so that all of them run at the same time.
  bool cooperative;
  /// The most neighbouring blocks that are launched as a cluster, a power of
  /// two; 0 where there are no clusters.
  uint32_t clusterBlocks;
  /// The shared memory that a block of the kernel may have for weights; 0 for a
  /// kernel that keeps none. And clusterBlocks of such blocks.
  uint32_t sharedBytes;
  uint32_t keptClusterBlocks;
};

/// How the blocks of a team come to wait for each other.
enum class LaunchKind {
  Alone,       ///< there is one
  Cluster,     ///< in hardware: a team is a cluster
  Cooperative, ///< by a number in memory: all blocks run at the same time
};

/// `y` parts of the batch, each made by a team of `x` blocks.
struct LaunchGeometry {
  uint32_t x;
  uint32_t y;
  uint32_t threads; ///< of a block
  LaunchKind kind;
  uint32_t sharedBytes; ///< of a block, for weights
};

/// The grid for a batch, at least one row:
///
/// - Rows that need no other row are shared out in whole tiles: as many to a
///   block as keep its threads busy, but never more parts than blocks fit on
///   the device, so that the grid is one wave. Each part reads the weights once
///   for all its rows.
/// - A part that keeps no more than one block's threads busy is made by one
///   block, which waits for itself alone.
/// - A larger one is made by a cluster, as far as those of all parts fit on the
///   device: its blocks wait for each other in a fraction of a microsecond. The
///   threads are spread over 2, 4 or 8 blocks, so many that each still has 64
///   of them, to use as many multiprocessors' caches and arithmetic.
/// - Where each thread of a cluster would have more than two turns and more
///   blocks are free, and on devices without clusters, a part is made by as
///   many blocks as are free, each with at least a full block of threads' work:
///   their waiting for each other costs microseconds. A device that cannot
///   launch cooperatively has no more than a cluster or a block for a part.
/// - A kernel that keeps weights in shared memory gets as many blocks more as
///   it takes for them to fit; if there are none, it keeps nothing.
LaunchGeometry chooseGeometry(const ttc_device_code &code, int64_t batch,
                              const DeviceRoom &room);

} // namespace ttc

#endif // TTC_LAUNCHGEOMETRY_H
