// Products by the matrix units of a GPU: what the 32 threads of a warp do
// together.

// RUN: tt-opt %s --ttc-to-nests --ttc-schedule-gpu=tf32=true --canonicalize --cse | FileCheck %s

ttc.model @net(%x: tensor<?x70xf32>) -> tensor<?x24xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x70xf32> -> tensor<?x40xf32>
  %1 = ttc.linear "net.1" (%0) : tensor<?x40xf32> -> tensor<?x24xf32>
  %2 = ttc.neuron LI "net.2" (%1) : tensor<?x24xf32>
  ttc.return %2 : tensor<?x24xf32>
}

// CHECK-DAG: func.func private @ttc.multiply_tf32(vector<4xi32>, vector<2xi32>, vector<4xf32>) -> vector<4xf32>
// CHECK-DAG: func.func private @ttc.round_tf32(f32) -> i32

// Weights are rounded when they are packed, by a CPU.
// CHECK-LABEL: func.func @net.prepare.pack_f32_tf32(
// CHECK: arith.addi %{{.*}}, %c4096_i32
// CHECK: arith.andi %{{.*}}, %c-8192_i32

// CHECK-LABEL: func.func @net.shared(
// CHECK-SAME: index, %[[WORKER:[a-z0-9]+]]: index, %[[WORKERS:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: memref<i8>
// A warp has one number, and each of its threads a part.
// CHECK: %[[LANE:.*]] = arith.remui %[[WORKER]], %c32
// CHECK: arith.divui %[[LANE]], %c4
// CHECK: arith.remui %[[LANE]], %c4
// CHECK: %[[WARP:.*]] = arith.divui %[[WORKER]], %c32
// CHECK: %[[WARPS:.*]] = arith.divui %[[WORKERS]], %c32
// CHECK: scf.for %{{.*}} = %[[WARP]] to %{{.*}} step %[[WARPS]]
// 70 inputs are not at multiples of 16 bytes: one loop, which knows where a row ends.
// CHECK: scf.for %{{.*}} = %c0 to %c70 step %c16
// CHECK: call @ttc.round_tf32
// CHECK: call @ttc.multiply_tf32
// CHECK: } {llvm.loop_annotation
// The update, of rows that exist.
// CHECK: scf.if
// CHECK: arith.cmpi ult
// CHECK: scf.if
// CHECK: ttc.barrier
// 40 are: those that lie together first, then the rest.
// CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step %c16
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: scf.for %{{.*}} = %{{.*}} to %c40 step %c16
// CHECK: return
