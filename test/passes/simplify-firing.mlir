// Which neurons fire by a comparison?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --ttc-simplify-firing | FileCheck %s

// Where 1/2 + z / 4 rounds to more than 1/2. A NaN is passed on, and the event stays one.
// CHECK-LABEL: func.func @rounded_sigmoid(
// CHECK-SAME: %[[Z:.*]]: f32)
func.func @rounded_sigmoid(%z: f32) -> f32 {
  // CHECK: %[[EPSILON:.*]] = arith.constant 1.1920929E-7 : f32
  // CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[Z]], %[[EPSILON]] : f32
  // CHECK: %[[NUMBER:.*]] = arith.cmpf ord, %[[Z]], %[[Z]] : f32
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[SILENT:.*]] = arith.select %[[NUMBER]], %[[ZERO]], %[[Z]] : f32
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK: %[[FIRED:.*]] = arith.select %[[ABOVE]], %[[ONE]], %[[SILENT]] : f32
  // CHECK-NEXT: %[[EVENT:.*]] = ttc.quantize(round) %[[FIRED]] : f32
  // CHECK-NEXT: return %[[EVENT]]
  %one = arith.constant 1.0 : f32
  %n = arith.negf %z : f32
  %e = math.exp %n : f32
  %d = arith.addf %e, %one : f32
  %p = arith.divf %one, %d : f32
  %s = ttc.quantize(round) %p : f32
  return %s : f32
}

// CHECK-LABEL: func.func @of_f64(
func.func @of_f64(%z: f64) -> f64 {
  // CHECK: arith.constant 2.2204460492503131E-16 : f64
  // CHECK-NOT: math.exp
  %one = arith.constant 1.0 : f64
  %n = arith.negf %z : f64
  %e = math.exp %n : f64
  %d = arith.addf %one, %e : f64
  %p = arith.divf %one, %d : f64
  %s = ttc.quantize(round) %p : f64
  return %s : f64
}

// The probability is wanted as well: it is still computed, and the event does not wait for it.
// CHECK-LABEL: func.func @probability_too(
func.func @probability_too(%z: f32) -> (f32, f32) {
  // CHECK: %[[P:.*]] = arith.divf
  // CHECK: %[[FIRED:.*]] = arith.select
  // CHECK: %[[FIRED:.*]] = arith.select
  // CHECK-NEXT: %[[S:.*]] = ttc.quantize(round) %[[FIRED]]
  // CHECK-NEXT: return %[[S]], %[[P]]
  %one = arith.constant 1.0 : f32
  %n = arith.negf %z : f32
  %e = math.exp %n : f32
  %d = arith.addf %e, %one : f32
  %p = arith.divf %one, %d : f32
  %s = ttc.quantize(round) %p : f32
  return %s, %p : f32, f32
}

// To other steps there are other comparisons, and a random number has none.
// CHECK-LABEL: func.func @other_quantizers(
func.func @other_quantizers(%z: f32, %u: f32) -> (f32, f32) {
  // CHECK: %[[P:.*]] = arith.divf
  // CHECK-NEXT: ttc.quantize(round, 0.5) %[[P]]
  // CHECK-NEXT: ttc.quantize(probabilistic) %[[P]]
  %one = arith.constant 1.0 : f32
  %n = arith.negf %z : f32
  %e = math.exp %n : f32
  %d = arith.addf %e, %one : f32
  %p = arith.divf %one, %d : f32
  %s = ttc.quantize(round, 0.5) %p : f32
  %t = ttc.quantize(probabilistic) %p, %u : f32
  return %s, %t : f32, f32
}

// What resembles a sigmoid is none: 1 / (2 + exp(-z)), 2 / (1 + exp(-z)), 1 / (1 + exp(z)).
// CHECK-LABEL: func.func @no_sigmoid(
func.func @no_sigmoid(%z: f32) -> (f32, f32, f32) {
  // CHECK-COUNT-3: arith.divf
  // CHECK-NOT: arith.cmpf
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %n = arith.negf %z : f32
  %e = math.exp %n : f32
  %d = arith.addf %e, %two : f32
  %p = arith.divf %one, %d : f32
  %f = arith.addf %e, %one : f32
  %q = arith.divf %two, %f : f32
  %g = math.exp %z : f32
  %h = arith.addf %g, %one : f32
  %r = arith.divf %one, %h : f32
  %s = ttc.quantize(round) %p : f32
  %t = ttc.quantize(round) %q : f32
  %v = ttc.quantize(round) %r : f32
  return %s, %t, %v : f32, f32, f32
}
