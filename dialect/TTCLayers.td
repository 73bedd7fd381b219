//===- TTCLayers.td -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The three kinds of layer: those that own nothing, parameters, states.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_LAYERS_TD
#define TTC_LAYERS_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "dialect/TTCInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A layer that owns nothing.
class TTC_LayerOp<string mnemonic, list<Trait> traits = []>
    : TTC_Op<mnemonic, !listconcat([
        Pure, DeclareOpInterfaceMethods<LayerOpInterface>], traits)>;

/// A layer that owns parameters; its arguments begin with `path`.
class TTC_ParamLayerOp<string mnemonic, list<Trait> traits = []>
    : TTC_Op<mnemonic, !listconcat([
        Pure, DeclareOpInterfaceMethods<LayerOpInterface, ["getParamSpecs"]>], traits)>;

/// A layer that owns parameters and states; its arguments begin with `path`. It has
/// effects on the session's states, so that no layer is moved over another that shares
/// them, or dropped for an unused output.
class TTC_StatefulLayerOp<string mnemonic, list<Trait> traits = []>
    : TTC_Op<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<LayerOpInterface, ["getParamSpecs", "getStateSpecs"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>], traits)> {
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<
            ::mlir::MemoryEffects::Effect>> &effects) {
      ::ttc::appendSessionEffects(effects);
    }
  }];
}

#endif // TTC_LAYERS_TD
