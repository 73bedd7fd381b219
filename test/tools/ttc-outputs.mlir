// Which files does ttc write, by which names, and what do they export?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/net.mlir && cd %t

// Named after the model's file; the header beside the binary.
// RUN: ttc net.mlir && ls | FileCheck %s --check-prefix=SHARED
// SHARED: libnet.so
// SHARED-NEXT: net.h
// SHARED-NEXT: net.mlir
// SHARED-NOT: {{.}}
// RUN: rm libnet.so net.h && ttc net.mlir --emit=obj && ls | FileCheck %s --check-prefix=OBJECT
// OBJECT: net.h
// OBJECT-NEXT: net.mlir
// OBJECT-NEXT: net.o
// OBJECT-NOT: {{.}}
// RUN: rm net.o net.h && ttc net.mlir --emit=lib && ls | FileCheck %s --check-prefix=LIBRARY
// LIBRARY: libnet.a
// LIBRARY-NEXT: net.h
// LIBRARY-NEXT: net.mlir
// LIBRARY-NOT: {{.}}
// RUN: rm libnet.a net.h && ttc net.mlir --emit=exe && ls | FileCheck %s --check-prefix=PROGRAM
// PROGRAM: net
// PROGRAM-NEXT: net.mlir
// PROGRAM-NOT: {{.}}
// RUN: ./net --version | FileCheck %s --check-prefix=VERSION
// VERSION: ttc {{[0-9]}}

// Named by -o, in another directory.
// RUN: mkdir out && ttc net.mlir -o out/libother.so && ls out | FileCheck %s --check-prefix=NAMED
// NAMED: libother.so
// NAMED-NEXT: other.h
// NAMED-NOT: {{.}}

// A shared library exports its descriptor, by its own name and by the one that a loader
// asks for, and nothing else.
// RUN: llvm-nm --dynamic --extern-only --defined-only out/libother.so \
// RUN:   | FileCheck %s --check-prefix=EXPORTS --implicit-check-not='{{.}}'
// EXPORTS: {{^[0-9a-f]+}} {{[DR]}} ttc_model
// EXPORTS: {{^[0-9a-f]+}} {{[DR]}} ttc_model_net
// RUN: llvm-readelf -lW out/libother.so | FileCheck %s --check-prefix=SEGMENTS
// SEGMENTS-NOT: RWE
// SEGMENTS: GNU_STACK {{.*}} RW 0
// SEGMENTS: GNU_RELRO
// RUN: llvm-readelf -d out/libother.so | FileCheck %s --check-prefix=DYNAMIC
// DYNAMIC-DAG: Library soname: [libother.so]
// DYNAMIC-DAG: NOW

// --save-temps: every level beside the output.
// RUN: mkdir temps && ttc net.mlir --save-temps -o temps/libnet.so && ls temps | FileCheck %s --check-prefix=TEMPS
// TEMPS-DAG: libnet.so
// TEMPS-DAG: net.declared.mlir
// TEMPS-DAG: net.expanded.mlir
// TEMPS-DAG: net.h
// TEMPS-DAG: net.ll
// TEMPS-DAG: net.nests.mlir
// TEMPS-DAG: net.s
// TEMPS-DAG: net.scheduled.mlir
// TEMPS-DAG: net.threaded.mlir
// RUN: ttc net.mlir --emit=nests | diff - temps/net.nests.mlir

// A file that is there is replaced whole: who has it open keeps the old one.
// RUN: ln out/libother.so kept.so && cp kept.so before.so
// RUN: ttc net.mlir --batch=2 -o out/libother.so && cmp kept.so before.so && not cmp kept.so out/libother.so

// A name with a comma is one name to the linker, too.
// RUN: ttc net.mlir -o out/lib0,5.so && llvm-readelf -d out/lib0,5.so | FileCheck %s --check-prefix=COMMA
// COMMA: Library soname: [lib0,5.so]

// -v says what is run.
// RUN: ttc net.mlir -v 2>&1 | FileCheck %s --check-prefix=VERBOSE
// VERBOSE: -shared
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x2xf32>
  ttc.return %1 : tensor<?x2xf32>
}
