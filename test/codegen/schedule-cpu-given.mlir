// Does the schedule follow the numbers that it is given?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,CHOSEN
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="schedule=panel=1,pass=3,tile=4,events=off" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,NARROW
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="schedule=chains=8,inflight=48,events=always" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,ALWAYS
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="schedule=row-events=50" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: tt-opt %s %nest-passes --ttc-schedule-cpu="schedule=longest=1" --canonicalize --cse \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SPLIT
// RUN: tt-opt %s %nest-passes --ttc-batch-time="rows=20 tile=8" | FileCheck %s --check-prefix=BLOCK
// RUN: tt-opt %s %nest-passes --ttc-batch-time="cache=16384 tile=8" | FileCheck %s --check-prefix=CACHE
// RUN: tt-opt %s %nest-passes --ttc-batch-time="rows=1" | FileCheck %s --check-prefix=NO-BLOCK

// What was chosen or given is there to be read, and to be given again.
// CHOSEN: ttc.schedule = "lanes=16,registers=32,panel=2,pass=16,tile=24,chains=4,inflight=8,update=4,row-events=75,tile-events=25,block=48,cache=256,longest=8,events=auto"
// NARROW: ttc.schedule = "lanes=16,registers=32,panel=1,pass=3,tile=4,chains=4,inflight=8,update=4,row-events=75,tile-events=25,block=48,cache=256,longest=8,events=off"

// CHECK-LABEL: func.func @net.step(
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  // Tiles of 24 registers, two of them a row; a list of at most 48 of 64 inputs.
  // CHOSEN: scf.for {{.*}} step %c12 {
  // CHOSEN: arith.cmpi ule, %{{.*}}, %c48
  // Without events: tiles of four rows of one register, then rows through three panels.
  // NARROW-NOT: vector.compress
  // NARROW: scf.for {{.*}} step %c4 {
  // NARROW: -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // NARROW: scf.for {{.*}} step %c1 {
  // NARROW: -> (vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // NARROW-NOT: vector.compress
  // Wherever there may be events they are listed, each of eight chains for itself; no rows are counted before.
  // ALWAYS-NOT: arith.cmpf ogt
  // ALWAYS-COUNT-8: vector.compress
  // ALWAYS: arith.cmpi ule, %{{.*}}, %c64
  // ALWAYS-COUNT-8: -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // Half of the inputs at most.
  // HALF: arith.cmpi ule, %{{.*}}, %c32
  %0 = ttc.linear "l" (%x) : tensor<?x64xf32> -> tensor<?x96xf32>
  // SPLIT-COUNT-2: call @net.step
  %1 = ttc.neuron LI "n" (%0) : tensor<?x96xf32>
  %2 = ttc.linear "m" (%1) : tensor<?x96xf32> -> tensor<?x96xf32>
  // CHECK: return
  ttc.return %2 : tensor<?x96xf32>
}

// 384 bytes pass between the stages for each row, twice.
// BLOCK: ttc.block = 20
// CACHE: ttc.block = 16
// NO-BLOCK-NOT: ttc.block
