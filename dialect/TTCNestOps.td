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
    round is round(v / step) * step, ties to even. It stays one op until it is lowered,
    since its derivative is not that of what it computes: the gradient passes through.

    ```mlir
    func.func @event(%p: f32) -> f32 {
      %s = ttc.quantize(round, 0.5) %p : f32
      return %s : f32
    }
    ```
  }];
  let arguments = (ins TTC_QuantizerAttr:$quantizer, FloatLike:$value);
  let results = (outs FloatLike:$event);
  let assemblyFormat = "`` $quantizer $value attr-dict `:` type($value)";
}

def TTC_NestOp : TTC_Op<"nest", [
    Pure, AttrSizedOperandSegments, SingleBlock, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"::ttc::YieldOp">]> {
  let summary = "A layer as one loop nest: a product, then the update of each element";
  let description = [{
    For every element of its domain, the shape of all its results, a nest computes

      acc = bias[n] + Σ_k weight[n, k] · input[…, k]

    if it has a product, and then its region, whose arguments are `acc` and one element
    of each operand, picked by the operand's indexing map; what the region yields are
    the elements of the results. The sum runs over ascending k.

    A nest is what the code generators emit: the accumulators stay in registers from the
    product to the update, a state is read and written once.

    ```mlir
    func.func @lib(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %b: tensor<32xf32>,
                   %mem: tensor<?x32xf32>, %beta: tensor<32xf32>)
        -> (tensor<?x32xf32>, tensor<?x32xf32>) {
      %0:2 = ttc.nest "net.1"
          product(%x, %w, %b : tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>)
          operands(%mem, %beta : tensor<?x32xf32>, tensor<32xf32>)
          maps [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>]
          -> tensor<?x32xf32>, tensor<?x32xf32> {
      ^bb0(%acc: f32, %m: f32, %d: f32):
        %1 = arith.mulf %m, %d : f32
        %2 = arith.addf %1, %acc : f32
        ttc.yield %2, %2 : f32, f32
      }
      return %0#0, %0#1 : tensor<?x32xf32>, tensor<?x32xf32>
    }
    ```
  }];
  let arguments = (ins
    StrAttr:$label,
    Optional<TTC_Tensor>:$product_input, Optional<TTC_Tensor>:$product_weight,
    Optional<TTC_Tensor>:$product_bias,
    Variadic<TTC_Tensor>:$inputs, AffineMapArrayAttr:$maps);
  let results = (outs Variadic<TTC_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $label (`product` `(` $product_input^ `,` $product_weight (`,` $product_bias^)?
      `:` type($product_input) `,` type($product_weight) (`,` type($product_bias)^)? `)`)?
    (`operands` `(` $inputs^ `:` type($inputs) `)`)? `maps` $maps
    `->` type($outputs) $body attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    bool hasProduct() { return getProductInput() != nullptr; }
    ::mlir::RankedTensorType getDomain() {
      return ::llvm::cast<::mlir::RankedTensorType>(getOutputs().front().getType());
    }
    /// The block argument that stands for operand `index`.
    ::mlir::BlockArgument getElement(unsigned index) {
      return getBody().getArgument(index + (hasProduct() ? 1 : 0));
    }
    ::mlir::AffineMap getMap(unsigned index) {
      return ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[index]).getValue();
    }
  }];
}

def TTC_ReduceOp : TTC_Op<"reduce", [Pure]> {
  let summary = "The sum, or the largest element, along the last dimension";
  let description = [{
    A register of partial results goes along the row; its lanes are combined at the end,
    in ascending order. The largest of a row with a NaN is NaN.

    ```mlir
    func.func @largest(%x: tensor<?x10xf32>) -> tensor<?xf32> {
      %0 = ttc.reduce max %x : tensor<?x10xf32> -> tensor<?xf32>
      return %0 : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins TTC_ReductionAttr:$kind, TTC_Tensor:$input);
  let results = (outs TTC_Tensor:$output);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($output)";
  let hasVerifier = 1;
}

def TTC_YieldOp : TTC_Op<"yield", [
    Pure, Terminator, ReturnLike, HasParent<"::ttc::NestOp">]> {
  let summary = "The elements of a nest's results";
  let arguments = (ins Variadic<AnyFloat>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

#endif // TTC_NEST_OPS_TD
