// Is every layer printed as it is read, without its defaults, in its custom form, its generic form and as bytecode?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s | FileCheck %s
// RUN: tt-opt %s | tt-opt | FileCheck %s
// RUN: tt-opt %s --mlir-print-op-generic | tt-opt | FileCheck %s
// RUN: tt-opt %s --emit-bytecode | tt-opt | FileCheck %s

// CHECK-LABEL: ttc.model @recurrent(
ttc.model @recurrent(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: ttc.rnn simple "a" (%{{.*}}) : tensor<?x8xf32> -> tensor<?x4xf32>{{$}}
  %0 = ttc.rnn simple "a" (%x) dim(-1) : tensor<?x8xf32> -> tensor<?x4xf32>
  // CHECK: ttc.rnn lstm "b" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %1 = ttc.rnn lstm "b" (%x) : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: ttc.rnn gru "c" (%{{.*}}) dim(1) : tensor<?x8xf32>{{$}}
  %2 = ttc.rnn gru "c" (%x) dim(1) : tensor<?x8xf32>
  // CHECK: ttc.torch_rnn rnn_tanh "d" (%{{.*}}) hidden(8) : tensor<?x8xf32>{{$}}
  %3 = ttc.torch_rnn rnn_tanh "d" (%x) layers(1) hidden(8) : tensor<?x8xf32>
  // CHECK: ttc.torch_rnn rnn_relu "e" (%{{.*}}) hidden(4) no_bias cell : tensor<?x8xf32> -> tensor<?x4xf32>{{$}}
  %4 = ttc.torch_rnn rnn_relu "e" (%x) hidden(4) cell no_bias : tensor<?x8xf32> -> tensor<?x4xf32>
  // CHECK: ttc.torch_rnn lstm "f" (%{{.*}}) layers(2) hidden(16) : tensor<?x8xf32>{{$}}
  %5 = ttc.torch_rnn lstm "f" (%x) layers(2) hidden(16) : tensor<?x8xf32>
  // CHECK: ttc.torch_rnn gru "g" (%{{.*}}) hidden(8) : tensor<?x8xf32>{{$}}
  %6 = ttc.torch_rnn gru "g" (%x) hidden(8) : tensor<?x8xf32>
  ttc.return %x : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @state_space(
ttc.model @state_space(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: ttc.s4 "a" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %0 = ttc.s4 "a" (%x) d_state(64) dim(-1) : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: ttc.s4 "b" (%{{.*}}) d_state(4) dim(1) : tensor<?x8xf32>{{$}}
  %1 = ttc.s4 "b" (%x) dim(1) d_state(4) : tensor<?x8xf32>
  // CHECK: ttc.s5 "c" (%{{.*}}) d_state(16) : tensor<?x8xf32>{{$}}
  %2 = ttc.s5 "c" (%x) d_state(16) : tensor<?x8xf32>
  // CHECK: ttc.s6 "d" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %3 = ttc.s6 "d" (%x) d_state(16) : tensor<?x8xf32>
  // CHECK: ttc.s6 "e" (%{{.*}}) d_state(3) dt_rank(2) dim(1) : tensor<?x8xf32>{{$}}
  %4 = ttc.s6 "e" (%x) dim(1) dt_rank(2) d_state(3) : tensor<?x8xf32>
  // CHECK: ttc.mamba "f" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %5 = ttc.mamba "f" (%x) d_state(16) conv_kernel(4) : tensor<?x8xf32>
  // CHECK: ttc.mamba "g" (%{{.*}}) d_state(2) dt_rank(1) conv_kernel(1) : tensor<?x8xf32>{{$}}
  %6 = ttc.mamba "g" (%x) conv_kernel(1) dt_rank(1) d_state(2) dim(-1) : tensor<?x8xf32>
  ttc.return %x : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @neurons(
ttc.model @neurons(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: ttc.neuron LIB "a" (%{{.*}}) quant(stochastic_round) : tensor<?x8xf32>{{$}}
  %0 = ttc.neuron LIB "a" (%x) reset(subtract) quant(stochastic_round) : tensor<?x8xf32>
  // CHECK: ttc.neuron LIT "b" (%{{.*}}) quant(probabilistic) reset(zero) : tensor<?x8xf32>{{$}}
  %1 = ttc.neuron LIT "b" (%x) reset(zero) quant(probabilistic) : tensor<?x8xf32>
  // CHECK: ttc.neuron DLIB "c" (%{{.*}}) reset(value, -0.25) : tensor<?x8xf32>{{$}}
  %2 = ttc.neuron DLIB "c" (%x) reset(value, -0.25) : tensor<?x8xf32>
  // CHECK: ttc.adaptive_neuron "d" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %3 = ttc.adaptive_neuron "d" (%x) dim(-1) spike(sigmoid4x) quant(identity) : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: ttc.adaptive_neuron "e" (%{{.*}}) dim(1) spike(heaviside) quant(round, 0.5) : tensor<?x8xf32>{{$}}
  %4 = ttc.adaptive_neuron "e" (%x) quant(round, 0.5) spike(heaviside) dim(1) : tensor<?x8xf32>
  ttc.return %x : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @convolutions(
ttc.model @convolutions(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // CHECK: ttc.conv "a" (%{{.*}}) kernel([1, 1]) : tensor<?x6x8x8xf32>{{$}}
  %0 = ttc.conv "a" (%x) kernel([1, 1]) : tensor<?x6x8x8xf32>
  // CHECK: ttc.conv "b" (%{{.*}}) kernel([3, 3]) stride([1, 1]) padding([2, 2]) dilation([2, 2]) groups(2) no_bias : tensor<?x6x8x8xf32>{{$}}
  %1 = ttc.conv "b" (%x) kernel([3, 3]) no_bias groups(2) dilation([2, 2]) padding([2, 2]) stride([1, 1]) : tensor<?x6x8x8xf32>
  // CHECK: ttc.conv "c" (%{{.*}}) kernel([2, 2]) padding([0, 0], [1, 1]) : tensor<?x6x8x8xf32>{{$}}
  %2 = ttc.conv "c" (%x) kernel([2, 2]) padding([0, 0], [1, 1]) : tensor<?x6x8x8xf32>
  // CHECK: ttc.conv "d" (%{{.*}}) kernel([2, 2]) stride([2, 2]) transposed : tensor<?x6x8x8xf32> -> tensor<?x3x16x16xf32>{{$}}
  %3 = ttc.conv "d" (%x) kernel([2, 2]) transposed stride([2, 2]) : tensor<?x6x8x8xf32> -> tensor<?x3x16x16xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// CHECK-LABEL: ttc.model @pools(
ttc.model @pools(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // CHECK: ttc.pool max (%{{.*}}) kernel([2, 2]) : tensor<?x6x8x8xf32> -> tensor<?x6x4x4xf32>{{$}}
  %0 = ttc.pool max (%x) kernel([2, 2]) : tensor<?x6x8x8xf32> -> tensor<?x6x4x4xf32>
  // CHECK: ttc.pool average (%{{.*}}) kernel([3, 3]) stride([1, 1]) padding([1, 1], [1, 1]) exclude_padding : tensor<?x6x8x8xf32>{{$}}
  %1 = ttc.pool average (%x) kernel([3, 3]) exclude_padding padding([1, 1], [1, 1]) stride([1, 1]) : tensor<?x6x8x8xf32>
  // CHECK: ttc.pool max (%{{.*}}) kernel([2]) stride([1]) dilation([2]) : tensor<?x6x8x8xf32> -> tensor<?x6x8x6xf32>{{$}}
  %2 = ttc.pool max (%x) kernel([2]) dilation([2]) stride([1]) : tensor<?x6x8x8xf32> -> tensor<?x6x8x6xf32>
  // CHECK: ttc.adaptive_pool max (%{{.*}}) : tensor<?x6x8x8xf32> -> tensor<?x6x3x5xf32>{{$}}
  %3 = ttc.adaptive_pool max (%x) : tensor<?x6x8x8xf32> -> tensor<?x6x3x5xf32>
  // CHECK: ttc.adaptive_pool average (%{{.*}}) : tensor<?x6x8x8xf32> -> tensor<?x6x1x1xf32>{{$}}
  %4 = ttc.adaptive_pool average (%x) : tensor<?x6x8x8xf32> -> tensor<?x6x1x1xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// CHECK-LABEL: ttc.model @normalizations(
ttc.model @normalizations(%x: tensor<?x6x8x8xf32>) -> tensor<?x6x8x8xf32> {
  // CHECK: ttc.batch_norm "a" (%{{.*}}) : tensor<?x6x8x8xf32>{{$}}
  %0 = ttc.batch_norm "a" (%x) dim(1) eps(0.00001) : tensor<?x6x8x8xf32> -> tensor<?x6x8x8xf32>
  // CHECK: ttc.batch_norm "b" (%{{.*}}) dim(-1) eps(0.001) no_affine : tensor<?x6x8x8xf32>{{$}}
  %1 = ttc.batch_norm "b" (%x) no_affine eps(0.001) dim(-1) : tensor<?x6x8x8xf32>
  // CHECK: ttc.layer_norm "c" (%{{.*}}) : tensor<?x6x8x8xf32>{{$}}
  %2 = ttc.layer_norm "c" (%x) dims(1) : tensor<?x6x8x8xf32>
  // CHECK: ttc.layer_norm "d" (%{{.*}}) dims(3) eps(1.0E-6) no_bias : tensor<?x6x8x8xf32>{{$}}
  %3 = ttc.layer_norm "d" (%x) eps(1.0e-6) dims(3) no_bias : tensor<?x6x8x8xf32>
  // CHECK: ttc.layer_norm "e" (%{{.*}}) no_affine : tensor<?x6x8x8xf32>{{$}}
  %4 = ttc.layer_norm "e" (%x) no_affine : tensor<?x6x8x8xf32>
  // CHECK: ttc.rms_norm "f" (%{{.*}}) : tensor<?x6x8x8xf32>{{$}}
  %5 = ttc.rms_norm "f" (%x) : tensor<?x6x8x8xf32>
  // CHECK: ttc.rms_norm "g" (%{{.*}}) dims(2) eps(1.0E-8) no_affine : tensor<?x6x8x8xf32>{{$}}
  %6 = ttc.rms_norm "g" (%x) no_affine dims(2) eps(1.0e-8) : tensor<?x6x8x8xf32>
  // CHECK: ttc.group_norm "h" (%{{.*}}) groups(3) : tensor<?x6x8x8xf32>{{$}}
  %7 = ttc.group_norm "h" (%x) groups(3) : tensor<?x6x8x8xf32>
  // CHECK: ttc.group_norm "i" (%{{.*}}) groups(1) dim(-3) eps(0.1) no_affine : tensor<?x6x8x8xf32>{{$}}
  %8 = ttc.group_norm "i" (%x) groups(1) dim(-3) eps(0.1) no_affine : tensor<?x6x8x8xf32>
  ttc.return %x : tensor<?x6x8x8xf32>
}

// CHECK-LABEL: ttc.model @activations(
ttc.model @activations(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: ttc.activation hardsigmoid (%{{.*}}) : tensor<?x8xf32>{{$}}
  %0 = ttc.activation hardsigmoid (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation hardswish (%{{.*}}) : tensor<?x8xf32>{{$}}
  %1 = ttc.activation hardswish (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation mish (%{{.*}}) : tensor<?x8xf32>{{$}}
  %2 = ttc.activation mish (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation selu (%{{.*}}) : tensor<?x8xf32>{{$}}
  %3 = ttc.activation selu (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation relu6 (%{{.*}}) : tensor<?x8xf32>{{$}}
  %4 = ttc.activation relu6 (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation softsign (%{{.*}}) : tensor<?x8xf32>{{$}}
  %5 = ttc.activation softsign (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation logsigmoid (%{{.*}}) : tensor<?x8xf32>{{$}}
  %6 = ttc.activation logsigmoid (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation tanhshrink (%{{.*}}) : tensor<?x8xf32>{{$}}
  %7 = ttc.activation tanhshrink (%x) : tensor<?x8xf32>
  // CHECK: ttc.activation celu (%{{.*}}) alpha(0.5) : tensor<?x8xf32>{{$}}
  %8 = ttc.activation celu (%x) alpha(0.5) : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: ttc.activation softplus (%{{.*}}) beta(2.0) threshold(20.0) : tensor<?x8xf32>{{$}}
  %9 = ttc.activation softplus (%x) threshold(20.0) beta(2.0) : tensor<?x8xf32>
  // CHECK: ttc.prelu "a" (%{{.*}}) : tensor<?x8xf32>{{$}}
  %10 = ttc.prelu "a" (%x) : tensor<?x8xf32>
  // CHECK: ttc.prelu "b" (%{{.*}}) dim(-1) : tensor<?x8xf32>{{$}}
  %11 = ttc.prelu "b" (%x) dim(-1) : tensor<?x8xf32>
  ttc.return %x : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @elements(
ttc.model @elements(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: ttc.compare eq (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %0 = ttc.compare eq (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.compare ne (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %1 = ttc.compare ne (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.compare lt (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %2 = ttc.compare lt (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.compare le (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %3 = ttc.compare le (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.compare gt (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %4 = ttc.compare gt (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.compare ge (%{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %5 = ttc.compare ge (%x, %y) : tensor<?x8xf32>
  // CHECK: ttc.where (%{{.*}}, %{{.*}}, %{{.*}}) : tensor<?x8xf32>{{$}}
  %6 = ttc.where (%x, %y, %x) : tensor<?x8xf32>
  // CHECK: ttc.clamp (%{{.*}}) min(0.0) : tensor<?x8xf32>{{$}}
  %7 = ttc.clamp (%x) min(0.0) : tensor<?x8xf32>
  // CHECK: ttc.clamp (%{{.*}}) min(-1.0) max(6.0) : tensor<?x8xf32>{{$}}
  %8 = ttc.clamp (%x) max(6.0) min(-1.0) : tensor<?x8xf32>
  // CHECK: ttc.fill 0.5 like (%{{.*}}) : tensor<?x8xf32>{{$}}
  %9 = ttc.fill 0.5 like (%x) : tensor<?x8xf32>
  // CHECK: ttc.fill 0xFFF0000000000000 like (%{{.*}}) : tensor<?x8xf32>{{$}}
  %10 = ttc.fill 0xFFF0000000000000 like (%x) : tensor<?x8xf32>
  ttc.return %x : tensor<?x8xf32>
}

// CHECK-LABEL: ttc.model @reductions(
ttc.model @reductions(%x: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  // CHECK: ttc.aggregate sum (%{{.*}}) dims([1]) : tensor<?x4x8xf32> -> tensor<?x8xf32>{{$}}
  %0 = ttc.aggregate sum (%x) dims([1]) : tensor<?x4x8xf32> -> tensor<?x8xf32>
  // CHECK: ttc.aggregate mean (%{{.*}}) dims([-1, 1]) : tensor<?x4x8xf32> -> tensor<?xf32>{{$}}
  %1 = ttc.aggregate mean (%x) dims([-1, 1]) : tensor<?x4x8xf32> -> tensor<?xf32>
  // CHECK: ttc.aggregate max (%{{.*}}) dims([2]) keep : tensor<?x4x8xf32> -> tensor<?x4x1xf32>{{$}}
  %2 = ttc.aggregate max (%x) dims([2]) keep : tensor<?x4x8xf32> -> tensor<?x4x1xf32>
  // CHECK: ttc.aggregate min (%{{.*}}) dims([]) : tensor<?x4x8xf32>{{$}}
  %3 = ttc.aggregate min (%x) dims([]) : tensor<?x4x8xf32>
  // CHECK: ttc.softmax (%{{.*}}) : tensor<?x4x8xf32>{{$}}
  %4 = ttc.softmax (%x) dim(-1) : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  // CHECK: ttc.softmax (%{{.*}}) dim(1) : tensor<?x4x8xf32>{{$}}
  %5 = ttc.softmax (%x) dim(1) : tensor<?x4x8xf32>
  // CHECK: ttc.log_softmax (%{{.*}}) : tensor<?x4x8xf32>{{$}}
  %6 = ttc.log_softmax (%x) : tensor<?x4x8xf32>
  // CHECK: ttc.log_softmax (%{{.*}}) dim(-2) : tensor<?x4x8xf32>{{$}}
  %7 = ttc.log_softmax (%x) dim(-2) : tensor<?x4x8xf32>
  ttc.return %x : tensor<?x4x8xf32>
}

// CHECK-LABEL: ttc.model @shapes(
ttc.model @shapes(%x: tensor<?x4x8xf32>, %y: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  // CHECK: ttc.reshape (%{{.*}}) : tensor<?x4x8xf32> -> tensor<?x2x16xf32>{{$}}
  %0 = ttc.reshape (%x) : tensor<?x4x8xf32> -> tensor<?x2x16xf32>
  // CHECK: ttc.permute (%{{.*}}) [0, 2, 1] : tensor<?x4x8xf32> -> tensor<?x8x4xf32>{{$}}
  %1 = ttc.permute (%x) [0, 2, 1] : tensor<?x4x8xf32> -> tensor<?x8x4xf32>
  // CHECK: ttc.slice (%{{.*}}) dim(1) start(1) : tensor<?x4x8xf32> -> tensor<?x3x8xf32>{{$}}
  %2 = ttc.slice (%x) dim(1) start(1) : tensor<?x4x8xf32> -> tensor<?x3x8xf32>
  // CHECK: ttc.slice (%{{.*}}) dim(-1) start(0) step(2) : tensor<?x4x8xf32> -> tensor<?x4x4xf32>{{$}}
  %3 = ttc.slice (%x) dim(-1) start(0) step(2) : tensor<?x4x8xf32> -> tensor<?x4x4xf32>
  // CHECK: ttc.concat (%{{.*}}, %{{.*}}) dim(1) : tensor<?x4x8xf32>, tensor<?x4x8xf32> -> tensor<?x8x8xf32>{{$}}
  %4 = ttc.concat (%x, %y) dim(1) : tensor<?x4x8xf32>, tensor<?x4x8xf32> -> tensor<?x8x8xf32>
  // CHECK: ttc.concat (%{{.*}}) dim(1) : tensor<?x4x8xf32> -> tensor<?x4x8xf32>{{$}}
  %5 = ttc.concat (%x) dim(1) : tensor<?x4x8xf32> -> tensor<?x4x8xf32>
  // CHECK: ttc.broadcast (%{{.*}}) : tensor<?x4x8xf32>{{$}}
  %6 = ttc.broadcast (%x) : tensor<?x4x8xf32>
  // CHECK: ttc.pad (%{{.*}}) low([0, 1, 0]) high([0, 0, 2]) : tensor<?x4x8xf32> -> tensor<?x5x10xf32>{{$}}
  %7 = ttc.pad (%x) low([0, 1, 0]) high([0, 0, 2]) : tensor<?x4x8xf32> -> tensor<?x5x10xf32>
  // CHECK: ttc.pad (%{{.*}}) low([0, 0, 0]) high([0, 0, 0]) value(-1.5) : tensor<?x4x8xf32>{{$}}
  %8 = ttc.pad (%x) low([0, 0, 0]) high([0, 0, 0]) value(-1.5) : tensor<?x4x8xf32>
  ttc.return %x : tensor<?x4x8xf32>
}

// CHECK-LABEL: ttc.model @matrices(
ttc.model @matrices(%x: tensor<?x4x8xf32>, %y: tensor<?x8x2xf32>, %z: tensor<8x5xf32>, %ids: tensor<?xi64>) -> tensor<?x4x8xf32> {
  // CHECK: ttc.matmul (%{{.*}}, %{{.*}}) : tensor<?x4x8xf32>, tensor<?x8x2xf32> -> tensor<?x4x2xf32>{{$}}
  %0 = ttc.matmul (%x, %y) : tensor<?x4x8xf32>, tensor<?x8x2xf32> -> tensor<?x4x2xf32>
  // CHECK: ttc.matmul (%{{.*}}, %{{.*}}) : tensor<?x4x8xf32>, tensor<8x5xf32> -> tensor<?x4x5xf32>{{$}}
  %1 = ttc.matmul (%x, %z) : tensor<?x4x8xf32>, tensor<8x5xf32> -> tensor<?x4x5xf32>
  // CHECK: ttc.embedding "a" (%{{.*}}) rows(10) : tensor<?xi64> -> tensor<?x3xf32>{{$}}
  %2 = ttc.embedding "a" (%ids) rows(10) : tensor<?xi64> -> tensor<?x3xf32>
  ttc.return %x : tensor<?x4x8xf32>
}
