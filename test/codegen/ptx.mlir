// The kernels of a model, as PTX: a step is one of them.

// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx -o %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx
// RUN: FileCheck %s --input-file=%t.ptx --check-prefix=NONE
// RUN: FileCheck %s --input-file=%t.ptx --check-prefix=TILE
// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx --gpu-subnormals | FileCheck %s --check-prefix=SUBNORMALS
// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx --gpu-contract | FileCheck %s --check-prefix=CONTRACTED
// RUN: ttc %s --target=nvptx --gpu-arch=sm_75 --emit=ptx | FileCheck %s --check-prefix=OLDER
// RUN: ttc %s --target=nvptx --gpu-arch=sm_120 --emit=ptx | FileCheck %s --check-prefix=NEWER
// RUN: FileCheck %s --input-file=%t.ptx --check-prefix=CLUSTER
// RUN: ttc %s --target=nvptx --gpu-arch=sm_89 --emit=ptx | FileCheck %s --check-prefix=GRID --implicit-check-not=cluster --implicit-check-not=%ntid

ttc.model @a(%x: tensor<?x784xf32>) -> tensor<?x10xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x784xf32> -> tensor<?x128xf32>
  %1 = ttc.neuron LIB "net.1" (%0) : tensor<?x128xf32>
  %2 = ttc.linear "net.2" (%1) : tensor<?x128xf32> -> tensor<?x10xf32>
  %3 = ttc.neuron LI "net.3" (%2) : tensor<?x10xf32>
  ttc.return %3 : tensor<?x10xf32>
}

// CHECK: .target sm_90
// CHECK: .visible .entry ttc_step(
// CHECK: .maxntid 256
// Weights, which nobody writes, four columns at once.
// CHECK: ld.global.nc.v4.b32
// CHECK: fma.rn.ftz.f32
// Chains are added by neighbours; a nest waits for the one before, in other
// blocks, too: what they wrote comes before their number.
// CHECK: shfl.sync.idx.b32
// CHECK: bar{{(rier)?}}.sync
// CHECK: fence.acq_rel.gpu
// CHECK-NEXT: atom.{{.*}}add.u32
// CHECK: ld.acquire.gpu
// CHECK: fence.acq_rel.gpu
// CHECK: bar{{(rier)?}}.sync
// CHECK: ret;
// CHECK: .visible .entry ttc_run(
// CHECK-NOT: .entry

// A tile's states, four columns at once.
// TILE: st.global.v4.b32
// A tile of the second layer, whose input lies in the scratch: a turn reads four inputs of each of eight rows at
// once, and of four inputs four columns of weights: twelve loads for 128 operations. Its loop stays one.
// TILE: atom.{{.*}}add.u32
// TILE: .pragma "nounroll";{{[[:space:]]+}}ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.v4.b32
// TILE-NEXT: ld.global.nc.v4.b32
// TILE-NOT: ld.
// TILE-COUNT-32: fma.rn.ftz.f32
// TILE: ld.global.nc.v4.b32
// TILE-COUNT-32: fma.rn.ftz.f32
// TILE: ld.global.nc.v4.b32
// TILE-COUNT-32: fma.rn.ftz.f32
// TILE: ld.global.nc.v4.b32
// TILE-COUNT-32: fma.rn.ftz.f32
// TILE-NOT: ld.
// TILE: bra

// Nothing in local memory, and nothing that GPUs do not have.
// NONE-NOT: .local
// NONE-NOT: .extern
// NONE-NOT: {{^}}.func

// Subnormals are zero, and the update's products and sums are rounded each, unless asked for.
// CHECK-NOT: fma.rn.f32
// NONE: mul.rn.ftz.f32
// SUBNORMALS-NOT: .ftz
// SUBNORMALS: fma.rn.f32
// CONTRACTED-NOT: mul.rn.ftz.f32 {{.*}}
// CONTRACTED: fma.rn.ftz.f32

// Where the GPU has clusters, these have a barrier of their own beside that of one block and that of several, and
// the launch says how many threads a block has.
// CLUSTER: .entry ttc_step(
// CLUSTER-DAG: mov.u32 %{{.*}}, %cluster_nctaid.x;
// CLUSTER-DAG: mov.u32 %{{.*}}, %ntid.x;
// CLUSTER: bar{{(rier)?}}.sync
// CLUSTER: barrier.cluster.arrive.aligned;
// CLUSTER-NEXT: barrier.cluster.wait.aligned;
// CLUSTER: atom.{{.*}}add.u32
// GRID: .reqntid 256
// GRID: atom.{{.*}}add.u32

// OLDER: .target sm_75
// NEWER: .target sm_120
// NEWER: barrier.cluster.arrive.aligned;
