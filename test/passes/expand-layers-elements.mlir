// What do layers of shapes, elements and matrices compute, and neurons beyond their defaults?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-declare-resources --ttc-expand-layers | FileCheck %s

// CHECK-LABEL: ttc.model @reshape(
// CHECK-SAME: %[[X:.*]]: tensor<?x6x4xf32>)
ttc.model @reshape(%x: tensor<?x6x4xf32>) -> tensor<?x8x3xf32> {
  // The batch stays alone.
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2]] : tensor<?x6x4xf32> into tensor<?x24xf32>
  // CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 8, 3] : tensor<?x24xf32> into tensor<?x8x3xf32>
  %0 = ttc.reshape (%x) : tensor<?x6x4xf32> -> tensor<?x8x3xf32>
  ttc.return %0 : tensor<?x8x3xf32>
}

// -----

// CHECK-LABEL: ttc.model @movements(
// CHECK-SAME: %[[X:.*]]: tensor<?x6x4xf32>)
ttc.model @movements(%x: tensor<?x6x4xf32>) -> tensor<?x4x9xf32> {
  // CHECK: %[[V0:.*]] = linalg.transpose ins(%[[X]] : tensor<?x6x4xf32>) outs(%{{.*}} : tensor<?x4x6xf32>) permutation = [0, 2, 1]
  %0 = ttc.permute (%x) [0, 2, 1] : tensor<?x6x4xf32> -> tensor<?x4x6xf32>
  // CHECK: %[[V1:.*]] = tensor.extract_slice %[[V0]][0, 0, 1] [%{{.*}}, 4, 2] [1, 1, 3]
  %1 = ttc.slice (%0) dim(-1) start(1) step(3) : tensor<?x4x6xf32> -> tensor<?x4x2xf32>
  // CHECK: %[[V2:.*]] = tensor.concat dim(2) %[[V0]], %[[V1]] :
  %2 = ttc.concat (%0, %1) dim(-1) : tensor<?x4x6xf32>, tensor<?x4x2xf32> -> tensor<?x4x8xf32>
  // CHECK: %[[C:.*]] = arith.constant -1.5
  // CHECK: tensor.pad %[[V2]] low[0, 0, 1] high[0, 0, 0]
  // CHECK: tensor.yield %[[C]]
  %3 = ttc.pad (%2) low([0, 0, 1]) high([0, 0, 0]) value(-1.5) : tensor<?x4x8xf32> -> tensor<?x4x9xf32>
  ttc.return %3 : tensor<?x4x9xf32>
}

// -----

// CHECK: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (0, d2)>
// CHECK-LABEL: ttc.model @broadcast(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>)
ttc.param @p : tensor<1x4xf32>
ttc.model @broadcast(%x: tensor<?x8xf32>) -> tensor<?x3x4xf32> {
  %p = ttc.param_value @p : tensor<1x4xf32>
  // The batch is that of the model's input.
  // CHECK: %[[N:.*]] = tensor.dim %[[X]],
  // CHECK: %[[INIT:.*]] = tensor.empty(%[[N]]) : tensor<?x3x4xf32>
  // CHECK: linalg.generic {indexing_maps = [#[[ROW]], #{{.*}}], {{.*}} outs(%[[INIT]] :
  %0 = ttc.broadcast (%p) : tensor<1x4xf32> -> tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// CHECK-LABEL: ttc.model @elements(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
ttc.model @elements(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[HALF:.*]] = arith.constant 5.0
  // CHECK: %[[V0:.*]] = linalg.fill ins(%[[HALF]] : f32)
  %0 = ttc.fill 0.5 like (%x) : tensor<?x4xf32>
  // CHECK: %[[V1:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[V0]] :
  // CHECK: arith.cmpf oge
  %1 = ttc.compare ge (%x, %0) : tensor<?x4xf32>
  // A NaN is unequal to everything.
  // CHECK: arith.cmpf une
  %2 = ttc.compare ne (%x, %0) : tensor<?x4xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[V1]], %[[X]], %[[V0]] :
  // CHECK-NEXT: ^bb0(%[[C:[^:]*]]: f32, %[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32,
  // CHECK: %[[HOLDS:.*]] = arith.cmpf une, %[[C]], %{{.*}}
  // CHECK: arith.select %[[HOLDS]], %[[A]], %[[B]]
  %3 = ttc.where (%1, %x, %0) : tensor<?x4xf32>
  // CHECK: arith.maximumf
  // CHECK: arith.minimumf
  %4 = ttc.clamp (%3) min(-1.0) max(1.0) : tensor<?x4xf32>
  ttc.return %4 : tensor<?x4xf32>
}

// -----

// CHECK: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-LABEL: ttc.model @aggregate(
ttc.model @aggregate(%x: tensor<?x3x4xf32>) -> tensor<?x1x4xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[ALL]], #{{.*}}], iterator_types = ["parallel", "parallel", "reduction"]}
  // CHECK: arith.addf
  // CHECK: %[[N:.*]] = arith.constant 3.0
  // CHECK: arith.divf %{{.*}}, %[[N]]
  // CHECK: tensor.expand_shape {{.*}} : tensor<?x4xf32> into tensor<?x1x4xf32>
  %0 = ttc.aggregate mean (%x) dims([1]) keep : tensor<?x3x4xf32> -> tensor<?x1x4xf32>
  ttc.return %0 : tensor<?x1x4xf32>
}

// -----

// With weights it is a product like a linear layer's; of two inputs, a sum.
ttc.param @w : tensor<4x2xf32>
// CHECK-LABEL: ttc.model @matmul(
ttc.model @matmul(%x: tensor<?x3x4xf32>, %y: tensor<?x4x2xf32>) -> (tensor<?x3x2xf32>, tensor<?x3x2xf32>) {
  // CHECK: %[[W:.*]] = ttc.param_value @w
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[W]] :
  // CHECK: linalg.contract {{.*}} ins(%{{.*}}, %[[T]] : tensor<?x3x4xf32>, tensor<2x4xf32>)
  %w = ttc.param_value @w : tensor<4x2xf32>
  %0 = ttc.matmul (%x, %w) : tensor<?x3x4xf32>, tensor<4x2xf32> -> tensor<?x3x2xf32>
  // CHECK-NOT: linalg.contract
  // CHECK: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
  %1 = ttc.matmul (%x, %y) : tensor<?x3x4xf32>, tensor<?x4x2xf32> -> tensor<?x3x2xf32>
  ttc.return %0, %1 : tensor<?x3x2xf32>, tensor<?x3x2xf32>
}

// -----

// CHECK: ttc.param @e.weight : tensor<9x2xf32>
// CHECK-LABEL: ttc.model @embedding(
ttc.model @embedding(%ids: tensor<?xi64>) -> tensor<?x2xf32> {
  // CHECK: %[[W:.*]] = ttc.param_value @e.weight
  // CHECK: ttc.gather (%[[W]], %{{.*}}) : tensor<9x2xf32>, tensor<?xi64> -> tensor<?x2xf32>
  %0 = ttc.embedding "e" (%ids) rows(9) : tensor<?xi64> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK-DAG: #[[ONE:.*]] = affine_map<(d0, d1) -> (0)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK: ttc.param @a.weight : tensor<1xf32>
// CHECK: ttc.param @b.weight : tensor<4xf32>
ttc.model @prelu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: indexing_maps = [#{{.*}}, #[[ONE]], #{{.*}}]
  %0 = ttc.prelu "a" (%x) : tensor<?x4xf32>
  // CHECK: indexing_maps = [#{{.*}}, #[[COLUMN]], #{{.*}}]
  %1 = ttc.prelu "b" (%0) dim(1) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: ttc.model @reset_to_zero(
ttc.model @reset_to_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // mem (1 - s)
  // CHECK: %[[MEM:.*]] = arith.addf %{{.*}}, %in : f32
  // CHECK: %[[S:.*]] = ttc.quantize(round)
  // CHECK: %[[REST:.*]] = arith.subf %{{.*}}, %[[S]]
  // CHECK-NEXT: %[[NEW:.*]] = arith.mulf %[[MEM]], %[[REST]]
  // CHECK-NEXT: linalg.yield %[[S]], %[[NEW]]
  %0 = ttc.neuron LIB "n" (%x) quant(round) reset(zero) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: ttc.model @reset_to_a_value(
ttc.model @reset_to_a_value(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // Both events reset, each of two branches to half of the value.
  // CHECK: %[[P:.*]] = ttc.quantize(round)
  // CHECK: %[[Q:.*]] = ttc.quantize(round)
  // CHECK: %[[S:.*]] = arith.addf %[[P]], %[[Q]]
  // CHECK: %[[REST:.*]] = arith.subf %{{.*}}, %[[S]]
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %{{.*}}, %[[REST]]
  // CHECK-NEXT: %[[HALF:.*]] = arith.constant 1.250000e-01
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[S]], %[[HALF]]
  // CHECK-NEXT: %[[POS:.*]] = arith.addf %[[V0]], %[[V1]]
  // CHECK-NEXT: arith.mulf %{{.*}}, %[[REST]]
  // CHECK: %[[NEG:.*]] = arith.addf
  // CHECK: linalg.yield %{{.*}}, %[[POS]], %[[NEG]]
  %0 = ttc.neuron DLIT "n" (%x) quant(round) reset(value, 0.25) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// Each event of each use has a stream of its own, behind those that the model has.
// CHECK-LABEL: ttc.model @streams(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
ttc.model @streams(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: ttc.uniform stream(6) like (%[[X]])
  %u = ttc.uniform stream(6) like (%x) : tensor<?x4xf32>
  // CHECK: %[[U7:.*]] = ttc.uniform stream(7) like (%[[X]])
  // CHECK: linalg.generic {{.*}} ins(%[[X]], {{.*}}, %[[U7]] :
  // CHECK: ttc.quantize(stochastic_round, 0.5) %{{.*}}, %{{.*}} : f32
  %0 = ttc.neuron LIB "a" (%x) quant(stochastic_round, 0.5) : tensor<?x4xf32>
  // CHECK: ttc.uniform stream(8)
  // CHECK: ttc.uniform stream(9)
  // CHECK: ttc.quantize(probabilistic) %{{.*}}, %[[UP:.*]] : f32
  // CHECK-NOT: ttc.quantize(probabilistic) %{{.*}}, %[[UP]] : f32
  // CHECK: ttc.quantize(probabilistic) %{{.*}}, %{{.*}} : f32
  %1 = ttc.neuron LIT "b" (%0) quant(probabilistic) : tensor<?x4xf32>
  // CHECK: ttc.uniform stream(10)
  %2 = ttc.neuron LIB "a" (%1) quant(stochastic_round, 0.5) : tensor<?x4xf32>
  // CHECK: ttc.uniform stream(11)
  %3 = ttc.adaptive_neuron "c" (%2) quant(stochastic_round) : tensor<?x4xf32>
  ttc.return %3 : tensor<?x4xf32>
}

// -----

// CHECK:      ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_kappa : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_rho : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.adapt : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @adaptive(
ttc.model @adaptive(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[NEW:.*]]:3 = linalg.generic
  // CHECK-NEXT: ^bb0(%[[X:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[A:[^:]*]]: f32, %[[BETA:[^:]*]]: f32, %[[RHO:[^:]*]]: f32, %[[T:[^:]*]]: f32, %[[K:[^:]*]]: f32,
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[M]], %[[BETA]]
  // CHECK-NEXT: %[[MEM:.*]] = arith.addf %[[V0]], %[[X]]
  // CHECK-NEXT: %[[V1:.*]] = arith.subf %[[MEM]], %[[T]]
  // CHECK-NEXT: %[[V2:.*]] = arith.mulf %[[K]], %[[A]]
  // CHECK-NEXT: arith.subf %[[V1]], %[[V2]]
  // CHECK: ttc.write %[[NEW]]#1, @n.mem
  // CHECK-NEXT: ttc.write %[[NEW]]#2, @n.adapt
  // CHECK-NEXT: ttc.return %[[NEW]]#0
  %0 = ttc.adaptive_neuron "n" (%x) spike(heaviside) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}
