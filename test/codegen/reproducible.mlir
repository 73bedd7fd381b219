// Does one model give the same bytes every time, wherever it is written?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t/a %t/b
// RUN: ttc %s --emit=json | %python %S/../tools/Inputs/write_weights.py %t/net.safetensors
// RUN: ttc %s --emit=obj -o %t/a/net.o && ttc %s --emit=obj -o %t/b/net.o
// RUN: cmp %t/a/net.o %t/b/net.o && cmp %t/a/net.h %t/b/net.h
// RUN: ttc %s --emit=shared -o %t/a/libnet.so && ttc %s --emit=shared -o %t/b/libnet.so
// RUN: cmp %t/a/libnet.so %t/b/libnet.so
// RUN: ttc %s --emit=lib -o %t/a/libnet.a && ttc %s --emit=lib -o %t/b/libnet.a
// RUN: cmp %t/a/libnet.a %t/b/libnet.a

// With weights too, and from a file of another name.
// RUN: cp %s %t/other.mlir
// RUN: ttc %s --weights %t/net.safetensors --emit=obj -o %t/a/net.o
// RUN: ttc %t/other.mlir --weights %t/net.safetensors --emit=obj -o %t/b/net.o
// RUN: cmp %t/a/net.o %t/b/net.o

// An embedded weight is in the bytes.
// RUN: ttc %s --emit=obj -o %t/b/net.o
// RUN: not cmp %t/a/net.o %t/b/net.o
ttc.model @net(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x8xf32> -> tensor<?x4xf32>
  %1 = ttc.neuron LIB "n" (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}
