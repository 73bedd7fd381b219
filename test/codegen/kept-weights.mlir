// Weights that the threads of a GPU keep in shared memory through a sequence:
// those of products that every timestep makes anew.

// RUN: tt-opt %s --ttc-to-nests --ttc-schedule-gpu --canonicalize --cse | FileCheck %s
// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx -o %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx --check-prefix=PTX
// Matrix units share what they read: nothing is kept for them.
// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --products=bf16 --emit=ptx -o - | FileCheck %s --check-prefix=WARP

ttc.model @net(%x: tensor<?x70xf32>) -> tensor<?x48xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x70xf32> -> tensor<?x48xf32>
  %1 = ttc.rnn gru "net.1" (%0) : tensor<?x48xf32>
  ttc.return %1 : tensor<?x48xf32>
}

// Three products of 48 inputs and outputs: 12 steps of four chains, 16 bytes
// each, and as many threads for a row as there are parts of sums.
// CHECK: ttc.kept = {net.stage1 = [576, #ttc.bytes<0 + 48 * batch>]}

// A thread keeps what it reads, and nobody waits.
// CHECK-LABEL: func.func @net.stage1.keep(
// CHECK: %[[SLOT:.*]] = call @ttc.thread_in_block()
// CHECK: call @ttc.kept_memory()
// CHECK: scf.if
// CHECK: scf.for
// CHECK: %[[WEIGHTS:.*]] = vector.load
// CHECK: vector.store %[[WEIGHTS]]
// CHECK-NOT: ttc.barrier
// CHECK: return

// Each thread has one part of a sum or none: there is no loop over them, nor
// are there tiles.
// CHECK-LABEL: func.func @net.stage1.kept(
// CHECK: %[[HAS:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[HAS]]
// CHECK: vector.fma
// CHECK: call @ttc.read_lane_f32
// CHECK: call @ttc.barrier
// CHECK: return

// PTX: .extern .shared .align 16 .b8 ttc_shared[];
// PTX: .entry ttc_step(
// PTX-NOT: ld.shared
// PTX: .entry ttc_run(
// PTX: %dynamic_smem_size
// PTX: ld.global.nc.v4.b32
// PTX: st.shared.v4.b32
// PTX: ld.shared.v4.b32

// WARP-NOT: .shared
