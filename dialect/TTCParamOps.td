//===- TTCParamOps.td -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PARAM_OPS_TD
#define TTC_PARAM_OPS_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TTC_ParamOp : TTC_Op<"param", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "A parameter of the model, by its key";
  let description = [{
    Declares a tensor that the weights bring. It is constant once loaded.

    A parameter with a constraint has two forms, as in traceTorch. `constrained(f)` is
    the raw form, keyed `<path>.raw_<name>`: what training moves freely, and a layer
    uses through `f`. `activated(f)` is the compiled form, keyed `<path>.<name>`: the
    value that layers use. Whoever loads weights accepts either and applies `f`, or
    its inverse, to get from one to the other.

    ```mlir
    ttc.param @"net.0.weight" : tensor<128x64xf32>
    ttc.param @"net.1.raw_beta" : tensor<128xf32> constrained(sigmoid)
    ttc.param @"net.1.threshold" : tensor<128xf32> activated(softplus)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<TTC_Tensor>:$type,
                       OptionalAttr<TTC_ConstraintAttr>:$constrained,
                       OptionalAttr<TTC_ConstraintAttr>:$activated);
  let assemblyFormat = [{
    $sym_name `:` $type (`constrained` `` $constrained^)? (`activated` `` $activated^)?
    attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The keys of the two forms; empty for a parameter without a constraint.
    std::string getRawKey();
    std::string getCompiledKey();
    /// The constraint of either form, if there is one.
    std::optional<::ttc::Constraint> getConstraint();
  }];
}

def TTC_ParamValueOp : TTC_Op<"param_value", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a parameter";
  let description = [{
    Parameters do not change while a model runs, so this is pure.

    ```mlir
    ttc.param @"net.0.bias" : tensor<10xf32>
    ttc.model @bias(%x: tensor<10xf32>) -> tensor<10xf32> {
      %b = ttc.param_value @"net.0.bias" : tensor<10xf32>
      %y = arith.addf %x, %b : tensor<10xf32>
      ttc.return %y : tensor<10xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$param);
  let results = (outs TTC_Tensor:$value);
  let assemblyFormat = "$param attr-dict `:` type($value)";
}

#endif // TTC_PARAM_OPS_TD
