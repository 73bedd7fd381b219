//===- TTCNestOps.td ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_NEST_OPS_TD
#define TTC_NEST_OPS_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/OpAsmInterface.td"

def TTC_QuantizeOp : TTC_Op<"quantize", [
    Pure, SameOperandsAndResultType, Elementwise, Scalarizable, Vectorizable,
    Tensorizable]> {
  let summary = "Turns the probability of firing into an event";
  let description = [{
    round is round(v / step) * step, ties to even. The stochastic ones compare with
    `uniform`, a number drawn from [0, 1): stochastic_round rounds down to a multiple of
    the step, and up with the probability of what is left; probabilistic keeps v with
    the probability v, else it is 0.

    It stays one op until it is lowered, since its derivative is not that of what it
    computes: the gradient passes through (that of probabilistic times 2 v).

    ```mlir
    func.func @event(%p: f32, %u: f32) -> f32 {
      %s = ttc.quantize(round, 0.5) %p : f32
      %t = ttc.quantize(stochastic_round) %s, %u : f32
      return %t : f32
    }
    ```
  }];
  let arguments = (ins TTC_QuantizerAttr:$quantizer, FloatLike:$value,
                       Optional<FloatLike>:$uniform);
  let results = (outs FloatLike:$event);
  let assemblyFormat = "`` $quantizer $value (`,` $uniform^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def TTC_UniformOp : TTC_Op<"uniform", [Pure, SameOperandsAndResultType]> {
  let summary = "Random numbers, uniform in [0, 1)";
  let description = [{
    One for each element, from the session's generator: Philox4x32-10 (Salmon, Moraes,
    Dror and Shaw, 2011) on the counter (element, stream, timestep), keyed by the seed.
    Each use in a model has its own `stream`; `like` gives the shape alone. A timestep
    has one value for each counter, so that this is pure.

    ```mlir
    func.func @noise(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
      %u = ttc.uniform stream(0) like (%x) : tensor<?x10xf32>
      return %u : tensor<?x10xf32>
    }
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$stream,
                       TTC_Tensor:$like);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    `stream` `(` $stream `)` `like` ` ` `(` $like `)` attr-dict `:` type($like)
  }];
}

def TTC_DrawOp : TTC_Op<"draw", [Pure, HasParent<"::ttc::NestOp">]> {
  let summary = "The random number of one element of a nest";
  let description = [{
    What ttc.uniform is inside of a nest: the generators of code know which element and
    which timestep it is.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$stream);
  let results = (outs AnyFloat:$value);
  let assemblyFormat = "`stream` `(` $stream `)` attr-dict `:` type($value)";
}

def TTC_GatherOp : TTC_Op<"gather", [Pure]> {
  let summary = "Rows of a table, by their numbers";
  let description = [{
    `output[i…, :] = table[ids[i…], :]`. A number outside of the table reads its last
    row; whoever calls the step refuses such numbers before.

    ```mlir
    func.func @lookup(%table: tensor<1000x16xf32>, %ids: tensor<?xi64>)
        -> tensor<?x16xf32> {
      %0 = ttc.gather (%table, %ids)
          : tensor<1000x16xf32>, tensor<?xi64> -> tensor<?x16xf32>
      return %0 : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$table, TTC_IndexTensor:$ids);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $table `,` $ids `)` attr-dict `:` type($table) `,` type($ids) `->` type($output)
  }];
  let hasVerifier = 1;
}

def TTC_NestOp : TTC_Op<"nest", [
    Pure, AttrSizedOperandSegments, SingleBlock, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"::ttc::YieldOp">]> {
  let summary = "A layer as one loop nest: products, then the update of each element";
  let description = [{
    For every element of its domain, the shape of all its results, a nest computes the
    element of each of its products,

      acc_p = Σ_k weight_p[n, k] · input_p[…, k]

    and then its region, whose arguments are the `acc_p` and one element of each
    operand, picked by the operand's map; what the region yields are the elements of the
    results. A sum has the type of its weights; an input of bf16 is multiplied by weights
    that are rounded to bf16, too. Each sum runs over ascending k. A map is affine in the domain's dimensions:
    it may broadcast, transpose, stride and slice.

    A nest is what the code generators emit: the gates of the same neurons are computed
    together, the accumulators stay close from the products to the update, a state is
    read and written once.

    ```mlir
    func.func @rnn(%x: tensor<?x64xf32>, %h: tensor<?x32xf32>, %w: tensor<32x64xf32>,
                   %u: tensor<32x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
      %0 = ttc.nest "net.1"
          product(%x, %h : tensor<?x64xf32>, tensor<?x32xf32>)
          weights(%w, %u : tensor<32x64xf32>, tensor<32x32xf32>)
          operands(%b : tensor<32xf32>)
          maps [affine_map<(d0, d1) -> (d1)>] -> tensor<?x32xf32> {
      ^bb0(%acc0: f32, %acc1: f32, %c: f32):
        %1 = arith.addf %acc0, %acc1 : f32
        %2 = arith.addf %1, %c : f32
        %3 = math.tanh %2 : f32
        ttc.yield %3 : f32
      }
      return %0 : tensor<?x32xf32>
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$label,
    Variadic<TTC_Tensor>:$product_inputs, Variadic<TTC_Tensor>:$product_weights,
    Variadic<TTC_Tensor>:$inputs, AffineMapArrayAttr:$maps);
  let results = (outs Variadic<TTC_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $label
    (`product` `(` $product_inputs^ `:` type($product_inputs) `)`
     `weights` `(` $product_weights `:` type($product_weights) `)`)?
    (`operands` `(` $inputs^ `:` type($inputs) `)`)? `maps` $maps
    `->` type($outputs) $body attr-dict
  }];
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$types, "::mlir::StringRef":$label,
                   "::mlir::ValueRange":$productInputs,
                   "::mlir::ValueRange":$productWeights, "::mlir::ValueRange":$inputs,
                   "::mlir::ArrayRef<::mlir::AffineMap>":$maps, "::ttc::ElementBody":$body)>
  ];
  let extraClassDeclaration = [{
    unsigned getNumProducts() { return getProductInputs().size(); }
    bool hasProduct() { return getNumProducts() != 0; }
    ::mlir::RankedTensorType getDomain() {
      return ::llvm::cast<::mlir::RankedTensorType>(getOutputs().front().getType());
    }
    /// The block argument that stands for operand `index`.
    ::mlir::BlockArgument getElement(unsigned index) {
      return getBody().getArgument(index + getNumProducts());
    }
    ::mlir::AffineMap getMap(unsigned index) {
      return ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[index]).getValue();
    }
  }];
}

def TTC_ReduceOp : TTC_Op<"reduce", [
    Pure, SingleBlock, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"::ttc::YieldOp">]> {
  let summary = "Sums, or the largest or smallest, over a window";
  let description = [{
    For every element of its result, the sum (or the largest, the smallest) of what the
    region makes of one element of each operand, over all points of the `window`. The
    maps take the result's dimensions, then the window's. The largest or smallest of
    elements with a NaN is NaN.

    Where the innermost dimension of the result is worth a vector, each lane sums its
    own element over the window in order; otherwise a vector goes along the innermost
    dimension of the window, and its lanes are combined at the end, in order.

    ```mlir
    func.func @largest(%x: tensor<?x10xf32>) -> tensor<?xf32> {
      %0 = ttc.reduce max "net.2" operands(%x : tensor<?x10xf32>)
          maps [affine_map<(d0, d1) -> (d0, d1)>] window [10] -> tensor<?xf32> {
      ^bb0(%e: f32):
        ttc.yield %e : f32
      }
      return %0 : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins TTC_ReductionAttr:$kind, StrAttr:$label,
                       Variadic<TTC_Tensor>:$inputs, AffineMapArrayAttr:$maps,
                       DenseI64ArrayAttr:$window);
  let results = (outs TTC_Tensor:$output);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `` $kind ` ` $label (`operands` `(` $inputs^ `:` type($inputs) `)`)? `maps` $maps
    `window` $window `->` type($output) $body attr-dict
  }];
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "::ttc::ReductionKind":$kind,
                   "::mlir::StringRef":$label, "::mlir::ValueRange":$inputs,
                   "::mlir::ArrayRef<::mlir::AffineMap>":$maps,
                   "::mlir::ArrayRef<int64_t>":$window, "::ttc::ElementBody":$body)>
  ];
  let extraClassDeclaration = [{
    ::mlir::AffineMap getMap(unsigned index) {
      return ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[index]).getValue();
    }
  }];
}

def TTC_AssembleOp : TTC_Op<"assemble", [Pure]> {
  let summary = "A tensor put together of others";
  let description = [{
    Each input lies at its offsets in the result; what none covers is `fill`. This is
    how concatenations and paddings reach the code generators.

    ```mlir
    func.func @join(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>) -> tensor<?x6xf32> {
      %0 = ttc.assemble (%a, %b : tensor<?x2xf32>, tensor<?x3xf32>)
          at [[0, 0], [0, 2]] fill(0.0) -> tensor<?x6xf32>
      return %0 : tensor<?x6xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<TTC_Tensor>:$inputs,
                       TypedArrayAttrBase<I64ArrayAttr, "offsets">:$offsets,
                       OptionalAttr<F64Attr>:$fill);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = [{
    ` ` `(` $inputs `:` type($inputs) `)` `at` $offsets (`fill` `(` $fill^ `)`)?
    attr-dict `->` type($output)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Where input `index` begins, a number for each dimension.
    ::llvm::SmallVector<int64_t> getOffset(unsigned index);
  }];
}

def TTC_YieldOp : TTC_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["::ttc::NestOp", "::ttc::ReduceOp"]>]> {
  let summary = "The elements of a nest's results";
  let arguments = (ins Variadic<AnyFloat>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

#endif // TTC_NEST_OPS_TD
