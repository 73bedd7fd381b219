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

/// A model's tensor, or a stack of them: the batch is then the second dimension.
def TTC_StateTensor : Type<
    CPred<"::ttc::isStateTensor($_self)">,
    "ranked tensor of floats whose leading size, or, in a stack, second size alone may "
    "be dynamic, with 2^38 elements at most",
    "::mlir::RankedTensorType">;

def TTC_StateOp : TTC_Op<"state", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "A hidden state of the model, by its key";
  let description = [{
    Declares a tensor that lives as long as a session does and is zero before the
    first timestep. A dynamic leading size is the batch of that timestep. A state may
    also be a stack, such as those of several recurrent layers that are one module:
    then its first size is how many there are, and the batch is its second.

    `at` is where the state lies in the session's one block of states; the pass
    plan-states writes it.

    ```mlir
    ttc.state @"net.1.mem" : tensor<?x128xf32>
    ttc.state @"net.3.mem" : tensor<?x10xf32> at <0 + 512 * batch>
    ttc.state @"net.4.h" : tensor<2x?x32xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<TTC_StateTensor>:$type,
                       OptionalAttr<TTC_BytesAttr>:$offset);
  let assemblyFormat = "$sym_name `:` $type (`at` $offset^)? attr-dict";
  let hasVerifier = 1;
}

def TTC_ReadOp : TTC_Op<"read", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a state now";
  let description = [{
    The value that the last write of this timestep left, or the one that the timestep
    began with. It is a value: a later write does not change it. `[k]` reads the k-th
    of a stack, counted from 0.

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
  let arguments = (ins FlatSymbolRefAttr:$state, OptionalAttr<I64Attr>:$index);
  let results = (outs TTC_StateTensor:$value);
  let assemblyFormat = "$state (`[` $index^ `]`)? attr-dict `:` type($value)";
}

def TTC_WriteOp : TTC_Op<"write", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Gives a state a new value";
  let description = [{
    Reads that follow, in this timestep and the next, see the new value. `[k]` writes
    the k-th of a stack, counted from 0, and leaves the others as they are.

    ```mlir
    ttc.state @"last" : tensor<4xf32>
    ttc.model @delay(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = ttc.read @"last" : tensor<4xf32>
      ttc.write %x, @"last" : tensor<4xf32>
      ttc.return %y : tensor<4xf32>
    }

    ttc.state @"ring" : tensor<2x?x4xf32>
    ttc.model @delay2(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %second = ttc.read @"ring"[1] : tensor<?x4xf32>
      %first = ttc.read @"ring"[0] : tensor<?x4xf32>
      ttc.write %first, @"ring"[1] : tensor<?x4xf32>
      ttc.write %x, @"ring"[0] : tensor<?x4xf32>
      ttc.return %second : tensor<?x4xf32>
    }
    ```
  }];
  let arguments = (ins TTC_StateTensor:$value, FlatSymbolRefAttr:$state,
                       OptionalAttr<I64Attr>:$index);
  let assemblyFormat = "$value `,` $state (`[` $index^ `]`)? attr-dict `:` type($value)";
}

#endif // TTC_STATE_OPS_TD
