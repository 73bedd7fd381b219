//===- TTCConvolutionOps.td -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CONVOLUTION_OPS_TD
#define TTC_CONVOLUTION_OPS_TD

include "dialect/TTCLayers.td"

def TTC_ConvOp : TTC_ParamLayerOp<"conv"> {
  let summary = "A convolution, or a transposed one, over any number of spatial dimensions";
  let description = [{
    `x` is (…, C, spatial…), with as many spatial dimensions as `kernel` has sizes; the
    result is (…, F, spatial'…). torch.nn.Conv1d, 2d and 3d: `<path>.weight` is (F,
    C / groups, kernel…), `<path>.bias` (F) unless `no_bias`. `stride` and `dilation`
    are 1, `padding` 0 and `groups` 1 by default; `padding([low…], [high…])` pads the two
    ends differently. Each size of the result is

      (size + low + high - (dilation (kernel - 1) + 1)) / stride + 1, rounded down.

    `transposed` is torch.nn.ConvTranspose1d, 2d and 3d: `<path>.weight` is (C,
    F / groups, kernel…), and each size of the result is

      (size - 1) stride - low - high + dilation (kernel - 1) + 1 + output_padding,

    where the output padding, below the stride or the dilation, is what the result's type
    has more.

    ```mlir
    ttc.model @convolutions(%x: tensor<?x3x32x32xf32>) -> tensor<?x4x32x32xf32> {
      %0 = ttc.conv "net.0" (%x) kernel([3, 3]) stride([2, 2]) padding([1, 1])
          : tensor<?x3x32x32xf32> -> tensor<?x8x16x16xf32>
      %1 = ttc.conv "net.1" (%0) kernel([2, 2]) padding([0, 0], [1, 1]) groups(8) no_bias
          : tensor<?x8x16x16xf32>
      %2 = ttc.conv "net.2" (%1) kernel([2, 2]) stride([2, 2]) transposed
          : tensor<?x8x16x16xf32> -> tensor<?x4x32x32xf32>
      ttc.return %2 : tensor<?x4x32x32xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, DenseI64ArrayAttr:$kernel,
                       OptionalAttr<DenseI64ArrayAttr>:$stride,
                       OptionalAttr<DenseI64ArrayAttr>:$padding,
                       OptionalAttr<DenseI64ArrayAttr>:$padding_high,
                       OptionalAttr<DenseI64ArrayAttr>:$dilation,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       UnitAttr:$no_bias, UnitAttr:$transposed);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` `kernel` `(` $kernel `)`
    oilist(`stride` `(` custom<Sizes>($stride) `)` | `padding` `(` custom<Padding>($padding, $padding_high) `)`
      | `dilation` `(` custom<Sizes>($dilation) `)` | `groups` `(` $groups `)` | `no_bias` $no_bias
      | `transposed` $transposed)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_CONVOLUTION_OPS_TD
