//===- TTCAttrs.td --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ATTRS_TD
#define TTC_ATTRS_TD

include "dialect/TTCDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class TTC_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::ttc";
  let genSpecializedAttr = 0;
}
class TTC_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<TTC_Dialect, info, mnemonic> {
  let assemblyFormat = "`(` $value `)`";
}

/// What a constrained parameter's raw value goes through before it is used. The
/// numbers are those of runtime/include/ttc/model.h.
def TTC_Constraint : TTC_Enum<"Constraint", "the activation of a parameter", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
  I32EnumAttrCase<"Softplus", 2, "softplus">,
  I32EnumAttrCase<"Arcsinh", 3, "arcsinh">
]>;
def TTC_ConstraintAttr : TTC_EnumAttr<TTC_Constraint, "constraint">;

/// The probability of firing, from the membrane's distance to its threshold.
def TTC_SpikeFn : TTC_Enum<"SpikeFn", "a spike function", [
  I32EnumAttrCase<"Sigmoid4x", 0, "sigmoid4x">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
  I32EnumAttrCase<"Heaviside", 2, "heaviside">
]>;
def TTC_SpikeFnAttr : TTC_EnumAttr<TTC_SpikeFn, "spike_fn">;

/// What turns the probability of firing into an event.
def TTC_QuantKind : TTC_Enum<"QuantKind", "a quantizer", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"Round", 1, "round">
]>;
/// A float in its shortest spelling that reads back as itself.
def TTC_StepParameter : APFloatParameter<"the size of a step"> {
  let parser = "::ttc::parseShortFloat($_parser)";
  let printer = "::ttc::printShortFloat($_printer, $_self)";
  let defaultValue = "::llvm::APFloat(1.0)";
}
def TTC_QuantizerAttr : AttrDef<TTC_Dialect, "Quantizer"> {
  let mnemonic = "quantizer";
  let summary = "a quantizer and the size of its step";
  let parameters = (ins
    EnumParameter<TTC_QuantKind>:$kind,
    TTC_StepParameter:$step);
  let assemblyFormat = "`(` $kind (`,` $step^)? `)`";
  let constBuilderCall = "::ttc::QuantizerAttr::get($_builder.getContext(), $0)";
  let genVerifyDecl = 1;
}

def TTC_ActivationKind : TTC_Enum<"ActivationKind", "an activation", [
  I32EnumAttrCase<"ReLU", 0, "relu">,
  I32EnumAttrCase<"LeakyReLU", 1, "leaky_relu">,
  I32EnumAttrCase<"ELU", 2, "elu">,
  I32EnumAttrCase<"GELU", 3, "gelu">,
  I32EnumAttrCase<"GELUTanh", 4, "gelu_tanh">,
  I32EnumAttrCase<"SiLU", 5, "silu">,
  I32EnumAttrCase<"Tanh", 6, "tanh">,
  I32EnumAttrCase<"Sigmoid", 7, "sigmoid">,
  I32EnumAttrCase<"Softplus", 8, "softplus">,
  I32EnumAttrCase<"HardTanh", 9, "hardtanh">
]>;
def TTC_ActivationAttr : EnumAttr<TTC_Dialect, TTC_ActivationKind, "activation_kind"> {
  let assemblyFormat = "$value";
}

def TTC_ReductionKind : TTC_Enum<"ReductionKind", "a reduction", [
  I32EnumAttrCase<"Add", 0, "add">,
  I32EnumAttrCase<"Max", 1, "max">
]>;
def TTC_ReductionAttr : EnumAttr<TTC_Dialect, TTC_ReductionKind, "reduction_kind"> {
  let assemblyFormat = "$value";
}

/// A number of bytes, or an offset: fixed + per_batch * batch.
def TTC_BytesAttr : AttrDef<TTC_Dialect, "Bytes"> {
  let mnemonic = "bytes";
  let summary = "a number of bytes that grows with the batch";
  let parameters = (ins "int64_t":$fixed, "int64_t":$per_batch);
  let assemblyFormat = "`<` $fixed `+` $per_batch `*` `batch` `>`";
}

#endif // TTC_ATTRS_TD
