// What do convolutions, pools and normalizations own, and what do they compute?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s --split-input-file --ttc-declare-resources --ttc-expand-layers | FileCheck %s

// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2 * 2 + d4 * 3)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3, d4)>
// CHECK-DAG: #[[OUTPUT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2)>
// CHECK:      ttc.param @c.bias : tensor<6xf32>
// CHECK-NEXT: ttc.param @c.weight : tensor<6x4x2xf32>
// CHECK-NEXT: ttc.model @conv(%[[X:.*]]: tensor<?x4x9xf32>)
ttc.model @conv(%x: tensor<?x4x9xf32>) -> tensor<?x6x5xf32> {
  // CHECK: %[[W:.*]] = ttc.param_value @c.weight
  // CHECK: %[[PADDED:.*]] = tensor.pad %[[X]] low[0, 0, 1] high[0, 0, 2]
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[INPUT]], #[[WEIGHT]], #[[OUTPUT]]], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%[[PADDED]], %[[W]] :
  // CHECK: arith.mulf
  // CHECK-NEXT: arith.addf
  // CHECK: %[[B:.*]] = ttc.param_value @c.bias
  // CHECK: linalg.generic {{.*}} ins(%[[SUM]], %[[B]] :
  %0 = ttc.conv "c" (%x) kernel([2]) stride([2]) dilation([3]) padding([1], [2])
      : tensor<?x4x9xf32> -> tensor<?x6x5xf32>
  ttc.return %0 : tensor<?x6x5xf32>
}

// -----

// Groups are a dimension of their own.
// CHECK: #[[INPUT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d4, d3 + d5)>
// CHECK: ttc.param @c.weight : tensor<6x2x3xf32>
// CHECK-NEXT: ttc.model @groups(%[[X:.*]]: tensor<?x4x9xf32>)
ttc.model @groups(%x: tensor<?x4x9xf32>) -> tensor<?x6x7xf32> {
  // CHECK: tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 2, 2, 9]
  // CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2], [3]] output_shape [2, 3, 2, 3] : tensor<6x2x3xf32>
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[INPUT]],
  // CHECK: tensor.collapse_shape %[[SUM]] {{\[\[}}0], [1, 2], [3]] : tensor<?x2x3x7xf32> into tensor<?x6x7xf32>
  %0 = ttc.conv "c" (%x) kernel([3]) groups(2) no_bias : tensor<?x4x9xf32> -> tensor<?x6x7xf32>
  ttc.return %0 : tensor<?x6x7xf32>
}

// -----

// CHECK: #[[TURNED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, -d3 + 1)>
// CHECK: ttc.param @c.weight : tensor<4x3x2xf32>
// CHECK-NEXT: ttc.model @transposed(%[[X:.*]]: tensor<?x4x5xf32>)
ttc.model @transposed(%x: tensor<?x4x5xf32>) -> tensor<?x3x10xf32> {
  // The kernel is turned round, the input spread with zeros.
  // CHECK: linalg.generic {indexing_maps = [#[[TURNED]], #{{.*}}]
  // CHECK: %[[APART:.*]] = tensor.pad %{{.*}} low[0, 0, 0, 0] high[0, 0, 0, 1]
  // CHECK: } : tensor<?x4x5x1xf32> to tensor<?x4x5x2xf32>
  // CHECK: %[[SPREAD:.*]] = tensor.collapse_shape %[[APART]] {{\[\[}}0], [1], [2, 3]]
  // CHECK: %[[CUT:.*]] = tensor.extract_slice %[[SPREAD]][0, 0, 0] [%{{.*}}, 4, 9] [1, 1, 1]
  // CHECK: tensor.pad %[[CUT]] low[0, 0, 1] high[0, 0, 1]
  // CHECK: "reduction", "reduction"]
  %0 = ttc.conv "c" (%x) kernel([2]) stride([2]) no_bias transposed : tensor<?x4x5xf32> -> tensor<?x3x10xf32>
  ttc.return %0 : tensor<?x3x10xf32>
}

// -----

// CHECK-DAG: #[[INPUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 * 2 + d2)>
// CHECK-DAG: #[[WINDOW:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: ttc.model @max_pool(
ttc.model @max_pool(%x: tensor<?x9xf32>) -> tensor<?x5xf32> {
  // CHECK: %[[LOWEST:.*]] = arith.constant 0xFF800000
  // CHECK: %[[PADDED:.*]] = tensor.pad %{{.*}} low[0, 1] high[0, 1]
  // CHECK: tensor.yield %[[LOWEST]]
  // CHECK: %[[SIZES:.*]] = tensor.empty() : tensor<3xf32>
  // CHECK: linalg.generic {indexing_maps = [#[[INPUT]], #[[WINDOW]], #{{.*}}], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[PADDED]], %[[SIZES]] :
  // CHECK: arith.maximumf
  // CHECK-NOT: arith.divf
  // CHECK: ttc.return
  %0 = ttc.pool max (%x) kernel([3]) stride([2]) padding([1]) : tensor<?x9xf32> -> tensor<?x5xf32>
  ttc.return %0 : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: ttc.model @average_of_what_is_there(
ttc.model @average_of_what_is_there(%x: tensor<?x9xf32>) -> tensor<?x5xf32> {
  // CHECK: arith.addf
  // CHECK: arith.constant dense<[2.000000e+00, 3.000000e+00, 3.000000e+00, 3.000000e+00, 2.000000e+00]>
  // CHECK: arith.divf
  %0 = ttc.pool average (%x) kernel([3]) stride([2]) padding([1]) exclude_padding
      : tensor<?x9xf32> -> tensor<?x5xf32>
  ttc.return %0 : tensor<?x5xf32>
}

// -----

// The last window is cut off: of what it has, the padding counts, but nothing beyond.
// CHECK-LABEL: ttc.model @average_rounded_up(
ttc.model @average_rounded_up(%x: tensor<?x8xf32>) -> tensor<?x5xf32> {
  // CHECK: tensor.pad %{{.*}} low[0, 1] high[0, 2]
  // CHECK: arith.constant dense<[3.000000e+00, 3.000000e+00, 3.000000e+00, 3.000000e+00, 2.000000e+00]>
  %0 = ttc.pool average (%x) kernel([3]) stride([2]) padding([1]) : tensor<?x8xf32> -> tensor<?x5xf32>
  ttc.return %0 : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: ttc.model @shared_out_evenly(
ttc.model @shared_out_evenly(%x: tensor<?x3x8xf32>) -> tensor<?x3x2xf32> {
  // CHECK: %[[FOUR:.*]] = arith.constant 4.0
  // CHECK: arith.divf %{{.*}}, %[[FOUR]]
  %0 = ttc.adaptive_pool average (%x) : tensor<?x3x8xf32> -> tensor<?x3x2xf32>
  ttc.return %0 : tensor<?x3x2xf32>
}

// -----

// Windows of several sizes are a reduction under a mask.
// CHECK-LABEL: ttc.model @shared_out_unevenly(
ttc.model @shared_out_unevenly(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // CHECK: %[[MASK:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 1.000000e+00, 0.000000e+00], [0.000000e+00, 1.000000e+00, 1.000000e+00]]>
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[MASK]] :
  // CHECK: arith.select
  // CHECK-NEXT: arith.maximumf
  %0 = ttc.adaptive_pool max (%x) : tensor<?x3xf32> -> tensor<?x2xf32>
  ttc.return %0 : tensor<?x2xf32>
}

// -----

// CHECK:      ttc.param @n.bias : tensor<3xf32>
// CHECK-NEXT: ttc.param @n.running_mean : tensor<3xf32>
// CHECK-NEXT: ttc.param @n.running_var : tensor<3xf32>
// CHECK-NEXT: ttc.param @n.weight : tensor<3xf32>
// CHECK-NEXT: ttc.model @batch_norm(
ttc.model @batch_norm(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // One multiplication and one addition are left in the step.
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x3x4xf32>, tensor<3xf32>, tensor<3xf32>)
  // CHECK-NEXT: ^bb0(%[[X:[^:]*]]: f32, %[[F:[^:]*]]: f32, %[[O:[^:]*]]: f32,
  // CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[X]], %[[F]]
  // CHECK-NEXT: arith.addf %[[V0]], %[[O]]
  %0 = ttc.batch_norm "n" (%x) : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// CHECK-NOT: ttc.param @n.bias
// CHECK: ttc.param @n.weight : tensor<3x4xf32>
// CHECK-NEXT: ttc.model @layer_norm(
ttc.model @layer_norm(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // CHECK: iterator_types = ["parallel", "reduction", "reduction"]
  // CHECK: %[[N:.*]] = arith.constant 1.200000e+01
  // CHECK-NEXT: arith.divf %{{.*}}, %[[N]]
  // CHECK: iterator_types = ["parallel", "reduction", "reduction"]
  // CHECK-NEXT: ^bb0(%[[X:[^:]*]]: f32, %[[M:[^:]*]]: f32,
  // CHECK-NEXT: %[[D:.*]] = arith.subf %[[X]], %[[M]]
  // CHECK-NEXT: arith.mulf %[[D]], %[[D]]
  // CHECK: arith.constant 1.000000e-03
  // CHECK: math.sqrt
  %0 = ttc.layer_norm "n" (%x) dims(2) eps(0.001) no_bias : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// CHECK:      ttc.param @n.weight : tensor<4xf32>
// CHECK-NEXT: ttc.model @rms_norm(
ttc.model @rms_norm(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  // CHECK: iterator_types = ["parallel", "parallel", "reduction"]
  // CHECK-NEXT: ^bb0(%[[X:[^:]*]]: f32,
  // CHECK-NEXT: arith.mulf %[[X]], %[[X]]
  // CHECK-NOT: arith.subf
  // CHECK: ttc.return
  %0 = ttc.rms_norm "n" (%x) : tensor<?x3x4xf32>
  ttc.return %0 : tensor<?x3x4xf32>
}

// -----

// CHECK:      ttc.param @n.bias : tensor<6xf32>
// CHECK-NEXT: ttc.param @n.weight : tensor<6xf32>
// CHECK-NEXT: ttc.model @group_norm(%[[X:.*]]: tensor<?x6x4xf32>)
ttc.model @group_norm(%x: tensor<?x6x4xf32>) -> tensor<?x6x4xf32> {
  // CHECK: tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 2, 3, 4]
  // CHECK: iterator_types = ["parallel", "parallel", "reduction", "reduction"]
  // CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3]] : tensor<?x2x3x4xf32> into tensor<?x6x4xf32>
  %0 = ttc.group_norm "n" (%x) groups(2) : tensor<?x6x4xf32>
  ttc.return %0 : tensor<?x6x4xf32>
}
