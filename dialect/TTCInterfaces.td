//===- TTCInterfaces.td ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_INTERFACES_TD
#define TTC_INTERFACES_TD

include "mlir/IR/OpBase.td"

def LayerOpInterface : OpInterface<"LayerOpInterface"> {
  let cppNamespace = "::ttc";
  let description = [{
    A layer says three things: what it owns, how large that is, and what it computes.
    Everything that handles layers asks them through this interface, so that a new
    layer is one op and its answers.
  }];
  let methods = [
    InterfaceMethod<
      "The layer's path in the model, the prefix of its keys: its attribute `path`; "
      "empty for a layer that owns nothing and has none.",
      "::llvm::StringRef", "getLayerPath", (ins), "", [{
        auto path = $_op->template getAttrOfType<::mlir::StringAttr>("path");
        return path ? path.getValue() : ::llvm::StringRef();
      }]>,
    InterfaceMethod<
      "Appends the parameters that the layer owns, in order of name.",
      "void", "getParamSpecs",
      (ins "::llvm::SmallVectorImpl<::ttc::ParamSpec> &":$specs), "", [{ return; }]>,
    InterfaceMethod<
      "Appends the states that the layer owns, in order of name.",
      "void", "getStateSpecs",
      (ins "::llvm::SmallVectorImpl<::ttc::StateSpec> &":$specs), "", [{ return; }]>,
    InterfaceMethod<
      "Computes the layer in ordinary operations: the values of its results.",
      "::llvm::SmallVector<::mlir::Value>", "expand",
      (ins "::ttc::LayerExpansion &":$expansion)>
  ];
  let verify = [{ return ::ttc::verifyLayer($_op); }];
}

#endif // TTC_INTERFACES_TD
