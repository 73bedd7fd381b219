//===- FakeCuda.h - How does a driver fail? ---------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library with the name and the functions of a driver for CUDA devices, which
// keeps the devices' memory on the host, at addresses that the host cannot
// follow.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FAKECUDA_H
#define TTC_FAKECUDA_H

/// What the library does and has done; its symbol is `ttc_fake_cuda`.
struct FakeCuda {
  int devices;
  /// The function that fails, such as "cuMemAlloc", with this error.
  const char *failing;
  int error;
  int calls;    ///< of all functions
  int blocks;   ///< allocated now
  int retained; ///< contexts, now
  int depth;    ///< of the stack of contexts
  int ordinal;  ///< of the device that was used last
};

#endif // TTC_FAKECUDA_H
