// Does a compiled model run over an input, stop, resume bit for bit, and compare?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 10 3 4
// RUN: ttc %s --weights net.safetensors -o libnet.so
// RUN: ttc-run ./libnet.so --input x.npy --output whole.npy --save-states whole.safetensors

// Five timesteps and five more, in a new process, are ten.
// RUN: ttc-run ./libnet.so --input x.npy --steps 5 --output first.npy --save-states half.safetensors
// RUN: ttc-run ./libnet.so --input x.npy --skip 5 --load-states half.safetensors --compare whole.npy --exact \
// RUN:   --save-states resumed.safetensors | FileCheck %s --check-prefix=RESUMED
// RESUMED: compare: output 'output0' agrees with 'whole.npy' to the bit over 5 timesteps
// RUN: ttc-state diff whole.safetensors resumed.safetensors

// Without the states it would not be: the test above can fail.
// RUN: not ttc-run ./libnet.so --input x.npy --skip 5 --compare whole.npy --exact | FileCheck %s --check-prefix=FORGOT
// FORGOT: compare: output 'output0' differs from 'whole.npy' (to the bit): at timestep 5,

// A block of timesteps at once has the same bits; so has a model compiled for its batch,
// and one that is given its weights at load.
// RUN: ttc-run ./libnet.so --input x.npy --block 4 --compare whole.npy --exact
// RUN: ttc %s --batch=3 --weights net.safetensors -o libthree.so
// RUN: ttc-run ./libthree.so --input x.npy --compare whole.npy --exact
// RUN: ttc-run ./libthree.so --input x.npy --skip 5 --load-states half.safetensors --compare whole.npy --exact
// RUN: ttc %s -o libbare.so
// RUN: ttc-run ./libbare.so --weights net.safetensors --input x.npy --compare whole.npy --exact

// So have several threads, where the model was compiled for them.
// RUN: ttc %s --weights net.safetensors --threads=2 -o libshared.so
// RUN: ttc-run ./libshared.so --threads 2 --input x.npy --compare whole.npy --exact
// RUN: ttc-run ./libshared.so --threads 2 --block 4 --input x.npy --skip 5 --load-states half.safetensors \
// RUN:   --compare whole.npy --exact
// RUN: not ttc-run ./libnet.so --threads 2 --input x.npy 2>&1 | FileCheck %s --check-prefix=THREADS
// THREADS: error: The model {{.*}} was compiled for one thread, 2 were asked for. Compile it with --threads=2, or ask for 1.

// A program with the model inside takes the same options.
// RUN: ttc %s --weights net.safetensors --emit=exe -o net
// RUN: ./net --input x.npy --compare whole.npy --exact

// M24. States of another model are refused by name.
// RUN: sed 's/LIB "n"/SLIB "n"/' %s > other.mlir
// RUN: ttc other.mlir --emit=json | %python %S/Inputs/write_weights.py other.safetensors
// RUN: ttc other.mlir --weights other.safetensors -o libother.so
// RUN: not ttc-run ./libother.so --input x.npy --load-states half.safetensors 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: ttc-run: error: The states file 'half.safetensors' was written by the model 'net', whose table of states ('{{[0-9a-f]+}}') is not that of the model 'net' ('{{[0-9a-f]+}}').
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x6xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x4xf32> -> tensor<?x6xf32>
  %1 = ttc.neuron LIB "n" (%0) : tensor<?x6xf32>
  ttc.return %1 : tensor<?x6xf32>
}
