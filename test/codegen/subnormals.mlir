// Are subnormal numbers flushed around the step, and the control register put back?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=asm --triple=x86_64-linux-gnu --mcpu=v3 | FileCheck %s --check-prefix=X86
// RUN: ttc %s --emit=asm --triple=aarch64-linux-gnu | FileCheck %s --check-prefix=AARCH64

// A membrane decays into them and stays, at many times the cost. FTZ and DAZ are bits 15
// and 6 of MXCSR; once a call, however many timesteps it runs.
// X86-LABEL: {{^}}step:
// X86: vstmxcsr [[SAVED:[0-9]*\(%rsp\)]]
// X86: movl $32832, %eax
// X86: orl [[SAVED]], %eax
// X86: vldmxcsr
// X86: callq net.step
// X86-NEXT: vldmxcsr [[SAVED]]
// X86-LABEL: {{^}}run:
// X86: vstmxcsr [[KEPT:[0-9]*\(%rsp\)]]
// X86: vldmxcsr
// X86: [[LOOP:.LBB[0-9_]+]]:
// X86-NOT: ldmxcsr
// X86: callq net.step
// X86-NOT: ldmxcsr
// X86: jne [[LOOP]]
// X86: vldmxcsr [[KEPT]]
// X86-LABEL: {{^}}prepare:
// X86-NOT: mxcsr
// X86: .Lfunc_end

// FZ is bit 24 of FPCR.
// AARCH64-LABEL: {{^}}step:
// AARCH64: mrs [[OLD:x[0-9]+]], FPCR
// AARCH64: orr [[NEW:x[0-9]+]], [[OLD]], #0x1000000
// AARCH64: msr FPCR, [[NEW]]
// AARCH64: bl net.step
// AARCH64: msr FPCR, [[OLD]]
ttc.model @net(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x16xf32>
  ttc.return %0 : tensor<?x16xf32>
}
