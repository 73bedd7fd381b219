//===- TTCElementwiseOps.td -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ELEMENTWISE_OPS_TD
#define TTC_ELEMENTWISE_OPS_TD

include "dialect/TTCLayers.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def TTC_CompareOp : TTC_LayerOp<"compare", [SameOperandsAndResultType]> {
  let summary = "1 where a comparison holds, else 0";
  let description = [{
    eq, ne, lt, le, gt or ge of two tensors of one type. A NaN is unequal to everything,
    and neither less nor greater.

    ```mlir
    ttc.model @compare(%a: tensor<?x8xf32>, %b: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %0 = ttc.compare ge (%a, %b) : tensor<?x8xf32>
      ttc.return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_ComparisonAttr:$kind, TTC_Tensor:$lhs, TTC_Tensor:$rhs);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $lhs `,` $rhs `)` attr-dict `:` type($output)
  }];
}

def TTC_WhereOp : TTC_LayerOp<"where", [SameOperandsAndResultType]> {
  let summary = "One of two tensors' elements, as a third says";
  let description = [{
    `a` where `condition` is not 0, else `b`. A NaN is not 0.

    ```mlir
    ttc.model @where(%c: tensor<?x8xf32>, %a: tensor<?x8xf32>, %b: tensor<?x8xf32>)
        -> tensor<?x8xf32> {
      %0 = ttc.where (%c, %a, %b) : tensor<?x8xf32>
      ttc.return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$condition, TTC_Tensor:$a, TTC_Tensor:$b);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $condition `,` $a `,` $b `)` attr-dict `:` type($output)
  }];
}

def TTC_ClampOp : TTC_LayerOp<"clamp", [SameOperandsAndResultType]> {
  let summary = "Elements raised to a smallest and lowered to a largest value";
  let description = [{
    min(max(x, `min`), `max`), of which one may be missing: torch.clamp. A NaN stays one.

    ```mlir
    ttc.model @clamp(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %0 = ttc.clamp (%x) min(0.0) max(6.0) : tensor<?x8xf32>
      ttc.return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, OptionalAttr<F64Attr>:$min,
                       OptionalAttr<F64Attr>:$max);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)`
    oilist(`min` `(` custom<Float>($min) `)` | `max` `(` custom<Float>($max) `)`)
    attr-dict `:` type($output)
  }];
  let hasVerifier = 1;
}

def TTC_FillOp : TTC_LayerOp<"fill", [SameOperandsAndResultType]> {
  let summary = "A tensor of one value";
  let description = [{
    Of the shape and type of `like`, whose elements are not read. This is how a constant
    with a dynamic batch is written.

    ```mlir
    ttc.model @half(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %half = ttc.fill 0.5 like (%x) : tensor<?x8xf32>
      %0 = arith.mulf %x, %half : tensor<?x8xf32>
      ttc.return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins F64Attr:$value, TTC_Tensor:$like);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    custom<Float>($value) `like` ` ` `(` $like `)` attr-dict `:` type($output)
  }];
}

#endif // TTC_ELEMENTWISE_OPS_TD
