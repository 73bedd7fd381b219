// Do products in bf16 of numbers that are short have the bits of f32, and are pairs multiplied at
// once where a CPU can?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 20 2 64
// RUN: ttc %s -o libwide.so
// RUN: ttc-run ./libwide.so --weights net.safetensors --input x.npy --steps 10 --save-states wide.safetensors
// RUN: ttc-run ./libwide.so --weights net.safetensors --input x.npy --output wide.npy

// On any CPU, the weights loaded or embedded; and the states of the model with f32 fit.
// RUN: ttc %s --products=bf16 -o libloaded.so
// RUN: ttc-run ./libloaded.so --weights net.safetensors --input x.npy --compare wide.npy --exact
// RUN: ttc %s --products=bf16 --weights net.safetensors -o libnarrow.so --report | FileCheck %s --check-prefix=REPORT
// RUN: ttc-run ./libnarrow.so --input x.npy --compare wide.npy --exact
// RUN: ttc-run ./libnarrow.so --input x.npy --skip 10 --load-states wide.safetensors --compare wide.npy --exact
// REPORT: l {{ *}}64 elements {{.*}} vectors of
// REPORT-NEXT: l+n {{ *}}64 -> 32 {{.*}} a pass, {{pairs of bf16 at once|inputs bf16}}
// REPORT: Weights as they are stored
// REPORT: l.weight {{ *}}32 {{ *}}64

// A CPU that multiplies pairs, one that does not, and a binary for both, where each computes with
// the same rounded numbers.
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=znver4 --emit=asm -o - | FileCheck %s --check-prefix=PAIRS
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=znver4 --report --emit=obj -o net.o | FileCheck %s --check-prefix=PAIRS-REPORT
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=v4 --emit=asm -o - | FileCheck %s --check-prefix=SINGLE
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=v3 --report --emit=obj -o net.o | FileCheck %s --check-prefix=SINGLE-REPORT
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=znver4,v3 --emit=asm -o - | FileCheck %s --check-prefix=PAIRS
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=sapphirerapids --emit=asm -o - | FileCheck %s --check-prefix=MATRICES
// RUN: ttc %s --products=bf16 --triple=x86_64-linux-gnu --mcpu=sapphirerapids --report --emit=obj -o net.o | FileCheck %s --check-prefix=MATRICES-REPORT
// RUN: ttc %s --triple=x86_64-linux-gnu --mcpu=sapphirerapids --emit=asm -o - | FileCheck %s --check-prefix=SINGLE
// PAIRS: vdpbf16ps
// MATRICES: ldtilecfg
// MATRICES: tdpbf16ps
// MATRICES: "{{.*}}amx-tile,amx-bf16
// MATRICES-REPORT: matrices of bf16 at once; rows in tiles of 32
// SINGLE-NOT: tdpbf16ps
// SINGLE-NOT: amx
// PAIRS-REPORT: pairs of bf16 at once
// SINGLE-NOT: vdpbf16ps
// SINGLE-REPORT: inputs bf16

// What is stored already as bf16 says nothing more; other widths contradict it.
// RUN: ttc %s --products=bf16 --storage=bf16 --emit=obj -o net.o
// RUN: ttc %s --products=bf16 --weights-storage=bf16 --emit=obj -o net.o
// RUN: ttc %s --products=bf16 --storage=f16 --weights-storage=f32 --emit=obj -o net.o
// RUN: not ttc %s --products=bf16 --storage=f16 2>&1 | FileCheck %s --check-prefix=STATES
// STATES: products.mlir: error: --products=bf16 rounds weights to bf16, but they are to be stored as f16: leave out one of the two
// RUN: not ttc %s --products=bf16 --weights-storage=int8 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: products.mlir: error: --products=bf16 rounds weights to bf16, but they are to be stored as int8: leave out one of the two
// RUN: not ttc %s --products=f16 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: products.mlir: error: --products takes f32, tf32 or bf16, but 'f16' was given

// GPUs multiply both by their matrix units, from sm_80 on; CPUs have no tf32.
// RUN: ttc %s --products=bf16 --target=nvptx --emit=ptx -o - | FileCheck %s --check-prefix=MMA-BF16
// RUN: ttc %s --products=tf32 --target=nvptx --emit=ptx -o - | FileCheck %s --check-prefix=MMA-TF32
// RUN: ttc %s --target=nvptx --emit=ptx -o - | FileCheck %s --check-prefix=FMA
// MMA-BF16: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// MMA-TF32: cvt.rna.tf32.f32
// MMA-TF32: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
// FMA-NOT: mma.sync
// RUN: ttc %s --products=bf16 --target=nvptx --report --emit=ptx -o net.ptx | FileCheck %s --check-prefix=MMA-BF16-REPORT
// RUN: ttc %s --products=tf32 --target=nvptx --report --emit=ptx -o net.ptx | FileCheck %s --check-prefix=MMA-TF32-REPORT
// MMA-BF16-REPORT: matrices of bf16 at once; 4 columns a thread
// MMA-TF32-REPORT: matrices of tf32 at once; 4 columns a thread
// RUN: not ttc %s --products=tf32 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: products.mlir: error: --products=tf32 is for GPUs, but the target is cpu: leave it out, or compile with --target=nvptx or cpu,nvptx
// RUN: not ttc %s --products=bf16 --target=cpu,nvptx --gpu-arch=sm_80,sm_75 2>&1 | FileCheck %s --check-prefix=OLD
// OLD: products.mlir: error: --products other than f32 on a GPU is for sm_80 and later, but --gpu-arch names sm_75
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %0 = ttc.linear "l" (%x) no_bias : tensor<?x64xf32> -> tensor<?x32xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x32xf32>
  ttc.return %1 : tensor<?x32xf32>
}
