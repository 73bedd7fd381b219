//===- TTCRecurrentOps.td -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_RECURRENT_OPS_TD
#define TTC_RECURRENT_OPS_TD

include "dialect/TTCLayers.td"

def TTC_RNNOp : TTC_StatefulLayerOp<"rnn"> {
  let summary = "One step of a simple recurrent layer, an LSTM or a GRU over [H, x]";
  let description = [{
    `x` has `in` features along `dim` (default -1), the result `out`; the state H, and C
    of an LSTM, have the result's shape. Each matrix is a linear layer over the
    concatenation [H, x], in that order: its weight is (rows, out + in).

    | kind | parameters, of so many rows | step |
    |---|---|---|
    | simple | `lin` out | H = tanh(lin[H, x]) |
    | lstm | `gate_layers` 4 out | i, f, o, g = gate_layers[H, x]; C = σ(f) C + σ(i) tanh(g); H = σ(o) tanh(C) |
    | gru | `gate_layers` 2 out, `candidate_layer` out | r, u = σ(gate_layers[H, x]); c = tanh(candidate_layer[r H, x]); H = H (1 - u) + u c |

    The result is H. Source of the rules: the package traceTorch 0.19.2, tracetorch.rnn.
    Its GRU resets H before the product and weighs the candidate by u, unlike that of
    `ttc.torch_rnn`.

    ```mlir
    ttc.model @recurrent(%x: tensor<?x8x4x4xf32>) -> tensor<?x32x4x4xf32> {
      %0 = ttc.rnn lstm "net.0" (%x) dim(-3) : tensor<?x8x4x4xf32> -> tensor<?x16x4x4xf32>
      %1 = ttc.rnn gru "net.1" (%0) dim(1) : tensor<?x16x4x4xf32> -> tensor<?x32x4x4xf32>
      %2 = ttc.rnn simple "net.2" (%1) dim(1) : tensor<?x32x4x4xf32>
      ttc.return %2 : tensor<?x32x4x4xf32>
    }
    ```
  }];
  let arguments = (ins TTC_RNNKindAttr:$kind, StrAttr:$path, TTC_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "-1">:$dim);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind $path ` ` `(` $input `)` oilist(`dim` `(` $dim `)`) attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
}

def TTC_TorchRNNOp : TTC_StatefulLayerOp<"torch_rnn"> {
  let summary = "One step of torch.nn.RNN, LSTM or GRU, or of one of their cells";
  let description = [{
    `x` is (…, in), the result (…, out). Each of the `layers` (default 1) takes what the
    one below makes; the result is the last one's h. With k the layer's number, G = 1, 4
    or 3 gates, and in_k = in for the first layer, out for the others:

    | parameter | shape |
    |---|---|
    | `weight_ih_l<k>` | (G hidden, in_k) |
    | `weight_hh_l<k>` | (G hidden, out) |
    | `bias_ih_l<k>`, `bias_hh_l<k>`, without `no_bias` | (G hidden) |
    | `weight_hr_l<k>`, in an lstm whose out is not hidden | (out, hidden) |

    The states are `h`, (layers, …, out), and in an lstm `c`, (layers, …, hidden). A
    `cell` is one layer; its parameters lack the suffix `_l<k>`, its states the
    dimension of the layers.

      rnn_tanh, rnn_relu:  h = f(W_ih x + b_ih + W_hh h + b_hh)
      lstm:  i, f, g, o = chunks of W_ih x + b_ih + W_hh h + b_hh
             c = σ(f) c + σ(i) tanh(g);  h = σ(o) tanh(c), or W_hr of that
      gru:   r, z = σ of chunks of W_ih x + b_ih + W_hh h + b_hh
             n = tanh(W_in x + b_in + r (W_hn h + b_hn));  h = (h - n) z + n

    Source: the documentation of torch.nn.RNN, LSTM and GRU.

    ```mlir
    ttc.model @torch(%x: tensor<?x64xf32>) -> tensor<?x16xf32> {
      %0 = ttc.torch_rnn lstm "net.0" (%x) layers(2) hidden(32) : tensor<?x64xf32> -> tensor<?x16xf32>
      %1 = ttc.torch_rnn gru "net.1" (%0) hidden(16) no_bias cell : tensor<?x16xf32>
      ttc.return %1 : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins TTC_TorchRNNKindAttr:$kind, StrAttr:$path, TTC_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$layers, I64Attr:$hidden,
                       UnitAttr:$no_bias, UnitAttr:$cell);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `` $kind $path ` ` `(` $input `)` (`layers` `(` $layers^ `)`)? `hidden` `(` $hidden `)`
    oilist(`no_bias` $no_bias | `cell` $cell) attr-dict
    `:` custom<LayerTypes>(type($input), type($output))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether h is a projection of what the gates let out.
    bool isProjected();
  }];
}

#endif // TTC_RECURRENT_OPS_TD
