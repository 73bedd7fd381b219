//===- EventProduct.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of inputs that may be events: of a row whose inputs are mostly zero
// only the others are listed, and multiplied.
//
//===----------------------------------------------------------------------===//

#include "codegen/Products.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ttc;

/// Rows in tiles, unless few of their inputs are active: then, and where there
/// are fewer rows than a tile has, each goes by itself.
void NestEmitter::emitEventRows(Products &products) {
  auto rowByRow = [&](Value from, Value to) {
    loop(from, to, 1, [&](Value row) {
      for (unsigned p = 0; p < products.plans.size(); ++p)
        if (products.buffers.mayBeEvents[p])
          listEvents(products, p, row);
      emitSingleRows(products, row, add(row, constant(1)));
      for (Products::Events &events : products.events)
        events = {};
    });
  };
  int64_t large = products.tileRows, small = large / 3;
  // What is left of the tiles is one more if it may be several rows.
  int64_t mostLeft = small - 1, fewest = mostLeft < 2 ? small : 2;
  APInt rows;
  if (small <= 1 || schedule.events == ListEvents::Always ||
      (matchPattern(products.rows, m_ConstantInt(&rows)) && rows.slt(fewest)))
    return rowByRow(constant(0), products.rows);
  /// What the branch that is taken makes.
  auto choose = [&](Value condition, Type type, function_ref<Value()> then,
                    function_ref<Value()> otherwise) -> Value {
    auto choice = scf::IfOp::create(b, TypeRange{type}, condition,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, ValueRange{then()});
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, ValueRange{otherwise()});
    return choice.getResult(0);
  };
  auto wholeTiles = [&](Value count, int64_t each) -> Value {
    return arith::SubIOp::create(
        b, count, arith::RemUIOp::create(b, count, constant(each)));
  };
  // Tiles side by side read a panel in turn while it is near. So many of them
  // are chosen for at once as a block of a sequence has.
  int64_t together = llvm::divideCeil(schedule.block, large) * large;
  loop(constant(0), products.rows, together, [&](Value first) {
    Value rest = arith::SubIOp::create(b, products.rows, first);
    Value count = arith::MinUIOp::create(b, rest, constant(together));
    Value areTiled = choose(
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, count,
                              constant(fewest)),
        b.getI1Type(), [&] { return areMany(products, first, count); },
        [&]() -> Value {
          return arith::ConstantIntOp::create(b, b.getI1Type(), 0);
        });
    Value end = choose(
        areTiled, b.getIndexType(),
        [&] {
          Value ofLarge = wholeTiles(count, large);
          Value middle = add(first, ofLarge);
          Value last =
              add(middle,
                  wholeTiles(arith::SubIOp::create(b, count, ofLarge), small));
          emitTiles(products, first, middle, large);
          emitTiles(products, middle, last, small);
          if (mostLeft < 2)
            return last;
          Value all = add(first, count);
          Value areSeveral = arith::CmpIOp::create(
              b, arith::CmpIPredicate::ugt, arith::SubIOp::create(b, all, last),
              constant(1));
          return choose(
              areSeveral, b.getIndexType(),
              [&] {
                emitLastTile(products, last, all, mostLeft,
                             /*mayLackRows=*/true);
                return all;
              },
              [&] { return last; });
        },
        [&] { return first; });
    rowByRow(end, add(first, count));
  });
}

/// Which of `count` steps from `k` on have an active input, of the row that
/// begins at `rowStart`. A NaN is active.
Value NestEmitter::areActive(const Products &products, unsigned index,
                             Value rowStart, Value k, int64_t count) {
  int64_t lanes = products.lanes, depth = products.plans[index].depth;
  Mask exist = maskOf(count * depth, lanes * depth);
  Value x =
      load(products.buffers.productInputs[index],
           add(rowStart, mul(k, constant(depth))), 1, lanes * depth, exist);
  if (depth == 1)
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x,
                                 splat(getElementTypeOrSelf(x), 0, lanes));
  // None but zeros have no bit but the sign.
  unsigned bits = getElementTypeOrSelf(x).getIntOrFloatBitWidth();
  auto together =
      VectorType::get(lanes, b.getIntegerType(unsigned(depth) * bits));
  auto splatOf = [&](const llvm::APInt &value) -> Value {
    return arith::ConstantOp::create(b,
                                     DenseElementsAttr::get(together, value));
  };
  llvm::APInt magnitude =
      llvm::APInt::getSplat(depth * bits, llvm::APInt::getSignedMaxValue(bits));
  return arith::CmpIOp::create(
      b, arith::CmpIPredicate::ne,
      arith::AndIOp::create(b, vector::BitCastOp::create(b, together, x),
                            splatOf(magnitude)),
      splatOf(llvm::APInt(depth * bits, 0)));
}

/// Whether more than a part of the inputs of some rows are active: for fewer
/// the lists of single rows are faster than a tile, whose rows share what they
/// read (docs/schedule.md).
Value NestEmitter::areMany(const Products &products, Value firstRow,
                           Value rows) {
  int64_t lanes = products.lanes;
  Value isMany;
  for (unsigned p = 0; p < products.plans.size(); ++p) {
    if (!products.buffers.mayBeEvents[p])
      continue;
    const PanelPlan &plan = products.plans[p];
    Type element = products.sumType(p);
    int64_t steps = plan.steps(), whole = steps / lanes * lanes;
    Value one = splat(element, 1, lanes), none = splat(element, 0, lanes);
    auto count = [&](Value sum, Value from, Value k, int64_t exist) -> Value {
      Value isActive = areActive(products, p, from, k, exist);
      return arith::AddFOp::create(
          b, sum, arith::SelectOp::create(b, isActive, one, none));
    };
    Value sum =
        accumulatingLoop(
            constant(0), rows, 1, none,
            [&](Value row, ValueRange ofRows) {
              Value from = mul(add(firstRow, row), constant(plan.inputs));
              Value current =
                  accumulatingLoop(constant(0), constant(whole), lanes, ofRows,
                                   [&](Value k, ValueRange carried) {
                                     return SmallVector<Value>{count(
                                         carried.front(), from, k, lanes)};
                                   })
                      .front();
              if (whole < steps)
                current = count(current, from, constant(whole), steps - whole);
              return SmallVector<Value>{current};
            })
            .front();
    Value all = arith::UIToFPOp::create(
        b, element,
        arith::IndexCastUIOp::create(b, b.getI64Type(),
                                     mul(rows, constant(steps))));
    Value most = arith::MulFOp::create(
        b, all,
        arith::ConstantOp::create(
            b, b.getFloatAttr(element, schedule.tileEvents / 100.0)));
    Value exceeds =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                              combineLanes(sum, ReductionKind::Add), most);
    isMany = isMany ? arith::OrIOp::create(b, isMany, exceeds) : exceeds;
  }
  return isMany;
}

/// Lists the steps of a row with inputs that are not zero. A product with zero
/// adds nothing, if the weights are finite: the sums over the list have the
/// bits of the sums over all.
void NestEmitter::listEvents(Products &products, unsigned index, Value row) {
  const PanelPlan &plan = products.plans[index];
  Buffer weights = products.buffers.packedWeights[index];
  int64_t lanes = products.lanes;
  Type i32 = b.getI32Type();
  VectorType numbers = VectorType::get(lanes, i32);
  SmallVector<int32_t> steps = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(numbers, ArrayRef(steps)));
  Value rowStart = mul(row, constant(plan.inputs));
  Products::Events &events = products.events[index];
  events.list = products.buffers.events[index];
  events.bounds = {constant(0)};

  int64_t chainLength = plan.steps() / plan.chains;
  auto append = [&](Value k, int64_t exist, Value position) -> Value {
    Value isActive = areActive(products, index, rowStart, k, exist);
    Value first = vector::BroadcastOp::create(
        b, numbers, arith::IndexCastOp::create(b, i32, k));
    Value active =
        LLVM::CallIntrinsicOp::create(
            b, numbers, b.getStringAttr("llvm.experimental.vector.compress"),
            ValueRange{arith::AddIOp::create(b, first, lane), isActive, lane})
            .getResult(0);
    // Lanes behind the active ones are overwritten by what follows.
    vector::StoreOp::create(b, active, events.list, ValueRange{position});
    Value bits = vector::BitCastOp::create(
        b, VectorType::get(1, b.getIntegerType(lanes)), isActive);
    Value count = math::CtPopOp::create(
        b, vector::ExtractOp::create(b, bits, int64_t(0)));
    return add(position,
               arith::IndexCastUIOp::create(b, b.getIndexType(), count));
  };
  for (int64_t c = 0; c < plan.chains; ++c) {
    int64_t from = c * chainLength;
    int64_t to = c + 1 == plan.chains ? plan.steps() : from + chainLength;
    int64_t whole = from + (to - from) / lanes * lanes;
    Value position = events.bounds.back();
    if (from < whole)
      position =
          accumulatingLoop(constant(from), constant(whole), lanes, position,
                           [&](Value k, ValueRange carried) {
                             return SmallVector<Value>{
                                 append(k, lanes, carried.front())};
                           })
              .front();
    if (whole < to)
      position = append(constant(whole), to - whole, position);
    events.bounds.push_back(position);
  }

  // A list is longer to walk than a row: up to a part of the inputs it is the
  // faster form (docs/schedule.md).
  int64_t most = schedule.events == ListEvents::Always
                     ? plan.steps()
                     : plan.steps() * schedule.rowEvents / 100;
  Value areFew = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                       events.bounds.back(), constant(most));
  Type stored = cast<MemRefType>(weights.getType()).getElementType();
  // Whole numbers are finite: a weight that is not makes its scale NaN.
  size_t flags = isa<FloatType>(stored) ? plan.groups.size() : 0;
  for (size_t group = 0; group < flags; ++group) {
    Value sum = memref::LoadOp::create(
        b, weights, ValueRange{constant(plan.packedElements() + group)});
    if (stored.getIntOrFloatBitWidth() < 32)
      sum = arith::ExtFOp::create(b, b.getF32Type(), sum);
    Value isFinite = arith::CmpFOp::create(
        b, arith::CmpFPredicate::OEQ, sum,
        arith::ConstantOp::create(b, b.getFloatAttr(sum.getType(), 0)));
    areFew = arith::AndIOp::create(b, areFew, isFinite);
  }
  events.areFew = areFew;
}

/// The accumulators of a row's tile over its active inputs: by chain, then by
/// vector.
SmallVector<Value> NestEmitter::accumulateEvents(const Products &products,
                                                 unsigned index,
                                                 const Tile &tile) {
  const PanelPlan &plan = products.plans[index];
  const Products::Events &events = products.events[index];
  Type element = products.sumType(index);
  Value rowStart = mul(tile.row, constant(plan.inputs));
  SmallVector<Value> accumulators;
  for (int64_t c = 0; c < plan.chains; ++c) {
    SmallVector<Value> zeros(tile.vectors, splat(element, 0, products.lanes));
    llvm::append_range(
        accumulators,
        accumulatingLoop(
            events.bounds[c], events.bounds[c + 1], 1, zeros,
            [&](Value at, ValueRange carried) {
              Value number =
                  memref::LoadOp::create(b, events.list, ValueRange{at});
              Value k =
                  arith::IndexCastUIOp::create(b, b.getIndexType(), number);
              Value x = loadInput(products, index, rowStart, k);
              SmallVector<Value> sums(carried);
              for (auto [sum, weight] :
                   llvm::zip_equal(sums, loadWeights(products, index, tile, k)))
                sum = addProducts(weight, x, sum);
              return sums;
            }));
  }
  return accumulators;
}
