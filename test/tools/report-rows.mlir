// Does the report say what goes through a batch together?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --emit=obj -o %t.o --report | FileCheck %s
// RUN: ttc %s --triple=x86_64-unknown-linux-gnu --mcpu=v4 --batch=1 --emit=obj -o %t.o --report | FileCheck %s --check-prefix=ONE

// CHECK: c {{ *}}2304 windows of 27 {{.*}} vectors of 16; together, row by row{{$}}
// CHECK-NEXT: c+n {{ *}}2304 elements {{.*}} vectors of 16; together, row by row{{$}}
// CHECK-NEXT: l {{ *}}2304 -> 10
// CHECK-NOT: row by row

// A single row has no other.
// ONE-NOT: row by row
// ONE: all
ttc.model @net(%x: tensor<?x3x26x26xf32>) -> tensor<?x10xf32> {
  %0 = ttc.conv "c" (%x) kernel([3, 3]) : tensor<?x3x26x26xf32> -> tensor<?x4x24x24xf32>
  %1 = ttc.neuron LIB "n" (%0) dim(1) : tensor<?x4x24x24xf32>
  %2 = ttc.flatten (%1) dims(1, 3) : tensor<?x4x24x24xf32> -> tensor<?x2304xf32>
  %3 = ttc.linear "l" (%2) : tensor<?x2304xf32> -> tensor<?x10xf32>
  ttc.return %3 : tensor<?x10xf32>
}
