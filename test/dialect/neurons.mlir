// Which params and states does each of the 32 neurons own?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-declare-resources | FileCheck %s

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @LI(
ttc.model @LI(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron LI "n"
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @LIEMA(
ttc.model @LIEMA(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron LIEMA "n"
  %0 = ttc.neuron LIEMA "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SLI(
ttc.model @SLI(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SLI "n"
  %0 = ttc.neuron SLI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SLIEMA(
ttc.model @SLIEMA(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SLIEMA "n"
  %0 = ttc.neuron SLIEMA "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DLI(
ttc.model @DLI(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DLI "n"
  %0 = ttc.neuron DLI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DLIEMA(
ttc.model @DLIEMA(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DLIEMA "n"
  %0 = ttc.neuron DLIEMA "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSLI(
ttc.model @DSLI(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSLI "n"
  %0 = ttc.neuron DSLI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSLIEMA(
ttc.model @DSLIEMA(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSLIEMA "n"
  %0 = ttc.neuron DSLIEMA "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @LIB(
ttc.model @LIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron LIB "n"
  %0 = ttc.neuron LIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @RLIB(
ttc.model @RLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron RLIB "n"
  %0 = ttc.neuron RLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SLIB(
ttc.model @SLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SLIB "n"
  %0 = ttc.neuron SLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SRLIB(
ttc.model @SRLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SRLIB "n"
  %0 = ttc.neuron SRLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DLIB(
ttc.model @DLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DLIB "n"
  %0 = ttc.neuron DLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DRLIB(
ttc.model @DRLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DRLIB "n"
  %0 = ttc.neuron DRLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSLIB(
ttc.model @DSLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSLIB "n"
  %0 = ttc.neuron DSLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSRLIB(
ttc.model @DSRLIB(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSRLIB "n"
  %0 = ttc.neuron DSRLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @LIT(
ttc.model @LIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron LIT "n"
  %0 = ttc.neuron LIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @RLIT(
ttc.model @RLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron RLIT "n"
  %0 = ttc.neuron RLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SLIT(
ttc.model @SLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SLIT "n"
  %0 = ttc.neuron SLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SRLIT(
ttc.model @SRLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SRLIT "n"
  %0 = ttc.neuron SRLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DLIT(
ttc.model @DLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DLIT "n"
  %0 = ttc.neuron DLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DRLIT(
ttc.model @DRLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DRLIT "n"
  %0 = ttc.neuron DRLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSLIT(
ttc.model @DSLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSLIT "n"
  %0 = ttc.neuron DSLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSRLIT(
ttc.model @DSRLIT(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSRLIT "n"
  %0 = ttc.neuron DSRLIT "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @LITS(
ttc.model @LITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron LITS "n"
  %0 = ttc.neuron LITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @RLITS(
ttc.model @RLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron RLITS "n"
  %0 = ttc.neuron RLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SLITS(
ttc.model @SLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SLITS "n"
  %0 = ttc.neuron SLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.state @n.mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @SRLITS(
ttc.model @SRLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron SRLITS "n"
  %0 = ttc.neuron SRLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DLITS(
ttc.model @DLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DLITS "n"
  %0 = ttc.neuron DLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DRLITS(
ttc.model @DRLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DRLITS "n"
  %0 = ttc.neuron DRLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSLITS(
ttc.model @DSLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSLITS "n"
  %0 = ttc.neuron DSLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// CHECK: module {
// CHECK-NEXT: ttc.param @n.raw_bias : tensor<4xf32> constrained(arcsinh)
// CHECK-NEXT: ttc.param @n.raw_neg_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_neg_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_neg_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.param @n.raw_pos_alpha : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_beta : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_gamma : tensor<4xf32> constrained(sigmoid)
// CHECK-NEXT: ttc.param @n.raw_pos_rec_weight : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_scale : tensor<4xf32> constrained(identity)
// CHECK-NEXT: ttc.param @n.raw_pos_threshold : tensor<4xf32> constrained(softplus)
// CHECK-NEXT: ttc.state @n.neg_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.neg_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_mem : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_rec : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.pos_syn : tensor<?x4xf32>
// CHECK-NEXT: ttc.state @n.prev_output : tensor<?x4xf32>
// CHECK-NEXT: ttc.model @DSRLITS(
ttc.model @DSRLITS(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: ttc.neuron DSRLITS "n"
  %0 = ttc.neuron DSRLITS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}
