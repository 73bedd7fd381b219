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
  I32EnumAttrCase<"Round", 1, "round">,
  I32EnumAttrCase<"StochasticRound", 2, "stochastic_round">,
  I32EnumAttrCase<"Probabilistic", 3, "probabilistic">
]>;
/// A float in its shortest spelling that reads back as itself.
class TTC_FloatParameter<string desc, string default> : APFloatParameter<desc> {
  let parser = "::ttc::parseShortFloat($_parser)";
  let printer = "::ttc::printShortFloat($_printer, $_self)";
  let defaultValue = "::llvm::APFloat(" # default # ")";
}
def TTC_QuantizerAttr : AttrDef<TTC_Dialect, "Quantizer"> {
  let mnemonic = "quantizer";
  let summary = "a quantizer and the size of its step";
  let parameters = (ins
    EnumParameter<TTC_QuantKind>:$kind,
    TTC_FloatParameter<"the size of a step", "1.0">:$step);
  let assemblyFormat = "`(` $kind (`,` $step^)? `)`";
  let constBuilderCall = "::ttc::QuantizerAttr::get($_builder.getContext(), $0)";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isStochastic() const {
      return getKind() == QuantKind::StochasticRound ||
             getKind() == QuantKind::Probabilistic;
    }
  }];
}

/// What an event does to the membrane.
def TTC_ResetKind : TTC_Enum<"ResetKind", "a reset", [
  I32EnumAttrCase<"Subtract", 0, "subtract">,
  I32EnumAttrCase<"Zero", 1, "zero">,
  I32EnumAttrCase<"Value", 2, "value">
]>;
def TTC_ResetAttr : AttrDef<TTC_Dialect, "Reset"> {
  let mnemonic = "reset";
  let summary = "a reset and the value that it resets to";
  let parameters = (ins
    EnumParameter<TTC_ResetKind>:$kind,
    TTC_FloatParameter<"the membrane after an event", "0.0">:$value);
  let assemblyFormat = "`(` $kind (`,` $value^)? `)`";
  let constBuilderCall = "::ttc::ResetAttr::get($_builder.getContext(), $0)";
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
  I32EnumAttrCase<"HardTanh", 9, "hardtanh">,
  I32EnumAttrCase<"HardSigmoid", 10, "hardsigmoid">,
  I32EnumAttrCase<"HardSwish", 11, "hardswish">,
  I32EnumAttrCase<"Mish", 12, "mish">,
  I32EnumAttrCase<"SELU", 13, "selu">,
  I32EnumAttrCase<"CELU", 14, "celu">,
  I32EnumAttrCase<"ReLU6", 15, "relu6">,
  I32EnumAttrCase<"SoftSign", 16, "softsign">,
  I32EnumAttrCase<"LogSigmoid", 17, "logsigmoid">,
  I32EnumAttrCase<"TanhShrink", 18, "tanhshrink">
]>;
def TTC_ActivationAttr : EnumAttr<TTC_Dialect, TTC_ActivationKind, "activation_kind"> {
  let assemblyFormat = "$value";
}

def TTC_ComparisonKind : TTC_Enum<"ComparisonKind", "a comparison", [
  I32EnumAttrCase<"Equal", 0, "eq">,
  I32EnumAttrCase<"NotEqual", 1, "ne">,
  I32EnumAttrCase<"Less", 2, "lt">,
  I32EnumAttrCase<"LessEqual", 3, "le">,
  I32EnumAttrCase<"Greater", 4, "gt">,
  I32EnumAttrCase<"GreaterEqual", 5, "ge">
]>;
def TTC_ComparisonAttr : EnumAttr<TTC_Dialect, TTC_ComparisonKind, "comparison_kind"> {
  let assemblyFormat = "$value";
}

def TTC_AggregateKind : TTC_Enum<"AggregateKind", "an aggregate", [
  I32EnumAttrCase<"Sum", 0, "sum">,
  I32EnumAttrCase<"Mean", 1, "mean">,
  I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">
]>;
def TTC_AggregateAttr : EnumAttr<TTC_Dialect, TTC_AggregateKind, "aggregate_kind"> {
  let assemblyFormat = "$value";
}

def TTC_PoolKind : TTC_Enum<"PoolKind", "a pooling", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"Average", 1, "average">
]>;
def TTC_PoolAttr : EnumAttr<TTC_Dialect, TTC_PoolKind, "pool_kind"> {
  let assemblyFormat = "$value";
}

def TTC_RNNKind : TTC_Enum<"RNNKind", "a recurrent layer", [
  I32EnumAttrCase<"Simple", 0, "simple">,
  I32EnumAttrCase<"LSTM", 1, "lstm">,
  I32EnumAttrCase<"GRU", 2, "gru">
]>;
def TTC_RNNKindAttr : EnumAttr<TTC_Dialect, TTC_RNNKind, "rnn_kind"> {
  let assemblyFormat = "$value";
}

def TTC_TorchRNNKind : TTC_Enum<"TorchRNNKind", "a recurrent layer of PyTorch", [
  I32EnumAttrCase<"Tanh", 0, "rnn_tanh">,
  I32EnumAttrCase<"ReLU", 1, "rnn_relu">,
  I32EnumAttrCase<"LSTM", 2, "lstm">,
  I32EnumAttrCase<"GRU", 3, "gru">
]>;
def TTC_TorchRNNKindAttr : EnumAttr<TTC_Dialect, TTC_TorchRNNKind, "torch_rnn_kind"> {
  let assemblyFormat = "$value";
}

def TTC_ReductionKind : TTC_Enum<"ReductionKind", "a reduction", [
  I32EnumAttrCase<"Add", 0, "add">,
  I32EnumAttrCase<"Max", 1, "max">,
  I32EnumAttrCase<"Min", 2, "min">
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
