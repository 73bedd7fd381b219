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

void ttc::appendSessionEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), SessionStates::get());
  effects.emplace_back(MemoryEffects::Write::get(), SessionStates::get());
}

bool ttc::isStateTensor(Type type) {
  if (isModelTensor(type))
    return true;
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() < 2 || tensor.isDynamicDim(0))
    return false;
  // With the two leading dimensions exchanged it is a model's tensor.
  SmallVector<int64_t> shape(tensor.getShape());
  std::swap(shape[0], shape[1]);
  return isModelTensor(tensor.clone(shape));
}

LogicalResult StateOp::verify() {
  return verifyName(*this, "key", getSymName());
}

static LogicalResult verifyState(Operation *op, FlatSymbolRefAttr name,
                                 std::optional<uint64_t> index,
                                 RankedTensorType type,
                                 SymbolTableCollection &tables) {
  auto state = tables.lookupNearestSymbolFrom<StateOp>(op, name);
  if (!state)
    return op->emitOpError()
           << "names " << name << ", but no ttc.state declares it";
  auto declared = cast<RankedTensorType>(state.getType());
  if (!index) {
    if (declared != type)
      return op->emitOpError() << "has the type " << type << ", but " << name
                               << " is declared with " << declared;
    return success();
  }
  int64_t place = *index;
  if (declared.getRank() == 0 || declared.isDynamicDim(0) || place < 0 ||
      place >= declared.getDimSize(0))
    return op->emitOpError() << "names place " << place << " of " << name
                             << ", which is declared with " << declared;
  RankedTensorType element = declared.clone(declared.getShape().drop_front());
  if (element != type)
    return op->emitOpError()
           << "has the type " << type << ", but each place of " << name
           << " has the type " << element;
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyState(*this, getStateAttr(), getIndex(), getType(), tables);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyState(*this, getStateAttr(), getIndex(), getValue().getType(),
                     tables);
}
