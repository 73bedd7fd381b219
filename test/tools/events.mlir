// Has a product of few active inputs the bits of that of all of them?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: %python %S/Inputs/write_events.py

// On every width of vectors: one row is listed, of 24 rows those that fill tiles are not.
// RUN: ttc %s --mcpu=v2 -o libv2.so
// RUN: ttc-run ./libv2.so --weights weights.safetensors --input row.npy --steps 7 --compare expected.npy --exact
// RUN: ttc-run ./libv2.so --weights weights.safetensors --input rows.npy --steps 7 --compare expected_rows.npy --exact
// RUN: ttc %s -o libnet.so
// RUN: ttc-run ./libnet.so --weights weights.safetensors --input row.npy --steps 7 --compare expected.npy --exact
// RUN: ttc-run ./libnet.so --weights weights.safetensors --input rows.npy --steps 7 --compare expected_rows.npy --exact
// RUN: ttc %s --storage=bf16 -o libbf16.so
// RUN: ttc-run ./libbf16.so --weights weights.safetensors --input row.npy --steps 7 --compare expected.npy --exact

// A NaN among zeros is an event: the last timestep's outputs are NaN, all of them.
// RUN: ttc-run ./libnet.so --weights weights.safetensors --input row.npy --skip 7 --output - \
// RUN:   | %python %S/Inputs/print_rows.py 40 | FileCheck %s --check-prefix=NAN
// NAN: {{^(nan ?){40}$}}

// Where a weight is infinite nothing is left out, since 0 times infinity is NaN: the first
// neuron's output is NaN but for the input of 3, with which it is infinite. The others are
// what they were.
// RUN: ttc-run ./libnet.so --weights infinite.safetensors --input row.npy --steps 3 --output - \
// RUN:   | %python %S/Inputs/print_rows.py 40 | FileCheck %s --check-prefix=INFINITE
// INFINITE: {{^nan 0 0 0 }}
// INFINITE-NEXT: {{^inf 0 12 -3 }}
// INFINITE-NEXT: {{^nan 0 -8 2 }}

// In 8 bits the neuron is NaN whatever the input, and the driver says that there is one.
// RUN: ttc %s --weights-storage=int8 --weights infinite.safetensors -o libint8.so --report | FileCheck %s --check-prefix=REPORT
// REPORT: Output features with weights that are stored as NaN or infinite, and count for neither: 1.
// RUN: ttc-run ./libint8.so --input row.npy --steps 3 --output - \
// RUN:   | %python %S/Inputs/print_rows.py 40 | FileCheck %s --check-prefix=INT8
// INT8: {{^nan 0 0 0 }}
// INT8-NEXT: {{^nan }}
// INT8-NEXT: {{^nan }}
// INT8-NOT: nan {{.*}} nan
ttc.model @net(%x: tensor<?x100xf32>) -> tensor<?x40xf32> {
  %0 = ttc.linear "l" (%x) no_bias : tensor<?x100xf32> -> tensor<?x40xf32>
  ttc.return %0 : tensor<?x40xf32>
}
