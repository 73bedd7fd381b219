// Does the driver say what each layer costs, and how it is computed?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --emit=obj -o %t.o --report | FileCheck %s
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v3 --batch=8 --emit=obj -o %t.o --report | FileCheck %s --check-prefix=NARROW
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --storage=bf16 --emit=obj -o %t.o --report=json > %t.json
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --schedule=tile=1,block=7,events=off --emit=obj -o %t.o --report \
// RUN:   | FileCheck %s --check-prefix=GIVEN
// RUN: not ttc %s --report --emit=nests 2>&1 | FileCheck %s --check-prefix=BOTH

// The columns: what is computed, bytes of weights and states, operations, the least cycles and
// what takes them, the scheme. 100 x 256 weights of 4 bytes, and five values a neuron.
// CHECK: layer {{ *}}computes {{ *}}weights {{ *}}states {{ *}}kflop {{ *}}cycles {{ *}}bound {{ *}}scheme
// Where all has room depends on the caches of this machine.
// CHECK-NEXT: in+neurons {{ *}}100 -> 256 {{ *}}106 K {{ *}}2048 {{ *}}57.1 {{ *}}{{[0-9]+}} {{ *}}L{{[1-3]}} {{ *}}panels of 2 x 16, 8 a pass; rows in tiles of 12; active inputs alone where few are
// CHECK-NEXT: gru {{ *}}512 -> 256, 2 products {{ *}}526 K {{ *}}1024
// CHECK-NEXT: gru {{ *}}1024 -> 256, 4 products {{ *}}1051 K {{ *}}2048
// CHECK-NEXT: all {{ *}}1682 K {{ *}}2048 {{.*}} weights and states have room in L{{[1-3]}}
// CHECK: Schedule: lanes=16,registers=32,panel=2,pass=16,tile=24,chains=4,inflight=8,update=4,row-events=75,tile-events=25,block=48,cache=256,longest=8,events=auto
// CHECK-NEXT: for 32 registers of 16 lanes, 8 sums in flight (4 cycles of latency, 2 a cycle), 256 KiB of cache for a block.
// CHECK-NEXT: A sequence goes in blocks of 48 rows:
// CHECK-NEXT: the whole block: in+neurons
// CHECK-NEXT: timestep by timestep: in+neurons
// CHECK-NEXT: the whole block: gru
// CHECK-NEXT: timestep by timestep: gru

// Half the registers of half the width, and a batch that is known.
// NARROW: in+neurons {{ *}}100 -> 256 {{.*}} panels of 2 x 8, 4 a pass; 8 rows in tiles of 6

// What was given, and what follows from it.
// GIVEN: in+neurons {{ *}}100 -> 256 {{.*}} panels of 2 x 16, 8 a pass{{$}}
// GIVEN: Schedule: lanes=16,registers=32,panel=2,pass=16,tile=1,{{.*}},block=7,cache=256,longest=8,events=off
// GIVEN: A sequence goes in blocks of 7 rows:

// Weights in 16 bits are half as many bytes.
// JSON: "bound": "L{{[1-3]}}"
// JSON: "computes": "100 -> 256"
// JSON: "layer": "neurons+in"
// JSON: "weight_bytes": 552{{[0-9]+}}
// JSON: "schedule": "lanes=16,{{.*}},events=auto"
// JSON: "stages"

// BOTH: error: --report prints on stdout, where this --emit writes too: give it a file with -o

ttc.model @net(%x: tensor<?x100xf32>) -> tensor<?x256xf32> {
  %0 = ttc.linear "in" (%x) : tensor<?x100xf32> -> tensor<?x256xf32>
  %1 = ttc.neuron LIB "neurons" (%0) : tensor<?x256xf32>
  %2 = ttc.rnn gru "gru" (%1) : tensor<?x256xf32> -> tensor<?x256xf32>
  ttc.return %2 : tensor<?x256xf32>
}
