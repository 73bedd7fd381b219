// What does ttc-state tell of the states that a run has left?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: ttc %s --emit=json | %python %S/Inputs/write_weights.py net.safetensors
// RUN: %python %S/Inputs/write_npy.py x.npy 10 3 4
// RUN: ttc %s --weights net.safetensors -o libnet.so
// RUN: ttc-run ./libnet.so --input x.npy --save-states a.safetensors
// RUN: ttc-run ./libnet.so --input x.npy --steps 9 --save-states b.safetensors

// One line a tensor, in order of key.
// RUN: ttc-state list a.safetensors | FileCheck %s --check-prefix=LIST --implicit-check-not='{{.}}'
// LIST: {{^}}clock F32 [1] 4 bytes{{$}}
// LIST: {{^}}n.mem F32 [3,4] 48 bytes{{$}}
// LIST: {{^}}n.prev_output F32 [3,4] 48 bytes{{$}}
// LIST: {{^}}n.rec F32 [3,4] 48 bytes{{$}}
// LIST: {{^}}4 tensors, 148 bytes{{$}}
// RUN: ttc-state list net.safetensors | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: {{^}}n.raw_beta F32 [4] 16 bytes{{$}}

// RUN: ttc-state show a.safetensors clock | FileCheck %s --check-prefix=SHOW
// SHOW: clock F32 [1]
// SHOW: min 10 max 10 mean 10 std 0
// SHOW: first values 10

// RUN: ttc-state diff a.safetensors a.safetensors
// RUN: not ttc-state diff a.safetensors b.safetensors | FileCheck %s --check-prefix=DIFF
// DIFF: clock: 1 of 1 elements differ; the first at [0] is 10 and 9; the largest difference, 1, is at [0], the largest relative one, 0.1, at [0]
// RUN: not ttc-state diff a.safetensors b.safetensors --json | FileCheck %s --check-prefix=JSON
// JSON: "name":"clock","bits_equal":false,"differing":1,"elements":1

// RUN: ttc-state verify a.safetensors | FileCheck %s --check-prefix=VERIFY
// VERIFY: 'a.safetensors' is whole
// RUN: %python -c "d = bytearray(open('a.safetensors', 'rb').read()); d[-1] ^= 1; open('bad.safetensors', 'wb').write(d)"
// RUN: (ttc-state verify bad.safetensors 2> error.txt; test $? -eq 1)
// RUN: FileCheck %s --check-prefix=DAMAGED --input-file=error.txt
// DAMAGED: ttc-state: error: The states file 'bad.safetensors' is damaged: 'n.rec' has the checksum
// RUN: (ttc-state list missing.safetensors 2> /dev/null; test $? -eq 2)
// RUN: not ttc-state list missing.safetensors 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: ttc-state: error: There is no file 'missing.safetensors'. [NotFound]

// A state of the user's own beside a layer's.
ttc.state @clock : tensor<1xf32>
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %one = ttc.neuron RLIB "n" (%x) : tensor<?x4xf32>
  %old = ttc.read @clock : tensor<1xf32>
  %new = linalg.map ins(%old : tensor<1xf32>) outs(%old : tensor<1xf32>)
    (%a: f32, %b: f32) {
      %tick = arith.constant 1.0 : f32
      %sum = arith.addf %a, %tick : f32
      linalg.yield %sum : f32
    }
  ttc.write %new, @clock : tensor<1xf32>
  ttc.return %one : tensor<?x4xf32>
}
