//===- Grid.h - How do the threads of a kernel take turns? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_GRID_H
#define TTC_GRID_H

#include <cstdint>
#include <string>
#include <vector>

namespace emulator {

struct Launch {
  const void *kernel;
  /// Eight bytes each.
  std::vector<uint64_t> arguments;
  uint32_t gridX, gridY, threads;
  /// Whether the blocks of a row of the grid run at the same time.
  bool cooperative;
  /// How many neighbours in a row are a cluster; 1 if there are none.
  uint32_t clusterBlocks;
  /// The shared memory that each block has.
  uint32_t sharedBytes;
};

/// The most parameters that a kernel may have.
constexpr size_t mostParameters = 64;

/// Runs all threads of the grid. Returns what went wrong, or nothing.
std::string runGrid(const Launch &launch);

} // namespace emulator

#endif // TTC_GRID_H
