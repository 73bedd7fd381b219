//===- TTCReductionOps.td -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_REDUCTION_OPS_TD
#define TTC_REDUCTION_OPS_TD

include "dialect/TTCLayers.td"

def TTC_AggregateOp : TTC_LayerOp<"aggregate"> {
  let summary = "The sum, mean, largest or smallest element along some dimensions";
  let description = [{
    torch.sum, mean, amax and amin over `dims`, which disappear or, with `keep`, become
    of size 1. None of them is a dynamic batch. The largest or smallest of elements with
    a NaN is NaN.

    ```mlir
    ttc.model @aggregate(%x: tensor<?x6x4xf32>) -> tensor<?xf32> {
      %0 = ttc.aggregate max (%x) dims([2]) keep : tensor<?x6x4xf32> -> tensor<?x6x1xf32>
      %1 = ttc.aggregate mean (%0) dims([1, -1]) : tensor<?x6x1xf32> -> tensor<?xf32>
      ttc.return %1 : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins TTC_AggregateAttr:$kind, TTC_Tensor:$input,
                       DenseI64ArrayAttr:$dims, UnitAttr:$keep);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind ` ` `(` $input `)` `dims` `(` $dims `)` (`keep` $keep^)? attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_SoftmaxOp : TTC_LayerOp<"softmax"> {
  let summary = "exp(x - max x) / Σ exp(x - max x) along a dimension";
  let description = [{
    torch.softmax along `dim` (default -1), whose size is static.

    ```mlir
    ttc.model @softmax(%x: tensor<?x10x3xf32>) -> tensor<?x10x3xf32> {
      %0 = ttc.softmax (%x) dim(1) : tensor<?x10x3xf32>
      ttc.return %0 : tensor<?x10x3xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "-1">:$dim);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` (`dim` `(` $dim^ `)`)? attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_LogSoftmaxOp : TTC_LayerOp<"log_softmax"> {
  let summary = "x - max x - log Σ exp(x - max x) along a dimension";
  let description = [{
    torch.log_softmax along `dim` (default -1), whose size is static.

    ```mlir
    ttc.model @log_softmax(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
      %0 = ttc.log_softmax (%x) : tensor<?x10xf32>
      ttc.return %0 : tensor<?x10xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "-1">:$dim);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $input `)` (`dim` `(` $dim^ `)`)? attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

#endif // TTC_REDUCTION_OPS_TD
