//===- Emulator.h - How does a GPU look that is none? -----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library with the name and the functions of NVIDIA's driver, which runs
// kernels on the host, so that their indexing and their barriers are tested
// where there is no GPU. Its device has the compute capability 0.0, and its
// images are shared libraries of the host for the architecture "emulated":
// they export the kernels as plain functions, all of whose parameters have
// eight bytes, and import what a thread may ask (ttc_gpu_...).
//
// Every thread of a grid runs by itself up to its next barrier or exchange
// between lanes. In what order they take turns is given by the environment,
//
//   TTC_EMULATOR_ORDER=ascending | descending | shuffle | shuffle:<seed>
//
// so that a barrier that is missing shows as another result. It is less
// forgiving than a GPU: a barrier that some threads never reach, one of a
// cluster where none was launched, and a lane that does not take part in an
// exchange, are CUDA_ERROR_LAUNCH_FAILED and a line on stderr; new memory is
// full of NaNs; and the host cannot follow a pointer of the device but within
// the driver's own calls.
//
//   TTC_EMULATOR_MULTIPROCESSORS  of the device; 4 if it is not given
//   TTC_EMULATOR_DEVICES          how many there are; 1 if it is not given
//   TTC_EMULATOR_CLUSTERS         0 for devices that have no clusters
//   TTC_EMULATOR_SHARED_BYTES     the shared memory that a block may have;
//                                 232448, as of an H100, if it is not given
//
//===----------------------------------------------------------------------===//

#ifndef TTC_EMULATOR_H
#define TTC_EMULATOR_H

#include <cstdint>

/// What the emulator does and has done; its symbol is `ttc_emulator`.
struct TtcEmulator {
  /// The function that fails, such as "cuLaunchKernel", with this error.
  const char *failing;
  int error;
  /// There now: of memory of the device, pages of the host, modules, streams,
  /// graphs ready to launch, contexts.
  int blocks, pinned, modules, streams, graphs, contexts;
  /// So far: kernels that ran, graphs launched, copies.
  int kernels, graphLaunches, copies;
  /// The grid of the last kernel, the blocks of a cluster (1 if there were
  /// none), the shared memory of each block, how often threads asked where it
  /// is, and where it was launched.
  uint32_t gridX, gridY, blockThreads, clusterBlocks, sharedBytes, sharedUses;
  void *stream;
};

#endif // TTC_EMULATOR_H
