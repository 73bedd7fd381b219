// Is a step free of calls, whatever it computes?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: ttc neurons.mlir --emit=asm --mcpu=v2 | %python %S/Inputs/summarize_asm.py > v2.txt && FileCheck neurons.mlir --input-file=v2.txt
// RUN: ttc neurons.mlir --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py > v3.txt && FileCheck neurons.mlir --input-file=v3.txt
// RUN: ttc neurons.mlir --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py > v4.txt && FileCheck neurons.mlir --input-file=v4.txt
// RUN: ttc layers.mlir --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py > layers.txt && FileCheck layers.mlir --input-file=layers.txt
// bf16 on CPUs that have none, widths that leave a part of a vector among them.
// RUN: ttc wide.mlir --products=bf16 --emit=asm --mcpu=v2 | %python %S/Inputs/summarize_asm.py > wide-v2.txt && FileCheck wide.mlir --input-file=wide-v2.txt
// RUN: ttc wide.mlir --products=bf16 --emit=asm --mcpu=v3 | %python %S/Inputs/summarize_asm.py > wide-v3.txt && FileCheck wide.mlir --input-file=wide-v3.txt
// RUN: ttc wide.mlir --products=bf16 --storage=bf16 --emit=asm --mcpu=v4 | %python %S/Inputs/summarize_asm.py > wide-v4.txt && FileCheck wide.mlir --input-file=wide-v4.txt
// RUN: ttc wide.mlir --storage=bf16 --emit=asm --mcpu=v2 | %python %S/Inputs/summarize_asm.py > stored-v2.txt && FileCheck wide.mlir --input-file=stored-v2.txt

// What runs at every timestep, or block of them, calls nothing but its own parts, and what
// fills or copies memory.
// RUN: grep -h 'st[ea][pg].*: calls' v2.txt v3.txt v4.txt layers.txt wide-*.txt stored-*.txt \
// RUN:   | not grep -vE ': calls (nothing|((memset|memcpy|net\.st[.a-z0-9]*)(, |$))+)$'

// Raw parameters are activated with the C library's exp and log, once, in prepare, which
// takes nothing else from it.
// RUN: grep -h 'prepare.*: calls' v2.txt v3.txt v4.txt layers.txt wide-*.txt stored-*.txt \
// RUN:   | not grep -vE ': calls (nothing|((exp|log|memcpy|memset|net\.prepare[.a-z_0-9]*)(, |$))+)$'

//--- neurons.mlir
// exp, tanh, log1p, erf, roundings and products: none of them is a call.
// CHECK: net.step: calls nothing
// CHECK: {{^}}step: calls net.step{{$}}
// CHECK: {{^}}run: calls net.st
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

//--- layers.mlir
// A long step calls its own parts.
// CHECK: net.step: calls {{.*}}net.step.0, net.step.1
// CHECK: {{^}}step: calls net.step{{$}}
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

//--- wide.mlir
// CHECK: {{^}}step: calls
ttc.model @net(%x: tensor<?x70xf32>) -> tensor<?x9xf32> {
  %0 = ttc.linear "a" (%x) : tensor<?x70xf32> -> tensor<?x50xf32>
  %1 = ttc.neuron LIB "b" (%0) : tensor<?x50xf32>
  %2 = ttc.rnn gru "c" (%1) : tensor<?x50xf32> -> tensor<?x38xf32>
  %3 = ttc.rnn lstm "d" (%2) : tensor<?x38xf32> -> tensor<?x44xf32>
  %4 = ttc.linear "e" (%3) : tensor<?x44xf32> -> tensor<?x9xf32>
  ttc.return %4 : tensor<?x9xf32>
}
