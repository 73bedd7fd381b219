// Is a step free of calls, whatever it computes?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=asm --mcpu=v2 | %python %S/Inputs/summarize_asm.py | FileCheck %s
// RUN: ttc %s --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py | FileCheck %s
// RUN: ttc %s --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py | FileCheck %s

// exp, tanh, log1p, erf, roundings and products: none of them is a call. Raw parameters
// are activated with the C library's exp and log, once, in prepare.

// CHECK: net.prepare.entry: calls exp, log{{(, memcpy)?$}}
// CHECK: net.step: calls nothing
// CHECK: {{^}}step: calls net.step{{$}}
// CHECK: {{^}}run: calls net.step{{$}}
// CHECK: {{^}}prepare: calls net.prepare.entry{{$}}
ttc.model @net(%x: tensor<?x3x12xf32>) -> tensor<?x3x12xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x3x12xf32> -> tensor<?x3x12xf32>
  %1 = ttc.neuron DSRLITS "a" (%0) quant(round, 0.1) : tensor<?x3x12xf32>
  %2 = ttc.neuron SRLIB "b" (%1) dim(1) spike(sigmoid) quant(round) : tensor<?x3x12xf32>
  %3 = ttc.neuron LIEMA "c" (%2) : tensor<?x3x12xf32>
  %4 = ttc.activation relu (%3) : tensor<?x3x12xf32>
  %5 = ttc.activation leaky_relu (%4) : tensor<?x3x12xf32>
  %6 = ttc.activation elu (%5) : tensor<?x3x12xf32>
  %7 = ttc.activation gelu (%6) : tensor<?x3x12xf32>
  %8 = ttc.activation gelu_tanh (%7) : tensor<?x3x12xf32>
  %9 = ttc.activation silu (%8) : tensor<?x3x12xf32>
  %10 = ttc.activation tanh (%9) : tensor<?x3x12xf32>
  %11 = ttc.activation sigmoid (%10) : tensor<?x3x12xf32>
  %12 = ttc.activation softplus (%11) : tensor<?x3x12xf32>
  %13 = ttc.activation hardtanh (%12) : tensor<?x3x12xf32>
  %14 = ttc.softmax (%13) : tensor<?x3x12xf32>
  ttc.return %14 : tensor<?x3x12xf32>
}
