// What do recurrent and state-space layers own, and what do they compute?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-declare-resources --ttc-expand-layers | FileCheck %s

// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[OUTPUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK:      ttc.param @r.lin.bias : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.lin.weight : tensor<2x5xf32>
// CHECK-NEXT: ttc.state @r.H : tensor<?x2xf32>
// CHECK-NEXT: ttc.model @simple(%[[X:.*]]: tensor<?x3xf32>)
ttc.model @simple(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // [H, x] is never put together: the weight's columns are taken apart.
  // CHECK: %[[H:.*]] = ttc.read @r.H
  // CHECK: %[[W:.*]] = ttc.param_value @r.lin.weight
  // CHECK: %[[B:.*]] = ttc.param_value @r.lin.bias
  // CHECK: %[[WH:.*]] = tensor.extract_slice %[[W]][0, 0] [2, 2] [1, 1]
  // CHECK: %[[INIT:.*]] = linalg.broadcast ins(%[[B]] :
  // CHECK: %[[OFH:.*]] = linalg.contract indexing_maps = [#[[INPUT]], #[[WEIGHT]], #[[OUTPUT]]] ins(%[[H]], %[[WH]] : tensor<?x2xf32>, tensor<2x2xf32>) outs(%[[INIT]] :
  // CHECK: %[[WX:.*]] = tensor.extract_slice %[[W]][0, 2] [2, 3] [1, 1]
  // CHECK: %[[ZERO:.*]] = linalg.fill
  // CHECK: %[[OFX:.*]] = linalg.contract indexing_maps = [#[[INPUT]], #[[WEIGHT]], #[[OUTPUT]]] ins(%[[X]], %[[WX]] : tensor<?x3xf32>, tensor<2x3xf32>) outs(%[[ZERO]] :
  // CHECK: %[[NEW:.*]] = linalg.generic {{.*}} ins(%[[OFH]], %[[OFX]] :
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[C:[^:]*]]: f32,
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[A]], %[[C]]
  // CHECK-NEXT: math.tanh %[[SUM]]
  // CHECK: ttc.write %[[NEW]], @r.H
  // CHECK-NEXT: ttc.return %[[NEW]]
  %0 = ttc.rnn simple "r" (%x) : tensor<?x3xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK:      ttc.param @r.gate_layers.bias : tensor<8xf32>
// CHECK-NEXT: ttc.param @r.gate_layers.weight : tensor<8x5xf32>
// CHECK-NEXT: ttc.state @r.C : tensor<?x2xf32>
// CHECK-NEXT: ttc.state @r.H : tensor<?x2xf32>
// CHECK-NEXT: ttc.model @lstm(
ttc.model @lstm(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // The rows of i, f, o and g.
  // CHECK: tensor.extract_slice %{{.*}}[0, 0] [2, 2]
  // CHECK: tensor.extract_slice %{{.*}}[0] [2] [1] : tensor<8xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 2] [2, 3]
  // CHECK: tensor.extract_slice %{{.*}}[2, 0] [2, 2]
  // CHECK: tensor.extract_slice %{{.*}}[4, 0] [2, 2]
  // CHECK: tensor.extract_slice %{{.*}}[6, 0] [2, 2]
  // CHECK: tensor.extract_slice %{{.*}}[6, 2] [2, 3]
  // CHECK: %[[C:.*]] = ttc.read @r.C
  // CHECK: %[[NEW:.*]]:2 = linalg.generic
  // CHECK-NEXT: ^bb0(%[[IH:[^:]*]]: f32, %[[IX:[^:]*]]: f32, %[[FH:[^:]*]]: f32, %[[FX:[^:]*]]: f32, %[[OH:[^:]*]]: f32, %[[OX:[^:]*]]: f32, %[[GH:[^:]*]]: f32, %[[GX:[^:]*]]: f32, %[[CE:[^:]*]]: f32,
  // CHECK-NEXT: arith.addf %[[IH]], %[[IX]]
  // CHECK-NEXT: arith.addf %[[FH]], %[[FX]]
  // CHECK-NEXT: arith.addf %[[OH]], %[[OX]]
  // CHECK-NEXT: %[[G:.*]] = arith.addf %[[GH]], %[[GX]]
  // CHECK: %[[SI:.*]] = arith.divf
  // CHECK: %[[SF:.*]] = arith.divf
  // CHECK: %[[SO:.*]] = arith.divf
  // CHECK-NEXT: %[[TG:.*]] = math.tanh %[[G]]
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[SF]], %[[CE]]
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[SI]], %[[TG]]
  // CHECK-NEXT: %[[NC:.*]] = arith.addf %[[V0]], %[[V1]]
  // CHECK-NEXT: %[[TC:.*]] = math.tanh %[[NC]]
  // CHECK-NEXT: %[[NH:.*]] = arith.mulf %[[SO]], %[[TC]]
  // CHECK-NEXT: linalg.yield %[[NH]], %[[NC]]
  // CHECK: ttc.write %[[NEW]]#1, @r.C
  // CHECK: ttc.write %[[NEW]]#0, @r.H
  %0 = ttc.rnn lstm "r" (%x) : tensor<?x3xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK:      ttc.param @r.candidate_layer.bias : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.candidate_layer.weight : tensor<2x5xf32>
// CHECK-NEXT: ttc.param @r.gate_layers.bias : tensor<4xf32>
// CHECK-NEXT: ttc.param @r.gate_layers.weight : tensor<4x5xf32>
// CHECK-NEXT: ttc.state @r.H : tensor<?x2x5xf32>
// CHECK-NEXT: ttc.model @gru_along_channels(%[[X:.*]]: tensor<?x3x5xf32>)
ttc.model @gru_along_channels(%x: tensor<?x3x5xf32>) -> tensor<?x2x5xf32> {
  // Features last in here, in their place outside.
  // CHECK: %[[XT:.*]] = linalg.transpose ins(%[[X]] : tensor<?x3x5xf32>) outs(%{{.*}} : tensor<?x5x3xf32>) permutation = [0, 2, 1]
  // CHECK: %[[H:.*]] = ttc.read @r.H
  // CHECK: %[[HT:.*]] = linalg.transpose ins(%[[H]] : tensor<?x2x5xf32>) outs(%{{.*}} : tensor<?x5x2xf32>) permutation = [0, 2, 1]
  // H is reset before the candidate's product.
  // CHECK: %[[RESET:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[HT]] :
  // CHECK: linalg.contract {{.*}} ins(%[[RESET]],
  // CHECK: linalg.contract {{.*}} ins(%[[XT]],
  // H (1 - u) + u c
  // CHECK: ^bb0(%{{[^:]*}}: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32, %[[HE:[^:]*]]: f32,
  // CHECK: %[[U:.*]] = arith.divf
  // CHECK: %[[C:.*]] = math.tanh
  // CHECK: %[[REST:.*]] = arith.subf %{{.*}}, %[[U]]
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[HE]], %[[REST]]
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[U]], %[[C]]
  // CHECK-NEXT: arith.addf %[[V0]], %[[V1]]
  // CHECK: %[[NEW:.*]] = linalg.transpose {{.*}} outs(%{{.*}} : tensor<?x2x5xf32>) permutation = [0, 2, 1]
  // CHECK: ttc.write %[[NEW]], @r.H
  // CHECK-NEXT: ttc.return %[[NEW]]
  %0 = ttc.rnn gru "r" (%x) dim(1) : tensor<?x3x5xf32> -> tensor<?x2x5xf32>
  ttc.return %0 : tensor<?x2x5xf32>
}

// -----

// CHECK:      ttc.param @r.bias_hh_l0 : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.bias_hh_l1 : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.bias_ih_l0 : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.bias_ih_l1 : tensor<2xf32>
// CHECK-NEXT: ttc.param @r.weight_hh_l0 : tensor<2x2xf32>
// CHECK-NEXT: ttc.param @r.weight_hh_l1 : tensor<2x2xf32>
// CHECK-NEXT: ttc.param @r.weight_ih_l0 : tensor<2x3xf32>
// CHECK-NEXT: ttc.param @r.weight_ih_l1 : tensor<2x2xf32>
// CHECK-NEXT: ttc.state @r.h : tensor<2x?x2xf32>
// CHECK-NEXT: ttc.model @two_layers(%[[X:.*]]: tensor<?x3xf32>)
ttc.model @two_layers(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // CHECK: %[[H0:.*]] = ttc.read @r.h[0] : tensor<?x2xf32>
  // CHECK: linalg.contract {{.*}} ins(%[[H0]],
  // CHECK: linalg.contract {{.*}} ins(%[[X]],
  // CHECK: %[[N0:.*]] = linalg.generic
  // CHECK: arith.maximumf
  // CHECK: ttc.write %[[N0]], @r.h[0] : tensor<?x2xf32>
  // CHECK: %[[H1:.*]] = ttc.read @r.h[1] : tensor<?x2xf32>
  // CHECK: linalg.contract {{.*}} ins(%[[H1]],
  // CHECK: linalg.contract {{.*}} ins(%[[N0]],
  // CHECK: %[[N1:.*]] = linalg.generic
  // CHECK: ttc.write %[[N1]], @r.h[1] : tensor<?x2xf32>
  // CHECK: ttc.return %[[N1]]
  %0 = ttc.torch_rnn rnn_relu "r" (%x) layers(2) hidden(2) : tensor<?x3xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK:      ttc.param @r.weight_hh_l0 : tensor<16x2xf64>
// CHECK-NEXT: ttc.param @r.weight_hr_l0 : tensor<2x4xf64>
// CHECK-NEXT: ttc.param @r.weight_ih_l0 : tensor<16x3xf64>
// CHECK-NEXT: ttc.state @r.c : tensor<1x?x4xf64>
// CHECK-NEXT: ttc.state @r.h : tensor<1x?x2xf64>
ttc.model @projected_doubles(%x: tensor<?x3xf64>) -> tensor<?x2xf64> {
  // CHECK: %[[NEW:.*]]:2 = linalg.generic
  // CHECK: ttc.write %[[NEW]]#1, @r.c[0]
  // CHECK: %[[W:.*]] = ttc.param_value @r.weight_hr_l0
  // CHECK: %[[H:.*]] = linalg.contract {{.*}} ins(%[[NEW]]#0, %[[W]] :
  // CHECK: ttc.write %[[H]], @r.h[0]
  %0 = ttc.torch_rnn lstm "r" (%x) hidden(4) no_bias : tensor<?x3xf64> -> tensor<?x2xf64>
  ttc.return %0 : tensor<?x2xf64>
}

// -----

// CHECK:      ttc.param @r.bias_hh : tensor<6xf32>
// CHECK-NEXT: ttc.param @r.bias_ih : tensor<6xf32>
// CHECK-NEXT: ttc.param @r.weight_hh : tensor<6x2xf32>
// CHECK-NEXT: ttc.param @r.weight_ih : tensor<6x3xf32>
// CHECK-NEXT: ttc.state @r.h : tensor<?x2xf32>
ttc.model @gru_cell(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // CHECK: %[[H:.*]] = ttc.read @r.h : tensor<?x2xf32>
  // n = tanh(i_n + r h_n); (h - n) z + n
  // CHECK: ^bb0(%{{[^:]*}}: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32, %[[HN:[^:]*]]: f32, %[[IN:[^:]*]]: f32, %[[HE:[^:]*]]: f32,
  // CHECK: %[[R:.*]] = arith.divf
  // CHECK: %[[Z:.*]] = arith.divf
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[R]], %[[HN]]
  // CHECK-NEXT: %[[V1:.*]] = arith.addf %[[IN]], %[[V0]]
  // CHECK-NEXT: %[[N:.*]] = math.tanh %[[V1]]
  // CHECK-NEXT: %[[V2:.*]] = arith.subf %[[HE]], %[[N]]
  // CHECK-NEXT: %[[V3:.*]] = arith.mulf %[[V2]], %[[Z]]
  // CHECK-NEXT: arith.addf %[[V3]], %[[N]]
  // CHECK: ttc.write %{{.*}}, @r.h : tensor<?x2xf32>
  %0 = ttc.torch_rnn gru "r" (%x) hidden(2) cell : tensor<?x3xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK:      ttc.param @s.A_log : tensor<3x2xf32>
// CHECK-NEXT: ttc.param @s.B : tensor<3x2xf32>
// CHECK-NEXT: ttc.param @s.C : tensor<3x2xf32>
// CHECK-NEXT: ttc.param @s.D : tensor<3xf32>
// CHECK-NEXT: ttc.param @s.log_dt : tensor<3xf32>
// CHECK-NEXT: ttc.state @s.state : tensor<?x3x2xf32>
// CHECK-NEXT: ttc.model @s4(%[[X:.*]]: tensor<?x3xf32>)
ttc.model @s4(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // What depends on the weights alone stands by itself.
  // CHECK: %[[A:.*]] = ttc.param_value @s.A_log
  // CHECK: %[[DT:.*]] = ttc.param_value @s.log_dt
  // CHECK: %[[DECAY:.*]] = linalg.generic {{.*}} ins(%[[DT]], %[[A]] :
  // CHECK: %[[B:.*]] = ttc.param_value @s.B
  // CHECK: %[[GAIN:.*]] = linalg.generic {{.*}} ins(%[[DT]], %[[A]], %[[B]] :
  // CHECK: math.expm1
  // CHECK: %[[OLD:.*]] = ttc.read @s.state
  // CHECK: %[[NEW:.*]] = linalg.generic {{.*}} ins(%[[OLD]], %[[DECAY]], %[[GAIN]], %[[X]] :
  // CHECK: ttc.write %[[NEW]], @s.state
  // CHECK: %[[C:.*]] = ttc.param_value @s.C
  // CHECK: linalg.generic {{.*}}, iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[NEW]], %[[C]] :
  %0 = ttc.s4 "s" (%x) d_state(2) : tensor<?x3xf32>
  ttc.return %0 : tensor<?x3xf32>
}

// -----

// CHECK:      ttc.param @s.A_log : tensor<2xf32>
// CHECK-NEXT: ttc.param @s.B : tensor<3x2xf32>
// CHECK-NEXT: ttc.param @s.C : tensor<2x3xf32>
// CHECK-NEXT: ttc.param @s.D : tensor<3xf32>
// CHECK-NEXT: ttc.param @s.log_dt : tensor<1xf32>
// CHECK-NEXT: ttc.state @s.global_state : tensor<?x2x4xf32>
ttc.model @s5(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // CHECK: %[[B:.*]] = ttc.param_value @s.B
  // CHECK: %[[BT:.*]] = linalg.transpose ins(%[[B]] :
  // CHECK: linalg.contract {{.*}} ins(%{{.*}}, %[[BT]] : tensor<?x4x3xf32>, tensor<2x3xf32>)
  %0 = ttc.s5 "s" (%x) d_state(2) dim(1) : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// The rank of dt is a sixteenth of the features, but 1 at least.
// CHECK:      ttc.param @s.A_log : tensor<3x2xf32>
// CHECK-NEXT: ttc.param @s.D : tensor<3xf32>
// CHECK-NEXT: ttc.param @s.dt_proj.bias : tensor<3xf32>
// CHECK-NEXT: ttc.param @s.dt_proj.weight : tensor<3x1xf32>
// CHECK-NEXT: ttc.param @s.x_proj.weight : tensor<5x3xf32>
// CHECK-NEXT: ttc.state @s.state : tensor<?x3x2xf32>
ttc.model @s6(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: %[[W:.*]] = ttc.param_value @s.x_proj.weight
  // CHECK: tensor.extract_slice %[[W]][0, 0] [1, 3]
  // CHECK: tensor.extract_slice %[[W]][1, 0] [2, 3]
  // CHECK: tensor.extract_slice %[[W]][3, 0] [2, 3]
  // 1 / (A + 1e-12) is known with the weights: a timestep divides nothing.
  // CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<3x2xf32>)
  // CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<3x2xf32>)
  // CHECK: arith.divf
  // CHECK: ttc.read @s.state
  // CHECK-NOT: arith.divf
  // CHECK: ttc.return
  %0 = ttc.s6 "s" (%x) d_state(2) : tensor<?x3xf32>
  ttc.return %0 : tensor<?x3xf32>
}

// -----

// CHECK:      ttc.param @m.A_log : tensor<32x4xf32>
// CHECK-NEXT: ttc.param @m.D : tensor<32xf32>
// CHECK-NEXT: ttc.param @m.conv_bias : tensor<32xf32>
// CHECK-NEXT: ttc.param @m.conv_weights : tensor<32x3xf32>
// CHECK-NEXT: ttc.param @m.dt_proj.bias : tensor<32xf32>
// CHECK-NEXT: ttc.param @m.dt_proj.weight : tensor<32x2xf32>
// CHECK-NEXT: ttc.param @m.in_proj.weight : tensor<64x32xf32>
// CHECK-NEXT: ttc.param @m.out_proj.weight : tensor<32x32xf32>
// CHECK-NEXT: ttc.param @m.ssm_proj.weight : tensor<10x32xf32>
// CHECK-NEXT: ttc.state @m.conv_buffer : tensor<?x32x3xf32>
// CHECK-NEXT: ttc.state @m.ssm_state : tensor<?x32x4xf32>
ttc.model @mamba(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // The buffer loses its first and takes main last.
  // CHECK: %[[OLD:.*]] = ttc.read @m.conv_buffer
  // CHECK: %[[REST:.*]] = tensor.extract_slice %[[OLD]][0, 0, 1] [%{{.*}}, 32, 2] [1, 1, 1]
  // CHECK: %[[NEW:.*]] = tensor.concat dim(2) %[[REST]], %{{.*}} : (tensor<?x32x2xf32>, tensor<?x32x1xf32>) -> tensor<?x32x3xf32>
  // CHECK: ttc.write %[[NEW]], @m.conv_buffer
  %0 = ttc.mamba "m" (%x) d_state(4) conv_kernel(3) : tensor<?x32xf32>
  ttc.return %0 : tensor<?x32xf32>
}

// -----

// CHECK:      ttc.param @m.D : tensor<32xf32>
// CHECK-NEXT: ttc.param @m.dt_proj.bias : tensor<32xf32>
// CHECK:      ttc.state @m.ssm_state : tensor<?x32x4xf32>
// CHECK-NEXT: ttc.model @mamba_without_a_convolution(
ttc.model @mamba_without_a_convolution(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = ttc.mamba "m" (%x) d_state(4) conv_kernel(1) : tensor<?x32xf32>
  ttc.return %0 : tensor<?x32xf32>
}
