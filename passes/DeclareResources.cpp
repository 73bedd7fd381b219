//===- DeclareResources.cpp -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which parameters and states a model has, by name.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace ttc {
#define GEN_PASS_DEF_DECLARERESOURCES
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

ModelOp ttc::getOnlyModel(ModuleOp module) {
  auto models = llvm::to_vector(module.getOps<ModelOp>());
  if (models.size() == 1)
    return models.front();
  module.emitError() << "expected one ttc.model in the module, found "
                     << models.size();
  return nullptr;
}

namespace {
struct DeclareResources : ttc::impl::DeclareResourcesBase<DeclareResources> {
  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model)
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    llvm::StringMap<LayerOpInterface> owners;
    // One layer's error does not hide another's.
    bool hasFailed = false;
    model.walk([&](LayerOpInterface layer) {
      if (layer.getLayerPath().empty())
        return;
      auto [owner, isFirst] = owners.try_emplace(layer.getLayerPath(), layer);
      OpBuilder builder(model);
      hasFailed |= failed(isFirst ? declare(layer, symbols, builder)
                                  : checkShared(owner->second, layer));
    });
    if (hasFailed)
      signalPassFailure();
  }

  /// One path is one set of parameters and states. A layer that is used twice
  /// shares them; two different layers cannot. A layer without states may be
  /// used on tensors of several shapes, as long as its parameters are the same.
  static LogicalResult checkShared(LayerOpInterface first,
                                   LayerOpInterface second) {
    if (first->getName() == second->getName() &&
        first->getAttrDictionary() == second->getAttrDictionary() &&
        ownTheSame(first, second))
      return success();
    InFlightDiagnostic error =
        second->emitOpError()
        << "has the path '" << second.getLayerPath()
        << "' of another layer: a layer used twice is written the same way "
           "twice, and different layers need different paths";
    error.attachNote(first->getLoc()) << "the other layer is here";
    return error;
  }

  static bool ownTheSame(LayerOpInterface first, LayerOpInterface second) {
    auto params = [](LayerOpInterface layer) {
      SmallVector<ParamSpec> specs;
      layer.getParamSpecs(specs);
      return specs;
    };
    auto states = [](LayerOpInterface layer) {
      SmallVector<StateSpec> specs;
      layer.getStateSpecs(specs);
      return specs;
    };
    auto isSame = [](const auto &a, const auto &b) {
      return a.name == b.name && a.type == b.type;
    };
    return llvm::equal(params(first), params(second), isSame) &&
           llvm::equal(states(first), states(second), isSame);
  }

  static LogicalResult declare(LayerOpInterface layer, SymbolTable &symbols,
                               OpBuilder &builder) {
    std::string prefix = (layer.getLayerPath() + ".").str();
    SmallVector<ParamSpec> params;
    layer.getParamSpecs(params);
    for (const ParamSpec &param : params) {
      std::string compiled = prefix + param.name;
      std::string raw = prefix + "raw_" + param.name;
      if (Operation *present = symbols.lookup(compiled)) {
        if (failed(checkDeclared<ParamOp>(layer, present, param.type)))
          return failure();
        continue;
      }
      Operation *present = param.constraint ? symbols.lookup(raw) : nullptr;
      if (present) {
        if (failed(checkDeclared<ParamOp>(layer, present, param.type)))
          return failure();
        continue;
      }
      ConstraintAttr constraint;
      if (param.constraint)
        constraint =
            ConstraintAttr::get(builder.getContext(), *param.constraint);
      symbols.insert(ParamOp::create(builder, layer.getLoc(),
                                     constraint ? raw : compiled, param.type,
                                     constraint, ConstraintAttr()),
                     builder.getInsertionPoint());
    }
    SmallVector<StateSpec> states;
    layer.getStateSpecs(states);
    for (const StateSpec &state : states) {
      std::string name = prefix + state.name;
      if (Operation *present = symbols.lookup(name)) {
        if (failed(checkDeclared<StateOp>(layer, present, state.type)))
          return failure();
        continue;
      }
      symbols.insert(StateOp::create(builder, layer.getLoc(), name, state.type,
                                     BytesAttr()),
                     builder.getInsertionPoint());
    }
    return success();
  }

  template <typename DeclarationOp>
  static LogicalResult checkDeclared(LayerOpInterface layer, Operation *present,
                                     RankedTensorType type) {
    auto declaration = dyn_cast<DeclarationOp>(present);
    if (declaration && declaration.getType() == type)
      return success();
    InFlightDiagnostic error = layer->emitOpError()
                               << "needs " << DeclarationOp::getOperationName()
                               << " @\""
                               << SymbolTable::getSymbolName(present).getValue()
                               << "\" of type " << type;
    error.attachNote(present->getLoc()) << "declared otherwise here";
    return error;
  }
};
} // namespace
