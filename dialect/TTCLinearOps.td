//===- TTCLinearOps.td ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_LINEAR_OPS_TD
#define TTC_LINEAR_OPS_TD

include "dialect/TTCLayers.td"

def TTC_LinearOp : TTC_ParamLayerOp<"linear"> {
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

def TTC_MatmulOp : TTC_LayerOp<"matmul"> {
  let summary = "Products of matrices";
  let description = [{
    `a` is (…, m, k), `b` (…, k, n) with the same leading sizes, or (k, n) for all of
    them; the result is (…, m, n).

    ```mlir
    ttc.model @matmul(%q: tensor<?x6x4xf32>, %k: tensor<?x4x6xf32>) -> tensor<?x6x6xf32> {
      %0 = ttc.matmul (%q, %k) : tensor<?x6x4xf32>, tensor<?x4x6xf32> -> tensor<?x6x6xf32>
      ttc.return %0 : tensor<?x6x6xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$a, TTC_Tensor:$b);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $a `,` $b `)` attr-dict `:` type($a) `,` type($b) `->` type($output)
  }];
  let hasVerifier = 1;
}

def TTC_EmbeddingOp : TTC_ParamLayerOp<"embedding"> {
  let summary = "Rows of a table, by their numbers";
  let description = [{
    `ids` is (…), the result (…, n); `<path>.weight` is (`rows`, n): torch.nn.Embedding.
    Each number is at least 0 and below `rows`, which is checked before a step.

    ```mlir
    ttc.model @embedding(%ids: tensor<?xi64>) -> tensor<?x16xf32> {
      %0 = ttc.embedding "net.0" (%ids) rows(1000) : tensor<?xi64> -> tensor<?x16xf32>
      ttc.return %0 : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_IndexTensor:$ids, I64Attr:$rows);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    $path ` ` `(` $ids `)` `rows` `(` $rows `)` attr-dict
    `:` type($ids) `->` type($output)
  }];
  let hasVerifier = 1;
}

#endif // TTC_LINEAR_OPS_TD
