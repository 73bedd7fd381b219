//===- TTCStateOps.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What reads and writes of states do to them, so that no pass reorders them.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ttc;

namespace {
/// The states of the session that a model is stepped in: memory that nothing
/// else can reach.
struct SessionStates : public SideEffects::Resource::Base<SessionStates> {
  StringRef getName() final { return "SessionStates"; }
};
} // namespace

void ReadOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), getStateAttr(),
                       SessionStates::get());
}

void WriteOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), getStateAttr(),
                       SessionStates::get());
}

void NeuronOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), SessionStates::get());
  effects.emplace_back(MemoryEffects::Write::get(), SessionStates::get());
}

static LogicalResult verifyState(Operation *op, FlatSymbolRefAttr name,
                                 Type type, SymbolTableCollection &tables) {
  auto state = tables.lookupNearestSymbolFrom<StateOp>(op, name);
  if (!state)
    return op->emitOpError()
           << "names " << name << ", but no ttc.state declares it";
  if (state.getType() != type)
    return op->emitOpError() << "has the type " << type << ", but " << name
                             << " is declared with " << state.getType();
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyState(*this, getStateAttr(), getType(), tables);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyState(*this, getStateAttr(), getValue().getType(), tables);
}
