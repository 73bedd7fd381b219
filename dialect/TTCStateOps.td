//===- TTCStateOps.td -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STATE_OPS_TD
#define TTC_STATE_OPS_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TTC_StateOp : TTC_Op<"state", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "A hidden state of the model, by its key";
  let description = [{
    Declares a tensor that lives as long as a session does and is zero before the
    first timestep. A dynamic leading size is the batch of that timestep.

    `at` is where the state lies in the session's one block of states; the pass
    plan-states writes it.

    ```mlir
    ttc.state @"net.1.mem" : tensor<?x128xf32>
    ttc.state @"net.3.mem" : tensor<?x10xf32> at <0 + 512 * batch>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<TTC_Tensor>:$type,
                       OptionalAttr<TTC_BytesAttr>:$offset);
  let assemblyFormat = "$sym_name `:` $type (`at` $offset^)? attr-dict";
}

def TTC_ReadOp : TTC_Op<"read", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a state now";
  let description = [{
    The value that the last write of this timestep left, or the one that the timestep
    began with. It is a value: a later write does not change it.

    ```mlir
    ttc.state @"count" : tensor<4xf32>
    ttc.model @total(%x: tensor<4xf32>) -> tensor<4xf32> {
      %old = ttc.read @"count" : tensor<4xf32>
      %new = arith.addf %old, %x : tensor<4xf32>
      ttc.write %new, @"count" : tensor<4xf32>
      ttc.return %old : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs TTC_Tensor:$value);
  let assemblyFormat = "$state attr-dict `:` type($value)";
}

def TTC_WriteOp : TTC_Op<"write", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Gives a state a new value";
  let description = [{
    Reads that follow, in this timestep and the next, see the new value.

    ```mlir
    ttc.state @"last" : tensor<4xf32>
    ttc.model @delay(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = ttc.read @"last" : tensor<4xf32>
      ttc.write %x, @"last" : tensor<4xf32>
      ttc.return %y : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins TTC_Tensor:$value, FlatSymbolRefAttr:$state);
  let assemblyFormat = "$value `,` $state attr-dict `:` type($value)";
}

#endif // TTC_STATE_OPS_TD
