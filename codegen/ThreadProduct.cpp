//===- ThreadProduct.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A nest with products on a GPU: what each of its threads sums.
//
//===----------------------------------------------------------------------===//

#include "codegen/Products.h"
#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ttc;

static constexpr int64_t columnsPerThread = PanelPlan::threadColumns;

SmallVector<SmallVector<unsigned>>
NestEmitter::groupByInput(ValueRange inputs) {
  SmallVector<SmallVector<unsigned>> groups;
  for (unsigned p = 0; p < inputs.size(); ++p) {
    auto same = llvm::find_if(groups, [&](ArrayRef<unsigned> group) {
      return inputs[group.front()] == inputs[p];
    });
    if (same == groups.end())
      groups.push_back({p});
    else
      same->push_back(p);
  }
  return groups;
}

/// Matrix units sum what they multiply in an order of their own: where there is
/// something for them, all rows go through them.
///
/// Where there are rows enough to keep every worker busy with tiles of several,
/// they are computed so: a weight that is read serves all rows of a tile.
/// Otherwise the chains of a sum are shared out among neighbouring threads. A
/// row's bits are the same in both.
void NestEmitter::emitThreadProducts(const Products &products) {
  // Four inputs of eight rows are 8 loads of 16 bytes, and the weights that
  // they meet 4, for 128 FMAs. All of a warp read the same inputs, in one turn
  // of the load unit; their weights, 512 bytes, take it four: 24 turns, while
  // the FMAs take 32 cycles. Four rows would wait for it, with 20 turns for 16
  // cycles, and eight rows of eight columns would win nothing, with 40 for 64.
  // The sums that exist at a time, of each product and of the chains that wait
  // to be added, must have registers: with eight chains sixteen rows would take
  // all of them.
  constexpr int64_t mostSums = 128;
  NestOp nest = products.nest;
  for (auto [p, plan] : llvm::enumerate(products.plans))
    if (isForWarp(nest, p, plan, schedule))
      return emitWarpProducts(products);
  if (products.buffers.keptStart)
    return emitKept(products);
  int64_t words = llvm::divideCeil(
      elementBytes(nest.getProductInputs().front().getType()), 4);
  int64_t sums = products.plans.size() + llvm::Log2_64(products.chains());
  int64_t rows = 8;
  while (rows > 1 && rows * columnsPerThread * sums * words > mostSums)
    rows /= 2;
  if (rows == 1)
    return emitThreadRows(products, constant(0));

  int64_t quads = llvm::divideCeil(products.outputs(), columnsPerThread);
  Value tiles = arith::DivUIOp::create(b, products.rows, constant(rows));
  Value areEnough = arith::CmpIOp::create(
      b, arith::CmpIPredicate::uge, mul(tiles, constant(quads)), team.workers);
  Value tiled = arith::SelectOp::create(
      b, areEnough, mul(tiles, constant(rows)), constant(0));
  emitThreadTiles(products, tiled, rows);
  emitThreadRows(products, tiled);
}

/// The rows up to `rows` in tiles of `tileRows`; neighbouring threads compute
/// neighbouring columns.
void NestEmitter::emitThreadTiles(const Products &products, Value rows,
                                  int64_t tileRows) {
  int64_t quads = llvm::divideCeil(products.outputs(), columnsPerThread);
  Value tiles = arith::DivUIOp::create(b, rows, constant(tileRows));
  sharedLoops({tiles, constant(quads)}, [&](ArrayRef<Value> at) {
    Quad quad{mul(at[0], constant(tileRows)), tileRows,
              mul(at[1], constant(columnsPerThread)), Value()};
    SmallVector<SmallVector<Value>> sums;
    for (auto [p, plan] : llvm::enumerate(products.plans)) {
      sums.push_back(sumChains(products, p, quad, constant(0), plan.chains));
      scale(products, p, quad.column, sums.back());
    }
    emitQuad(products, quad, sums);
  });
}

/// The updates of a quad's elements, from the sums of each product and row.
/// They are written out for a few rows; more have a loop, each turn of which
/// chooses the sums of its rows.
void NestEmitter::emitQuad(const Products &products, const Quad &quad,
                           ArrayRef<SmallVector<Value>> sums) {
  constexpr int64_t mostOperations = 80;
  NestOp nest = products.nest;
  int64_t operations = llvm::range_size(nest.getBody().front());
  if (quad.rows == 1 ||
      quad.rows * columnsPerThread * operations <= mostOperations) {
    for (int64_t r = 0; r < quad.rows; ++r) {
      SmallVector<Value> ofRow;
      for (ArrayRef<Value> ofProduct : sums)
        ofRow.push_back(ofProduct[r]);
      emitRow(products, quad, constant(r), ofRow);
    }
    return;
  }
  assert(llvm::isPowerOf2_64(quad.rows));
  // The assembler runs out of registers for fewer turns of a warp's rows, and
  // for more of others.
  int64_t count = quad.endRow ? quad.rows : 2;
  int64_t each = quad.rows / count;
  auto turns = scf::ForOp::create(b, constant(0), constant(count), constant(1));
  keepLoop(turns);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(turns.getBody());
  Value turn = turns.getInductionVar();
  SmallVector<SmallVector<Value>> chosen;
  for (ArrayRef<Value> ofProduct : sums) {
    chosen.emplace_back();
    for (int64_t r = 0; r < each; ++r) {
      SmallVector<Value> left;
      for (int64_t i = 0; i < count; ++i)
        left.push_back(ofProduct[i * each + r]);
      chosen.back().push_back(choose(turn, left));
    }
  }
  emitQuad(products,
           Quad{add(quad.row, mul(turn, constant(each))), each, quad.column,
                quad.endRow},
           chosen);
}

/// The value of this number, of as many as a power of two.
Value NestEmitter::choose(Value number, SmallVector<Value> values) {
  for (int64_t bit = 1; values.size() > 1; bit *= 2) {
    Value isOdd = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne,
        arith::AndIOp::create(b, number, constant(bit)), constant(0));
    for (size_t i = 0; i < values.size() / 2; ++i)
      values[i] =
          arith::SelectOp::create(b, isOdd, values[2 * i + 1], values[2 * i]);
    values.resize(values.size() / 2);
  }
  return values.front();
}

/// The updates of row `turn` of a quad, if it exists.
void NestEmitter::emitRow(const Products &products, const Quad &quad,
                          Value turn, ValueRange sums) {
  Value row = add(quad.row, turn);
  OpBuilder::InsertionGuard guard(b);
  if (quad.endRow)
    b.setInsertionPointToStart(
        scf::IfOp::create(b,
                          arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                                row, quad.endRow),
                          /*withElseRegion=*/false)
            .thenBlock());
  // Whole quads read and write their elements at once.
  if (products.outputs() % columnsPerThread == 0)
    return emitTileUpdate(products, row, quad.column, sums, Mask());
  for (int64_t c = 0; c < columnsPerThread; ++c) {
    SmallVector<Value> ofElement;
    for (Value sum : sums)
      ofElement.push_back(vector::ExtractOp::create(b, sum, c));
    emitColumn(products, row, add(quad.column, constant(c)), ofElement);
  }
}

/// The rows from `firstRow` on, one after the other: neighbouring threads, as
/// many as a sum has chains, sum a chain each.
void NestEmitter::emitThreadRows(const Products &products, Value firstRow) {
  int64_t quads = llvm::divideCeil(products.outputs(), columnsPerThread);
  Value rows = arith::SubIOp::create(b, products.rows, firstRow);
  sharedLoops({rows, constant(quads), constant(products.chains())},
              [&](ArrayRef<Value> at) {
                Quad quad{add(firstRow, at[0]), 1,
                          mul(at[1], constant(columnsPerThread)), Value()};
                emitSharedSum(products, quad, at[2]);
              });
}

/// The steps of a product that a thread sums which has this chain: none, if the
/// product has fewer chains than another one of the nest.
std::pair<Value, Value> NestEmitter::rangeOfChain(const Products &products,
                                                  unsigned index, Value chain) {
  const PanelPlan &plan = products.plans[index];
  int64_t length = plan.inputs / plan.chains;
  Value from = mul(chain, constant(length));
  auto isBelow = [&](int64_t other) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, chain,
                                 constant(other));
  };
  Value to = arith::SelectOp::create(b, isBelow(plan.chains - 1),
                                     add(from, constant(length)),
                                     constant(plan.inputs));
  if (plan.chains < products.chains())
    from = arith::SelectOp::create(b, isBelow(plan.chains), from,
                                   constant(plan.inputs));
  return {from, to};
}

/// What a thread does that has a chain of the sums of a quad, beside its
/// neighbours that have the others.
void NestEmitter::emitSharedSum(const Products &products, const Quad &quad,
                                Value chain) {
  int64_t chains = products.chains();
  SmallVector<SmallVector<Value>> sums(products.plans.size());
  NestOp nest = products.nest;
  for (ArrayRef<unsigned> together : groupByInput(nest.getProductInputs())) {
    auto [from, to] = rangeOfChain(products, together.front(), chain);
    for (auto [p, sum] : llvm::zip_equal(
             together, sumChain(products, together, quad, from, to)))
      sums[p].push_back(sum);
  }
  if (chains == 1) {
    for (auto [p, ofProduct] : llvm::enumerate(sums))
      scale(products, p, quad.column, ofProduct);
    return emitQuad(products, quad, sums);
  }

  // Pairs of threads add what they have, each half of the columns, so
  // that four threads are left with the sums of one column each:
  // ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
  Type i32 = b.getI32Type();
  auto word = [&](Value index) -> Value {
    return arith::IndexCastUIOp::create(b, i32, index);
  };
  auto wordOf = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, i32, value);
  };
  constexpr int64_t warp = 32;
  Value lane = word(arith::RemUIOp::create(b, team.worker, constant(warp)));
  Value firstLane = arith::SubIOp::create(b, lane, word(chain));
  Value mask = arith::ShLIOp::create(b, wordOf((1 << chains) - 1), firstLane);
  auto partner = [&](int64_t distance) -> Value {
    return arith::XOrIOp::create(b, lane, wordOf(distance));
  };
  auto hasBit = [&](int64_t bit) -> Value {
    Value masked = arith::AndIOp::create(b, word(chain), wordOf(bit));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked,
                                 wordOf(0));
  };
  SmallVector<Value> ofColumn;
  for (ArrayRef<Value> ofProduct : sums) {
    SmallVector<Value> columns;
    for (int64_t c = 0; c < columnsPerThread; ++c)
      columns.push_back(vector::ExtractOp::create(b, ofProduct.front(), c));
    for (int64_t bit : {1, 2}) {
      Value isUpper = hasBit(bit), other = partner(bit);
      SmallVector<Value> kept;
      for (size_t i = 0; i < columns.size(); i += 2) {
        Value own =
            arith::SelectOp::create(b, isUpper, columns[i + 1], columns[i]);
        Value given =
            arith::SelectOp::create(b, isUpper, columns[i], columns[i + 1]);
        kept.push_back(
            arith::AddFOp::create(b, own, readLane(given, other, mask)));
      }
      columns = kept;
    }
    Value sum = columns.front();
    if (chains > columnsPerThread)
      sum = arith::AddFOp::create(
          b, sum, readLane(sum, partner(columnsPerThread), mask));
    ofColumn.push_back(sum);
  }
  auto isOwner = scf::IfOp::create(
      b,
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, chain,
                            constant(columnsPerThread)),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(isOwner.thenBlock());
  Value column = add(quad.column, chain);
  for (auto [p, sum] : llvm::enumerate(ofColumn))
    scale(products, p, column, sum);
  emitColumn(products, quad.row, column, ofColumn);
}

/// Multiplies sums of products with whole numbers, from `column` on, by what
/// these are multiples of.
void NestEmitter::scale(const Products &products, unsigned index, Value column,
                        MutableArrayRef<Value> sums) {
  Buffer scales = products.buffers.scales[index];
  if (!scales)
    return;
  auto vector = dyn_cast<VectorType>(sums.front().getType());
  Value factor =
      load(scales, column, 1, vector ? vector.getNumElements() : 1, Mask());
  if (!vector)
    factor = vector::ExtractOp::create(b, factor, int64_t(0));
  for (Value &sum : sums)
    sum = arith::MulFOp::create(b, sum, factor);
}

/// The weights of a thread's columns for step `k` of a part of a sum that
/// begins with step `from`, as they are stored.
Value NestEmitter::loadThreadWeights(const Products &products, unsigned index,
                                     Value column, Value k, Value from) {
  const PanelPlan &plan = products.plans[index];
  Buffer weights = products.buffers.packedWeights[index];
  Type stored = cast<MemRefType>(weights.getType()).getElementType();
  int64_t elements = columnsPerThread * plan.depth;
  int64_t width = plan.groups.front().vectors * columnsPerThread;
  int64_t bytes = elements * stored.getIntOrFloatBitWidth() / 8;
  Value at = products.kept ? products.kept->at(*this, index, k, from)
                           : mul(add(mul(k, constant(width)), column),
                                 constant(plan.depth));
  return vector::LoadOp::create(
      b, VectorType::get(elements, stored),
      products.kept ? products.kept->memory[index] : weights, ValueRange{at},
      /*nontemporal=*/false, llvm::Align(std::min(bytes, widestLoad)));
}

/// For each of some products with the same input, and each row of `quad`, the
/// sums of its columns over the inputs from `from` to `to`.
SmallVector<Value> NestEmitter::sumChain(const Products &products,
                                         ArrayRef<unsigned> together,
                                         const Quad &quad, Value from,
                                         Value to) {
  unsigned first = together.front();
  Buffer input = products.buffers.productInputs[first];
  NestOp nest = products.nest;
  Type element = getElementTypeOrSelf(nest.getProductInputs()[first]);
  Type sumType = products.sumType(first);
  VectorType type = VectorType::get(columnsPerThread, sumType);
  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < quad.rows; ++r) {
    Value row = add(quad.row, constant(r));
    if (quad.endRow)
      row = arith::MinUIOp::create(
          b, row, arith::SubIOp::create(b, quad.endRow, constant(1)));
    rowStarts.push_back(mul(row, constant(products.plans[first].inputs)));
  }
  SmallVector<Value> zeros(together.size() * quad.rows,
                           splat(sumType, 0, columnsPerThread));
  auto addInput = [&](Value k, ArrayRef<Value> inputs, ValueRange sums) {
    SmallVector<Value> next;
    for (unsigned p : together) {
      Value weight =
          widen(loadThreadWeights(products, p, quad.column, k, from), type);
      for (Value x : inputs)
        next.push_back(fma(weight, widen(x, type), sums[next.size()]));
    }
    return next;
  };
  auto oneByOne = [&](Value begin, Value end, ValueRange sums) {
    return accumulatingLoop(begin, end, 1, sums, [&](Value k, ValueRange sums) {
      SmallVector<Value> inputs;
      for (Value start : rowStarts)
        inputs.push_back(
            load(input, add(start, k), 0, columnsPerThread, Mask()));
      return addInput(k, inputs, sums);
    });
  };
  int64_t atOnce = widestLoad * 8 / element.getIntOrFloatBitWidth();
  if (quad.rows == 1 || products.plans[first].inputs % atOnce != 0)
    return oneByOne(from, to, zeros);

  // The inputs of a row are read some at once, those at the ends of a chain one
  // by one; and all of them if the input does not begin where it must. A chain
  // has eight inputs or begins at the first, so that it reaches a whole one.
  Value aligned = isAligned(input);
  auto wholeFrom = [&](Value k) -> Value {
    Value whole = arith::AndIOp::create(b, k, constant(-atOnce));
    return arith::SelectOp::create(b, aligned, whole, to);
  };
  Value begin = wholeFrom(add(from, constant(atOnce - 1)));
  Value end = wholeFrom(to);
  SmallVector<Value> sums = oneByOne(from, begin, zeros);
  keepLoopOf(sums);
  VectorType vector = VectorType::get(atOnce, element);
  sums = accumulatingLoop(
      begin, end, atOnce, sums, [&](Value k, ValueRange before) {
        SmallVector<Value> vectors, sums(before);
        for (Value start : rowStarts)
          vectors.push_back(vector::LoadOp::create(
              b, vector, input, ValueRange{add(start, k)},
              /*nontemporal=*/false, llvm::Align(widestLoad)));
        for (int64_t i = 0; i < atOnce; ++i) {
          SmallVector<Value> inputs;
          for (Value several : vectors)
            inputs.push_back(vector::BroadcastOp::create(
                b, type.clone(element),
                vector::ExtractOp::create(b, several, i)));
          sums = addInput(add(k, constant(i)), inputs, sums);
        }
        return sums;
      });
  keepLoopOf(sums);
  sums = oneByOne(end, to, sums);
  keepLoopOf(sums);
  return sums;
}

/// Whether a buffer begins at a multiple of widestLoad. An input of the model
/// begins wherever its caller has it; of what the model places itself LLVM
/// finds that it does.
Value NestEmitter::isAligned(Buffer buffer) {
  auto view = buffer.getDefiningOp<memref::ViewOp>();
  Value start =
      memref::ExtractAlignedPointerAsIndexOp::create(b, view.getSource());
  Value beyond = arith::AndIOp::create(b, add(start, view.getByteShift()),
                                       constant(widestLoad - 1));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, beyond,
                               constant(0));
}

/// The sums of `count` chains, added pairwise. A loop of two turns for each
/// pair: written out, an address of each chain of each product would be kept in
/// registers.
SmallVector<Value> NestEmitter::sumChains(const Products &products,
                                          unsigned index, const Quad &quad,
                                          Value first, int64_t count) {
  const PanelPlan &plan = products.plans[index];
  int64_t length = plan.inputs / plan.chains;
  if (count == 1) {
    Value from = mul(first, constant(length));
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first,
                                         constant(plan.chains - 1));
    Value to = arith::SelectOp::create(b, isLast, constant(plan.inputs),
                                       add(from, constant(length)));
    return sumChain(products, {index}, quad, from, to);
  }
  // What is added to this stays as it is, be it a zero of either sign.
  SmallVector<Value> nothing(
      quad.rows, splat(products.sumType(index), -0.0, columnsPerThread));
  SmallVector<Value> sums = accumulatingLoop(
      constant(0), constant(2), 1, nothing, [&](Value half, ValueRange before) {
        SmallVector<Value> sums =
            sumChains(products, index, quad,
                      add(first, mul(half, constant(count / 2))), count / 2);
        for (auto [sum, other] : llvm::zip_equal(sums, before))
          sum = arith::AddFOp::create(b, other, sum);
        return sums;
      });
  keepLoopOf(sums);
  return sums;
}

/// The update of one element, if its column is not padding.
void NestEmitter::emitColumn(const Products &products, Value row, Value column,
                             ValueRange sums) {
  auto update = [&] {
    SmallVector<Value> vectors;
    for (Value sum : sums)
      vectors.push_back(vector::BroadcastOp::create(
          b, VectorType::get(1, sum.getType()), sum));
    emitTileUpdate(products, row, column, vectors, Mask());
  };
  if (products.outputs() % columnsPerThread == 0)
    return update();
  auto exists = scf::IfOp::create(
      b,
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                            constant(products.outputs())),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(exists.thenBlock());
  update();
}

/// The value that another thread of the warp has. Those of `mask` read
/// together.
Value NestEmitter::readLane(Value value, Value lane, Value mask) {
  return callThreadFunction(value.getType().isF64() ? readLaneF64 : readLaneF32,
                            value.getType(), {value, lane, mask});
}

/// A call of a function that the kernels bring along.
Value NestEmitter::callThreadFunction(StringRef name, Type result,
                                      ValueRange arguments) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<func::FuncOp>(name);
  if (!callee) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    callee =
        func::FuncOp::create(outside, b.getLoc(), name,
                             b.getFunctionType(arguments.getTypes(), {result}));
    callee.setPrivate();
  }
  return func::CallOp::create(b, callee, arguments).getResult(0);
}
