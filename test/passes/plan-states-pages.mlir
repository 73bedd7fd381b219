// Do states of whole pages lie apart in the low bits of their addresses?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-plan-states | FileCheck %s

// CHECK: module attributes {ttc.states_size = #ttc.bytes<1536 + 12288 * batch>}
// CHECK: ttc.state @a : tensor<?x1024xf32> at <0 + 0 * batch>
ttc.state @a : tensor<?x1024xf32>
// CHECK: ttc.state @b : tensor<?x1024xf32> at <512 + 4096 * batch>
ttc.state @b : tensor<?x1024xf32>
// CHECK: ttc.state @c : tensor<?x1024xf32> at <1024 + 8192 * batch>
ttc.state @c : tensor<?x1024xf32>

// -----

// A static one: a page and an eighth.
// CHECK: module attributes {ttc.states_size = #ttc.bytes<4672 + 0 * batch>}
// CHECK: ttc.state @a : tensor<1024xf32> at <0 + 0 * batch>
ttc.state @a : tensor<1024xf32>
// CHECK: ttc.state @b : tensor<8xf32> at <4608 + 0 * batch>
ttc.state @b : tensor<8xf32>
