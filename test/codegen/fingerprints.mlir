// Which models have the same fingerprint, and which do not?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t
// RUN: ttc %t/net.mlir --emit=json > %t/net.json
// RUN: ttc %t/respelled.mlir --emit=json > %t/respelled.json
// RUN: ttc %t/other-layer.mlir --emit=json > %t/other-layer.json
// RUN: ttc %t/other-state.mlir --emit=json > %t/other-state.json
// RUN: ttc %t/net.mlir --emit=json --batch=8 > %t/batch.json

// The schema is the table of states, the fingerprint of a model all that it says; neither
// depends on spelling, the batch that a model is compiled for, or the target.
// RUN: grep model_fingerprint %t/net.json > %t/model && grep schema_fingerprint %t/net.json > %t/schema
// RUN: grep -Ff %t/model %t/respelled.json && grep -Ff %t/schema %t/respelled.json
// RUN: grep -Ff %t/model %t/batch.json && grep -Ff %t/schema %t/batch.json
// RUN: not grep -Ff %t/model %t/other-layer.json && grep -Ff %t/schema %t/other-layer.json
// RUN: not grep -Ff %t/model %t/other-state.json && not grep -Ff %t/schema %t/other-state.json

//--- net.mlir
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  %1 = ttc.activation relu (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

//--- respelled.mlir
// A comment, other names of values, a default that is written out.
module {
  ttc.model @net(%input: tensor<?x4xf32>) -> (tensor<?x4xf32>) {
    %membrane = ttc.neuron LI "n" (%input) dim(-1) : tensor<?x4xf32>
    %rectified = ttc.activation relu (%membrane) : tensor<?x4xf32>
    ttc.return %rectified : tensor<?x4xf32>
  }
}

//--- other-layer.mlir
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron LI "n" (%x) : tensor<?x4xf32>
  %1 = ttc.activation tanh (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}

//--- other-state.mlir
ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron SLI "n" (%x) : tensor<?x4xf32>
  %1 = ttc.activation relu (%0) : tensor<?x4xf32>
  ttc.return %1 : tensor<?x4xf32>
}
