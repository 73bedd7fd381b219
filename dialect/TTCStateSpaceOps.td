//===- TTCStateSpaceOps.td ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STATE_SPACE_OPS_TD
#define TTC_STATE_SPACE_OPS_TD

include "dialect/TTCLayers.td"

/// A layer of n features along `dim`, whose states have a further dimension of
/// `d_state` at the end.
class TTC_StateSpaceOp<string mnemonic> : TTC_StatefulLayerOp<mnemonic> {
  let results = (outs TTC_Tensor:$output);
  let hasVerifier = 1;
}

def TTC_S4Op : TTC_StateSpaceOp<"s4"> {
  let summary = "One step of a diagonal state-space layer, a state for each feature";
  let description = [{
    `x` has n features along `dim` (default -1); the result has its type, the state
    `state` its shape and d = `d_state` (default 64) more at the end. Parameters: `A_log`, `B`, `C`
    (n, d), `D`, `log_dt` (n).

      dt = exp(log_dt);  A = -exp(A_log);  Ā = exp(dt A);  B̄ = (exp(dt A) - 1) / A · B
      state = state Ā + B̄ x;  y = Σ_d state C + x D

    Ā and B̄ are computed when the weights are known, B̄ through expm1, so that a small
    dt A loses nothing. Source: the package traceTorch 0.19.2, tracetorch.ssm.S4 (zero-
    order hold; Gu, Goel and Ré, 2022).

    ```mlir
    ttc.model @s4(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %0 = ttc.s4 "net.0" (%x) d_state(64) : tensor<?x16xf32>
      ttc.return %0 : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "64">:$d_state,
                       DefaultValuedAttr<I64Attr, "-1">:$dim);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` oilist(`d_state` `(` $d_state `)` | `dim` `(` $dim `)`)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
}

def TTC_S5Op : TTC_StateSpaceOp<"s5"> {
  let summary = "One step of a diagonal state-space layer, one state for all features";
  let description = [{
    As `ttc.s4`, but the state `global_state` is the input's with d =
    `d_state` (default 64) in the place of the n features. Parameters: `A_log` (d), `B` (n, d), `C` (d, n), `D` (n),
    `log_dt` (1).

      state = state Ā + (exp(dt A) - 1) / A · (x B);  y = state C + x D

    Source: the package traceTorch 0.19.2, tracetorch.ssm.S5.

    ```mlir
    ttc.model @s5(%x: tensor<?x16x4xf32>) -> tensor<?x16x4xf32> {
      %0 = ttc.s5 "net.0" (%x) d_state(8) dim(1) : tensor<?x16x4xf32>
      ttc.return %0 : tensor<?x16x4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "64">:$d_state,
                       DefaultValuedAttr<I64Attr, "-1">:$dim);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` oilist(`d_state` `(` $d_state `)` | `dim` `(` $dim `)`)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
}

def TTC_S6Op : TTC_StateSpaceOp<"s6"> {
  let summary = "One step of a selective state-space layer";
  let description = [{
    `x` has n features along `dim` (default -1); the result has its type, the state
    `state` its shape and d = `d_state` (default 16) more at the end. With r =
    `dt_rank` (default max(1, n / 16)), parameters: `x_proj.weight` (r + 2d, n), `dt_proj.weight` (n, r), `dt_proj.bias` (n), `A_log`
    (n, d), `D` (n).

      t, B, C = the r, d and d rows of x_proj x;  dt = softplus(dt_proj t)
      A = -exp(A_log);  Ā = exp(dt A);  B̄ = (Ā - 1) / (A + 1e-12) · B
      state = state Ā + B̄ x;  y = Σ_d state C + x D

    Source: the package traceTorch 0.19.2, tracetorch.ssm.S6 (Gu and Dao, 2023).

    ```mlir
    ttc.model @s6(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %0 = ttc.s6 "net.0" (%x) d_state(16) dt_rank(4) : tensor<?x64xf32>
      ttc.return %0 : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "16">:$d_state,
                       OptionalAttr<I64Attr>:$dt_rank,
                       DefaultValuedAttr<I64Attr, "-1">:$dim);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` oilist(`d_state` `(` $d_state `)` | `dt_rank` `(` $dt_rank `)` | `dim` `(` $dim `)`)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let extraClassDeclaration = [{
    int64_t getTimestepRank();
  }];
}

def TTC_MambaOp : TTC_StateSpaceOp<"mamba"> {
  let summary = "One step of a Mamba block";
  let description = [{
    `x` has n features along `dim` (default -1); the result has its type. With r =
    `dt_rank` (default max(1, n / 16)), d = `d_state` (default 16) and k = `conv_kernel`
    (default 4), parameters: `in_proj.weight`
    (2n, n), `conv_weights` (n, k) and `conv_bias` (n) if k > 1, `ssm_proj.weight`
    (r + 2d, n), `dt_proj.weight` (n, r), `dt_proj.bias` (n), `A_log` (n, d), `D` (n),
    `out_proj.weight` (n, n). The states `ssm_state` and, if k > 1, `conv_buffer` have
    the input's shape and d, or k, more at the end.

      main, gate = halves of in_proj x
      conv_buffer = conv_buffer without its first, and main at its end
      c = silu(Σ_k conv_buffer conv_weights + conv_bias), or silu(main) if k is not > 1
      y = the step of ttc.s6 on c, with ssm_proj
      output = out_proj(y silu(gate)) + x

    Source: the package traceTorch 0.19.2, tracetorch.ssm.Mamba (Gu and Dao, 2023).

    ```mlir
    ttc.model @mamba(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %0 = ttc.mamba "net.0" (%x) d_state(16) dt_rank(4) : tensor<?x64xf32>
      %1 = ttc.mamba "net.1" (%0) d_state(16) dt_rank(4) conv_kernel(1) : tensor<?x64xf32>
      ttc.return %1 : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$path, TTC_Tensor:$input, DefaultValuedAttr<I64Attr, "16">:$d_state,
                       OptionalAttr<I64Attr>:$dt_rank,
                       DefaultValuedAttr<I64Attr, "4">:$conv_kernel,
                       DefaultValuedAttr<I64Attr, "-1">:$dim);
  let assemblyFormat = [{
    $path ` ` `(` $input `)` oilist(`d_state` `(` $d_state `)` | `dt_rank` `(` $dt_rank `)`
      | `conv_kernel` `(` $conv_kernel `)` | `dim` `(` $dim `)`)
    attr-dict `:` custom<LayerTypes>(type($input), type($output))
  }];
  let extraClassDeclaration = [{
    int64_t getTimestepRank();
    /// Whether there is a convolution over the last timesteps.
    bool hasConvolution() { return int64_t(getConvKernel()) > 1; }
  }];
}

#endif // TTC_STATE_SPACE_OPS_TD
