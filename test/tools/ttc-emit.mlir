// Does ttc stop at every level, and write what that level is?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=model | FileCheck %s --check-prefix=MODEL
// RUN: ttc %s --emit=declared | FileCheck %s --check-prefix=DECLARED
// RUN: ttc %s --emit=expanded | FileCheck %s --check-prefix=EXPANDED
// RUN: ttc %s --emit=threaded | FileCheck %s --check-prefix=THREADED
// RUN: ttc %s --emit=nests | FileCheck %s --check-prefix=NESTS
// RUN: ttc %s --emit=scheduled --mcpu=v3 | FileCheck %s --check-prefix=SCHEDULED
// RUN: ttc %s --emit=llvm --mcpu=v3 | FileCheck %s --check-prefix=LLVM
// RUN: ttc %s --emit=asm --mcpu=v3 | FileCheck %s --check-prefix=ASM

// What a level prints is read again: every level is IR that parses.
// RUN: ttc %s --emit=model | tt-opt > %t.model
// RUN: ttc %s --emit=declared | tt-opt > %t.declared
// RUN: ttc %s --emit=expanded | tt-opt > %t.expanded
// RUN: ttc %s --emit=threaded | tt-opt > %t.threaded
// RUN: ttc %s --emit=nests | tt-opt > %t.nests
// RUN: ttc %s --emit=scheduled | tt-opt > %t.scheduled

// The driver takes what it has written, up to the level that replaces the model.
// RUN: ttc %t.model --emit=threaded | tt-opt | diff - %t.threaded
// RUN: ttc %t.declared --emit=threaded | tt-opt | diff - %t.threaded
// RUN: ttc %t.expanded --emit=threaded | tt-opt | diff - %t.threaded

// MODEL-NOT: ttc.param
// MODEL: ttc.model @net(
// MODEL: ttc.linear "l"
// MODEL: ttc.neuron LI "n"

// DECLARED: ttc.param @l.bias : tensor<2xf32>
// DECLARED: ttc.param @l.weight : tensor<2x4xf32>
// DECLARED: ttc.param @n.beta : tensor<2xf32> activated(sigmoid)
// DECLARED: ttc.state @n.mem : tensor<?x2xf32>
// DECLARED: ttc.neuron LI "n"

// EXPANDED-LABEL: ttc.model @net(
// EXPANDED-NOT: ttc.linear
// EXPANDED-NOT: ttc.neuron
// EXPANDED: linalg.contract
// EXPANDED: ttc.read @n.mem
// EXPANDED: linalg.generic
// EXPANDED: ttc.write %{{.*}}, @n.mem

// THREADED-NOT: ttc.model
// THREADED: func.func @net({{.*}} {ttc.input = "input0"}, {{.*}} {ttc.state = @n.mem})
// THREADED-NOT: ttc.read
// THREADED-NOT: ttc.write
// THREADED: return

// NESTS: ttc.state @n.mem : tensor<?x2xf32> at <0 + 0 * batch>
// NESTS: func.func @net.prepare(
// NESTS: func.func @net(
// The paths of both layers are the nest's name.
// NESTS-NEXT: ttc.nest "l+n" product(
// NESTS-NOT: ttc.nest
// NESTS: return

// SCHEDULED: func.func @net.prepare.entry(
// SCHEDULED: func.func @net.step(
// SCHEDULED-NOT: tensor<
// SCHEDULED: vector.fma {{.*}} : vector<8xf32>

// LLVM: target triple =
// LLVM: @ttc_model_net = {{.*}}constant
// LLVM: define internal {{.*}}void @net.step(

// ASM: net.step:
// ASM: .globl ttc_model_net
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x2xf32>
  ttc.return %1 : tensor<?x2xf32>
}
