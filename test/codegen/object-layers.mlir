// Do objects of every layer and target contain nothing that they should not?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No executable stack, nothing writable, no symbols of others but four. scripts/torture.sh looks
// at the objects of the whole conformance table and of the zoo in the same way.
//
// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: ttc neurons.mlir --emit=obj --mcpu=v2 -o n2.o
// RUN: ttc neurons.mlir --emit=obj --mcpu=v4 -o n4.o
// RUN: ttc layers.mlir --emit=obj --mcpu=v3 -o l3.o
// RUN: ttc neurons.mlir --emit=obj --triple=aarch64-linux-gnu -o na.o
// RUN: ttc neurons.mlir --emit=obj --triple=riscv64-linux-gnu -o nr.o
// RUN: %python %S/Inputs/check_object.py n2.o n4.o l3.o na.o nr.o

// What that would see.
// RUN: %clang -c bad.c -o bad.o
// RUN: not %python %S/Inputs/check_object.py bad.o | FileCheck bad.c

//--- bad.c
// CHECK: writable section .data; no section says that its stack is not executed; takes getenv; defines count, ttc_model_bad
__asm__(".section .note.GNU-stack,\"x\",@progbits");
char *getenv(const char *);
int count = 1;
char *ttc_model_bad(void) { return getenv("HOME"); }

//--- neurons.mlir
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

//--- layers.mlir
ttc.model @net(%x: tensor<?x3x8x8xf32>) -> tensor<?x24xf32> {
  %0 = ttc.conv "c" (%x) kernel([3, 3]) padding([1, 1]) : tensor<?x3x8x8xf32> -> tensor<?x6x8x8xf32>
  %1 = ttc.batch_norm "b" (%0) : tensor<?x6x8x8xf32>
  %2 = ttc.activation mish (%1) : tensor<?x6x8x8xf32>
  %3 = ttc.pool max (%2) kernel([2, 2]) stride([2, 2]) : tensor<?x6x8x8xf32> -> tensor<?x6x4x4xf32>
  %4 = ttc.group_norm "g" (%3) groups(2) : tensor<?x6x4x4xf32>
  %5 = ttc.activation hardswish (%4) : tensor<?x6x4x4xf32>
  %6 = ttc.pool average (%5) kernel([2, 2]) stride([2, 2]) : tensor<?x6x4x4xf32> -> tensor<?x6x2x2xf32>
  %7 = ttc.flatten (%6) dims(1, -1) : tensor<?x6x2x2xf32> -> tensor<?x24xf32>
  %8 = ttc.layer_norm "ln" (%7) : tensor<?x24xf32>
  %9 = ttc.activation selu (%8) : tensor<?x24xf32>
  %10 = ttc.rnn lstm "l" (%9) : tensor<?x24xf32>
  %11 = ttc.rms_norm "r" (%10) : tensor<?x24xf32>
  %12 = ttc.torch_rnn gru "t" (%11) layers(2) hidden(24) : tensor<?x24xf32> -> tensor<?x24xf32>
  %13 = ttc.activation logsigmoid (%12) : tensor<?x24xf32>
  %14 = ttc.activation celu (%13) : tensor<?x24xf32>
  %15 = ttc.mamba "m" (%14) d_state(4) : tensor<?x24xf32>
  %16 = ttc.s5 "s" (%15) d_state(8) : tensor<?x24xf32>
  %17 = ttc.neuron LIB "n" (%16) quant(stochastic_round) : tensor<?x24xf32>
  %18 = ttc.log_softmax (%17) : tensor<?x24xf32>
  ttc.return %18 : tensor<?x24xf32>
}
