// What does an object contain: symbols, sections, one export?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --emit=obj --mcpu=v3 -o %t.o
// RUN: llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=UNDEFINED --implicit-check-not='{{.}}'
// RUN: llvm-nm --extern-only --defined-only %t.o \
// RUN:   | FileCheck %s --check-prefix=DEFINED --implicit-check-not='{{.}}'
// RUN: llvm-readelf -SW %t.o | FileCheck %s --check-prefix=SECTIONS --implicit-check-not=' W'

// What prepare takes from the C library, and no more.
// UNDEFINED: {{^ +}}U exp
// UNDEFINED-NEXT: {{^ +}}U log

// DEFINED: {{^[0-9a-f]+}} D ttc_model_net

// No writable data but the table that the loader relocates and then protects; no stack
// that could be executed.
// SECTIONS: .data.rel.ro PROGBITS {{[0-9a-f ]+}} WA 0
// SECTIONS: .note.GNU-stack PROGBITS {{[0-9a-f ]+}} 0 0 1{{$}}
// SECTIONS: {{^ +}}W (write)
ttc.model @net(%x: tensor<?x64xf32>) -> tensor<?x10xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x64xf32> -> tensor<?x10xf32>
  %1 = ttc.neuron LIB "n" (%0) : tensor<?x10xf32>
  ttc.return %1 : tensor<?x10xf32>
}
