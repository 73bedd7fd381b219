//===- TTCLayerOps.td -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_LAYER_OPS_TD
#define TTC_LAYER_OPS_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "dialect/TTCInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

/// A layer. Those that own states have effects on them, so that no layer of a model
/// is moved over another that shares its states, or dropped for an unused output.
class TTC_LayerOp<string mnemonic, list<Trait> traits = []>
    : TTC_Op<mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<LayerOpInterface>])>;

def TTC_LinearOp : TTC_LayerOp<"linear", [Pure]> {
  let summary = "y = x Wᵀ + b over the last dimension";
  let description = [{
    `x` is (…, in), `<path>.weight` (out, in), `<path>.bias` (out), the result (…, out):
    torch.nn.Linear. `no_bias` leaves the bias out.

    ```mlir
    ttc.model @linear(%x: tensor<?x3x64xf32>) -> tensor<?x3x10xf32> {
      %0 = ttc.linear "net.0" (%x) : tensor<?x3x64xf32> -> tensor<?x3x128xf32>
      %1 = ttc.linear "net.1" (%0) no_bias : tensor<?x3x128xf32> -> tensor<?x3x10xf32>
      ttc.return %1 : tensor<?x3x10xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, UnitAttr:$no_bias);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` (`no_bias` $no_bias^)? attr-dict
    `:` type($input) `->` type($output)
  }];
  let hasVerifier = 1;
}

def TTC_NeuronOp : TTC_LayerOp<"neuron", [
    SameOperandsAndResultType,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
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
    through `quant` (default identity). The reset subtracts.

    Source of the rule: the package traceTorch 0.19.2, tracetorch.snn.

    ```mlir
    ttc.model @neurons(%x: tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32> {
      %0 = ttc.neuron DSRLITS "net.0" (%x) dim(-3) : tensor<?x16x8x8xf32>
      %1 = ttc.neuron LIB "net.1" (%0) dim(1) spike(sigmoid) quant(round, 0.5) scalar(["beta"])
          : tensor<?x16x8x8xf32>
      ttc.return %1 : tensor<?x16x8x8xf32>
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$kind, StrAttr:$path, TTC_Tensor:$input,
    DefaultValuedAttr<I64Attr, "-1">:$dim,
    DefaultValuedAttr<TTC_SpikeFnAttr, "::ttc::SpikeFn::Sigmoid4x">:$spike,
    DefaultValuedAttr<TTC_QuantizerAttr,
        "::ttc::QuantKind::Identity, ::llvm::APFloat(1.0)">:$quant,
    OptionalAttr<StrArrayAttr>:$scalar);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    custom<Keyword>($kind) $path ` ` `(` $input `)`
    oilist(`dim` `(` $dim `)` | `spike` `` $spike | `quant` `` $quant | `scalar` `(` $scalar `)`)
    attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimension of the neurons, counted from the front.
    int64_t getFeatureDim();
    int64_t getNumNeurons();
  }];
}

def TTC_ActivationOp : TTC_LayerOp<"activation", [Pure, SameOperandsAndResultType]> {
  let summary = "An elementwise function";
  let description = [{
    As in torch.nn.functional, with its defaults. `alpha` is the slope of leaky_relu below
    0 (default 0.01) and the scale of elu (default 1). gelu is the exact form, gelu_tanh
    the approximate one; softplus is log(1 + exp(x)); hardtanh clips to [-1, 1].

    ```mlir
    ttc.model @activations(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %0 = ttc.activation relu (%x) : tensor<?x8xf32>
      %1 = ttc.activation leaky_relu (%0) alpha(0.2) : tensor<?x8xf32>
      ttc.return %1 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_ActivationAttr:$kind, TTC_Tensor:$input,
                       OptionalAttr<F64Attr>:$alpha);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $input `)` (`alpha` `(` $alpha^ `)`)? attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
}

def TTC_SoftmaxOp : TTC_LayerOp<"softmax", [Pure, SameOperandsAndResultType]> {
  let summary = "exp(x - max x) / Σ exp(x - max x) along the last dimension";
  let description = [{
    torch.nn.Softmax(dim=-1). The last dimension is static.

    ```mlir
    ttc.model @softmax(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
      %0 = ttc.softmax (%x) : tensor<?x10xf32>
      ttc.return %0 : tensor<?x10xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = "` ` `(` $input `)` attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def TTC_FlattenOp : TTC_LayerOp<"flatten", [Pure]> {
  let summary = "Makes one dimension of several";
  let description = [{
    `dims(first, last)`, both included, as torch.flatten; either may be negative. A
    dynamic batch cannot be flattened into another dimension.

    ```mlir
    ttc.model @flatten(%x: tensor<?x16x30x30xf32>) -> tensor<?x14400xf32> {
      %0 = ttc.flatten (%x) dims(1, -1) : tensor<?x16x30x30xf32> -> tensor<?x14400xf32>
      ttc.return %0 : tensor<?x14400xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, I64Attr:$first, I64Attr:$last);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` `dims` `(` $first `,` $last `)` attr-dict
    `:` type($input) `->` type($output)
  }];
  let hasVerifier = 1;
}

#endif // TTC_LAYER_OPS_TD
