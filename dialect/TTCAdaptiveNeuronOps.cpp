//===- TTCAdaptiveNeuronOps.cpp -------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What neurons with an adaptive threshold are.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "dialect/TTCLayerShapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ttc;

LogicalResult AdaptiveNeuronOp::verify() {
  if (failed(verifyStaticDim(*this, getInput(), getDim(), "neurons")))
    return failure();
  return verifyMakes(*this, getInput(), getOutput(), typeOf(getInput()));
}

void AdaptiveNeuronOp::getParamSpecs(SmallVectorImpl<ParamSpec> &specs) {
  RankedTensorType type =
      tensorOf({typeOf(getInput()).getDimSize(fromFront(getDim(), getInput()))},
               getInput());
  specs.push_back({"beta", type, Constraint::Sigmoid});
  specs.push_back({"kappa", type, Constraint::Softplus});
  specs.push_back({"rho", type, Constraint::Sigmoid});
  specs.push_back({"threshold", type, Constraint::Softplus});
}

void AdaptiveNeuronOp::getStateSpecs(SmallVectorImpl<StateSpec> &specs) {
  specs.push_back({"adapt", typeOf(getInput())});
  specs.push_back({"mem", typeOf(getInput())});
}

SmallVector<Value> AdaptiveNeuronOp::expand(LayerExpansion &expansion) {
  int64_t rank = typeOf(getInput()).getRank();
  AffineMap all = expansion.getBuilder().getMultiDimIdentityMap(rank);
  AffineMap neuron = expansion.pick(rank, {fromFront(getDim(), getInput())});
  SmallVector<Value> operands = {getInput(), expansion.read("mem"),
                                 expansion.read("adapt")};
  SmallVector<AffineMap> maps = {all, all, all};
  for (StringRef name : {"beta", "rho", "threshold", "kappa"}) {
    operands.push_back(expansion.param(name));
    maps.push_back(neuron);
  }
  if (getQuant().isStochastic()) {
    operands.push_back(expansion.uniform(getInput()));
    maps.push_back(all);
  }
  SmallVector<Value> results = expansion.elementwise(
      getInput(), operands, maps, 3,
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        auto add = [&](Value l, Value r) -> Value {
          return arith::AddFOp::create(b, l, r);
        };
        auto sub = [&](Value l, Value r) -> Value {
          return arith::SubFOp::create(b, l, r);
        };
        auto mul = [&](Value l, Value r) -> Value {
          return arith::MulFOp::create(b, l, r);
        };
        Value x = v[0], mem = v[1], adapt = v[2], beta = v[3], rho = v[4];
        Value threshold = v[5], kappa = v[6];
        Value uniform = getQuant().isStochastic() ? v[7] : Value();
        mem = add(mul(mem, beta), x);
        Value distance = sub(sub(mem, threshold), mul(kappa, adapt));
        Value event = buildEvent(b, getQuant(),
                                 buildSpike(b, getSpike(), distance), uniform);
        mem = sub(mem, mul(event, threshold));
        adapt = add(mul(adapt, rho),
                    mul(event, sub(buildConstant(b, 1.0, rho), rho)));
        return {event, mem, adapt};
      });
  expansion.write("mem", results[1]);
  expansion.write("adapt", results[2]);
  return {results[0]};
}
