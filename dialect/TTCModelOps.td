//===- TTCModelOps.td -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MODEL_OPS_TD
#define TTC_MODEL_OPS_TD

include "dialect/TTCDialect.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def TTC_ModelOp : TTC_Op<"model", [
    FunctionOpInterface, IsolatedFromAbove, SingleBlock,
    HasParent<"::mlir::ModuleOp">]> {
  let summary = "A model: what one timestep computes";
  let description = [{
    Takes the inputs of one timestep and returns its outputs. The layers inside own
    states that live from one timestep to the next; they appear when the model is
    first stepped and are zero then.

    Only the leading size of a tensor may be dynamic; it is the batch, and the same
    for all. An input is named by the attribute `ttc.name` of its argument, else
    `input0`, `input1` and so on.

    ```mlir
    ttc.model @readout(%x: tensor<?x64xf32>) -> tensor<?x10xf32> {
      %0 = ttc.linear "net.0" (%x) : tensor<?x64xf32> -> tensor<?x10xf32>
      %1 = ttc.neuron LI "net.1" (%0) : tensor<?x10xf32>
      ttc.return %1 : tensor<?x10xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
  }];
}

def TTC_ReturnOp : TTC_Op<"return", [
    Pure, Terminator, ReturnLike, HasParent<"::ttc::ModelOp">]> {
  let summary = "The outputs of a timestep";
  let description = [{
    Ends a model. Its operands are the model's outputs, in order.
  }];
  let arguments = (ins Variadic<AnyType>:$outputs);
  let assemblyFormat = "attr-dict ($outputs^ `:` type($outputs))?";
  let hasVerifier = 1;
}

#endif // TTC_MODEL_OPS_TD
