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
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ttc;

int64_t NestEmitter::tileElements(const Schedule &schedule, int64_t bytes) {
  int64_t lanes = schedule.forElements(bytes).lanes;
  int64_t ofMatrices =
      schedule.hasMatrices ? mostMatrixRows * schedule.panel * lanes : 0;
  return std::max(schedule.registers * lanes, ofMatrices);
}

NestEmitter::Products NestEmitter::productsOf(NestOp nest,
                                              const NestBuffers &buffers) {
  SmallVector<Type> types(nest.getBody().getArgumentTypes());
  llvm::append_range(types, nest->getResultTypes());
  Products products{nest, buffers, {}, {}, lanesFor(schedule, types),
                    {},   {},      1};
  Schedule elements = schedule;
  elements.lanes = products.lanes;
  for (auto [index, weight] : llvm::enumerate(nest.getProductWeights())) {
    auto type = cast<RankedTensorType>(weight.getType());
    int64_t inputs = type.getDimSize(1);
    bool isNarrow =
        getElementTypeOrSelf(buffers.productInputs[index]).isBF16() &&
        getElementTypeOrSelf(buffers.packedWeights[index]).isBF16();
    products.plans.emplace_back(type.getDimSize(0), inputs, elements,
                                isNarrow ? schedule.depth(inputs) : 1);
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
  bool listsEvents = llvm::is_contained(buffers.mayBeEvents, true);
  products.byMatrixUnit = fitsMatrixUnit(schedule, products.plans, listsEvents);
  if (products.byMatrixUnit)
    emitMatrixRows(products);
  else if (listsEvents)
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

/// Rows from `first` to `end` in tiles of `tileRows`, panel after panel. The
/// only tile may lack rows if so said.
void NestEmitter::emitTiles(const Products &products, Value first, Value end,
                            int64_t tileRows, bool mayLackRows) {
  for (const PassGroup &pass : passesOf(products.plans.front(), 1))
    emitPasses(products, pass, first, end, tileRows, mayLackRows);
}

/// Inputs and weights may be stored narrower than they are computed with.
Value NestEmitter::widen(Value value, VectorType type) {
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(getElementTypeOrSelf(value)))
    return arith::ExtFOp::create(b, type, value);
  return arith::SIToFPOp::create(
      b, type, arith::ExtSIOp::create(b, type.clone(b.getI32Type()), value));
}

/// The inputs of step `k` of a row that begins at `rowStart`, for every lane.
Value NestEmitter::loadInput(const Products &products, unsigned index,
                             Value rowStart, Value k) {
  int64_t lanes = products.lanes, depth = products.plans[index].depth;
  Buffer buffer = products.buffers.productInputs[index];
  Value at = add(rowStart, mul(k, constant(depth)));
  if (depth == 1)
    return widen(load(buffer, at, 0, lanes, nullptr),
                 VectorType::get(lanes, products.sumType(index)));
  // As one element, which a processor brings to all lanes while it loads it.
  Value few = load(buffer, at, 1, depth, nullptr);
  Type together = b.getIntegerType(
      depth * getElementTypeOrSelf(buffer).getIntOrFloatBitWidth());
  Value one = vector::ExtractOp::create(
      b, vector::BitCastOp::create(b, VectorType::get(1, together), few),
      int64_t(0));
  Value all =
      vector::BroadcastOp::create(b, VectorType::get(lanes, together), one);
  return vector::BitCastOp::create(
      b, VectorType::get(lanes * depth, getElementTypeOrSelf(buffer)), all);
}

/// The sum and a step's products: of pairs of bf16 the second one first, each
/// rounded.
Value NestEmitter::addProducts(Value weight, Value input, Value sum) {
  auto type = cast<VectorType>(sum.getType());
  if (weight.getType() == type)
    return fma(weight, input, sum);
  std::string name = "llvm.x86.avx512bf16.dpbf16ps." +
                     std::to_string(type.getNumElements() * 32);
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name),
                                       ValueRange{sum, weight, input})
      .getResult(0);
}

/// The weights of a tile's columns for step `k`.
SmallVector<Value> NestEmitter::loadWeights(const Products &products,
                                            unsigned index, const Tile &tile,
                                            Value k) {
  const PanelPlan &plan = products.plans[index];
  int64_t lanes = products.lanes, depth = plan.depth;
  VectorType type = VectorType::get(lanes, products.sumType(index));
  SmallVector<Value> weights;
  int64_t done = 0;
  for (int64_t panel : tile.panels) {
    Value start = add(mul(add(tile.firstVector, constant(done)),
                          constant(lanes * plan.inputs)),
                      mul(k, constant(panel * lanes * depth)));
    for (int64_t v = 0; v < panel; ++v) {
      Value weight = load(products.buffers.packedWeights[index],
                          add(start, constant(v * lanes * depth)), 1,
                          lanes * depth, nullptr);
      weights.push_back(depth == 1 ? widen(weight, type) : weight);
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
  int64_t lanes = products.lanes;
  int64_t vectors = tile.vectors;
  int64_t perRow = plan.chains * vectors;

  // Accumulator (row, chain, vector).
  SmallVector<Value> accumulators(tile.rows * perRow,
                                  splat(products.sumType(index), 0, lanes));
  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < tile.rows; ++r) {
    Value number = constant(r);
    if (tile.existing && r > 0)
      number = arith::MinUIOp::create(
          b, number, arith::SubIOp::create(b, tile.existing, constant(1)));
    rowStarts.push_back(mul(add(tile.row, number), constant(plan.inputs)));
  }

  /// Adds the products of step `k` of chain `chain` to the accumulators.
  auto step = [&](Value k, int64_t chain, MutableArrayRef<Value> acc) {
    SmallVector<Value> row = loadWeights(products, index, tile, k);
    for (int64_t r = 0; r < tile.rows; ++r) {
      Value x = loadInput(products, index, rowStarts[r], k);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = acc[r * perRow + chain * vectors + v];
        sum = addProducts(row[v], x, sum);
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
    int64_t chainLength = plan.steps() / plan.chains;
    sumOver(0, chainLength, chainLength, 0, plan.chains);
    sumOver(chainLength * plan.chains, plan.steps(), 0, plan.chains - 1, 1);
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
  bool staysInRegisters = !tile.existing && !products.byMatrixUnit &&
                          perProduct <= schedule.update &&
                          count * perProduct <= schedule.pass;
  SmallVector<SmallVector<Value>> sums;
  for (unsigned p = 0; p < count; ++p) {
    if (products.byMatrixUnit) {
      sumByMatrixUnit(products, p, tile, constant(p * perProduct * lanes));
      continue;
    }
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
