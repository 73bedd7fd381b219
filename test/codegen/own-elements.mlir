// Elements that need no others: a thread takes each through all timesteps of a
// sequence, with its state in a register, and waits once at the end.

// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx -o %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx
// RUN: sed -e 's/neuron LI "n" (%x)/neuron DSRLITS "n" (%x)/' %s > %t.mlir
// RUN: ttc %t.mlir --target=nvptx --gpu-arch=sm_90 --emit=ptx -o %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx --check-prefix=SEVERAL
// RUN: ttc %s --triple=x86_64-linux-gnu --mcpu=v3 --threads=2 --emit=llvm -o - | FileCheck %s --check-prefix=TEAM

ttc.model @net(%x: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x24xf32>
  ttc.return %0 : tensor<?x24xf32>
}

// The state is read and written once, outside of the loop over timesteps, which
// reads inputs and writes outputs.
// CHECK: .visible .entry ttc_run(
// CHECK: st.global.b32 [[STATE:\[%rd[0-9]+\]]], [[KEPT:%r[0-9]+]];
// CHECK: ld.global.b32 [[KEPT]], [[STATE]];
// CHECK-NOT: ld.global.b32
// CHECK-NOT: bar.sync
// CHECK-COUNT-4: ld.global.nc.b32
// CHECK-NOT: ld.global.b32
// CHECK-NOT: bar.sync
// CHECK: bra $L__BB

// Several states, too: of a timestep there are an input and an output alone.
// SEVERAL: .visible .entry ttc_run(
// SEVERAL-COUNT-7: ld.global.b32
// SEVERAL-NOT: {{(ld|st)}}.global
// SEVERAL: ld.global.nc.b32
// SEVERAL-NOT: {{(ld|st)}}.global
// SEVERAL: st.global.b32
// SEVERAL-NOT: {{(ld|st)}}.global
// SEVERAL: bra $L__BB
// SEVERAL-COUNT-7: st.global.b32
// SEVERAL-NOT: st.global

// A team of a CPU shares the rows the same way in all timesteps, and its
// workers wait for each other (through a pointer) behind them.
// TEAM-LABEL: define internal void @shared_run(
// TEAM: {{^}}timestep:
// TEAM-NOT: call void %
// TEAM: br i1 {{.*}}, label %timestep
// TEAM: {{^}}timestep1:
// TEAM-NOT: call void %
// TEAM: br i1 {{.*}}, label %timestep1
// TEAM: call void %
