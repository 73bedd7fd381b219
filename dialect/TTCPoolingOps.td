//===- TTCPoolingOps.td ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_POOLING_OPS_TD
#define TTC_POOLING_OPS_TD

include "dialect/TTCLayers.td"

def TTC_PoolOp : TTC_LayerOp<"pool"> {
  let summary = "The largest element, or the mean, of each window";
  let description = [{
    A window of `kernel` slides over the last dimensions of `x`, as many as it has sizes,
    in steps of `stride` (default: the kernel). `padding` (default 0) goes around `x`,
    at most half of a window at an end: no maximum comes from there, but a mean counts it
    as zeros, unless `exclude_padding`. The result's type says whether the number of
    windows is rounded down, or up with the last window cut off (PyTorch's ceil_mode).

    torch.nn.MaxPool1d, 2d, 3d and AvgPool1d, 2d, 3d.

    ```mlir
    ttc.model @pools(%x: tensor<?x3x31x31xf32>) -> tensor<?x3x8x8xf32> {
      %0 = ttc.pool max (%x) kernel([2, 2]) : tensor<?x3x31x31xf32> -> tensor<?x3x15x15xf32>
      %1 = ttc.pool average (%0) kernel([3, 3]) stride([2, 2]) padding([1, 1]) exclude_padding
          : tensor<?x3x15x15xf32> -> tensor<?x3x8x8xf32>
      ttc.return %1 : tensor<?x3x8x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_PoolAttr:$kind, TTC_Tensor:$input, DenseI64ArrayAttr:$kernel,
                       OptionalAttr<DenseI64ArrayAttr>:$stride,
                       OptionalAttr<DenseI64ArrayAttr>:$padding,
                       OptionalAttr<DenseI64ArrayAttr>:$padding_high,
                       OptionalAttr<DenseI64ArrayAttr>:$dilation,
                       UnitAttr:$exclude_padding);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $input `)` `kernel` `(` $kernel `)`
    oilist(`stride` `(` custom<Sizes>($stride) `)` | `padding` `(` custom<Padding>($padding, $padding_high) `)`
      | `dilation` `(` custom<Sizes>($dilation) `)` | `exclude_padding` $exclude_padding)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_AdaptivePoolOp : TTC_LayerOp<"adaptive_pool"> {
  let summary = "The largest element, or the mean, of windows that share out a tensor";
  let description = [{
    Along each dimension of size n that the result has with size m, window i goes from
    ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, the end not included: torch.nn.AdaptiveMaxPool1d, 2d,
    3d and AdaptiveAvgPool1d, 2d, 3d.

    ```mlir
    ttc.model @adaptive(%x: tensor<?x3x31x31xf32>) -> tensor<?x3x1x1xf32> {
      %0 = ttc.adaptive_pool max (%x) : tensor<?x3x31x31xf32> -> tensor<?x3x7x7xf32>
      %1 = ttc.adaptive_pool average (%0) : tensor<?x3x7x7xf32> -> tensor<?x3x1x1xf32>
      ttc.return %1 : tensor<?x3x1x1xf32>
    }
    ```
  }];
  let arguments = (ins TTC_PoolAttr:$kind, TTC_Tensor:$input);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $input `)` attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_POOLING_OPS_TD
