// Are objects of other targets emitted, and emitted for them?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=obj --triple=aarch64-linux-gnu -o %t.aarch64.o
// RUN: llvm-readelf -h %t.aarch64.o | FileCheck %s --check-prefix=AARCH64
// RUN: llvm-nm --undefined-only %t.aarch64.o | FileCheck %s --check-prefix=UNDEFINED
// RUN: ttc %s --emit=asm --triple=aarch64-linux-gnu --batch=1 | FileCheck %s --check-prefix=NEON
// RUN: ttc %s --emit=json --triple=aarch64-linux-gnu | FileCheck %s --check-prefix=AARCH64-FEATURES
// RUN: ttc %s --emit=obj --triple=riscv64-linux-gnu -o %t.riscv64.o
// RUN: llvm-readelf -h %t.riscv64.o | FileCheck %s --check-prefix=RISCV64
// RUN: llvm-nm --undefined-only %t.riscv64.o | FileCheck %s --check-prefix=UNDEFINED
// RUN: ttc %s --emit=asm --triple=riscv64-linux-gnu --batch=1 | FileCheck %s --check-prefix=RISCV
// RUN: ttc %s --emit=json --triple=riscv64-linux-gnu | FileCheck %s --check-prefix=RISCV64-FEATURES

// AARCH64: Class: ELF64
// AARCH64: Type: REL
// AARCH64: Machine: AArch64
// RISCV64: Class: ELF64
// RISCV64: Type: REL
// RISCV64: Machine: RISC-V
// The double-float ABI, as the C library's objects have it.
// RISCV64: Flags: {{.*}}double-float ABI

// UNDEFINED-NOT: {{ U (expf|tanhf|fmaf|roundevenf|__.*)$}}

// Four lanes, fused.
// NEON-LABEL: net.step:
// NEON: fmla v{{[0-9]+}}.4s
// RISCV-LABEL: net.step:
// RISCV: fmadd.s

// AARCH64-FEATURES: "cpu_features": "neon"
// AARCH64-FEATURES: "target_triple": "aarch64-unknown-linux-gnu"
// RISCV64-FEATURES: "cpu_features": "m,a,f,d,c"
// RISCV64-FEATURES: "target_triple": "riscv64-unknown-linux-gnu"
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x10xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x64xf32> -> tensor<?x10xf32>
  %1 = ttc.neuron LIB "n" (%0) quant(round) : tensor<?x10xf32>
  ttc.return %1 : tensor<?x10xf32>
}
