//===- ExpandLayers.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How layers become reads, arithmetic and writes.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ttc {
#define GEN_PASS_DEF_EXPANDLAYERS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct ExpandLayers : ttc::impl::ExpandLayersBase<ExpandLayers> {
  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model)
      return signalPassFailure();
    SymbolTable resources(getOperation());
    SmallVector<LayerOpInterface> layers;
    int64_t nextStream = 0;
    model.walk([&](UniformOp uniform) {
      nextStream = std::max(nextStream, int64_t(uniform.getStream()) + 1);
    });
    model.walk([&](LayerOpInterface layer) { layers.push_back(layer); });
    for (LayerOpInterface layer : layers) {
      if (failed(checkDeclared(layer, resources)))
        return signalPassFailure();
      // What a layer becomes keeps the layer's path as the name of its
      // location.
      Location loc = layer.getLoc();
      if (!layer.getLayerPath().empty())
        loc = NameLoc::get(StringAttr::get(&getContext(), layer.getLayerPath()),
                           loc);
      ImplicitLocOpBuilder builder(loc, layer);
      LayerExpansion expansion(builder, layer.getLayerPath(), resources,
                               nextStream);
      layer->replaceAllUsesWith(layer.expand(expansion));
      layer->erase();
    }
  }

  static LogicalResult checkDeclared(LayerOpInterface layer,
                                     SymbolTable &resources) {
    std::string prefix = (layer.getLayerPath() + ".").str();
    auto missing = [&](StringRef key) {
      return layer->emitOpError()
             << "has no declaration of '" << key
             << "': declare-resources runs before expand-layers";
    };
    SmallVector<ParamSpec> params;
    layer.getParamSpecs(params);
    for (const ParamSpec &param : params)
      if (!resources.lookup<ParamOp>(prefix + param.name) &&
          !(param.constraint &&
            resources.lookup<ParamOp>(prefix + "raw_" + param.name)))
        return missing(prefix + param.name);
    SmallVector<StateSpec> states;
    layer.getStateSpecs(states);
    for (const StateSpec &state : states)
      if (!resources.lookup<StateOp>(prefix + state.name))
        return missing(prefix + state.name);
    return success();
  }
};
} // namespace
