// What does each layer compute, in reads, ordinary operations and writes?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-expand-layers --verify-diagnostics | FileCheck %s

//===----------------------------------------------------------------------===//
// Neurons: docs give the rule; here is what it becomes, letter by letter
//===----------------------------------------------------------------------===//

// CHECK: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.state @"n.mem" : tensor<?x4xf32>
// CHECK-LABEL: ttc.model @LI(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
ttc.model @LI(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[MEM:.*]] = ttc.read @n.mem : tensor<?x4xf32>
  // CHECK: %[[BETA:.*]] = ttc.param_value @n.beta : tensor<4xf32>
  // CHECK: %[[NEW:.*]]:2 = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[ALL]], #[[ALL]], #[[COLUMN]], #[[ALL]], #[[ALL]]]
  // CHECK-SAME: ins(%[[X]], %[[MEM]], %[[BETA]] :
  // CHECK-NEXT: ^bb0(%[[IN:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[B:[^:]*]]: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32):
  // mem = mem * beta + x
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[M]], %[[B]]
  // CHECK-NEXT: %[[V1:.*]] = arith.addf %[[V0]], %[[IN]]
  // CHECK-NEXT: linalg.yield %[[V1]], %[[V1]]
  // CHECK: ttc.write %[[NEW]]#1, @n.mem
  // CHECK-NEXT: ttc.return %[[NEW]]#0
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @LIEMA(
ttc.model @LIEMA(%x: tensor<4xf32>) -> tensor<4xf32> {
  // The complement is computed of the parameter, outside of the step.
  // CHECK: %[[BETA:.*]] = ttc.param_value @n.beta
  // CHECK: %[[COMPLEMENT:.*]] = linalg.generic {{.*}} ins(%[[BETA]] : tensor<4xf32>)
  // CHECK-NEXT: ^bb0(%[[B:[^:]*]]: f32, %{{[^:]*}}: f32):
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
  // CHECK-NEXT: %[[C:.*]] = arith.subf %[[ONE]], %[[B]]
  // CHECK-NEXT: linalg.yield %[[C]]
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[BETA]], %[[COMPLEMENT]] :
  // CHECK-NEXT: ^bb0(%[[IN:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[BI:[^:]*]]: f32, %[[CI:[^:]*]]: f32,
  // mem = mem * beta + x * (1 - beta)
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[IN]], %[[CI]]
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[M]], %[[BI]]
  // CHECK-NEXT: %[[V2:.*]] = arith.addf %[[V1]], %[[V0]]
  // CHECK-NEXT: linalg.yield %[[V2]], %[[V2]]
  %0 = ttc.neuron LIEMA "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @LIB_heaviside(
ttc.model @LIB_heaviside(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[IN:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[BETA:[^:]*]]: f32, %[[BIAS:[^:]*]]: f32, %[[T:[^:]*]]: f32,
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[M]], %[[BETA]]
  // CHECK-NEXT: %[[MEM:.*]] = arith.addf %[[V0]], %[[IN]]
  // s = quant(spike(mem - threshold + bias))
  // CHECK-NEXT: %[[V1:.*]] = arith.subf %[[MEM]], %[[T]]
  // CHECK-NEXT: %[[V:.*]] = arith.addf %[[V1]], %[[BIAS]]
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
  // CHECK-NEXT: %[[FIRED:.*]] = arith.cmpf oge, %[[V]], %[[ZERO]]
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
  // CHECK-NEXT: %[[P:.*]] = arith.select %[[FIRED]], %[[ONE]], %[[ZERO]]
  // CHECK-NEXT: %[[S:.*]] = ttc.quantize(round) %[[P]]
  // mem -= s * threshold
  // CHECK-NEXT: %[[V2:.*]] = arith.mulf %[[S]], %[[T]]
  // CHECK-NEXT: %[[V3:.*]] = arith.subf %[[MEM]], %[[V2]]
  // CHECK-NEXT: linalg.yield %[[S]], %[[V3]]
  %0 = ttc.neuron LIB "n" (%x) spike(heaviside) quant(round) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @LIB_sigmoid(
ttc.model @LIB_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[V0:.*]] = arith.subf
  // CHECK-NEXT: %[[V:.*]] = arith.addf %[[V0]], %{{.*}}
  // 1 / (1 + exp(-v)), and without a quantizer nothing behind it
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
  // CHECK-NEXT: %[[MINUS:.*]] = arith.negf %[[V]]
  // CHECK-NEXT: %[[EXP:.*]] = math.exp %[[MINUS]]
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ONE]], %[[EXP]]
  // CHECK-NEXT: %[[S:.*]] = arith.divf %[[ONE]], %[[SUM]]
  // CHECK-NEXT: arith.mulf %[[S]]
  %0 = ttc.neuron LIB "n" (%x) spike(sigmoid) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.neg_threshold" : tensor<4xf32> activated(softplus)
ttc.param @"n.pos_threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @LIT(
ttc.model @LIT(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[IN:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[BETA:[^:]*]]: f32, %[[BIAS:[^:]*]]: f32, %[[POS:[^:]*]]: f32, %[[NEG:[^:]*]]: f32,
  // CHECK: %[[MEM:.*]] = arith.addf %{{.*}}, %[[IN]]
  // p = quant(spike(mem - pos_threshold + bias)), by default sigmoid(4 v)
  // CHECK-NEXT: %[[V0:.*]] = arith.subf %[[MEM]], %[[POS]]
  // CHECK-NEXT: %[[V:.*]] = arith.addf %[[V0]], %[[BIAS]]
  // CHECK-NEXT: %[[FOUR:.*]] = arith.constant 4.0
  // CHECK-NEXT: arith.mulf %[[V]], %[[FOUR]]
  // CHECK: %[[P:.*]] = arith.divf
  // n = -quant(spike(-neg_threshold - mem - bias))
  // CHECK-NEXT: %[[V1:.*]] = arith.negf %[[NEG]]
  // CHECK-NEXT: %[[V2:.*]] = arith.subf %[[V1]], %[[MEM]]
  // CHECK-NEXT: %[[W:.*]] = arith.subf %[[V2]], %[[BIAS]]
  // CHECK: %[[Q:.*]] = arith.divf
  // CHECK-NEXT: %[[N:.*]] = arith.negf %[[Q]]
  // mem -= p * pos_threshold; mem -= n * neg_threshold; output = p + n
  // CHECK-NEXT: %[[V3:.*]] = arith.mulf %[[P]], %[[POS]]
  // CHECK-NEXT: %[[V4:.*]] = arith.subf %[[MEM]], %[[V3]]
  // CHECK-NEXT: %[[V5:.*]] = arith.mulf %[[N]], %[[NEG]]
  // CHECK-NEXT: %[[V6:.*]] = arith.subf %[[V4]], %[[V5]]
  // CHECK-NEXT: %[[OUT:.*]] = arith.addf %[[P]], %[[N]]
  // CHECK-NEXT: linalg.yield %[[OUT]], %[[V6]]
  %0 = ttc.neuron LIT "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.gamma" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.rec_weight" : tensor<4xf32> activated(identity)
ttc.param @"n.neg_scale" : tensor<4xf32> activated(identity)
ttc.param @"n.neg_threshold" : tensor<4xf32> activated(softplus)
ttc.param @"n.pos_scale" : tensor<4xf32> activated(identity)
ttc.param @"n.pos_threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.mem" : tensor<4xf32>
ttc.state @"n.prev_output" : tensor<4xf32>
ttc.state @"n.rec" : tensor<4xf32>
// CHECK-LABEL: ttc.model @RLITS(
ttc.model @RLITS(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-DAG: %[[MEM:.*]] = ttc.read @n.mem
  // CHECK-DAG: %[[REC:.*]] = ttc.read @n.rec
  // CHECK-DAG: %[[PREV:.*]] = ttc.read @n.prev_output
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[MEM]], %[[REC]], %[[PREV]],
  // CHECK-NEXT: ^bb0(%[[IN:[^:]*]]: f32, %[[M:[^:]*]]: f32, %[[R:[^:]*]]: f32, %[[P:[^:]*]]: f32, %[[BETA:[^:]*]]: f32, %[[GAMMA:[^:]*]]: f32, %[[GC:[^:]*]]: f32, %[[RW:[^:]*]]: f32, %{{[^:]*}}: f32, %{{[^:]*}}: f32, %[[PS:[^:]*]]: f32, %{{[^:]*}}: f32, %[[NS:[^:]*]]: f32,
  // rec = rec * gamma + prev_output * (1 - gamma)
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[P]], %[[GC]]
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[R]], %[[GAMMA]]
  // CHECK-NEXT: %[[NEWREC:.*]] = arith.addf %[[V1]], %[[V0]]
  // mem = mem * beta + (rec * rec_weight + x)
  // CHECK-NEXT: %[[V2:.*]] = arith.mulf %[[NEWREC]], %[[RW]]
  // CHECK-NEXT: %[[V3:.*]] = arith.addf %[[V2]], %[[IN]]
  // CHECK-NEXT: %[[V4:.*]] = arith.mulf %[[M]], %[[BETA]]
  // CHECK-NEXT: arith.addf %[[V4]], %[[V3]]
  // output = p * pos_scale + n * neg_scale, which is fed back
  // CHECK: %[[V5:.*]] = arith.mulf %{{.*}}, %[[PS]]
  // CHECK-NEXT: %[[V6:.*]] = arith.mulf %{{.*}}, %[[NS]]
  // CHECK-NEXT: %[[OUT:.*]] = arith.addf %[[V5]], %[[V6]]
  // CHECK-NEXT: linalg.yield %[[OUT]], %{{.*}}, %[[NEWREC]], %[[OUT]]
  // CHECK-DAG: ttc.write %{{.*}}#1, @n.mem
  // CHECK-DAG: ttc.write %{{.*}}#2, @n.rec
  // CHECK-DAG: ttc.write %{{.*}}#3, @n.prev_output
  %0 = ttc.neuron RLITS "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[CHANNEL:.*]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-DAG: #[[ONCE:.*]] = affine_map<(d0, d1, d2) -> ()>
ttc.param @"n.neg_alpha" : tensor<3xf32> activated(sigmoid)
ttc.param @"n.neg_beta" : tensor<3xf32> activated(sigmoid)
ttc.param @"n.pos_alpha" : tensor<3xf32> activated(sigmoid)
ttc.param @"n.pos_beta" : tensor<f32> activated(sigmoid)
ttc.state @"n.neg_mem" : tensor<?x3x4xf32>
ttc.state @"n.neg_syn" : tensor<?x3x4xf32>
ttc.state @"n.pos_mem" : tensor<?x3x4xf32>
ttc.state @"n.pos_syn" : tensor<?x3x4xf32>
// Parameters lie along the neurons' dimension, a scalar along none.
// CHECK-LABEL: ttc.model @DSLI_along_channels(
ttc.model @DSLI_along_channels(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ALL]], #[[ALL]], #[[ALL]], #[[ALL]], #[[CHANNEL]], #[[CHANNEL]], #[[ONCE]], #[[CHANNEL]], #[[CHANNEL]], #[[CHANNEL]], #[[ALL]],
  // CHECK-NEXT: ^bb0(%[[IN:[^:]*]]: f32, %[[PM:[^:]*]]: f32, %[[PSYN:[^:]*]]: f32, %[[NM:[^:]*]]: f32, %[[NSYN:[^:]*]]: f32, %[[PA:[^:]*]]: f32, %[[PAC:[^:]*]]: f32, %[[PB:[^:]*]]: f32, %[[NA:[^:]*]]: f32, %[[NAC:[^:]*]]: f32, %[[NB:[^:]*]]: f32,
  // A zero belongs to both branches, a NaN to neither.
  // CHECK: arith.cmpf oge, %[[IN]]
  // CHECK: %[[POS:.*]] = arith.select %{{.*}}, %[[IN]], %{{.*}}
  // syn = syn * alpha + f(x) * (1 - alpha)
  // CHECK: %[[V0:.*]] = arith.mulf %[[POS]], %[[PAC]]
  // CHECK: %[[V1:.*]] = arith.mulf %[[PSYN]], %[[PA]]
  // CHECK: %[[PNEW:.*]] = arith.addf %[[V1]], %[[V0]]
  // CHECK: arith.cmpf ole, %[[IN]]
  // CHECK: %[[NEG:.*]] = arith.select %{{.*}}, %[[IN]], %{{.*}}
  // CHECK: %[[V2:.*]] = arith.mulf %[[NEG]], %[[NAC]]
  // CHECK: %[[V3:.*]] = arith.mulf %[[NSYN]], %[[NA]]
  // CHECK: %[[NNEW:.*]] = arith.addf %[[V3]], %[[V2]]
  // The branches split the sum of the synapses again.
  // CHECK: %[[CURRENT:.*]] = arith.addf %[[PNEW]], %[[NNEW]]
  // CHECK: arith.cmpf oge, %[[CURRENT]]
  // CHECK: %[[V4:.*]] = arith.mulf %[[PM]], %[[PB]]
  // CHECK: %[[PMEM:.*]] = arith.addf %[[V4]]
  // CHECK: arith.cmpf ole, %[[CURRENT]]
  // CHECK: %[[V5:.*]] = arith.mulf %[[NM]], %[[NB]]
  // CHECK: %[[NMEM:.*]] = arith.addf %[[V5]]
  // CHECK: %[[OUT:.*]] = arith.addf %[[PMEM]], %[[NMEM]]
  // CHECK: linalg.yield %[[OUT]], %[[PMEM]], %[[PNEW]], %[[NMEM]], %[[NNEW]]
  %0 = ttc.neuron DSLI "n" (%x) dim(-2) scalar(["pos_beta"]) : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.neg_beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.pos_beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.neg_mem" : tensor<4xf32>
ttc.state @"n.pos_mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @DLIB(
ttc.model @DLIB(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[POS:.*]] = arith.addf %{{.*}}, %{{.*}}
  // CHECK: %[[NEG:.*]] = arith.addf %{{.*}}, %{{.*}}
  // CHECK: %[[MEM:.*]] = arith.addf %[[POS]], %[[NEG]]
  // Each branch is reset by half of what fired.
  // CHECK: %[[S:.*]] = ttc.quantize(round)
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[S]], %{{.*}}
  // CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.000000e-01
  // CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[V0]], %[[HALF]]
  // CHECK-NEXT: %[[V2:.*]] = arith.subf %[[POS]], %[[V1]]
  // CHECK-NEXT: %[[V3:.*]] = arith.subf %[[NEG]], %[[V1]]
  // CHECK-NEXT: linalg.yield %[[S]], %[[V2]], %[[V3]]
  %0 = ttc.neuron DLIB "n" (%x) quant(round) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// The second use of a layer reads what the first one wrote.
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @used_twice(
ttc.model @used_twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ttc.read @n.mem
  // CHECK: %[[FIRST:.*]]:2 = linalg.generic
  // CHECK: ttc.write %[[FIRST]]#1, @n.mem
  // CHECK: ttc.read @n.mem
  // CHECK: %[[SECOND:.*]]:2 = linalg.generic
  // CHECK: ttc.write %[[SECOND]]#1, @n.mem
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<4xf32>
  ttc.return %1 : tensor<4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Raw parameters are activated in the model
//===----------------------------------------------------------------------===//

ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
ttc.param @"n.raw_bias" : tensor<4xf32> constrained(arcsinh)
ttc.param @"n.raw_threshold" : tensor<4xf32> constrained(softplus)
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @raw(
ttc.model @raw(%x: tensor<4xf32>) -> tensor<4xf32> {
  // sigmoid
  // CHECK: %[[RAW_BETA:.*]] = ttc.param_value @n.raw_beta
  // CHECK: %[[BETA:.*]] = linalg.generic {{.*}} ins(%[[RAW_BETA]] :
  // CHECK: arith.negf
  // CHECK: math.exp
  // CHECK: arith.divf
  // arcsinh: sign(x) log1p(a + a^2 / (1 + sqrt(a^2 + 1)))
  // CHECK: %[[RAW_BIAS:.*]] = ttc.param_value @n.raw_bias
  // CHECK: %[[BIAS:.*]] = linalg.generic {{.*}} ins(%[[RAW_BIAS]] :
  // CHECK-NEXT: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK: %[[A:.*]] = math.absf %[[V]]
  // CHECK: math.sqrt
  // CHECK: %[[LOG:.*]] = math.log1p
  // CHECK: math.copysign %[[LOG]], %[[V]]
  // softplus: max(x, 0) + log1p(exp(-|x|))
  // CHECK: %[[RAW_THRESHOLD:.*]] = ttc.param_value @n.raw_threshold
  // CHECK: %[[THRESHOLD:.*]] = linalg.generic {{.*}} ins(%[[RAW_THRESHOLD]] :
  // CHECK: math.absf
  // CHECK: math.exp
  // CHECK: arith.maximumf
  // CHECK: math.log1p
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[BETA]], %[[BIAS]], %[[THRESHOLD]] :
  %0 = ttc.neuron LIB "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.bias" : tensor<4xf32> activated(arcsinh)
ttc.param @"n.gamma" : tensor<4xf32> activated(sigmoid)
ttc.param @"n.raw_rec_weight" : tensor<4xf32> constrained(identity)
ttc.param @"n.threshold" : tensor<4xf32> activated(softplus)
ttc.state @"n.mem" : tensor<4xf32>
ttc.state @"n.prev_output" : tensor<4xf32>
ttc.state @"n.rec" : tensor<4xf32>
// CHECK-LABEL: ttc.model @raw_without_an_activation(
ttc.model @raw_without_an_activation(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[RAW:.*]] = ttc.param_value @n.raw_rec_weight
  // CHECK: linalg.generic {{.*}} ins(%[[RAW]] : tensor<4xf32>)
  // CHECK-NEXT: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK-NEXT: linalg.yield %[[V]]
  %0 = ttc.neuron RLIB "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[OUTPUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
ttc.param @"l.bias" : tensor<2xf32>
ttc.param @"l.weight" : tensor<2x4xf32>
// CHECK-LABEL: ttc.model @linear(
// CHECK-SAME: %[[X:.*]]: tensor<?x3x4xf32>)
ttc.model @linear(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  // CHECK: %[[BIAS:.*]] = ttc.param_value @l.bias
  // CHECK: %[[W:.*]] = ttc.param_value @l.weight
  // CHECK: %[[INIT:.*]] = linalg.broadcast ins(%[[BIAS]] : tensor<2xf32>) outs(%{{.*}} : tensor<?x3x2xf32>) dimensions = [0, 1]
  // CHECK: linalg.contract indexing_maps = [#[[INPUT]], #[[WEIGHT]], #[[OUTPUT]]]
  // CHECK-SAME: ins(%[[X]], %[[W]] : tensor<?x3x4xf32>, tensor<2x4xf32>) outs(%[[INIT]] : tensor<?x3x2xf32>)
  %0 = ttc.linear "l" (%x) : tensor<?x3x4xf32> -> tensor<?x3x2xf32>
  ttc.return %0 : tensor<?x3x2xf32>
}

// -----

ttc.param @"l.weight" : tensor<2x4xf32>
// CHECK-LABEL: ttc.model @linear_of_one_row_without_a_bias(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>)
ttc.model @linear_of_one_row_without_a_bias(%x: tensor<4xf32>) -> tensor<2xf32> {
  // CHECK-NOT: ttc.param_value @l.bias
  // CHECK: %[[ZERO:.*]] = arith.constant 0.0
  // CHECK: %[[INIT:.*]] = linalg.fill ins(%[[ZERO]] : f32)
  // CHECK: linalg.contract {{.*}} ins(%[[X]], %{{.*}} : tensor<4xf32>, tensor<2x4xf32>) outs(%[[INIT]] : tensor<2xf32>)
  %0 = ttc.linear "l" (%x) no_bias : tensor<4xf32> -> tensor<2xf32>
  ttc.return %0 : tensor<2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Activations and flatten
//===----------------------------------------------------------------------===//

// CHECK-LABEL: ttc.model @relu(
ttc.model @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
  // A NaN stays one.
  // CHECK-NEXT: arith.maximumf %[[V]], %[[ZERO]]
  %0 = ttc.activation relu (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: ttc.model @leaky_relu(
ttc.model @leaky_relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK-NEXT: %[[ALPHA:.*]] = arith.constant 0.00999999977
  // CHECK-NEXT: %[[SLOPE:.*]] = arith.mulf %[[V]], %[[ALPHA]]
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
  // CHECK-NEXT: %[[IS_NOT:.*]] = arith.cmpf ole, %[[V]], %[[ZERO]]
  // CHECK-NEXT: arith.select %[[IS_NOT]], %[[SLOPE]], %[[V]]
  %0 = ttc.activation leaky_relu (%x) : tensor<4xf32>
  // CHECK: arith.constant 2.500000e-01
  %1 = ttc.activation leaky_relu (%0) alpha(0.25) : tensor<4xf32>
  ttc.return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: ttc.model @elu(
ttc.model @elu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK-DAG: %[[EXP:.*]] = math.expm1 %[[V]]
  // CHECK-DAG: %[[ALPHA:.*]] = arith.constant 2.0
  // CHECK: %[[NEGATIVE:.*]] = arith.mulf %[[EXP]], %[[ALPHA]]
  // CHECK: arith.select %{{.*}}, %[[NEGATIVE]], %[[V]]
  %0 = ttc.activation elu (%x) alpha(2.0) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: ttc.model @gelu(
ttc.model @gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: arith.constant 0.707106769
  // CHECK: math.erf
  %0 = ttc.activation gelu (%x) : tensor<4xf32>
  // CHECK: arith.constant 4.471500e-02
  // CHECK: arith.constant 0.797884583
  // CHECK: math.tanh
  %1 = ttc.activation gelu_tanh (%0) : tensor<4xf32>
  ttc.return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: ttc.model @sigmoids(
ttc.model @sigmoids(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ^bb0(%[[V:[^:]*]]: f32,
  // CHECK: %[[SIGMOID:.*]] = arith.divf
  // CHECK-NEXT: arith.mulf %[[V]], %[[SIGMOID]]
  %0 = ttc.activation silu (%x) : tensor<4xf32>
  // CHECK: %[[SIGMOID:.*]] = arith.divf
  // CHECK-NEXT: linalg.yield %[[SIGMOID]]
  %1 = ttc.activation sigmoid (%0) : tensor<4xf32>
  // CHECK: math.tanh
  %2 = ttc.activation tanh (%1) : tensor<4xf32>
  // CHECK: math.log1p
  %3 = ttc.activation softplus (%2) : tensor<4xf32>
  ttc.return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: ttc.model @hardtanh(
ttc.model @hardtanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[LOW:.*]] = arith.constant -1.0
  // CHECK-NEXT: %[[V0:.*]] = arith.maximumf %{{.*}}, %[[LOW]]
  // CHECK-NEXT: %[[HIGH:.*]] = arith.constant 1.0
  // CHECK-NEXT: arith.minimumf %[[V0]], %[[HIGH]]
  %0 = ttc.activation hardtanh (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: ttc.model @softmax(
// CHECK-SAME: %[[X:.*]]: tensor<?x3x4xf32>)
ttc.model @softmax(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // The largest element is subtracted first, so that nothing overflows.
  // CHECK: arith.constant 0xFF800000
  // CHECK: %[[MAX:.*]] = linalg.generic {indexing_maps = [#[[ALL]], #[[ROWS]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]] :
  // CHECK: arith.maximumf
  // CHECK: %[[BELOW:.*]] = linalg.generic {indexing_maps = [#[[ALL]], #[[ROWS]], #[[ALL]]], {{.*}} ins(%[[X]], %[[MAX]] :
  // CHECK: arith.subf
  // CHECK: %[[EXP:.*]] = linalg.generic {{.*}} ins(%[[BELOW]] :
  // CHECK: math.exp
  // CHECK: %[[SUM:.*]] = linalg.generic {{.*}} "reduction"]} ins(%[[EXP]] :
  // CHECK: arith.addf
  // CHECK: linalg.generic {{.*}} ins(%[[EXP]], %[[SUM]] :
  // CHECK: arith.divf
  %0 = ttc.softmax (%x) : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// CHECK-LABEL: ttc.model @flatten(
// CHECK-SAME: %[[X:.*]]: tensor<?x2x3x4xf32>)
ttc.model @flatten(%x: tensor<?x2x3x4xf32>) -> tensor<?x24xf32> {
  // CHECK-NEXT: %[[V0:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2], [3]] : tensor<?x2x3x4xf32> into tensor<?x6x4xf32>
  // CHECK-NEXT: %[[V1:.*]] = tensor.collapse_shape %[[V0]] {{\[\[}}0], [1, 2]] : tensor<?x6x4xf32> into tensor<?x24xf32>
  // CHECK-NEXT: ttc.return %[[V1]]
  %0 = ttc.flatten (%x) dims(1, 2) : tensor<?x2x3x4xf32> -> tensor<?x6x4xf32>
  %1 = ttc.flatten (%0) dims(1, -1) : tensor<?x6x4xf32> -> tensor<?x24xf32>
  // One dimension alone is flat already.
  %2 = ttc.flatten (%1) dims(1, 1) : tensor<?x24xf32> -> tensor<?x24xf32>
  ttc.return %2 : tensor<?x24xf32>
}

// -----

//===----------------------------------------------------------------------===//
// What is left alone, and what is refused
//===----------------------------------------------------------------------===//

// A user's own layer is expanded already.
ttc.param @gain : tensor<4xf32>
ttc.state @last : tensor<4xf32>
// CHECK-LABEL: ttc.model @own_layer(
ttc.model @own_layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[G:.*]] = ttc.param_value @gain
  // CHECK-NEXT: %[[OLD:.*]] = ttc.read @last
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[OLD]], %[[G]]
  // CHECK-NEXT: ttc.write %[[V0]], @last
  // CHECK-NEXT: ttc.return %[[V0]]
  %g = ttc.param_value @gain : tensor<4xf32>
  %old = ttc.read @last : tensor<4xf32>
  %0 = arith.mulf %old, %g : tensor<4xf32>
  ttc.write %0, @last : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

ttc.model @no_param(%x: tensor<4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'ttc.linear' op has no declaration of 'l.bias': declare-resources runs before expand-layers}}
  %0 = ttc.linear "l" (%x) : tensor<4xf32> -> tensor<2xf32>
  ttc.return %0 : tensor<2xf32>
}

// -----

ttc.param @"n.raw_beta" : tensor<4xf32> constrained(sigmoid)
ttc.model @no_state(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has no declaration of 'n.mem': declare-resources runs before expand-layers}}
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected one ttc.model in the module, found 0}}
module {
}
