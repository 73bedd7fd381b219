// What is kept in 16 bits, and where is it converted?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-narrow-storage | FileCheck %s -DTYPE=bf16
// RUN: tt-opt %s --split-input-file "--ttc-narrow-storage=states=f16 weights=f16" | FileCheck %s -DTYPE=f16
// RUN: tt-opt %s --split-input-file --ttc-narrow-storage --ttc-expand-layers | FileCheck %s --check-prefix=EXPANDED

// States alone: parameters come from the weights file, inputs and outputs from the caller.
// CHECK: module attributes {ttc.packed_storage = [[TYPE]]} {
// CHECK-NEXT: ttc.param @gain : tensor<4xf32>
ttc.param @gain : tensor<4xf32>
// CHECK-NEXT: ttc.state @sum : tensor<?x4x[[TYPE]]>
ttc.state @sum : tensor<?x4xf32>
// CHECK-LABEL: ttc.model @integrate(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>) -> tensor<?x4xf32> {
ttc.model @integrate(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[KEPT:.*]] = ttc.read @sum : tensor<?x4x[[TYPE]]>
  // CHECK-NEXT: %[[OLD:.*]] = arith.extf %[[KEPT]] : tensor<?x4x[[TYPE]]> to tensor<?x4xf32>
  %old = ttc.read @sum : tensor<?x4xf32>
  // CHECK-NEXT: %[[NEW:.*]] = arith.addf %[[OLD]], %[[X]] : tensor<?x4xf32>
  %new = arith.addf %old, %x : tensor<?x4xf32>
  // CHECK-NEXT: %[[SHORT:.*]] = arith.truncf %[[NEW]] : tensor<?x4xf32> to tensor<?x4x[[TYPE]]>
  // CHECK-NEXT: ttc.write %[[SHORT]], @sum : tensor<?x4x[[TYPE]]>
  ttc.write %new, @sum : tensor<?x4xf32>
  // What goes out is as precise as it was computed.
  // CHECK-NEXT: ttc.return %[[NEW]] : tensor<?x4xf32>
  ttc.return %new : tensor<?x4xf32>
}

// -----

// A stack, place by place.
// CHECK: ttc.state @stack : tensor<2x?x4x[[TYPE]]>
ttc.state @stack : tensor<2x?x4xf32>
// CHECK-LABEL: ttc.model @delay(
ttc.model @delay(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[KEPT:.*]] = ttc.read @stack[1] : tensor<?x4x[[TYPE]]>
  // CHECK-NEXT: %[[OLD:.*]] = arith.extf %[[KEPT]]
  %old = ttc.read @stack[1] : tensor<?x4xf32>
  // CHECK-NEXT: %[[SHORT:.*]] = arith.truncf %{{.*}}
  // CHECK-NEXT: ttc.write %[[SHORT]], @stack[0] : tensor<?x4x[[TYPE]]>
  ttc.write %x, @stack[0] : tensor<?x4xf32>
  ttc.return %old : tensor<?x4xf32>
}

// -----

// A layer converts where it is expanded.
// EXPANDED-LABEL: ttc.model @layer(
ttc.param @"n.beta" : tensor<4xf32> activated(sigmoid)
// CHECK: ttc.state @n.mem : tensor<4x[[TYPE]]>
ttc.state @"n.mem" : tensor<4xf32>
// CHECK-LABEL: ttc.model @layer(
ttc.model @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ttc.neuron LI "n" (%{{.*}}) : tensor<4xf32>
  // EXPANDED-NEXT: %[[KEPT:.*]] = ttc.read @n.mem : tensor<4xbf16>
  // EXPANDED-NEXT: %[[OLD:.*]] = arith.extf %[[KEPT]]
  // EXPANDED: linalg.generic {{.*}} ins(%{{.*}}, %[[OLD]], %{{.*}} : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  // EXPANDED: %[[SHORT:.*]] = arith.truncf %{{.*}} : tensor<4xf32> to tensor<4xbf16>
  // EXPANDED-NEXT: ttc.write %[[SHORT]], @n.mem : tensor<4xbf16>
  %0 = ttc.neuron LI "n" (%x) : tensor<4xf32>
  ttc.return %0 : tensor<4xf32>
}

// -----

// What is short already stays as it is, and so does what reads it.
// CHECK: module attributes {ttc.packed_storage = [[TYPE]]} {
// CHECK-NEXT: ttc.state @short : tensor<4xbf16>
ttc.state @short : tensor<4xbf16>
// CHECK-LABEL: ttc.model @declared_short(
ttc.model @declared_short(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[OLD:.*]] = ttc.read @short : tensor<4xbf16>
  // CHECK-NEXT: ttc.write %[[OLD]], @short : tensor<4xbf16>
  %old = ttc.read @short : tensor<4xbf16>
  ttc.write %old, @short : tensor<4xbf16>
  ttc.return %x : tensor<4xf32>
}
