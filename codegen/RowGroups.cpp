//===- RowGroups.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which operations of a timestep go through a batch together, row by row.
//
//===----------------------------------------------------------------------===//

#include "codegen/RowGroups.h"
#include "passes/TTCPasses.h"

using namespace mlir;
using namespace ttc;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// How many elements each row of a tensor has.
static int64_t rowElements(RankedTensorType type) {
  return llvm::product_of(type.getShape().drop_front());
}

/// Whether an operand is read row by row, by the map that it is read through:
/// a row of the result reads the same row of it, or (false) it has none. Null
/// if it is neither.
static std::optional<bool> readsRows(AffineMap map, Value operand,
                                     int64_t rows) {
  auto usesRow = [](AffineExpr e) { return e.isFunctionOfDim(0); };
  auto argument = dyn_cast<BlockArgument>(rootOf(operand));
  auto is = [&](StringRef attr) {
    return argument && cast<func::FuncOp>(argument.getOwner()->getParentOp())
                           .getArgAttr(argument.getArgNumber(), attr);
  };
  if (llvm::none_of(map.getResults(), usesRow)) {
    // The rows of a state may be overwritten one by one.
    if (is(stateAttr))
      return std::nullopt;
    return false;
  }
  // Rows that depend on parameters are features.
  if (is(preparedAttr) || typeOf(operand).getDimSize(0) != rows ||
      map.getResult(0) != getAffineDimExpr(0, map.getContext()) ||
      llvm::any_of(map.getResults().drop_front(), usesRow))
    return std::nullopt;
  return true;
}

/// For each operand of an operation that can be computed row by row whether it
/// has rows; null for another one.
static std::optional<SmallVector<bool>> rowsOfOperands(Operation *op) {
  if (!isa<NestOp, ReduceOp, AssembleOp>(op) ||
      typeOf(op->getResult(0)).getRank() < 2)
    return std::nullopt;
  int64_t rows = typeOf(op->getResult(0)).getDimSize(0);
  SmallVector<AffineMap> maps;
  if (auto nest = dyn_cast<NestOp>(op)) {
    // A random number is an element's, by its number in the whole batch.
    if (nest.hasProduct() || !nest.getBody().getOps<DrawOp>().empty())
      return std::nullopt;
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      maps.push_back(nest.getMap(i));
  } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      maps.push_back(reduce.getMap(i));
  } else {
    auto assemble = cast<AssembleOp>(op);
    for (auto [i, part] : llvm::enumerate(assemble.getInputs())) {
      if (assemble.getOffset(i).front() != 0)
        return std::nullopt;
      maps.push_back(AffineMap::getMultiDimIdentityMap(typeOf(part).getRank(),
                                                       op->getContext()));
    }
  }
  SmallVector<bool> result;
  for (auto [map, operand] : llvm::zip_equal(maps, op->getOperands())) {
    std::optional<bool> hasRows = readsRows(map, operand, rows);
    if (!hasRows)
      return std::nullopt;
    result.push_back(*hasRows);
  }
  return result;
}

/// Whether a row of what `op` makes can be computed when `group` has come to
/// the same row, and not to later ones.
static bool canJoin(ArrayRef<Operation *> group, Operation *op) {
  if (typeOf(group.front()->getResult(0)).getDimSize(0) !=
      typeOf(op->getResult(0)).getDimSize(0))
    return false;
  for (auto [operand, hasRows] :
       llvm::zip_equal(op->getOperands(), *rowsOfOperands(op)))
    if (!hasRows && llvm::is_contained(group, rootOf(operand).getDefiningOp()))
      return false;
  return true;
}

SmallVector<SmallVector<Operation *>>
ttc::groupByRows(ArrayRef<Operation *> operations, const Schedule &schedule) {
  // A shorter row is a loop too short to be begun for each.
  int64_t shortest = 16 * schedule.lanes;
  auto isRowByRow = [&](Operation *op) {
    RankedTensorType type = typeOf(op->getResult(0));
    return rowsOfOperands(op) && type.getDimSize(0) != 1 &&
           rowElements(type) >= shortest;
  };
  SmallVector<SmallVector<Operation *>> groups;
  bool isOpen = false;
  for (Operation *op : operations) {
    bool isCandidate = isRowByRow(op);
    if (isCandidate && isOpen && canJoin(groups.back(), op)) {
      groups.back().push_back(op);
      continue;
    }
    groups.push_back({op});
    isOpen = isCandidate;
  }

  // Where all that a group makes stays in the cache, long loops are better.
  auto fillsCache = [&](ArrayRef<Operation *> group) {
    int64_t rows = typeOf(group.front()->getResult(0)).getDimSize(0), bytes = 0;
    for (Operation *op : group)
      for (Value value : op->getResults())
        bytes += rowElements(typeOf(value)) *
                 llvm::divideCeil(typeOf(value).getElementTypeBitWidth(), 8);
    return ShapedType::isDynamic(rows) || rows * bytes > schedule.cache << 10;
  };
  SmallVector<SmallVector<Operation *>> result;
  for (ArrayRef<Operation *> group : groups) {
    if (group.size() > 1 && fillsCache(group)) {
      result.emplace_back(group);
      continue;
    }
    for (Operation *op : group)
      result.push_back({op});
  }
  return result;
}

static Type ofOneRow(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.front() = 1;
  return tensor.clone(shape);
}

RowForm::RowForm(Operation *op) : form(op->clone()), rows(*rowsOfOperands(op)) {
  // The step's own values get no uses that it does not have.
  OpBuilder detached(op->getContext());
  for (auto [operand, hasRows] : llvm::zip_equal(form->getOpOperands(), rows)) {
    Type type = operand.get().getType();
    placeholders.push_back(UnrealizedConversionCastOp::create(
        detached, op->getLoc(), hasRows ? ofOneRow(type) : type, ValueRange()));
    operand.set(placeholders.back()->getResult(0));
  }
  for (Value result : form->getResults())
    result.setType(ofOneRow(result.getType()));
}

RowForm::~RowForm() {
  form->destroy();
  for (Operation *placeholder : placeholders)
    placeholder->destroy();
}
