// A timestep that several threads share: each nest is divided, and all wait for
// each other before the next.

// RUN: tt-opt %s --ttc-to-nests --ttc-schedule-cpu=workers=2 --canonicalize --cse | FileCheck %s
// RUN: tt-opt %s --ttc-to-nests --ttc-schedule-cpu --canonicalize --cse | FileCheck %s --check-prefix=ALONE
// RUN: ttc %s --threads=2 --emit=llvm -o - | FileCheck %s --check-prefix=LLVM
// RUN: not ttc %s --threads=0 -o %t.so 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not ttc %s --threads=65 -o %t.so 2>&1 | FileCheck %s --check-prefix=MANY

// NONE: --threads takes a number from 1 to 64, but 0 was given
// MANY: --threads takes a number from 1 to 64, but 65 was given

ttc.model @two(%x: tensor<?x20xf32>) -> tensor<?x96xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x20xf32> -> tensor<?x96xf32>
  %1 = ttc.linear "net.1" (%0) : tensor<?x96xf32> -> tensor<?x96xf32>
  ttc.return %1 : tensor<?x96xf32>
}

// A room for each worker in the scratch, beside what the nests pass on.
// CHECK: module attributes {{.*}}ttc.workers = 2
// ALONE-NOT: ttc.workers
// ALONE-NOT: two.shared

// CHECK: func.func private @ttc.barrier(memref<i8>, index)
// CHECK-LABEL: func.func @two.shared(
// CHECK-SAME: %{{.*}}: memref<i8> {llvm.noalias}, %{{[a-z0-9]+}}: memref<i8>, %{{.*}}: memref<i8> {llvm.noalias}, %{{[a-z0-9]+}}: memref<i8>, %{{[a-z0-9]+}}: memref<i8>,
// CHECK-SAME: %[[OWN:[a-z0-9]+]]: index, %[[ALL:[a-z0-9]+]]: index, %[[FIRST:[a-z0-9]+]]: index, %[[WORKER:[a-z0-9]+]]: index, %[[WORKERS:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %[[HANDLE:[a-z0-9]+]]: memref<i8>
// Its panels, from worker * panels / workers on.
// CHECK: %[[NEXT:.*]] = arith.addi %[[WORKER]], %c1
// CHECK: arith.divui %{{.*}}, %[[WORKERS]]
// One barrier, between the two products.
// CHECK: call @ttc.barrier(%[[HANDLE]], %[[WORKER]])
// CHECK-NOT: ttc.barrier
// CHECK: return
// CHECK-LABEL: func.func @two.step(
// CHECK-NOT: ttc.barrier
// CHECK: return

// LLVM: @ttc_model_two = {{.*}} i32 2, i32 0, ptr @shared_step, ptr @shared_run, ptr null }
// The barrier of a worker that shares nothing is none.
// LLVM: define internal {{.*}}@two.shared(
// LLVM: icmp eq ptr %{{.*}}, null
// LLVM: define internal void @shared_step(
