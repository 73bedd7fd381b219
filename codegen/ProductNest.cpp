//===- ProductNest.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A nest with products: tiles of accumulators in registers, then their update.
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

/// A tile of a product: rows of the input times panels side by side.
struct NestEmitter::Tile {
  Value row;
  int64_t rows;
  Value firstVector; ///< the first output feature, in vectors
  ArrayRef<int64_t> panels;
  int64_t vectors; ///< of all panels
  int64_t columns; ///< features of the tile that exist: the rest is padding
  /// How many of the rows exist: the last of these stands for the others. Null
  /// for all.
  Value existing;
};

int64_t NestEmitter::tileElements(const Schedule &schedule, int64_t bytes) {
  return schedule.registers * schedule.forElements(bytes).lanes;
}

NestEmitter::Products NestEmitter::productsOf(NestOp nest,
                                              const NestBuffers &buffers) {
  SmallVector<Type> types(nest.getBody().getArgumentTypes());
  llvm::append_range(types, nest->getResultTypes());
  Products products{nest, buffers, {}, {}, lanesFor(schedule, types),
                    {},   {},      1};
  Schedule elements = schedule;
  elements.lanes = products.lanes;
  for (Value weight : nest.getProductWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    products.plans.emplace_back(type.getDimSize(0), type.getDimSize(1),
                                elements);
  }
  RankedTensorType domain = nest.getDomain();
  for (auto [i, input] : llvm::enumerate(nest.getInputs()))
    products.accesses.push_back(*accessByRows(
        linearize(nest.getMap(i), cast<RankedTensorType>(input.getType())),
        domain.getShape()));
  products.rows = numElements(domain.clone(domain.getShape().drop_back()));
  products.events.resize(products.plans.size());
  return products;
}

void NestEmitter::emitProducts(NestOp nest, const NestBuffers &buffers) {
  Products products = productsOf(nest, buffers);
  if (team.sideBySide)
    return emitThreadProducts(products);
  products.tileRows = schedule.tileRows(
      products.plans.front().groups.front().vectors, products.chains());
  if (llvm::is_contained(buffers.mayBeEvents, true))
    emitEventRows(products);
  else
    emitDenseRows(products);
}

/// Tiles of several rows and one panel where there are as many rows, smaller
/// ones for the rest. Of what is left several rows are one more tile, so that
/// no batch reads the weights more often than a larger one; one row goes
/// through the panels of a pass side by side. A row's bits are the same in all:
/// the order of its sums is the plan's.
void NestEmitter::emitDenseRows(const Products &products) {
  Value rows = products.rows, done = constant(0);
  APInt known;
  bool isKnown = matchPattern(rows, m_ConstantInt(&known));
  int64_t doneKnown = 0;
  for (int64_t tileRows : {products.tileRows, products.tileRows / 3}) {
    if (tileRows <= 1)
      break;
    Value end;
    if (isKnown) {
      doneKnown += (known.getSExtValue() - doneKnown) / tileRows * tileRows;
      end = constant(doneKnown);
    } else {
      Value rest = arith::SubIOp::create(b, rows, done);
      end = arith::SubIOp::create(
          b, rows, arith::RemUIOp::create(b, rest, constant(tileRows)));
    }
    emitTiles(products, done, end, tileRows);
    done = end;
  }
  int64_t mostLeft = products.tileRows / 3 - 1;
  if (isKnown)
    mostLeft = std::min(mostLeft, known.getSExtValue() - doneKnown);
  if (mostLeft < 2)
    return emitSingleRows(products, done, rows);
  if (isKnown)
    return emitLastTile(products, done, rows, mostLeft, /*mayLackRows=*/false);
  Value left = arith::SubIOp::create(b, rows, done);
  Value areSeveral =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, left, constant(1));
  auto choice = scf::IfOp::create(b, areSeveral, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  emitLastTile(products, done, rows, mostLeft, /*mayLackRows=*/true);
  b.setInsertionPointToStart(choice.elseBlock());
  emitSingleRows(products, done, rows);
}

/// Passes of so many panels side by side.
static SmallVector<PassGroup, 2> passesOf(const PanelPlan &plan,
                                          int64_t sideBySide) {
  SmallVector<PassGroup, 2> passes;
  for (const PanelGroup &group : plan.groups) {
    int64_t whole = group.count / sideBySide, rest = group.count % sideBySide;
    auto panels = [&](int64_t count) {
      return SmallVector<int64_t, 4>(count, group.vectors);
    };
    if (whole)
      passes.push_back({whole, panels(sideBySide), group.firstVector});
    if (rest)
      passes.push_back(
          {1, panels(rest),
           group.firstVector + whole * sideBySide * group.vectors});
  }
  return passes;
}

/// A row through the panels of a pass side by side: those of the plan, or
/// fewer, of which each worker of a team takes some.
void NestEmitter::emitSingleRows(const Products &products, Value first,
                                 Value end) {
  const PanelPlan &plan = products.plans.front();
  int64_t ofTeam = std::clamp<int64_t>(schedule.pass / schedule.panel, 1, 4);
  for (const PassGroup &pass : team ? passesOf(plan, ofTeam) : plan.passes)
    emitPasses(products, pass, first, end, 1);
}

/// A tile of `tileRows` rows, of which some may lack, through several panels,
/// since several streams are fetched faster than one. Their weights take
/// registers as well: the sums have no more than those of a pass.
void NestEmitter::emitLastTile(const Products &products, Value first, Value end,
                               int64_t tileRows, bool mayLackRows) {
  const PanelPlan &plan = products.plans.front();
  int64_t sideBySide = std::clamp<int64_t>(
      schedule.pass / (tileRows * plan.groups.front().vectors), 1, 4);
  for (const PassGroup &pass : passesOf(plan, sideBySide))
    emitPasses(products, pass, first, end, tileRows, mayLackRows);
}

/// Rows from `first` to `end` in tiles of `tileRows`, panel after panel.
void NestEmitter::emitTiles(const Products &products, Value first, Value end,
                            int64_t tileRows) {
  for (const PassGroup &pass : passesOf(products.plans.front(), 1))
    emitPasses(products, pass, first, end, tileRows);
}

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
    Buffer input = products.buffers.productInputs[p];
    Type element = cast<MemRefType>(input.getType()).getElementType();
    int64_t inputs = products.plans[p].inputs, whole = inputs / lanes * lanes;
    Value one = splat(element, 1, lanes), none = splat(element, 0, lanes);
    auto count = [&](Value sum, Value at, Mask mask) -> Value {
      Value x = load(input, at, 1, lanes, mask);
      Value isActive =
          arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, none);
      return arith::AddFOp::create(
          b, sum, arith::SelectOp::create(b, isActive, one, none));
    };
    Value sum = accumulatingLoop(
                    constant(0), rows, 1, none,
                    [&](Value row, ValueRange ofRows) {
                      Value from = mul(add(firstRow, row), constant(inputs));
                      Value current =
                          accumulatingLoop(
                              constant(0), constant(whole), lanes, ofRows,
                              [&](Value k, ValueRange carried) {
                                return SmallVector<Value>{count(
                                    carried.front(), add(from, k), Mask())};
                              })
                              .front();
                      if (whole < inputs)
                        current = count(current, add(from, constant(whole)),
                                        maskOf(inputs - whole, lanes));
                      return SmallVector<Value>{current};
                    })
                    .front();
    Value all = arith::UIToFPOp::create(
        b, element,
        arith::IndexCastUIOp::create(b, b.getI64Type(),
                                     mul(rows, constant(inputs))));
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

/// Lists the inputs of a row that are not zero. A product with zero adds
/// nothing, if the weights are finite: the sums over the list have the bits of
/// the sums over all.
void NestEmitter::listEvents(Products &products, unsigned index, Value row) {
  const PanelPlan &plan = products.plans[index];
  Buffer input = products.buffers.productInputs[index];
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

  int64_t chainLength = plan.inputs / plan.chains;
  auto append = [&](Value k, Mask exists, Value position) -> Value {
    Value x = load(input, add(rowStart, k), 1, lanes, exists);
    // A NaN is not zero.
    Value isActive =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x,
                              splat(getElementTypeOrSelf(x), 0, lanes));
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
    int64_t to = c + 1 == plan.chains ? plan.inputs : from + chainLength;
    int64_t whole = from + (to - from) / lanes * lanes;
    Value position = events.bounds.back();
    if (from < whole)
      position =
          accumulatingLoop(constant(from), constant(whole), lanes, position,
                           [&](Value k, ValueRange carried) {
                             return SmallVector<Value>{
                                 append(k, Mask(), carried.front())};
                           })
              .front();
    if (whole < to)
      position = append(constant(whole), maskOf(to - whole, lanes), position);
    events.bounds.push_back(position);
  }

  // A list is longer to walk than a row: up to a part of the inputs it is the
  // faster form (docs/schedule.md).
  int64_t most = schedule.events == ListEvents::Always
                     ? plan.inputs
                     : plan.inputs * schedule.rowEvents / 100;
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
  NestOp nest = products.nest;
  Type element = getElementTypeOrSelf(nest.getProductInputs()[index]);
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
              Value x = load(products.buffers.productInputs[index],
                             add(rowStart, k), 0, products.lanes, nullptr);
              SmallVector<Value> sums(carried);
              for (auto [sum, weight] :
                   llvm::zip_equal(sums, loadWeights(products, index, tile, k)))
                sum = fma(weight, x, sum);
              return sums;
            }));
  }
  return accumulators;
}

/// Weights may be stored narrower than they are computed with.
Value NestEmitter::widen(Value weight, VectorType type) {
  if (weight.getType() == type)
    return weight;
  if (isa<FloatType>(getElementTypeOrSelf(weight)))
    return arith::ExtFOp::create(b, type, weight);
  return arith::SIToFPOp::create(
      b, type, arith::ExtSIOp::create(b, type.clone(b.getI32Type()), weight));
}

/// The weights of a tile's columns for input `k`.
SmallVector<Value> NestEmitter::loadWeights(const Products &products,
                                            unsigned index, const Tile &tile,
                                            Value k) {
  NestOp nest = products.nest;
  int64_t lanes = products.lanes;
  VectorType type = VectorType::get(
      lanes, getElementTypeOrSelf(nest.getProductInputs()[index]));
  SmallVector<Value> weights;
  int64_t done = 0;
  for (int64_t panel : tile.panels) {
    Value start = add(mul(add(tile.firstVector, constant(done)),
                          constant(lanes * products.plans[index].inputs)),
                      mul(k, constant(panel * lanes)));
    for (int64_t v = 0; v < panel; ++v) {
      Value weight = load(products.buffers.packedWeights[index],
                          add(start, constant(v * lanes)), 1, lanes, nullptr);
      weights.push_back(widen(weight, type));
    }
    done += panel;
  }
  return weights;
}

/// Rows from `firstRow` to `endRow`, `tileRows` at once, through a group of
/// passes. The last tile may lack rows if so said.
void NestEmitter::emitPasses(const Products &products, const PassGroup &passes,
                             Value firstRow, Value endRow, int64_t tileRows,
                             bool mayLackRows) {
  APInt first, end;
  if (matchPattern(firstRow, m_ConstantInt(&first)) &&
      matchPattern(endRow, m_ConstantInt(&end)) && first.sge(end))
    return;
  int64_t lanes = products.lanes;
  int64_t vectors = passes.vectors();
  auto emitPass = [&](Value index, int64_t columns) {
    Value firstVector =
        add(constant(passes.firstVector), mul(index, constant(vectors)));
    Tile tile{Value(), tileRows, firstVector, passes.panels,
              vectors, columns,  Value()};
    loop(firstRow, endRow, tileRows, [&](Value row) {
      tile.row = row;
      if (mayLackRows)
        tile.existing = arith::SubIOp::create(b, endRow, row);
      emitTile(products, tile);
    });
  };

  // The very last pass may end in padding: it is peeled off, so that the others
  // need no masks.
  int64_t columns = products.outputs() - passes.firstVector * lanes;
  int64_t unpadded = std::min(passes.count, columns / (vectors * lanes));
  sharedLoop(constant(0), constant(unpadded), 1,
             [&](Value index) { emitPass(index, vectors * lanes); });
  if (unpadded < passes.count)
    once([&] {
      emitPass(constant(unpadded), columns - unpadded * vectors * lanes);
    });
}

SmallVector<Value> NestEmitter::accumulate(const Products &products,
                                           unsigned index, const Tile &tile) {
  const PanelPlan &plan = products.plans[index];
  Buffer input = products.buffers.productInputs[index];
  NestOp nest = products.nest;
  Type element = getElementTypeOrSelf(nest.getProductInputs()[index]);
  int64_t lanes = products.lanes;
  int64_t inputs = plan.inputs;
  int64_t vectors = tile.vectors;
  int64_t perRow = plan.chains * vectors;

  // Accumulator (row, chain, vector).
  SmallVector<Value> accumulators(tile.rows * perRow, splat(element, 0, lanes));
  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < tile.rows; ++r) {
    Value number = constant(r);
    if (tile.existing && r > 0)
      number = arith::MinUIOp::create(
          b, number, arith::SubIOp::create(b, tile.existing, constant(1)));
    rowStarts.push_back(mul(add(tile.row, number), constant(inputs)));
  }

  /// Adds x[k] * weight[k] of chain `chain` to the accumulators.
  auto step = [&](Value k, int64_t chain, MutableArrayRef<Value> acc) {
    SmallVector<Value> row = loadWeights(products, index, tile, k);
    for (int64_t r = 0; r < tile.rows; ++r) {
      Value x = load(input, add(rowStarts[r], k), 0, lanes, nullptr);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = acc[r * perRow + chain * vectors + v];
        sum = fma(row[v], x, sum);
      }
    }
  };
  auto sumOver = [&](int64_t from, int64_t to, int64_t chainLength,
                     int64_t firstChain, int64_t chains) {
    accumulators = accumulatingLoop(
        from, to, accumulators, [&](Value k, ValueRange values) {
          SmallVector<Value> acc(values);
          for (int64_t c = 0; c < chains; ++c)
            step(add(k, constant(c * chainLength)), firstChain + c, acc);
          return acc;
        });
  };
  auto sumAll = [&] {
    int64_t chainLength = inputs / plan.chains;
    sumOver(0, chainLength, chainLength, 0, plan.chains);
    sumOver(chainLength * plan.chains, inputs, 0, plan.chains - 1, 1);
  };
  bool listsEvents = tile.rows == 1 && products.events[index].list;
  if (!listsEvents) {
    sumAll();
  } else {
    auto choice = scf::IfOp::create(b, ValueRange(accumulators).getTypes(),
                                    products.events[index].areFew,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, accumulateEvents(products, index, tile));
    b.setInsertionPointToStart(choice.elseBlock());
    sumAll();
    scf::YieldOp::create(b, accumulators);
    accumulators.assign(choice.result_begin(), choice.result_end());
  }

  // What whole numbers are multiples of.
  SmallVector<Value> scales;
  if (Buffer buffer = products.buffers.scales[index])
    for (int64_t v = 0; v < vectors; ++v)
      scales.push_back(
          load(buffer, mul(add(tile.firstVector, constant(v)), constant(lanes)),
               1, lanes, nullptr));

  // Chains are added pairwise: (0 + 1) + (2 + 3).
  SmallVector<Value> sums;
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> parts;
      for (int64_t c = 0; c < plan.chains; ++c)
        parts.push_back(accumulators[r * perRow + c * vectors + v]);
      while (parts.size() > 1) {
        SmallVector<Value> pairs;
        for (size_t i = 0; i < parts.size(); i += 2)
          pairs.push_back(arith::AddFOp::create(b, parts[i], parts[i + 1]));
        parts = pairs;
      }
      sums.push_back(scales.empty()
                         ? parts.front()
                         : arith::MulFOp::create(b, parts.front(), scales[v]));
    }
  return sums;
}

void NestEmitter::emitTileUpdate(const Products &products, Value row,
                                 Value column, ValueRange sums, Mask mask) {
  int64_t lanes = cast<VectorType>(sums.front().getType()).getNumElements();
  SmallVector<Value> elements(sums);
  for (auto [access, buffer] :
       llvm::zip_equal(products.accesses, products.buffers.inputs)) {
    Value index = add(constant(access.offset), mul(row, constant(access.row)));
    if (access.column)
      index = add(index, column);
    elements.push_back(load(buffer, index, access.column, lanes, mask));
  }
  Value element = add(mul(row, constant(products.outputs())), column);
  NestOp nest = products.nest;
  SmallVector<Value> results =
      vectorize(nest.getBody().front(), elements, lanes, element);
  for (auto [result, destinations] :
       llvm::zip_equal(results, products.buffers.outputs))
    for (Buffer destination : destinations)
      store(result, destination, element, mask);
}

void NestEmitter::emitTile(const Products &products, const Tile &tile) {
  int64_t lanes = products.lanes;
  Value firstColumn = mul(tile.firstVector, constant(lanes));
  unsigned count = products.plans.size();
  int64_t perProduct = tile.rows * tile.vectors;

  // A few vectors are updated where their sums are. More would need a copy of
  // the update each: they are stored, and a loop updates them.
  bool staysInRegisters = !tile.existing && perProduct <= schedule.update &&
                          count * perProduct <= schedule.pass;
  SmallVector<SmallVector<Value>> sums;
  for (unsigned p = 0; p < count; ++p) {
    sums.push_back(accumulate(products, p, tile));
    if (!staysInRegisters)
      for (auto [i, sum] : llvm::enumerate(sums.back()))
        store(sum, products.buffers.tile,
              constant((p * perProduct + i) * lanes), nullptr);
  }
  if (staysInRegisters) {
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t v = 0; v < tile.vectors; ++v) {
        int64_t columns = tile.columns - v * lanes;
        if (columns <= 0)
          continue;
        SmallVector<Value> accumulators;
        for (unsigned p = 0; p < count; ++p)
          accumulators.push_back(sums[p][r * tile.vectors + v]);
        emitTileUpdate(products, add(tile.row, constant(r)),
                       add(firstColumn, constant(v * lanes)), accumulators,
                       maskOf(columns, lanes));
      }
    return;
  }
  Value rows = tile.existing ? tile.existing : constant(tile.rows);
  loop(constant(0), rows, 1, [&](Value r) {
    Value row = add(tile.row, r);
    Value tileRow = mul(r, constant(tile.vectors * lanes));
    vectorLoop(constant(tile.columns), lanes, [&](Value column, Mask mask) {
      SmallVector<Value> accumulators;
      for (unsigned p = 0; p < count; ++p)
        accumulators.push_back(
            load(products.buffers.tile,
                 add(constant(p * perProduct * lanes), add(tileRow, column)), 1,
                 lanes, nullptr));
      emitTileUpdate(products, row, add(firstColumn, column), accumulators,
                     mask);
    });
  });
}
