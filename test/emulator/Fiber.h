//===- Fiber.h - How do thousands of threads share one? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions with stacks of their own, which run until they give the thread
// back. Changing between two of them must cost no system call, as
// swapcontext's does.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FIBER_H
#define TTC_FIBER_H

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator {

/// What is needed to go on: where the registers lie on the stack.
struct Fiber {
#if defined(__x86_64__)
  void *stackPointer = nullptr;
#else
  ucontext_t context;
#endif
};

/// Makes a fiber that begins with `entry`, which must never return.
void prepareFiber(Fiber &fiber, unsigned char *stack, size_t bytes,
                  void (*entry)());

/// Leaves `from`, which goes on here when somebody changes to it.
void changeFiber(Fiber &from, Fiber &to);

/// Stacks, all of one size, as many as are asked for.
class Stacks {
public:
  ~Stacks();
  /// False if there is no memory.
  bool reserve(size_t count);
  unsigned char *stack(size_t index) const { return block + index * bytes; }
  /// Whether a fiber has gone beyond the end of its stack, or close to it.
  bool hasOverflowed(size_t index) const;
  /// Must come before a stack is used.
  void mark(size_t index);

  static constexpr size_t bytes = size_t(64) << 10;

private:
  unsigned char *block = nullptr;
  size_t count = 0;
};

} // namespace emulator

#endif // TTC_FIBER_H
