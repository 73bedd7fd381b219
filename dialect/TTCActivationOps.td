//===- TTCActivationOps.td ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ACTIVATION_OPS_TD
#define TTC_ACTIVATION_OPS_TD

include "dialect/TTCLayers.td"

def TTC_ActivationOp : TTC_LayerOp<"activation"> {
  let summary = "An elementwise function";
  let description = [{
    As in torch.nn.functional, with its defaults. `alpha` is the slope of leaky_relu below
    0 (default 0.01) and the scale of elu and celu (default 1). gelu is the exact form,
    gelu_tanh the approximate one; softplus is log(1 + exp(beta x)) / beta with `beta` 1
    by default, and x itself where beta x is above `threshold`, if there is one (PyTorch's
    20 changes no result); hardtanh clips to [-1, 1], `ttc.clamp` to others.

    ```mlir
    ttc.model @activations(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %0 = ttc.activation relu (%x) : tensor<?x8xf32>
      %1 = ttc.activation leaky_relu (%0) alpha(0.2) : tensor<?x8xf32>
      %2 = ttc.activation softplus (%1) beta(2.0) threshold(20.0) : tensor<?x8xf32>
      ttc.return %2 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_ActivationAttr:$kind, TTC_Tensor:$input,
                       OptionalAttr<F64Attr>:$alpha, OptionalAttr<F64Attr>:$beta,
                       OptionalAttr<F64Attr>:$threshold);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $input `)`
    oilist(`alpha` `(` custom<Float>($alpha) `)` | `beta` `(` custom<Float>($beta) `)`
      | `threshold` `(` custom<Float>($threshold) `)`)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The function of one element.
    ::mlir::Value build(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Value x);
  }];
}

def TTC_PReLUOp : TTC_ParamLayerOp<"prelu"> {
  let summary = "x where it is positive, else weight · x";
  let description = [{
    torch.nn.PReLU. With `dim`, `<path>.weight` is a vector along that dimension;
    without, it is one value, (1).

    ```mlir
    ttc.model @prelu(%x: tensor<?x8x4xf32>) -> tensor<?x8x4xf32> {
      %0 = ttc.prelu "net.0" (%x) : tensor<?x8x4xf32>
      %1 = ttc.prelu "net.1" (%0) dim(1) : tensor<?x8x4xf32>
      ttc.return %1 : tensor<?x8x4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, OptionalAttr<I64Attr>:$dim);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` (`dim` `(` $dim^ `)`)? attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_ACTIVATION_OPS_TD
