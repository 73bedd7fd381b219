// Are conversions to and from 16 bits instructions, and the weights half as large?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No CPU needs a library for bf16; one with F16C or AVX-512 needs none for f16.
// RUN: ttc %s --storage=bf16 --mcpu=v2 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=bf16 --mcpu=v3 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=bf16 --mcpu=v4 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=f16 --mcpu=v3 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=f16 --mcpu=v4 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=bf16 --triple=aarch64-linux-gnu --mcpu=generic --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --storage=bf16 --triple=riscv64-linux-gnu --mcpu=generic-rv64 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --weights-storage=int8 --mcpu=v2 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --weights-storage=int8 --mcpu=v4 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --weights-storage=int8 --triple=aarch64-linux-gnu --mcpu=generic --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__
// RUN: ttc %s --weights-storage=int8 --triple=riscv64-linux-gnu --mcpu=generic-rv64 --emit=obj -o %t.o && llvm-nm --undefined-only %t.o | FileCheck %s --check-prefix=CALLS --implicit-check-not=__

// CALLS: U exp
// CALLS-NEXT: U log

// RUN: ttc %s --mcpu=v3 --emit=json | FileCheck %s --check-prefix=WIDE
// RUN: ttc %s --mcpu=v3 --storage=bf16 --emit=json | FileCheck %s --check-prefixes=NARROW -DTYPE=bf16
// RUN: ttc %s --mcpu=v3 --storage=f16 --emit=json | FileCheck %s --check-prefixes=NARROW -DTYPE=f16
// RUN: ttc %s --mcpu=v3 --weights-storage=bf16 --emit=json | FileCheck %s --check-prefix=WEIGHTS -DSIZE=92
// RUN: ttc %s --mcpu=v3 --weights-storage=int8 --emit=json | FileCheck %s --check-prefix=WEIGHTS -DSIZE=53

// What is outside stays f32: inputs, outputs, parameters. The matrix of 64 x 64 is packed;
// the bias and the neuron's parameters are 64 numbers each, and stay as wide as they were.
// WIDE: "prepared_bytes": {{174[0-9][0-9]}},
// NARROW: "inputs": [
// NARROW: "dtype": "f32"
// NARROW: "outputs": [
// NARROW: "dtype": "f32"
// NARROW: "params": [
// NARROW-COUNT-5: "dtype": "f32"
// NARROW: "prepared_bytes": {{92[0-9][0-9]}},
// NARROW: "states": [
// NARROW-NEXT: {
// NARROW-NEXT: "dtype": "[[TYPE]]",
// NARROW: "states_bytes": {
// NARROW-NEXT: "fixed": 128,

// Of the weights alone the states know nothing. 8 bits a weight, and a scale for each of 64 rows.
// WEIGHTS: "prepared_bytes": [[SIZE]]{{[0-9][0-9]}},
// WEIGHTS: "states": [
// WEIGHTS-NEXT: {
// WEIGHTS-NEXT: "dtype": "f32",
// WEIGHTS: "states_bytes": {
// WEIGHTS-NEXT: "fixed": 256,
ttc.model @net(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = ttc.linear "l" (%x) : tensor<64xf32> -> tensor<64xf32>
  %1 = ttc.neuron LIB "n" (%0) : tensor<64xf32>
  ttc.return %1 : tensor<64xf32>
}
