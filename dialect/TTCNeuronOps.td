//===- TTCNeuronOps.td ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_NEURON_OPS_TD
#define TTC_NEURON_OPS_TD

include "dialect/TTCLayers.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def TTC_NeuronOp : TTC_StatefulLayerOp<"neuron", [SameOperandsAndResultType]> {
  let summary = "One step of a layer of spiking or integrating neurons";
  let description = [{
    The whole family `[D][S][R]LI[EMA|B|T|TS]` is one rule, and the kind is read letter
    by letter: D splits input and membrane into a positive and a negative branch, S puts a
    synapse before the membrane, R feeds the previous output back; LI integrates, EMA
    averages, B fires at one threshold, T at a positive and a negative one, TS scales
    those two events.

    `dim` is the dimension of the neurons: every parameter is a vector along it, or, if
    named in `scalar`, a scalar. Firing kinds send the distance to the threshold through
    `spike` (default sigmoid4x, that is sigmoid(4v); heaviside is 1 where v >= 0), then
    through `quant` (default identity). Events s in [0, 1] lower the membrane by their
    thresholds; with `reset(zero)` or `reset(value, v)` they bring it to 0 or to v
    instead: mem (1 - s) + s v, or half of v in each of two branches. T and TS reset by
    the sum of both events.

    Source of the rule: the package traceTorch 0.19.2, tracetorch.snn.

    ```mlir
    ttc.model @neurons(%x: tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32> {
      %0 = ttc.neuron DSRLITS "net.0" (%x) dim(-3) : tensor<?x16x8x8xf32>
      %1 = ttc.neuron LIB "net.1" (%0) dim(1) spike(sigmoid) quant(round, 0.5) scalar(["beta"])
          : tensor<?x16x8x8xf32>
      %2 = ttc.neuron LIT "net.2" (%1) quant(stochastic_round) reset(value, -0.1) dim(1)
          : tensor<?x16x8x8xf32>
      ttc.return %2 : tensor<?x16x8x8xf32>
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$kind, StrAttr:$path, TTC_Tensor:$input,
    DefaultValuedAttr<I64Attr, "-1">:$dim,
    DefaultValuedAttr<TTC_SpikeFnAttr, "::ttc::SpikeFn::Sigmoid4x">:$spike,
    DefaultValuedAttr<TTC_QuantizerAttr,
        "::ttc::QuantKind::Identity, ::llvm::APFloat(1.0)">:$quant,
    DefaultValuedAttr<TTC_ResetAttr,
        "::ttc::ResetKind::Subtract, ::llvm::APFloat(0.0)">:$reset,
    OptionalAttr<StrArrayAttr>:$scalar);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    custom<Keyword>($kind) $path ` ` `(` $input `)`
    oilist(`dim` `(` $dim `)` | `spike` `` $spike | `quant` `` $quant | `reset` `` $reset
      | `scalar` `(` $scalar `)`)
    attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimension of the neurons, counted from the front.
    int64_t getFeatureDim();
    int64_t getNumNeurons();
  }];
}

#endif // TTC_NEURON_OPS_TD
