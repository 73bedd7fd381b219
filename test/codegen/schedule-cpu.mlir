// Which loops, vectors and memory does a model become?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file %step-passes | FileCheck %s

// The entry: inputs, outputs, prepared weights, states, scratch, the batch.
// CHECK: module attributes {ttc.prepared_size = 1344 : i64, ttc.schedule = "{{.*}}", ttc.scratch_size = #ttc.bytes<2048 + 0 * batch>, ttc.states_size = #ttc.bytes<128 + 0 * batch>} {
// CHECK-LABEL: func.func @one_row.step(
// CHECK-SAME: %[[IN:[^:]*]]: memref<i8> {llvm.noalias}, %[[OUT:[^:]*]]: memref<i8> {llvm.noalias}, %[[PREPARED:[^:]*]]: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias}, %[[SCRATCH:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @one_row(%x: tensor<1x8xf32>) -> tensor<1x32xf32> {
  // CHECK: %[[IN8:.*]] = memref.reinterpret_cast %[[IN]]
  // CHECK: %[[X:.*]] = memref.view %[[IN8]]
  // CHECK: %[[STATES8:.*]] = memref.reinterpret_cast %[[STATES]]
  // CHECK: %[[MEM:.*]] = memref.view %[[STATES8]]
  // CHECK: %[[OUT8:.*]] = memref.reinterpret_cast %[[OUT]]
  // CHECK: %[[Y:.*]] = memref.view %[[OUT8]]
  // The accumulators stay in registers: one scalar of the input, two vectors of the
  // panel, two sums.
  // CHECK: %[[ACC:.*]]:2 = scf.for %[[K:.*]] = %c0 to %c8 step %c1 iter_args(%[[A0:[^ ]*]] = %[[ZERO:[^,]*]], %[[A1:[^ ]*]] = %[[ZERO]])
  // CHECK-DAG: %[[W0:.*]] = vector.load %[[W:.*]][%{{.*}}] : memref<257xf32>, vector<16xf32>
  // CHECK-DAG: %[[W1:.*]] = vector.load %[[W]][%{{.*}}] : memref<257xf32>, vector<16xf32>
  // CHECK-DAG: %[[S:.*]] = memref.load %[[X]][%[[K]]]
  // CHECK-DAG: %[[B:.*]] = vector.broadcast %[[S]] : f32 to vector<16xf32>
  // CHECK-DAG: %[[N0:.*]] = vector.fma %[[W0]], %[[B]], %[[A0]]
  // CHECK-DAG: %[[N1:.*]] = vector.fma %[[W1]], %[[B]], %[[A1]]
  // CHECK: scf.yield %[[N0]], %[[N1]]
  // CHECK-NEXT: }
  // The update follows on them: the state is read and written once, in place.
  // CHECK: %[[OLD:.*]] = vector.load %[[MEM]][%c0]
  // CHECK: %[[CURRENT:.*]] = arith.addf %[[ACC]]#0, %{{.*}}
  // CHECK-NEXT: %[[DECAYED:.*]] = arith.mulf %[[OLD]]
  // CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[DECAYED]], %[[CURRENT]]
  // CHECK-DAG: vector.store %[[NEW]], %[[Y]][%c0]
  // CHECK-DAG: vector.store %[[NEW]], %[[MEM]][%c0]
  // CHECK: arith.addf %[[ACC]]#1
  // CHECK-NOT: scf.for
  // CHECK: return
  %0 = ttc.linear "l" (%x) : tensor<1x8xf32> -> tensor<1x32xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<1x32xf32>
  ttc.return %1 : tensor<1x32xf32>
}

// -----

// Few accumulators wait for each other: four chains over contiguous parts of the sum,
// which are added pairwise. The last columns are masked where they are stored.
// CHECK-LABEL: func.func @chains.step(
ttc.model @chains(%x: tensor<24xf32>) -> tensor<10xf32> {
  // CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args(%{{[^ ]*}} = %[[ZERO:[^,]*]], %{{[^ ]*}} = %[[ZERO]], %{{[^ ]*}} = %[[ZERO]], %{{[^ ]*}} = %[[ZERO]])
  // CHECK-COUNT-4: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.yield
  // CHECK: %[[LOW:.*]] = arith.addf %[[ACC]]#0, %[[ACC]]#1
  // CHECK-NEXT: %[[HIGH:.*]] = arith.addf %[[ACC]]#2, %[[ACC]]#3
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[LOW]], %[[HIGH]]
  // CHECK-NEXT: %[[MASK:.*]] = vector.constant_mask [10] : vector<16xi1>
  // CHECK-NEXT: %[[BIAS:.*]] = vector.maskedload %{{.*}}, %[[MASK]]
  // CHECK-NEXT: %[[Y:.*]] = arith.addf %[[SUM]], %[[BIAS]]
  // CHECK-NEXT: vector.maskedstore %{{.*}}, %[[MASK]], %[[Y]]
  %0 = ttc.linear "l" (%x) : tensor<24xf32> -> tensor<10xf32>
  ttc.return %0 : tensor<10xf32>
}

// -----

// What four chains do not divide is left to the last one.
// CHECK-LABEL: func.func @rest_of_the_chains.step(
ttc.model @rest_of_the_chains(%x: tensor<26xf32>) -> tensor<16xf32> {
  // CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %c0 to %c6 step %c1
  // CHECK: %[[LAST:.*]] = scf.for %{{.*}} = %c24 to %c26 step %c1 iter_args(%[[A:[^ ]*]] = %[[ACC]]#3)
  // CHECK: %[[SUM:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[A]]
  // CHECK-NEXT: scf.yield %[[SUM]]
  // CHECK: arith.addf %[[ACC]]#2, %[[LAST]]
  %0 = ttc.linear "l" (%x) no_bias : tensor<26xf32> -> tensor<16xf32>
  ttc.return %0 : tensor<16xf32>
}

// -----

// Several products of one nest: each has its sums, then one update.
// CHECK-LABEL: func.func @products.step(
ttc.model @products(%x: tensor<12xf32>) -> tensor<8xf32> {
  // CHECK: %[[SUM0:.*]] = scf.for %{{.*}} = %c0 to %c12 step
  // CHECK: vector.fma
  // CHECK: %[[SUM1:.*]] = scf.for %{{.*}} = %c0 to %c8 step
  // CHECK: vector.fma
  // CHECK-NOT: scf.for
  // CHECK: arith.addf %[[SUM0]], %[[SUM1]]
  // CHECK-NEXT: math.tanh
  // CHECK: vector.maskedstore
  // CHECK: return
  %0 = ttc.torch_rnn rnn_tanh "r" (%x) layers(1) hidden(8) no_bias cell : tensor<12xf32> -> tensor<8xf32>
  ttc.return %0 : tensor<8xf32>
}

// -----

// More sums than four registers are stored to a tile, and one copy of the update takes
// them from there.
// CHECK-LABEL: func.func @tile.step(
// CHECK-SAME: %[[SCRATCH:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @tile(%x: tensor<8xf32>) -> tensor<96xf32> {
  // CHECK: %[[SCRATCH8:.*]] = memref.reinterpret_cast %[[SCRATCH]]
  // CHECK: %[[TILE:.*]] = memref.view %[[SCRATCH8]][%c0]
  // CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // CHECK-COUNT-6: vector.store %{{.*}}, %[[TILE]]
  // CHECK-NOT: vector.store %{{.*}}, %[[TILE]]
  // CHECK: scf.for %[[AT:.*]] = %c0 to %c96 step %c16 {
  // CHECK: vector.load %[[TILE]][%[[AT]]]
  // CHECK: math.exp
  // CHECK-NOT: math.exp
  %0 = ttc.linear "l" (%x) : tensor<8xf32> -> tensor<96xf32>
  %1 = math.exp %0 : tensor<96xf32>
  ttc.return %1 : tensor<96xf32>
}

// -----

// Rows of a batch are taken twelve at a time, what is left four at a time. Two or three that are left
// then are one more tile, in which the last row stands for what lacks; one goes by itself.
// CHECK-LABEL: func.func @batch.step(
// CHECK-SAME: %[[BATCH:[^:]*]]: index) {
ttc.model @batch(%x: tensor<?x8xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[REST:.*]] = arith.remui %[[BATCH]], %c12 : index
  // CHECK: %[[TWELVES:.*]] = arith.subi %[[BATCH]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %c0 to %[[TWELVES]] step %c12 {
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  // CHECK: %[[LEFT:.*]] = arith.subi %[[BATCH]], %[[TWELVES]]
  // CHECK: %[[REST:.*]] = arith.remui %[[LEFT]], %c4 : index
  // CHECK: %[[FOURS:.*]] = arith.subi %[[BATCH]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %[[TWELVES]] to %[[FOURS]] step %c4 {
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  // CHECK: %[[LEFT:.*]] = arith.subi %[[BATCH]], %[[FOURS]]
  // CHECK: %[[SEVERAL:.*]] = arith.cmpi ugt, %[[LEFT]], %c1
  // CHECK: scf.if %[[SEVERAL]] {
  // CHECK: scf.for %[[ROW:.*]] = %[[FOURS]] to %[[BATCH]] step %c3 {
  // CHECK: %[[EXISTING:.*]] = arith.subi %[[BATCH]], %[[ROW]]
  // CHECK: %[[LAST:.*]] = arith.subi %[[EXISTING]], %c1
  // CHECK: arith.minui %[[LAST]], %c2
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  // CHECK: scf.for %{{.*}} = %c0 to %[[EXISTING]] step %c1 {
  // CHECK: } else {
  // CHECK: scf.for %{{.*}} = %[[FOURS]] to %[[BATCH]] step %c1 {
  // CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(
  %0 = ttc.linear "l" (%x) : tensor<?x8xf32> -> tensor<?x64xf32>
  ttc.return %0 : tensor<?x64xf32>
}

// -----

// Without a product: dimensions that no parameter tells apart are one loop, and a
// quantizer becomes a rounding.
// CHECK-LABEL: func.func @elementwise.step(
ttc.model @elementwise(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  // 2 x 3, then 20: a vector of 16 and one of 4.
  // CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 {
  // CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 {
  // CHECK-NOT: scf.for
  // CHECK: vector.load %{{.*}} : memref<120xf32>, vector<16xf32>
  // CHECK: %[[BETA:.*]] = memref.load %{{.*}} : memref<3xf32>
  // CHECK: vector.broadcast %[[BETA]]
  // CHECK: %[[SCALED:.*]] = arith.divf %{{.*}}, %[[STEP:.*]] : vector<16xf32>
  // CHECK-NEXT: %[[ROUNDED:.*]] = math.roundeven %[[SCALED]]
  // CHECK-NEXT: arith.mulf %[[ROUNDED]], %[[STEP]]
  // CHECK: vector.constant_mask [4]
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  %0 = ttc.neuron LIB "n" (%x) dim(1) spike(heaviside) quant(round, 0.5)
      : tensor<2x3x4x5xf32>
  ttc.return %0 : tensor<2x3x4x5xf32>
}

// -----

// All elements of any batch are one row; its end is masked.
// CHECK-LABEL: func.func @elementwise_batch.step(
ttc.model @elementwise_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[SIZE:.*]] = arith.muli %{{.*}}, %c4
  // CHECK: %[[REST:.*]] = arith.remui %[[SIZE]], %c16
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[SIZE]], %[[REST]]
  // CHECK: scf.for %{{.*}} = %c0 to %[[WHOLE]] step %c16 {
  // CHECK: vector.store
  // CHECK: scf.for %{{.*}} = %[[WHOLE]] to %[[SIZE]] step %c16 {
  // CHECK: %[[MASK:.*]] = vector.create_mask %[[REST]]
  // CHECK: vector.maskedstore %{{.*}}, %[[MASK]]
  %0 = ttc.activation relu (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// What one nest leaves for the next lies in the scratch, behind the tile.
// CHECK: ttc.scratch_size = #ttc.bytes<2112 + 0 * batch>
// CHECK-LABEL: func.func @between_layers.step(
// CHECK-SAME: %[[SCRATCH:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: index) {
ttc.model @between_layers(%x: tensor<8xf32>) -> tensor<16xf32> {
  // CHECK: %[[SCRATCH8:.*]] = memref.reinterpret_cast %[[SCRATCH]] to offset: [0], sizes: [2112]
  // CHECK: %[[HIDDEN:.*]] = memref.view %[[SCRATCH8]][%c2048][]
  // CHECK: vector.store %{{.*}}, %[[HIDDEN]]
  // CHECK: memref.load %[[HIDDEN]]
  %0 = ttc.linear "a" (%x) : tensor<8xf32> -> tensor<16xf32>
  %1 = ttc.linear "b" (%0) : tensor<16xf32> -> tensor<16xf32>
  ttc.return %1 : tensor<16xf32>
}

// -----

// A matrix is packed into panels once, by one function for all of them; what comes raw is
// activated, in double precision.
ttc.model @prepare(%x: tensor<16xf32>) -> tensor<10xf32> {
  // CHECK-LABEL: func.func @prepare.prepare.entry.1(
  // CHECK: %[[FLAG:.*]] = memref.load
  // CHECK-NEXT: %[[IS_RAW:.*]] = arith.cmpi ne, %[[FLAG]]
  // CHECK: %[[GIVEN:.*]] = memref.load
  // CHECK: arith.extf %[[GIVEN]] : f32 to f64
  // CHECK: math.exp %{{.*}} : f64
  // CHECK: %[[ACTIVATED:.*]] = arith.truncf
  // CHECK: arith.select %[[IS_RAW]], %[[ACTIVATED]], %[[GIVEN]]
  // Ten rows of 16, from the matrix's beginning, to behind the bias: one panel of 16. The
  // third parameter is raw if its flag says so.
  // CHECK-LABEL: func.func @prepare.prepare.entry(
  // CHECK-SAME: %[[BIAS:[^:]*]]: memref<i8> {llvm.noalias}, %[[WEIGHT:[^:]*]]: memref<i8> {llvm.noalias}, %[[BETA:[^:]*]]: memref<i8> {llvm.noalias}, %[[RAW:[^:]*]]: memref<i8> {llvm.noalias}, %[[PREPARED:[^:]*]]: memref<i8> {llvm.noalias}) {
  // CHECK: call @prepare.prepare.pack_f32_f32(%[[WEIGHT]], %[[PREPARED]], %c0, %c64, %c10, %c16, %c16, %c1, %c16, %c0,
  // CHECK: call @prepare.prepare.entry.1(%[[BETA]], %c0, %[[PREPARED]], %{{.*}}, %[[RAW]], %c2)
  // Padding is zero and reads nothing outside.
  // CHECK-LABEL: func.func @prepare.prepare.pack_f32_f32(
  // CHECK-SAME: index, %{{[^:]*}}: index, %[[ROWS:[^:]*]]: index, %{{[^:]*}}: index,
  // CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %[[ROW:.*]], %[[ROWS]]
  // CHECK-NEXT: %[[READABLE:.*]] = arith.select %[[EXISTS]], %[[ROW]], %c0
  // CHECK: %[[W:.*]] = memref.load
  // CHECK-NEXT: %[[PADDED:.*]] = arith.select %[[EXISTS]], %[[W]], %cst
  // CHECK: memref.store %[[PADDED]]
  %0 = ttc.linear "l" (%x) : tensor<16xf32> -> tensor<10xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<10xf32>
  ttc.return %1 : tensor<10xf32>
}

// -----

// A part of a matrix is packed from where it lies: from row 16 on, in rows of 16 of which it
// takes the last 8.
// CHECK-LABEL: func.func @part.prepare.entry(
// CHECK-SAME: %[[WEIGHT:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[PREPARED:[^:]*]]: memref<i8>
ttc.param @w : tensor<32x16xf32>
ttc.model @part(%x: tensor<8xf32>) -> tensor<16xf32> {
  // CHECK-DAG: %[[START:.*]] = arith.constant 1056 : index
  // CHECK: call @part.prepare.pack_f32_f32(%[[WEIGHT]], %[[PREPARED]], %[[START]], %c0, %c16, %c8, %c16, %c1, %c16, %c0,
  %w = ttc.param_value @w : tensor<32x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<16xf32>
  %none = linalg.fill ins(%zero : f32) outs(%empty : tensor<16xf32>) -> tensor<16xf32>
  %part = tensor.extract_slice %w[16, 8] [16, 8] [1, 1] : tensor<32x16xf32> to tensor<16x8xf32>
  %0 = linalg.contract indexing_maps = [affine_map<(n, k) -> (k)>, affine_map<(n, k) -> (n, k)>, affine_map<(n, k) -> (n)>]
      ins(%x, %part : tensor<8xf32>, tensor<16x8xf32>) outs(%none : tensor<16xf32>) -> tensor<16xf32>
  ttc.return %0 : tensor<16xf32>
}

// -----

// Two states that swap: both are set aside before either is overwritten.
ttc.state @a : tensor<16xf32>
ttc.state @b : tensor<16xf32>
// CHECK-LABEL: func.func @swap.step(
ttc.model @swap(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[OLD1:.*]] = vector.load %[[STATE1:.*]][%c0]
  // CHECK: vector.store %[[OLD1]], %[[ASIDE1:.*]][%c0]
  // CHECK: %[[OLD2:.*]] = vector.load %[[STATE2:.*]][%c0]
  // CHECK: vector.store %[[OLD2]], %[[ASIDE2:.*]][%c0]
  // CHECK: %[[NEW2:.*]] = vector.load %[[ASIDE1]][%c0]
  // CHECK: vector.store %[[NEW2]], %[[STATE2]][%c0]
  // CHECK: %[[NEW1:.*]] = vector.load %[[ASIDE2]][%c0]
  // CHECK: vector.store %[[NEW1]], %[[STATE1]][%c0]
  %0 = ttc.read @a : tensor<16xf32>
  %1 = ttc.read @b : tensor<16xf32>
  ttc.write %0, @b : tensor<16xf32>
  ttc.write %1, @a : tensor<16xf32>
  %y = ttc.activation relu (%x) : tensor<16xf32>
  ttc.return %y : tensor<16xf32>
}

// -----

// The old value is an output: it is copied out before the state is overwritten.
ttc.state @last : tensor<16xf32>
// CHECK-LABEL: func.func @delay.step(
// CHECK-SAME: %[[IN:[^:]*]]: memref<i8> {llvm.noalias}, %[[OUT:[^:]*]]: memref<i8> {llvm.noalias}, %{{[^:]*}}: memref<i8> {llvm.noalias}, %[[STATES:[^:]*]]: memref<i8> {llvm.noalias},
ttc.model @delay(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[STATES8:.*]] = memref.reinterpret_cast %[[STATES]]
  // CHECK-NEXT: %[[LAST:.*]] = memref.view %[[STATES8]]
  // CHECK: %[[OUT8:.*]] = memref.reinterpret_cast %[[OUT]]
  // CHECK-NEXT: %[[Y:.*]] = memref.view %[[OUT8]]
  // CHECK: %[[OLD:.*]] = vector.load %[[LAST]]
  // CHECK-NEXT: vector.store %[[OLD]], %[[Y]]
  // CHECK: %[[IN8:.*]] = memref.reinterpret_cast %[[IN]]
  // CHECK-NEXT: %[[X:.*]] = memref.view %[[IN8]]
  // CHECK: %[[NEW:.*]] = vector.load %[[X]]
  // CHECK-NEXT: vector.store %[[NEW]], %[[LAST]]
  %0 = ttc.read @last : tensor<16xf32>
  ttc.write %x, @last : tensor<16xf32>
  ttc.return %0 : tensor<16xf32>
}

// -----

// Several products of few neurons are updated where their sums are, vector after vector.
// CHECK-LABEL: func.func @few_neurons.step(
ttc.model @few_neurons(%x: tensor<12xf32>) -> tensor<40xf32> {
  // CHECK: scf.for %{{.*}} = %c0 to %c12 step
  // CHECK: scf.for %{{.*}} = %c0 to %c20 step
  // CHECK-NOT: scf.for
  // CHECK-COUNT-3: math.tanh
  // CHECK: return
  %0 = ttc.torch_rnn rnn_tanh "r" (%x) layers(1) hidden(40) no_bias cell : tensor<12xf32> -> tensor<40xf32>
  ttc.return %0 : tensor<40xf32>
}
