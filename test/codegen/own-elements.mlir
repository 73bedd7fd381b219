// Elements that need no others: a thread takes each through all timesteps of a
// sequence, with its state in a register, and waits once at the end.

// RUN: ttc %s --target=nvptx --gpu-arch=sm_90 --emit=ptx -o %t.ptx
// RUN: FileCheck %s --input-file=%t.ptx
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
