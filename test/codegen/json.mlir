// What does the table of a model say?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=json --mcpu=v3 --triple=x86_64-linux-gnu | FileCheck %s
// RUN: ttc %s --emit=json --mcpu=v3 --batch=8 | FileCheck %s --check-prefix=FIXED
// RUN: ttc %s --emit=json | %python -m json.tool > %t.json

// CHECK: "abi_version": 3,
// CHECK: "batch": "dynamic",
// FIXED: "batch": 8,
// CHECK: "cpu_features": "sse4.1,sse4.2,popcnt,lzcnt,movbe,avx,avx2,fma,f16c,bmi,bmi2",
// CHECK: "draws_random_numbers": false,
// CHECK: "inputs": [
// CHECK: "dtype": "f32",
// CHECK-NOT: "limit"
// CHECK: "name": "spikes",
// CHECK: "shape": [
// CHECK-NEXT: "batch",
// CHECK-NEXT: 4
// FIXED: "inputs": [
// FIXED: "shape": [
// FIXED-NEXT: 8,
// FIXED-NEXT: 4
// CHECK: "model_fingerprint": "{{[0-9a-f]+}}",
// CHECK: "name": "net",
// CHECK: "outputs": [
// CHECK: "name": "output0",
// In the order of declaration. A parameter is named by the value that it has effectively;
// the raw key stands beside.
// CHECK: "params": [
// CHECK: "activation": "identity",
// CHECK: "name": "own.scale",
// CHECK-NEXT: "raw_name": "own.raw_scale",
// CHECK: "name": "l.bias",
// CHECK-NOT: "raw_name"
// CHECK: "name": "l.weight",
// CHECK: "shape": [
// CHECK-NEXT: 2,
// CHECK-NEXT: 4
// CHECK: "activation": "sigmoid",
// CHECK: "name": "n.beta",
// CHECK: "raw_name": "n.raw_beta",
// CHECK: "activation": "arcsinh",
// CHECK: "name": "n.bias",
// CHECK: "shape": []
// CHECK: "activation": "softplus",
// CHECK: "name": "n.threshold",
// The weight is padded to whole vectors; each prepared value is aligned to 64 bytes.
// CHECK: "prepared_bytes": {{[1-9][0-9]*}},
// CHECK: "schema_fingerprint": "{{[0-9a-f]+}}",
// CHECK: "scratch_bytes": {
// In order of name, with the offset in the session's block.
// CHECK: "states": [
// CHECK: "name": "b",
// CHECK: "offset": {
// CHECK-NEXT: "fixed": 0,
// CHECK-NEXT: "per_batch": 0
// CHECK: "name": "n.mem",
// CHECK: "offset": {
// CHECK-NEXT: "fixed": 64,
// CHECK-NEXT: "per_batch": 0
// CHECK: "states_bytes": {
// CHECK-NEXT: "fixed": 64,
// CHECK-NEXT: "per_batch": 64
// CHECK: "target_triple": "x86_64-unknown-linux-gnu"
ttc.param @"own.raw_scale" : tensor<4xf32> constrained(identity)
ttc.state @b : tensor<4xf32>
ttc.model @net(%x: tensor<?x4xf32> {ttc.name = "spikes"}) -> tensor<?x2xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  %1 = ttc.neuron LIB "n" (%0) scalar(["bias"]) : tensor<?x2xf32>
  ttc.return %1 : tensor<?x2xf32>
}
