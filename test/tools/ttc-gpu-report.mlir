// Does the driver say what the kernels take of a GPU?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --target=nvptx --gpu-arch=sm_80,sm_90 --report -o %t.so | FileCheck %s
// RUN: ttc %s --target=cpu,nvptx --gpu-arch=sm_90 --gpu-cubin --report -o %t.so | FileCheck %s --check-prefix=BOTH
// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx --report=json -o %t.ptx > %t.json
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json
// RUN: ttc %s --target=nvptx --gpu-arch=emulated --report -o %t.so | FileCheck %s --check-prefix=EMULATED
// REQUIRES: ptxas

// No cycles: they would be a CPU's. 100 x 256 weights of 4 bytes, and five values a neuron.
// CHECK: layer {{ *}}computes {{ *}}weights {{ *}}states {{ *}}kflop {{ *}}scheme
// CHECK-NEXT: in+neurons {{ *}}100 -> 256 {{ *}}106 K {{ *}}2048 {{ *}}57.1 {{ *}}4 columns a thread; of few rows, 4 threads a sum
// CHECK-NEXT: all {{ *}}106 K {{ *}}1024
// CHECK-NEXT: Bytes of a timestep
// CHECK-NOT: Schedule
// CHECK: What ptxas gave each thread: registers, and bytes of local memory; and each block: bytes of shared memory.
// CHECK-NEXT: kernel {{ *}}architecture {{ *}}registers {{ *}}stack {{ *}}spilled {{ *}}reloaded {{ *}}shared
// Nothing of a step is in local memory.
// CHECK-NEXT: ttc_{{run|step}} {{ *}}sm_80 {{ *}}{{[1-9][0-9]*}}
// CHECK: ttc_step {{ *}}sm_90 {{ *}}{{[1-9][0-9]*}} {{ *}}0 {{ *}}0 {{ *}}0 {{ *}}{{[0-9]+}}

// BOTH: layer {{ *}}computes {{ *}}weights {{ *}}states {{ *}}kflop {{ *}}cycles {{ *}}bound {{ *}}scheme
// BOTH: Schedule: lanes=
// BOTH: ttc_step {{ *}}sm_90

// JSON: "kernels": [
// JSON: "architecture": "sm_90"
// JSON: "kernel": "ttc_{{run|step}}"
// JSON: "registers": {{[1-9]}}
// JSON: "spill_load_bytes": 0
// JSON-NOT: "cycles"

// EMULATED: The emulator's kernels take nothing of a GPU.

ttc.model @net(%x: tensor<?x100xf32>) -> tensor<?x256xf32> {
  %0 = ttc.linear "in" (%x) : tensor<?x100xf32> -> tensor<?x256xf32>
  %1 = ttc.neuron LIB "neurons" (%0) : tensor<?x256xf32>
  ttc.return %1 : tensor<?x256xf32>
}
