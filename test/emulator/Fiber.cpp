//===- Fiber.cpp - How do thousands of threads share one? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fiber.h"

#include <cstdint>
#include <cstring>
#include <sys/mman.h>

namespace emulator {

#if defined(__x86_64__)

extern "C" void ttc_change_fiber(void **from, void *to);

// Saves what a function must leave as it was (System V ABI, figure 3.4) on the
// stack that it leaves, and takes it from the one that it enters.
asm(R"(
  .text
  .globl ttc_change_fiber
  .hidden ttc_change_fiber
  .type ttc_change_fiber, @function
ttc_change_fiber:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq $8, %rsp
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size ttc_change_fiber, .-ttc_change_fiber
)");

void prepareFiber(Fiber &fiber, unsigned char *stack, size_t bytes,
                  void (*entry)()) {
  // Registers of control, six others, the address of the entry; above it the
  // stack is as behind a call.
  uint64_t *top = reinterpret_cast<uint64_t *>(stack + bytes) - 3;
  *top = 0;
  *--top = reinterpret_cast<uint64_t>(entry);
  for (int i = 0; i < 6; ++i)
    *--top = 0;
  --top;
  uint32_t control[2] = {0, 0};
  asm volatile("stmxcsr %0\n\tfnstcw %1"
               : "=m"(control[0]),
                 "=m"(*reinterpret_cast<uint16_t *>(control + 1)));
  std::memcpy(top, control, sizeof(control));
  fiber.stackPointer = top;
}

void changeFiber(Fiber &from, Fiber &to) {
  ttc_change_fiber(&from.stackPointer, to.stackPointer);
}

#else

void prepareFiber(Fiber &fiber, unsigned char *stack, size_t bytes,
                  void (*entry)()) {
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = stack;
  fiber.context.uc_stack.ss_size = bytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
}

void changeFiber(Fiber &from, Fiber &to) {
  swapcontext(&from.context, &to.context);
}

#endif

namespace {
/// What stands at the end of a stack that nobody has come near.
constexpr uint64_t canary = 0x5ca1ab1e0ddba11dull;
constexpr size_t canaries = 16;
} // namespace

Stacks::~Stacks() {
  if (block)
    munmap(block, count * bytes);
}

bool Stacks::reserve(size_t wanted) {
  if (wanted <= count)
    return true;
  if (block)
    munmap(block, count * bytes);
  block = nullptr;
  count = 0;
  void *made = mmap(nullptr, wanted * bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED)
    return false;
  block = static_cast<unsigned char *>(made);
  count = wanted;
  return true;
}

void Stacks::mark(size_t index) {
  for (size_t i = 0; i < canaries; ++i)
    std::memcpy(stack(index) + i * sizeof(canary), &canary, sizeof(canary));
}

bool Stacks::hasOverflowed(size_t index) const {
  for (size_t i = 0; i < canaries; ++i)
    if (std::memcmp(stack(index) + i * sizeof(canary), &canary,
                    sizeof(canary)) != 0)
      return true;
  return false;
}

} // namespace emulator
