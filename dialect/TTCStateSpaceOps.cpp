//===- TTCStateSpaceOps.cpp -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What state-space layers are: S4, S5, S6 and Mamba.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ttc;

static Value add(ImplicitLocOpBuilder &b, Value l, Value r) {
  return arith::AddFOp::create(b, l, r);
}
static Value mul(ImplicitLocOpBuilder &b, Value l, Value r) {
  return arith::MulFOp::create(b, l, r);
}
static Value silu(ImplicitLocOpBuilder &b, Value x) {
  return mul(b, x, buildSigmoid(b, x));
}

/// -exp(A_log): the poles, all of them stable.
static Value buildPole(ImplicitLocOpBuilder &b, Value logarithm) {
  return arith::NegFOp::create(b, math::ExpOp::create(b, logarithm));
}

//===----------------------------------------------------------------------===//
// What all of them own
//===----------------------------------------------------------------------===//

/// Checks a layer of n features along `dim` that keeps its input's type.
static LogicalResult verifyStateSpace(Operation *op, Value input, Value output,
                                      int64_t dim, int64_t dState,
                                      int64_t dtRank = 1,
                                      int64_t convKernel = 1) {
  if (failed(verifyStaticDim(op, input, dim, "features")) ||
      failed(verifyMakes(op, input, output, typeOf(input))))
    return failure();
  for (auto [name, size, least] : {std::make_tuple("d_state", dState, 1),
                                   {"dt_rank", dtRank, 1},
                                   {"conv_kernel", convKernel, 0}})
    if (size < least || size > mostOfAnything)
      return op->emitOpError()
             << "has a " << name << " of " << size << ", expected " << least
             << " to " << mostOfAnything;
  return success();
}

/// The type of a state with one more dimension than the input.
static RankedTensorType stateOf(Value input, int64_t size) {
  SmallVector<int64_t> shape(typeOf(input).getShape());
  shape.push_back(size);
  return tensorOf(shape, input);
}

static void addParam(SmallVectorImpl<ParamSpec> &specs, StringRef name,
                     Value input, ArrayRef<int64_t> shape) {
  specs.push_back({name.str(), tensorOf(shape, input), std::nullopt});
}

LogicalResult S4Op::verify() {
  return verifyStateSpace(*this, getInput(), getOutput(), getDim(),
                          getDState());
}

void S4Op::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  int64_t d = getDState();
  addParam(specs, "A_log", getInput(), {n, d});
  addParam(specs, "B", getInput(), {n, d});
  addParam(specs, "C", getInput(), {n, d});
  addParam(specs, "D", getInput(), {n});
  addParam(specs, "log_dt", getInput(), {n});
}

void S4Op::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  specs.push_back({"state", stateOf(getInput(), getDState())});
}

LogicalResult S5Op::verify() {
  return verifyStateSpace(*this, getInput(), getOutput(), getDim(),
                          getDState());
}

void S5Op::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  int64_t d = getDState();
  addParam(specs, "A_log", getInput(), {d});
  addParam(specs, "B", getInput(), {n, d});
  addParam(specs, "C", getInput(), {d, n});
  addParam(specs, "D", getInput(), {n});
  addParam(specs, "log_dt", getInput(), {1});
}

void S5Op::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  SmallVector<int64_t> shape(typeOf(getInput()).getShape());
  shape[fromFront(getDim(), getInput())] = getDState();
  specs.push_back({"global_state", tensorOf(shape, getInput())});
}

LogicalResult S6Op::verify() {
  return verifyStateSpace(*this, getInput(), getOutput(), getDim(), getDState(),
                          getDtRank().value_or(1));
}

/// The rank of dt: what is given, or a sixteenth of the features.
static int64_t timestepRank(std::optional<uint64_t> given, Value input,
                            int64_t dim) {
  if (given)
    return *given;
  int64_t features = typeOf(input).getDimSize(fromFront(dim, input));
  return std::max<int64_t>(1, features / 16);
}

int64_t S6Op::getTimestepRank() {
  return timestepRank(getDtRank(), getInput(), getDim());
}

int64_t MambaOp::getTimestepRank() {
  return timestepRank(getDtRank(), getInput(), getDim());
}

void S6Op::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  int64_t d = getDState(), r = getTimestepRank();
  addParam(specs, "A_log", getInput(), {n, d});
  addParam(specs, "D", getInput(), {n});
  addParam(specs, "dt_proj.bias", getInput(), {n});
  addParam(specs, "dt_proj.weight", getInput(), {n, r});
  addParam(specs, "x_proj.weight", getInput(), {r + 2 * d, n});
}

void S6Op::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  specs.push_back({"state", stateOf(getInput(), getDState())});
}

LogicalResult MambaOp::verify() {
  return verifyStateSpace(*this, getInput(), getOutput(), getDim(), getDState(),
                          getDtRank().value_or(1), getConvKernel());
}

void MambaOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  int64_t n = typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()));
  int64_t d = getDState(), r = getTimestepRank();
  addParam(specs, "A_log", getInput(), {n, d});
  addParam(specs, "D", getInput(), {n});
  if (hasConvolution()) {
    addParam(specs, "conv_bias", getInput(), {n});
    addParam(specs, "conv_weights", getInput(), {n, int64_t(getConvKernel())});
  }
  addParam(specs, "dt_proj.bias", getInput(), {n});
  addParam(specs, "dt_proj.weight", getInput(), {n, r});
  addParam(specs, "in_proj.weight", getInput(), {2 * n, n});
  addParam(specs, "out_proj.weight", getInput(), {n, n});
  addParam(specs, "ssm_proj.weight", getInput(), {r + 2 * d, n});
}

void MambaOp::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  if (hasConvolution())
    specs.push_back({"conv_buffer", stateOf(getInput(), getConvKernel())});
  specs.push_back({"ssm_state", stateOf(getInput(), getDState())});
}

//===----------------------------------------------------------------------===//
// S4 and S5: the dynamics are known with the weights
//===----------------------------------------------------------------------===//

/// The pole A and the exponent dt A.
static std::pair<Value, Value> buildDynamics(ImplicitLocOpBuilder &b,
                                             Value logDt, Value logarithm) {
  Value a = buildPole(b, logarithm);
  return {a, mul(b, math::ExpOp::create(b, logDt), a)};
}

/// What a step makes of the state, exp(dt A), and of the input,
/// (exp(dt A) - 1) / A; that times the parameter `perPole`, if it has a name.
static std::pair<Value, Value> discretize(LayerExpansion &expansion,
                                          AffineMap ofStep, AffineMap ofPole,
                                          StringRef perPole) {
  Value poles = expansion.param("A_log"), logDt = expansion.param("log_dt");
  Value decay =
      expansion
          .elementwise(
              poles, {logDt, poles}, {ofStep, ofPole}, 1,
              [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                auto [a, exponent] = buildDynamics(b, v[0], v[1]);
                return {math::ExpOp::create(b, exponent)};
              })
          .front();
  SmallVector<Value> operands = {logDt, poles};
  SmallVector<AffineMap> maps = {ofStep, ofPole};
  if (!perPole.empty()) {
    operands.push_back(expansion.param(perPole));
    maps.push_back(ofPole);
  }
  Value gain =
      expansion
          .elementwise(
              poles, operands, maps, 1,
              [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                auto [a, exponent] = buildDynamics(b, v[0], v[1]);
                Value quotient = arith::DivFOp::create(
                    b, math::ExpM1Op::create(b, exponent), a);
                return {v.size() == 3 ? mul(b, quotient, v[2]) : quotient};
              })
          .front();
  return {decay, gain};
}

/// state decay + gain input.
static SmallVector<Value> buildRecurrence(ImplicitLocOpBuilder &b,
                                          ValueRange v) {
  return {add(b, mul(b, v[0], v[1]), mul(b, v[2], v[3]))};
}

/// output + input D.
static SmallVector<Value> buildSkip(ImplicitLocOpBuilder &b, ValueRange v) {
  return {add(b, v[0], mul(b, v[1], v[2]))};
}

SmallVector<Value> S4Op::expand(LayerExpansion &expansion) {
  Value x = getInput();
  int64_t rank = typeOf(x).getRank(), dim = fromFront(getDim(), x);
  auto [decay, gain] = discretize(expansion, expansion.pick(2, {0}),
                                  expansion.pick(2, {0, 1}), "B");

  Value state = expansion.read("state");
  AffineMap identity = expansion.getBuilder().getMultiDimIdentityMap(rank + 1);
  AffineMap ofFeature = expansion.pick(rank + 1, {dim, rank});
  AffineMap ofInput = identity.dropResult(rank);
  state = expansion
              .elementwise(state, {state, decay, gain, x},
                           {identity, ofFeature, ofFeature, ofInput}, 1,
                           buildRecurrence)
              .front();
  expansion.write("state", state);
  Value sum = expansion.reduce(
      ReductionKind::Add, typeOf(x), x, {state, expansion.param("C")},
      {identity, ofFeature},
      [](ImplicitLocOpBuilder &b, ValueRange v) { return mul(b, v[0], v[1]); });
  identity = expansion.getBuilder().getMultiDimIdentityMap(rank);
  return expansion.elementwise(
      x, {sum, x, expansion.param("D")},
      {identity, identity, expansion.pick(rank, {dim})}, 1, buildSkip);
}

SmallVector<Value> S5Op::expand(LayerExpansion &expansion) {
  int64_t last = typeOf(getInput()).getRank() - 1;
  int64_t dim = fromFront(getDim(), getInput());
  Value x = expansion.moveDim(getInput(), dim, last);
  Value state = expansion.moveDim(expansion.read("global_state"), dim, last);
  AffineMap first =
      AffineMap::get(1, 0, expansion.getBuilder().getAffineConstantExpr(0));
  auto [decay, gain] = discretize(expansion, first, expansion.pick(1, {0}), "");

  Value drive =
      expansion.product(x, expansion.transpose(expansion.param("B"), {1, 0}));
  AffineMap identity = expansion.getBuilder().getMultiDimIdentityMap(last + 1);
  AffineMap feature = expansion.pick(last + 1, {last});
  state = expansion
              .elementwise(state, {state, decay, gain, drive},
                           {identity, feature, feature, identity}, 1,
                           buildRecurrence)
              .front();
  expansion.write("global_state", expansion.moveDim(state, last, dim));
  Value out = expansion.product(
      state, expansion.transpose(expansion.param("C"), {1, 0}));
  out = expansion
            .elementwise(out, {out, x, expansion.param("D")},
                         {identity, identity, feature}, 1, buildSkip)
            .front();
  return {expansion.moveDim(out, last, dim)};
}

//===----------------------------------------------------------------------===//
// S6 and Mamba: the dynamics are chosen by the input
//===----------------------------------------------------------------------===//

/// The dimensions of a tensor whose features lie along `dim`, as dimensions of
/// the same tensor with its features moved to the end; with `inverse`, the
/// other way round.
static SmallVector<int64_t> featuresLast(int64_t rank, int64_t dim,
                                         bool inverse) {
  SmallVector<int64_t> dims;
  for (int64_t i = 0; i < rank; ++i) {
    if (inverse)
      dims.push_back(i < dim ? i : i == dim ? rank - 1 : i - 1);
    else
      dims.push_back(i == rank - 1 ? dim : i < dim ? i : i + 1);
  }
  return dims;
}

/// One step of the selective recurrence. `x` has its features last, `state`
/// along `dim`; `projection` names the matrix that gives dt, B and C. Returns
/// Σ_d state C, with the features last, and writes the state.
static Value buildSelective(LayerExpansion &expansion, Value x, int64_t dim,
                            StringRef projection, StringRef stateName,
                            int64_t dtRank, int64_t dState) {
  int64_t rank = typeOf(x).getRank();
  Value weight = expansion.param((projection + ".weight").str());
  int64_t n = typeOf(weight).getDimSize(1);
  auto rows = [&](int64_t first, int64_t size) {
    return expansion.product(x, expansion.slice(weight, {first, 0}, {size, n}));
  };
  Value dt = expansion.map(
      expansion.product(rows(0, dtRank), expansion.param("dt_proj.weight"),
                        expansion.param("dt_proj.bias")),
      [](ImplicitLocOpBuilder &b, Value v) { return buildSoftplus(b, v); });
  Value input = rows(dtRank, dState), output = rows(dtRank + dState, dState);
  Value poles = expansion.map(expansion.param("A_log"), buildPole);
  // Known with the weights: a division for each state takes as long as half of
  // its exponential.
  Value inverse =
      expansion.map(poles, [](ImplicitLocOpBuilder &b, Value pole) -> Value {
        return arith::DivFOp::create(
            b, buildConstant(b, 1.0, pole),
            add(b, pole, buildConstant(b, 1e-12, pole)));
      });

  // The state keeps its own order of dimensions; what has its features last is
  // read across it.
  Value state = expansion.read(stateName);
  AffineMap identity = expansion.getBuilder().getMultiDimIdentityMap(rank + 1);
  SmallVector<int64_t> dims = featuresLast(rank, dim, /*inverse=*/false);
  AffineMap ofFeatures = expansion.pick(rank + 1, dims);
  dims.back() = rank;
  AffineMap ofStates = expansion.pick(rank + 1, dims);
  AffineMap ofPoles = expansion.pick(rank + 1, {dim, rank});
  state =
      expansion
          .elementwise(
              state, {state, dt, poles, inverse, input, x},
              {identity, ofFeatures, ofPoles, ofPoles, ofStates, ofFeatures}, 1,
              [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                Value decay = math::ExpOp::create(b, mul(b, v[1], v[2]));
                Value rise = arith::SubFOp::create(b, decay,
                                                   buildConstant(b, 1.0, v[0]));
                Value gain = mul(b, mul(b, rise, v[3]), v[4]);
                return {add(b, mul(b, v[0], decay), mul(b, gain, v[5]))};
              })
          .front();
  expansion.write(stateName, state);

  dims = featuresLast(rank, dim, /*inverse=*/true);
  dims.push_back(rank);
  SmallVector<int64_t> withoutFeatures =
      llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  withoutFeatures.push_back(rank);
  return expansion.reduce(
      ReductionKind::Add, typeOf(x), x, {state, output},
      {expansion.pick(rank + 1, dims),
       expansion.pick(rank + 1, withoutFeatures)},
      [](ImplicitLocOpBuilder &b, ValueRange v) { return mul(b, v[0], v[1]); });
}

SmallVector<Value> S6Op::expand(LayerExpansion &expansion) {
  int64_t last = typeOf(getInput()).getRank() - 1;
  int64_t dim = fromFront(getDim(), getInput());
  Value x = expansion.moveDim(getInput(), dim, last);
  Value sum = buildSelective(expansion, x, dim, "x_proj", "state",
                             getTimestepRank(), getDState());
  AffineMap identity = expansion.getBuilder().getMultiDimIdentityMap(last + 1);
  Value out =
      expansion
          .elementwise(
              x, {sum, x, expansion.param("D")},
              {identity, identity, expansion.pick(last + 1, {last})}, 1,
              [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                return {add(b, v[0], mul(b, v[1], v[2]))};
              })
          .front();
  return {expansion.moveDim(out, last, dim)};
}

/// The convolution over the last timesteps: silu(Σ_k buffer weights + bias).
static Value buildConvolution(LayerExpansion &expansion, Value main,
                              int64_t dim, int64_t kernel) {
  int64_t rank = typeOf(main).getRank(), last = rank - 1;
  Value newest = expansion.moveDim(main, last, dim);
  SmallVector<int64_t> shape(typeOf(newest).getShape());
  shape.push_back(1);
  Value buffer = expansion.concat(
      {expansion.slice(expansion.read("conv_buffer"), rank, 1, kernel - 1),
       expansion.reshape(newest, shape)},
      rank);
  expansion.write("conv_buffer", buffer);
  SmallVector<int64_t> dims = featuresLast(rank, dim, /*inverse=*/true);
  dims.push_back(rank);
  Value sum = expansion.reduce(
      ReductionKind::Add, typeOf(main), main,
      {buffer, expansion.param("conv_weights")},
      {expansion.pick(rank + 1, dims), expansion.pick(rank + 1, {last, rank})},
      [](ImplicitLocOpBuilder &b, ValueRange v) { return mul(b, v[0], v[1]); });
  return expansion
      .elementwise(
          sum, {sum, expansion.param("conv_bias")},
          {expansion.getBuilder().getMultiDimIdentityMap(rank),
           expansion.pick(rank, {last})},
          1,
          [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
            return {silu(b, add(b, v[0], v[1]))};
          })
      .front();
}

SmallVector<Value> MambaOp::expand(LayerExpansion &expansion) {
  int64_t rank = typeOf(getInput()).getRank(), last = rank - 1;
  int64_t dim = fromFront(getDim(), getInput());
  Value x = expansion.moveDim(getInput(), dim, last);
  int64_t n = typeOf(x).getDimSize(last);
  Value weight = expansion.param("in_proj.weight");
  Value main = expansion.product(x, expansion.slice(weight, {0, 0}, {n, n}));
  Value gate = expansion.product(x, expansion.slice(weight, {n, 0}, {n, n}));
  Value c = hasConvolution()
                ? buildConvolution(expansion, main, dim, getConvKernel())
                : expansion.map(main, silu);
  Value sum = buildSelective(expansion, c, dim, "ssm_proj", "ssm_state",
                             getTimestepRank(), getDState());
  AffineMap identity = expansion.getBuilder().getMultiDimIdentityMap(rank);
  Value y =
      expansion
          .elementwise(
              x, {sum, c, expansion.param("D"), gate},
              {identity, identity, expansion.pick(rank, {last}), identity}, 1,
              [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
                return {
                    mul(b, add(b, v[0], mul(b, v[1], v[2])), silu(b, v[3]))};
              })
          .front();
  Value out = expansion.combine(
      {expansion.product(y, expansion.param("out_proj.weight")), x},
      [](ImplicitLocOpBuilder &b, ValueRange v) { return add(b, v[0], v[1]); });
  return {expansion.moveDim(out, last, dim)};
}
