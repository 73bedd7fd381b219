//===- TTCNormalizationOps.td ---------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_NORMALIZATION_OPS_TD
#define TTC_NORMALIZATION_OPS_TD

include "dialect/TTCLayers.td"

def TTC_BatchNormOp : TTC_ParamLayerOp<"batch_norm"> {
  let summary = "(x - mean) / √(var + eps) · weight + bias, with the statistics of training";
  let description = [{
    torch.nn.BatchNorm1d, 2d and 3d in eval mode. `dim` (default 1) has the n channels;
    `<path>.running_mean`, `<path>.running_var` and, unless `no_affine`, `<path>.weight`
    and `<path>.bias` are (n). `eps` is 1e-5 by default. What multiplies x and what is
    added to it are computed when the weights are known.

    ```mlir
    ttc.model @batch_norm(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
      %0 = ttc.batch_norm "net.0" (%x) : tensor<?x8x4x4xf32>
      ttc.return %0 : tensor<?x8x4x4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$dim,
                       DefaultValuedAttr<F64Attr, "1e-5">:$eps, UnitAttr:$no_affine);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)`
    oilist(`dim` `(` $dim `)` | `eps` `(` custom<Float>($eps) `)` | `no_affine` $no_affine)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_LayerNormOp : TTC_ParamLayerOp<"layer_norm"> {
  let summary = "(x - mean) / √(var + eps) · weight + bias, over the last dimensions";
  let description = [{
    torch.nn.LayerNorm: mean and variance over the last `dims` (default 1) dimensions.
    `<path>.weight` and `<path>.bias` have their shape; `no_bias` leaves the latter out,
    `no_affine` both. `eps` is 1e-5 by default.

    ```mlir
    ttc.model @layer_norm(%x: tensor<?x6x8xf32>) -> tensor<?x6x8xf32> {
      %0 = ttc.layer_norm "net.0" (%x) : tensor<?x6x8xf32>
      %1 = ttc.layer_norm "net.1" (%0) dims(2) eps(1.0e-3) no_bias : tensor<?x6x8xf32>
      ttc.return %1 : tensor<?x6x8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$dims,
                       DefaultValuedAttr<F64Attr, "1e-5">:$eps, UnitAttr:$no_affine,
                       UnitAttr:$no_bias);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)`
    oilist(`dims` `(` $dims `)` | `eps` `(` custom<Float>($eps) `)` | `no_affine` $no_affine
      | `no_bias` $no_bias)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_RMSNormOp : TTC_ParamLayerOp<"rms_norm"> {
  let summary = "x / √(mean x² + eps) · weight, over the last dimensions";
  let description = [{
    torch.nn.RMSNorm over the last `dims` (default 1) dimensions (Zhang and Sennrich,
    2019). `<path>.weight` has their shape, unless `no_affine`. `eps` is 1e-5 by default.

    ```mlir
    ttc.model @rms_norm(%x: tensor<?x6x8xf32>) -> tensor<?x6x8xf32> {
      %0 = ttc.rms_norm "net.0" (%x) eps(1.0e-6) : tensor<?x6x8xf32>
      ttc.return %0 : tensor<?x6x8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$dims,
                       DefaultValuedAttr<F64Attr, "1e-5">:$eps, UnitAttr:$no_affine);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)`
    oilist(`dims` `(` $dims `)` | `eps` `(` custom<Float>($eps) `)` | `no_affine` $no_affine)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_GroupNormOp : TTC_ParamLayerOp<"group_norm"> {
  let summary = "(x - mean) / √(var + eps) · weight + bias, over groups of channels";
  let description = [{
    torch.nn.GroupNorm: the n channels along `dim` (default 1) are `groups` groups; mean
    and variance are those of a group with all dimensions behind `dim`. With n groups it
    is torch.nn.InstanceNorm. `<path>.weight` and `<path>.bias` are (n), unless
    `no_affine`. `eps` is 1e-5 by default.

    ```mlir
    ttc.model @group_norm(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
      %0 = ttc.group_norm "net.0" (%x) groups(4) : tensor<?x8x4x4xf32>
      ttc.return %0 : tensor<?x8x4x4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, I64Attr:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$dim,
                       DefaultValuedAttr<F64Attr, "1e-5">:$eps, UnitAttr:$no_affine);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` `groups` `(` $groups `)`
    oilist(`dim` `(` $dim `)` | `eps` `(` custom<Float>($eps) `)` | `no_affine` $no_affine)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_NORMALIZATION_OPS_TD
