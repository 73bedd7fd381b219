// What the threads of a GPU do: the form that workers of a team share, where
// neighbours take neighbouring elements.

// RUN: tt-opt %s --ttc-to-nests --ttc-schedule-gpu --canonicalize --cse | FileCheck %s

ttc.model @two(%x: tensor<?x40xf32>) -> tensor<?x24xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x40xf32> -> tensor<?x24xf32>
  %1 = ttc.neuron LI "net.1" (%0) : tensor<?x24xf32>
  ttc.return %1 : tensor<?x24xf32>
}

// 24 columns, four a thread, of four chains: how many threads a row keeps busy.
// CHECK: module attributes {{.*}}ttc.threads = #ttc.bytes<0 + 24 * batch>
// CHECK-DAG: func.func private @ttc.read_lane_f32(f32, i32, i32) -> f32

// A matrix is one panel, 24 columns wide: prepare packs it so, on the host.
// CHECK-LABEL: func.func @two.prepare.entry(
// CHECK: call @two.prepare.pack_f32_f32({{.*}}, %c1, %c24, %c0,

// CHECK-LABEL: func.func @two.shared(
// CHECK-SAME: %[[ROWS:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %[[WORKER:[a-z0-9]+]]: index, %[[WORKERS:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: memref<i8>
// Tiles of rows, if there are enough for all workers.
// CHECK: %[[ENOUGH:.*]] = arith.cmpi uge, %{{.*}}, %[[WORKERS]]
// CHECK: scf.for %{{.*}} = %[[WORKER]] to %{{.*}} step %[[WORKERS]]
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<{{.*}}>, vector<4xf32>
// CHECK: vector.fma
// Else four neighbours share a sum, and add what they have.
// CHECK: scf.for %{{.*}} = %[[WORKER]] to %{{.*}} step %[[WORKERS]]
// CHECK: vector.fma
// CHECK-COUNT-3: call @ttc.read_lane_f32
// CHECK-NOT: call @ttc.read_lane_f32
// No nest follows: nobody waits.
// CHECK-NOT: ttc.barrier
// CHECK: return
