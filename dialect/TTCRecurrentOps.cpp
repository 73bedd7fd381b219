//===- TTCRecurrentOps.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What recurrent layers are: traceTorch's over [H, x], and PyTorch's.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ttc;

/// Arithmetic on one element, short enough to read as its formula.
namespace {
struct Element {
  ImplicitLocOpBuilder &b;

  Value add(Value l, Value r) { return arith::AddFOp::create(b, l, r); }
  Value sub(Value l, Value r) { return arith::SubFOp::create(b, l, r); }
  Value mul(Value l, Value r) { return arith::MulFOp::create(b, l, r); }
  Value tanh(Value v) { return math::TanhOp::create(b, v); }
  Value sigmoid(Value v) { return buildSigmoid(b, v); }
  Value relu(Value v) {
    return arith::MaximumFOp::create(b, v, buildConstant(b, 0.0, v));
  }
  Value one(Value like) { return buildConstant(b, 1.0, like); }
};

/// The products with the rows of one gate: of the state, and of the input. The
/// bias is with the first.
struct Gate {
  Value ofState, ofInput;
};
} // namespace

/// C = σ(f) C + σ(i) tanh(g); H = σ(o) tanh(C). Returns H and C.
static SmallVector<Value> updateLSTM(Element e, Value i, Value f, Value g,
                                     Value o, Value cell) {
  i = e.sigmoid(i);
  f = e.sigmoid(f);
  o = e.sigmoid(o);
  g = e.tanh(g);
  Value newCell = e.add(e.mul(f, cell), e.mul(i, g));
  return {e.mul(o, e.tanh(newCell)), newCell};
}

//===----------------------------------------------------------------------===//
// The layers of traceTorch
//===----------------------------------------------------------------------===//

LogicalResult RNNOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "features")))
    return failure();
  return verifyChangesOnly(*this, getInput(), getOutput(), getDim());
}

void RNNOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t dim = fromFront(getDim(), getInput());
  int64_t in = typeOf(getInput()).getDimSize(dim);
  int64_t out = typeOf(getOutput()).getDimSize(dim);
  auto add = [&](StringRef matrix, int64_t rows) {
    specs.push_back(
        {(matrix + ".bias").str(), tensorOf({rows}, getInput()), std::nullopt});
    specs.push_back({(matrix + ".weight").str(),
                     tensorOf({rows, out + in}, getInput()), std::nullopt});
  };
  switch (getKind()) {
  case RNNKind::Simple:
    return add("lin", out);
  case RNNKind::LSTM:
    return add("gate_layers", 4 * out);
  case RNNKind::GRU:
    add("candidate_layer", out);
    return add("gate_layers", 2 * out);
  }
}

void RNNOp::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  if (getKind() == RNNKind::LSTM)
    specs.push_back({"C", typeOf(getOutput())});
  specs.push_back({"H", typeOf(getOutput())});
}

SmallVector<Value> RNNOp::expand(LayerExpansion &expansion) {
  // Features are the last dimension in here.
  int64_t dim = fromFront(getDim(), getInput());
  int64_t last = typeOf(getInput()).getRank() - 1;
  Value x = expansion.moveDim(getInput(), dim, last);
  Value hidden = expansion.moveDim(expansion.read("H"), dim, last);
  int64_t in = typeOf(x).getDimSize(last),
          out = typeOf(hidden).getDimSize(last);
  // The products of gate `index`: [H, x] is never put together, the columns of
  // the weight are taken apart.
  auto gate = [&](StringRef matrix, int64_t index, Value state) -> Gate {
    Value weight = expansion.param((matrix + ".weight").str());
    Value bias = expansion.param((matrix + ".bias").str());
    int64_t row = index * out;
    return {
        expansion.product(state, expansion.slice(weight, {row, 0}, {out, out}),
                          expansion.slice(bias, {row}, {out})),
        expansion.product(x, expansion.slice(weight, {row, out}, {out, in}))};
  };
  auto write = [&](StringRef name, Value value) {
    Value state = expansion.moveDim(value, last, dim);
    expansion.write(name, state);
    return state;
  };
  using Builder = ImplicitLocOpBuilder;

  switch (getKind()) {
  case RNNKind::Simple: {
    Gate lin = gate("lin", 0, hidden);
    Value next = expansion.combine({lin.ofState, lin.ofInput},
                                   [](Builder &b, ValueRange v) {
                                     Element e{b};
                                     return e.tanh(e.add(v[0], v[1]));
                                   });
    return {write("H", next)};
  }
  case RNNKind::LSTM: {
    SmallVector<Value> operands;
    for (int64_t index = 0; index < 4; ++index) {
      Gate g = gate("gate_layers", index, hidden);
      operands.append({g.ofState, g.ofInput});
    }
    operands.push_back(expansion.moveDim(expansion.read("C"), dim, last));
    SmallVector<Value> next = expansion.elementwise(
        hidden, operands,
        SmallVector<AffineMap>(
            operands.size(),
            expansion.getBuilder().getMultiDimIdentityMap(last + 1)),
        2, [](Builder &b, ValueRange v) {
          Element e{b};
          Value i = e.add(v[0], v[1]), f = e.add(v[2], v[3]);
          Value o = e.add(v[4], v[5]), g = e.add(v[6], v[7]);
          return updateLSTM(e, i, f, g, o, v[8]);
        });
    write("C", next[1]);
    return {write("H", next[0])};
  }
  case RNNKind::GRU: {
    Gate reset = gate("gate_layers", 0, hidden);
    Gate update = gate("gate_layers", 1, hidden);
    Value rest = expansion.combine(
        {reset.ofState, reset.ofInput, hidden}, [](Builder &b, ValueRange v) {
          Element e{b};
          return e.mul(v[2], e.sigmoid(e.add(v[0], v[1])));
        });
    Gate candidate = gate("candidate_layer", 0, rest);
    Value next = expansion.combine(
        {update.ofState, update.ofInput, candidate.ofState, candidate.ofInput,
         hidden},
        [](Builder &b, ValueRange v) {
          Element e{b};
          Value u = e.sigmoid(e.add(v[0], v[1]));
          Value c = e.tanh(e.add(v[2], v[3]));
          return e.add(e.mul(v[4], e.sub(e.one(u), u)), e.mul(u, c));
        });
    return {write("H", next)};
  }
  }
  llvm_unreachable("every kind has its step");
}

//===----------------------------------------------------------------------===//
// The layers of PyTorch
//===----------------------------------------------------------------------===//

bool TorchRNNOp::isProjected() {
  return typeOf(getOutput()).getShape().back() != int64_t(getHidden());
}

LogicalResult TorchRNNOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), -1, "features")) ||
      failed(verifyChangesOnly(*this, getInput(), getOutput(), -1)))
    return failure();
  int64_t layers = getLayers(), hidden = getHidden();
  int64_t out = typeOf(getOutput()).getShape().back();
  constexpr int64_t mostLayers = 1024;
  if (layers < 1 || layers > mostLayers)
    return emitOpError() << "has " << layers << " layers, expected 1 to "
                         << mostLayers;
  if (hidden < 1 || hidden > mostOfAnything)
    return emitOpError() << "has a hidden size of " << hidden
                         << ", expected 1 to " << mostOfAnything;
  if (getCell() && layers != 1)
    return emitOpError() << "is a cell, which is one layer, of " << layers
                         << " layers";
  if (!isProjected())
    return success();
  if (getKind() != TorchRNNKind::LSTM || getCell())
    return emitOpError() << "makes " << out << " features of a hidden size of "
                         << hidden
                         << ", which an lstm that is no cell does alone";
  if (out > hidden)
    return emitOpError() << "projects a hidden size of " << hidden << " to "
                         << out << " features, expected fewer";
  return success();
}

/// How many rows of `hidden` each matrix has.
static int64_t numGates(TorchRNNKind kind) {
  switch (kind) {
  case TorchRNNKind::Tanh:
  case TorchRNNKind::ReLU:
    return 1;
  case TorchRNNKind::LSTM:
    return 4;
  case TorchRNNKind::GRU:
    return 3;
  }
  llvm_unreachable("every kind has its gates");
}

void TorchRNNOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t in = typeOf(getInput()).getShape().back();
  int64_t out = typeOf(getOutput()).getShape().back();
  int64_t hidden = getHidden(), rows = numGates(getKind()) * hidden;
  for (int64_t layer = 0; layer < int64_t(getLayers()); ++layer) {
    std::string suffix = getCell() ? "" : "_l" + std::to_string(layer);
    auto add = [&](StringRef name, ArrayRef<int64_t> shape) {
      specs.push_back(
          {(name + suffix).str(), tensorOf(shape, getInput()), std::nullopt});
    };
    if (!getNoBias()) {
      add("bias_hh", {rows});
      add("bias_ih", {rows});
    }
    add("weight_hh", {rows, out});
    if (isProjected())
      add("weight_hr", {out, hidden});
    add("weight_ih", {rows, layer == 0 ? in : out});
  }
  llvm::sort(specs, [](const ParamSpec &a, const ParamSpec &b) {
    return a.name < b.name;
  });
}

void TorchRNNOp::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  auto add = [&](StringRef name, int64_t size) {
    SmallVector<int64_t> shape(typeOf(getOutput()).getShape());
    shape.back() = size;
    if (!getCell())
      shape.insert(shape.begin(), getLayers());
    specs.push_back({name.str(), tensorOf(shape, getInput())});
  };
  if (getKind() == TorchRNNKind::LSTM)
    add("c", getHidden());
  add("h", typeOf(getOutput()).getShape().back());
}

SmallVector<Value> TorchRNNOp::expand(LayerExpansion &expansion) {
  using Builder = ImplicitLocOpBuilder;
  int64_t hidden = getHidden(), gates = numGates(getKind());
  Value x = getInput();
  for (int64_t layer = 0; layer < int64_t(getLayers()); ++layer) {
    std::optional<int64_t> place;
    std::string suffix;
    if (!getCell()) {
      place = layer;
      suffix = "_l" + std::to_string(layer);
    }
    Value state = expansion.read("h", place);
    // Two operands a gate, each with its bias: W_hh h + b_hh, W_ih x + b_ih.
    SmallVector<Value> operands;
    for (int64_t index = 0; index < gates; ++index)
      for (auto [side, value] : {std::pair<StringRef, Value>("hh", state),
                                 std::pair<StringRef, Value>("ih", x)}) {
        int64_t row = index * hidden;
        Value weight = expansion.param(("weight_" + side + suffix).str());
        int64_t columns = typeOf(weight).getDimSize(1);
        Value bias;
        if (!getNoBias())
          bias =
              expansion.slice(expansion.param(("bias_" + side + suffix).str()),
                              {row}, {hidden});
        operands.push_back(expansion.product(
            value, expansion.slice(weight, {row, 0}, {hidden, columns}), bias));
      }

    switch (getKind()) {
    case TorchRNNKind::Tanh:
    case TorchRNNKind::ReLU:
      x = expansion.combine(operands, [&](Builder &b, ValueRange v) {
        Element e{b};
        Value sum = e.add(v[1], v[0]);
        return getKind() == TorchRNNKind::Tanh ? e.tanh(sum) : e.relu(sum);
      });
      break;
    case TorchRNNKind::LSTM: {
      Value cell = expansion.read("c", place);
      operands.push_back(cell);
      SmallVector<Value> next = expansion.elementwise(
          cell, operands,
          SmallVector<AffineMap>(operands.size(),
                                 expansion.getBuilder().getMultiDimIdentityMap(
                                     typeOf(cell).getRank())),
          2, [](Builder &b, ValueRange v) {
            Element e{b};
            Value i = e.add(v[1], v[0]), f = e.add(v[3], v[2]);
            Value g = e.add(v[5], v[4]), o = e.add(v[7], v[6]);
            return updateLSTM(e, i, f, g, o, v[8]);
          });
      expansion.write("c", next[1], place);
      x = next[0];
      if (isProjected())
        x = expansion.product(x, expansion.param("weight_hr" + suffix));
      break;
    }
    case TorchRNNKind::GRU:
      operands.push_back(state);
      x = expansion.combine(operands, [](Builder &b, ValueRange v) {
        Element e{b};
        Value r = e.sigmoid(e.add(v[1], v[0]));
        Value z = e.sigmoid(e.add(v[3], v[2]));
        Value n = e.tanh(e.add(v[5], e.mul(r, v[4])));
        return e.add(e.mul(e.sub(v[6], n), z), n);
      });
      break;
    }
    expansion.write("h", x, place);
  }
  return {x};
}
