//===- TTCNeuron.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The 32 neurons: one kind read letter by letter, one rule.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ttc;

namespace {

enum class Output { Membrane, Average, Binary, Ternary, ScaledTernary };

/// A kind such as DSRLITS, taken apart: `[D][S][R]LI[EMA|B|T|TS]`.
struct NeuronKind {
  bool dual = false;
  bool synaptic = false;
  bool recurrent = false;
  Output output = Output::Membrane;

  bool fires() const {
    return output != Output::Membrane && output != Output::Average;
  }
  bool firesNegative() const {
    return output == Output::Ternary || output == Output::ScaledTernary;
  }
  /// The prefixes of the names of what exists once a branch.
  ArrayRef<StringRef> branches() const {
    static const StringRef one[] = {""}, two[] = {"pos_", "neg_"};
    return dual ? ArrayRef<StringRef>(two) : ArrayRef<StringRef>(one);
  }
};

std::optional<NeuronKind> parseKind(StringRef name) {
  NeuronKind kind;
  kind.dual = name.consume_front("D");
  kind.synaptic = name.consume_front("S");
  kind.recurrent = name.consume_front("R");
  if (!name.consume_front("LI"))
    return std::nullopt;
  if (name.empty())
    kind.output = Output::Membrane;
  else if (name == "EMA")
    kind.output = Output::Average;
  else if (name == "B")
    kind.output = Output::Binary;
  else if (name == "T")
    kind.output = Output::Ternary;
  else if (name == "TS")
    kind.output = Output::ScaledTernary;
  else
    return std::nullopt;
  // The reference feeds events back, never a membrane: there is no RLI and no
  // RLIEMA.
  if (kind.recurrent && !kind.fires())
    return std::nullopt;
  return kind;
}

/// Calls `add` with the short name and the constraint of every parameter of a
/// kind.
void forEachParam(const NeuronKind &kind,
                  function_ref<void(std::string, Constraint)> add) {
  for (StringRef branch : kind.branches()) {
    if (kind.synaptic)
      add((branch + "alpha").str(), Constraint::Sigmoid);
    add((branch + "beta").str(), Constraint::Sigmoid);
    if (kind.recurrent) {
      add((branch + "gamma").str(), Constraint::Sigmoid);
      add((branch + "rec_weight").str(), Constraint::Identity);
    }
  }
  if (kind.fires())
    add("bias", Constraint::Arcsinh);
  if (kind.output == Output::Binary)
    add("threshold", Constraint::Softplus);
  if (kind.firesNegative())
    for (StringRef sign : {"pos_", "neg_"}) {
      add((sign + "threshold").str(), Constraint::Softplus);
      if (kind.output == Output::ScaledTernary)
        add((sign + "scale").str(), Constraint::Identity);
    }
}

/// The short names of the states of a kind, in the order in which a step reads
/// them.
SmallVector<std::string> stateNames(const NeuronKind &kind) {
  SmallVector<std::string> names;
  for (StringRef branch : kind.branches()) {
    names.push_back((branch + "mem").str());
    if (kind.synaptic)
      names.push_back((branch + "syn").str());
    if (kind.recurrent)
      names.push_back((branch + "rec").str());
  }
  if (kind.recurrent)
    names.push_back("prev_output");
  return names;
}

/// One step of one neuron, on scalars. Reads parameters and states from
/// `values` by short name and leaves the new states there; returns the output.
class Neuron {
public:
  Neuron(ImplicitLocOpBuilder &b, const NeuronKind &kind, SpikeFn spikeFn,
         QuantizerAttr quantizer, ResetAttr resetTo,
         llvm::StringMap<Value> &values)
      : b(b), kind(kind), spikeFn(spikeFn), quantizer(quantizer),
        resetTo(resetTo), values(values) {}

  Value step(Value x) {
    Value current = kind.synaptic ? synapse(x) : x;
    Value recurrent = kind.recurrent ? feedback() : Value();
    Value membrane = integrate(current, recurrent);
    Value output = kind.fires() ? fire(membrane) : membrane;
    if (kind.recurrent)
      values["prev_output"] = output;
    return output;
  }

private:
  /// syn = syn * alpha + f(x) * (1 - alpha), over the branches; their sum.
  Value synapse(Value x) {
    return sumBranches([&](StringRef branch) {
      return decay((branch + "syn").str(), (branch + "alpha").str(),
                   mul(part(branch, x), complement(branch, "alpha")));
    });
  }

  /// rec = rec * gamma + f(prev_output) * (1 - gamma), over the branches; their
  /// sum.
  Value feedback() {
    Value previous = values.lookup("prev_output");
    return sumBranches([&](StringRef branch) {
      return decay((branch + "rec").str(), (branch + "gamma").str(),
                   mul(part(branch, previous), complement(branch, "gamma")));
    });
  }

  /// mem = mem * beta + delta, over the branches; their sum.
  Value integrate(Value current, Value recurrent) {
    return sumBranches([&](StringRef branch) {
      Value delta = part(branch, current);
      if (recurrent)
        delta = add(mul(part(branch, recurrent),
                        values.lookup((branch + "rec_weight").str())),
                    delta);
      if (kind.output == Output::Average)
        delta = mul(delta, complement(branch, "beta"));
      return decay((branch + "mem").str(), (branch + "beta").str(), delta);
    });
  }

  Value fire(Value membrane) {
    Value bias = values.lookup("bias");
    if (kind.output == Output::Binary) {
      Value threshold = values.lookup("threshold");
      Value event =
          quantize(spike(add(sub(membrane, threshold), bias)), "uniform");
      if (resetTo.getKind() == ResetKind::Subtract)
        subtract(event, threshold);
      else
        replace(event);
      return event;
    }
    Value positive = values.lookup("pos_threshold");
    Value negative = values.lookup("neg_threshold");
    Value up = quantize(spike(add(sub(membrane, positive), bias)), "uniform");
    Value toNegative =
        sub(sub(arith::NegFOp::create(b, negative), membrane), bias);
    Value below = quantize(spike(toNegative), "neg_uniform");
    Value down = arith::NegFOp::create(b, below);
    if (resetTo.getKind() == ResetKind::Subtract) {
      subtract(up, positive);
      subtract(down, negative);
    } else {
      replace(add(up, below));
    }
    if (kind.output == Output::ScaledTernary) {
      up = mul(up, values.lookup("pos_scale"));
      down = mul(down, values.lookup("neg_scale"));
    }
    return add(up, down);
  }

  /// Subtracts the threshold, shared by the branches, where there was an event.
  void subtract(Value event, Value threshold) {
    Value amount = mul(event, threshold);
    if (kind.dual)
      amount = mul(amount, buildConstant(b, 0.5, amount));
    for (StringRef branch : kind.branches()) {
      Value &membrane = values[(branch + "mem").str()];
      membrane = sub(membrane, amount);
    }
  }

  /// Brings the membrane, shared by the branches, to the reset's value where
  /// there was an event: mem (1 - s) + s k v.
  void replace(Value event) {
    Value rest = sub(buildConstant(b, 1.0, event), event);
    double value = resetTo.getValue().convertToDouble();
    if (kind.dual)
      value /= 2;
    for (StringRef branch : kind.branches()) {
      Value &membrane = values[(branch + "mem").str()];
      membrane = mul(membrane, rest);
      if (value != 0)
        membrane = add(membrane, mul(event, buildConstant(b, value, event)));
    }
  }

  Value spike(Value distance) { return buildSpike(b, spikeFn, distance); }

  /// The event of a probability; `uniform` names the random number that a
  /// stochastic quantizer draws.
  Value quantize(Value probability, StringRef uniform) {
    return buildEvent(b, quantizer, probability, values.lookup(uniform));
  }

  /// The part of v that a branch sees: all of it, or what is not negative, or
  /// what is not positive. A NaN is neither and becomes 0, as in the reference.
  Value part(StringRef branch, Value v) {
    if (branch.empty())
      return v;
    auto predicate = branch == "pos_" ? arith::CmpFPredicate::OGE
                                      : arith::CmpFPredicate::OLE;
    Value zero = buildConstant(b, 0.0, v);
    return arith::SelectOp::create(
        b, arith::CmpFOp::create(b, predicate, v, zero), v, zero);
  }

  /// state = state * rate + input, left in `values`.
  Value decay(StringRef state, StringRef rate, Value input) {
    Value &value = values[state];
    value = add(mul(value, values.lookup(rate)), input);
    return value;
  }

  /// 1 - rate, which is computed outside of the step.
  Value complement(StringRef branch, StringRef rate) {
    return values.lookup((branch + rate + "_complement").str());
  }

  Value sumBranches(function_ref<Value(StringRef)> branchValue) {
    Value sum;
    for (StringRef branch : kind.branches()) {
      Value value = branchValue(branch);
      sum = sum ? add(sum, value) : value;
    }
    return sum;
  }

  Value add(Value l, Value r) { return arith::AddFOp::create(b, l, r); }
  Value sub(Value l, Value r) { return arith::SubFOp::create(b, l, r); }
  Value mul(Value l, Value r) { return arith::MulFOp::create(b, l, r); }

  ImplicitLocOpBuilder &b;
  const NeuronKind &kind;
  SpikeFn spikeFn;
  QuantizerAttr quantizer;
  ResetAttr resetTo;
  llvm::StringMap<Value> &values;
};

/// The rates whose complement a step of this kind multiplies with.
bool needsComplement(const NeuronKind &kind, StringRef param) {
  return param.ends_with("alpha") || param.ends_with("gamma") ||
         (param.ends_with("beta") && kind.output == Output::Average);
}

} // namespace

int64_t NeuronOp::getFeatureDim() { return fromFront(getDim(), getInput()); }

int64_t NeuronOp::getNumNeurons() {
  return typeOf(getInput()).getDimSize(getFeatureDim());
}

LogicalResult NeuronOp::verify() {
  auto kind = parseKind(getKind());
  if (!kind)
    return emitOpError() << "has the kind '" << getKind()
                         << "', expected [D][S]LI[EMA] or "
                            "[D][S][R]LI(B|T|TS), such as LIB or DSRLITS";
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "neurons")))
    return failure();
  if (!kind->fires() && (getSpike() != SpikeFn::Sigmoid4x ||
                         getQuant().getKind() != QuantKind::Identity ||
                         getReset().getKind() != ResetKind::Subtract))
    return emitOpError() << getKind()
                         << " does not fire: it takes no spike function, no "
                            "quantizer and no reset";
  if (!getScalar())
    return success();
  llvm::StringSet<> known, seen;
  forEachParam(*kind,
               [&](std::string name, Constraint) { known.insert(name); });
  for (auto name : getScalar()->getAsValueRange<StringAttr>()) {
    if (!known.contains(name))
      return emitOpError() << getKind() << " has no parameter named '" << name
                           << "' that could be a scalar";
    if (!seen.insert(name).second)
      return emitOpError() << "names '" << name << "' twice in its scalars";
  }
  return success();
}

void NeuronOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  llvm::StringSet<> scalars;
  if (getScalar())
    for (auto name : getScalar()->getAsValueRange<StringAttr>())
      scalars.insert(name);
  Type element = getElementTypeOrSelf(getInput());
  forEachParam(*parseKind(getKind()), [&](std::string name, Constraint c) {
    SmallVector<int64_t, 1> shape;
    if (!scalars.contains(name))
      shape.push_back(getNumNeurons());
    specs.push_back({name, RankedTensorType::get(shape, element), c});
  });
  llvm::sort(specs, [](const ParamSpec &a, const ParamSpec &b) {
    return a.name < b.name;
  });
}

void NeuronOp::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  SmallVector<std::string> names = stateNames(*parseKind(getKind()));
  llvm::sort(names);
  for (const std::string &name : names)
    specs.push_back({name, cast<RankedTensorType>(getInput().getType())});
}

SmallVector<Value> NeuronOp::expand(LayerExpansion &expansion) {
  NeuronKind kind = *parseKind(getKind());
  auto type = cast<RankedTensorType>(getInput().getType());
  ImplicitLocOpBuilder &b = expansion.getBuilder();
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  AffineMap alongFeatures =
      AffineMap::get(type.getRank(), 0, b.getAffineDimExpr(getFeatureDim()));
  AffineMap toScalar = AffineMap::get(type.getRank(), 0, b.getContext());

  SmallVector<std::string> names;
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  auto pass = [&](std::string name, Value value, AffineMap map) {
    names.push_back(std::move(name));
    operands.push_back(value);
    maps.push_back(map);
  };

  pass("x", getInput(), identity);
  SmallVector<std::string> states = stateNames(kind);
  for (const std::string &state : states)
    pass(state, expansion.read(state), identity);
  forEachParam(kind, [&](std::string name, Constraint) {
    Value value = expansion.param(name);
    AffineMap map = cast<RankedTensorType>(value.getType()).getRank() == 0
                        ? toScalar
                        : alongFeatures;
    pass(name, value, map);
    if (needsComplement(kind, name))
      pass(name + "_complement",
           expansion.map(value,
                         [](ImplicitLocOpBuilder &b, Value x) -> Value {
                           return arith::SubFOp::create(
                               b, buildConstant(b, 1.0, x), x);
                         }),
           map);
  });
  // One random number for each of the events.
  if (getQuant().isStochastic()) {
    pass("uniform", expansion.uniform(getInput()), identity);
    if (kind.firesNegative())
      pass("neg_uniform", expansion.uniform(getInput()), identity);
  }

  SmallVector<Value> results = expansion.elementwise(
      getInput(), operands, maps, 1 + states.size(),
      [&](ImplicitLocOpBuilder &inner, ValueRange elements) {
        llvm::StringMap<Value> values;
        for (auto [name, element] : llvm::zip_equal(names, elements))
          values[name] = element;
        SmallVector<Value> yielded = {
            Neuron(inner, kind, getSpike(), getQuant(), getReset(), values)
                .step(values.lookup("x"))};
        for (const std::string &state : states)
          yielded.push_back(values.lookup(state));
        return yielded;
      });
  for (auto [state, value] :
       llvm::zip_equal(states, ArrayRef<Value>(results).drop_front()))
    expansion.write(state, value);
  return {results.front()};
}
