//===- TTCAdaptiveNeuronOps.td --------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ADAPTIVE_NEURON_OPS_TD
#define TTC_ADAPTIVE_NEURON_OPS_TD

include "dialect/TTCLayers.td"

def TTC_AdaptiveNeuronOp : TTC_StatefulLayerOp<"adaptive_neuron"> {
  let summary = "One step of spiking neurons whose threshold rises with their own events";
  let description = [{
    The states `mem` and `adapt` have the input's shape; the parameters are vectors along
    `dim` (default -1): `beta` and `rho` (sigmoid), the decays of the two, `threshold`
    and `kappa` (softplus), how far one adaptation lifts it.

      mem = mem beta + x
      s = quant(spike(mem - threshold - kappa adapt))
      mem = mem - s threshold;  adapt = adapt rho + s (1 - rho);  output = s

    `spike` and `quant` are as in `ttc.neuron`. Source of the rule: the LSNN of Bellec,
    Salaj, Subramoney, Legenstein and Maass, 2018, in the form of `ttc.neuron`.

    ```mlir
    ttc.model @adaptive(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %0 = ttc.adaptive_neuron "net.0" (%x) spike(heaviside) quant(round) : tensor<?x16xf32>
      ttc.return %0 : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$path, TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "-1">:$dim,
    DefaultValuedAttr<TTC_SpikeFnAttr, "::ttc::SpikeFn::Sigmoid4x">:$spike,
    DefaultValuedAttr<TTC_QuantizerAttr,
        "::ttc::QuantKind::Identity, ::llvm::APFloat(1.0)">:$quant);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)`
    oilist(`dim` `(` $dim `)` | `spike` `` $spike | `quant` `` $quant)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_ADAPTIVE_NEURON_OPS_TD
