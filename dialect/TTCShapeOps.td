//===- TTCShapeOps.td -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SHAPE_OPS_TD
#define TTC_SHAPE_OPS_TD

include "dialect/TTCLayers.td"

def TTC_FlattenOp : TTC_LayerOp<"flatten"> {
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

def TTC_ReshapeOp : TTC_LayerOp<"reshape"> {
  let summary = "The same elements in the same order, in another shape";
  let description = [{
    torch.reshape. A dynamic batch stays the leading dimension, alone.

    ```mlir
    ttc.model @reshape(%x: tensor<?x6x4xf32>) -> tensor<?x2x12xf32> {
      %0 = ttc.reshape (%x) : tensor<?x6x4xf32> -> tensor<?x2x12xf32>
      ttc.return %0 : tensor<?x2x12xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_PermuteOp : TTC_LayerOp<"permute"> {
  let summary = "Dimensions in another order";
  let description = [{
    torch.permute: dimension i of the result is `permutation[i]` of the input. A dynamic
    batch stays in front.

    ```mlir
    ttc.model @permute(%x: tensor<?x6x4xf32>) -> tensor<?x4x6xf32> {
      %0 = ttc.permute (%x) [0, 2, 1] : tensor<?x6x4xf32> -> tensor<?x4x6xf32>
      ttc.return %0 : tensor<?x4x6xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` $permutation attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_SliceOp : TTC_LayerOp<"slice"> {
  let summary = "Some of the elements along a dimension";
  let description = [{
    x[…, start::step, …] along `dim`, as many as the result has. `step` is 1 by default.

    ```mlir
    ttc.model @slice(%x: tensor<?x10xf32>) -> tensor<?x3xf32> {
      %0 = ttc.slice (%x) dim(1) start(2) step(3) : tensor<?x10xf32> -> tensor<?x3xf32>
      ttc.return %0 : tensor<?x3xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, I64Attr:$dim, I64Attr:$start,
                       DefaultValuedAttr<I64Attr, "1">:$step);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` `dim` `(` $dim `)` `start` `(` $start `)` (`step` `(` $step^ `)`)?
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_ConcatOp : TTC_LayerOp<"concat"> {
  let summary = "Tensors one behind the other along a dimension";
  let description = [{
    torch.cat along `dim`, which is not the dynamic batch.

    ```mlir
    ttc.model @concat(%a: tensor<?x3xf32>, %b: tensor<?x4xf32>) -> tensor<?x7xf32> {
      %0 = ttc.concat (%a, %b) dim(1) : tensor<?x3xf32>, tensor<?x4xf32> -> tensor<?x7xf32>
      ttc.return %0 : tensor<?x7xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<TTC_Tensor>:$inputs, I64Attr:$dim);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $inputs `)` `dim` `(` $dim `)` attr-dict
    `:` type($inputs) `->` type($output)
  }];
  let hasVerifier = 1;
}

def TTC_BroadcastOp : TTC_LayerOp<"broadcast"> {
  let summary = "Sizes of 1, and missing dimensions in front, grown";
  let description = [{
    torch.expand. Where the result has a dynamic batch and the input none, it is the
    batch of the model's inputs.

    ```mlir
    ttc.model @broadcast(%x: tensor<?x1x4xf32>) -> tensor<?x3x4xf32> {
      %0 = ttc.broadcast (%x) : tensor<?x1x4xf32> -> tensor<?x3x4xf32>
      ttc.return %0 : tensor<?x3x4xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_PadOp : TTC_LayerOp<"pad"> {
  let summary = "A constant in front of and behind a tensor's elements";
  let description = [{
    torch.nn.functional.pad with a constant `value` (default 0): `low[i]` elements in
    front of dimension i and `high[i]` behind it; none along a dynamic batch.

    ```mlir
    ttc.model @pad(%x: tensor<?x10xf32>) -> tensor<?x13xf32> {
      %0 = ttc.pad (%x) low([0, 1]) high([0, 2]) value(-1.0) : tensor<?x10xf32> -> tensor<?x13xf32>
      ttc.return %0 : tensor<?x13xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, DenseI64ArrayAttr:$low,
                       DenseI64ArrayAttr:$high,
                       DefaultValuedAttr<F64Attr, "0.0">:$value);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` `low` `(` $low `)` `high` `(` $high `)`
    (`value` `(` custom<Float>($value)^ `)`)? attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_SHAPE_OPS_TD
