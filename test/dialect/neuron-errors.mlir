// Which kinds, dimensions and attributes does a layer of neurons refuse?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --verify-diagnostics --split-input-file

ttc.model @letters_in_another_order(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has the kind 'SDLIB', expected [D][S]LI[EMA] or [D][S][R]LI(B|T|TS), such as LIB or DSRLITS}}
  %0 = ttc.neuron SDLIB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @a_letter_too_many(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has the kind 'LIBS', expected [D][S]LI[EMA] or [D][S][R]LI(B|T|TS), such as LIB or DSRLITS}}
  %0 = ttc.neuron LIBS "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @not_a_neuron(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has the kind 'lib', expected [D][S]LI[EMA] or [D][S][R]LI(B|T|TS), such as LIB or DSRLITS}}
  %0 = ttc.neuron lib "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// Events are fed back, never a membrane.
ttc.model @recurrent_without_events(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has the kind 'RLI', expected [D][S]LI[EMA] or [D][S][R]LI(B|T|TS), such as LIB or DSRLITS}}
  %0 = ttc.neuron RLI "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @recurrent_average(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has the kind 'DSRLIEMA', expected [D][S]LI[EMA] or [D][S][R]LI(B|T|TS), such as LIB or DSRLITS}}
  %0 = ttc.neuron DSRLIEMA "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @no_path(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has an empty path: what it owns would have no name}}
  %0 = ttc.neuron LI "" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// M12
ttc.model @dim_behind_the_last(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has its neurons along dimension 2, but its input has rank 2}}
  %0 = ttc.neuron LI "n" (%x) dim(2) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @dim_before_the_first(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has its neurons along dimension -3, but its input has rank 2}}
  %0 = ttc.neuron LI "n" (%x) dim(-3) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @no_dimension(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{'ttc.neuron' op has its neurons along dimension -1, but its input has rank 0}}
  %0 = ttc.neuron LI "n" (%x) : tensor<f32>
  ttc.return %0 : tensor<f32>
}

// -----

ttc.model @neurons_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op has its neurons along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.neuron LI "n" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @spike_without_firing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op LIEMA does not fire: it takes no spike function, no quantizer and no reset}}
  %0 = ttc.neuron LIEMA "n" (%x) spike(heaviside) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @quantizer_without_firing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op DLI does not fire: it takes no spike function, no quantizer and no reset}}
  %0 = ttc.neuron DLI "n" (%x) quant(round) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @scalar_of_another_kind(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op LIB has no parameter named 'alpha' that could be a scalar}}
  %0 = ttc.neuron LIB "n" (%x) scalar(["beta", "alpha"]) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// Scalars are named by what the parameter is called, not by its key in the weights.
ttc.model @scalar_by_its_raw_name(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op LIB has no parameter named 'raw_beta' that could be a scalar}}
  %0 = ttc.neuron LIB "n" (%x) scalar(["raw_beta"]) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @scalar_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op names 'bias' twice in its scalars}}
  %0 = ttc.neuron LIB "n" (%x) scalar(["bias", "beta", "bias"]) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @output_of_another_shape(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'ttc.neuron' op requires the same type for all operands and results}}
  %0 = "ttc.neuron"(%x) <{kind = "LI", path = "n"}> : (tensor<?x4xf32>) -> tensor<?x8xf32>
  ttc.return %0 : tensor<?x8xf32>
}

// -----

ttc.model @unknown_spike(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+2 {{to be one of: sigmoid4x, sigmoid, heaviside}}
  // expected-error @+1 {{failed to parse TTC_SpikeFnAttr parameter}}
  %0 = ttc.neuron LIB "n" (%x) spike(arctan) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// M10
ttc.model @step_of_zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{the step of a quantizer must be a positive number, but is 0.000000e+00}}
  %0 = ttc.neuron LIB "n" (%x) quant(round, 0.0) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

// M10
ttc.model @negative_step(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{the step of a quantizer must be a positive number, but is -5.000000e-01}}
  %0 = ttc.neuron LIB "n" (%x) quant(round, -0.5) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @membranes_are_not_reset(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.neuron' op LI does not fire: it takes no spike function, no quantizer and no reset}}
  %0 = ttc.neuron LI "n" (%x) reset(zero) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @reset_to_nothing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{the value of a reset must be finite, but is INF}}
  %0 = ttc.neuron LIB "n" (%x) reset(value, 0x7FF0000000000000) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @zero_with_a_value(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{the reset 'zero' takes no value, but was given 5.000000e-01}}
  %0 = ttc.neuron LIB "n" (%x) reset(zero, 0.5) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}

// -----

ttc.model @adaptive_along_the_batch(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'ttc.adaptive_neuron' op has its neurons along dimension 0, whose size is dynamic: it must be static}}
  %0 = ttc.adaptive_neuron "n" (%x) dim(0) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}
