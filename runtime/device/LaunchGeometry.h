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
};

/// `y` parts of the batch, each made by a team of `x` blocks.
struct LaunchGeometry {
  uint32_t x;
  uint32_t y;
  bool isCooperative() const { return x > 1; }
};

/// The grid for a batch, at least one row:
///
/// - Rows that need no other row are shared out: as many to a block as keep its
///   threads busy, but never more parts than blocks fit on the device, so that
///   the grid is one wave. Each part reads the weights once for all its rows.
/// - A part is made by one block, which waits for itself alone, until there are
///   fewer parts than blocks fit: only then do several blocks share a part,
///   each with at least a full block of threads' work, as their waiting for
///   each other costs microseconds.
/// - A device that cannot launch cooperatively has teams of one block.
LaunchGeometry chooseGeometry(const ttc_device_code &code, int64_t batch,
                              const DeviceRoom &room);

} // namespace ttc

#endif // TTC_LAUNCHGEOMETRY_H
