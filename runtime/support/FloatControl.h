//===- FloatControl.h - How does a thread round? ----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread that helps another one must round, and flush subnormals, as that one
// does: a program may change it for a thread at any time, and bits depend on
// it.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FLOATCONTROL_H
#define TTC_FLOATCONTROL_H

#include <cstdint>

namespace ttc {

#if defined(__x86_64__)
/// Without the flags of what happened, which are the thread's own.
inline uint64_t floatControl() {
  return __builtin_ia32_stmxcsr() & ~uint32_t(0x3F);
}
inline void setFloatControl(uint64_t control) {
  if (control != floatControl())
    __builtin_ia32_ldmxcsr(static_cast<uint32_t>(control));
}
#elif defined(__aarch64__)
inline uint64_t floatControl() {
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
inline void setFloatControl(uint64_t control) {
  if (control != floatControl())
    asm volatile("msr fpcr, %0" : : "r"(control));
}
#elif defined(__riscv)
inline uint64_t floatControl() {
  uint64_t control;
  asm volatile("frrm %0" : "=r"(control));
  return control;
}
inline void setFloatControl(uint64_t control) {
  asm volatile("fsrm %0" : : "r"(control));
}
#else
#error "ttc runs on x86-64, AArch64 and RISC-V"
#endif

} // namespace ttc

#endif // TTC_FLOATCONTROL_H
