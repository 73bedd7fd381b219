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

/// So many weights of a column a thread reads before it uses them.
static constexpr int64_t weightsInFlight = 4;

/// Neighbouring columns of some rows, which one thread computes.
struct NestEmitter::Quad {
  Value row;
  int64_t rows;
  Value column;
};

/// Has LLVM write out so many turns of the loop that gives `sums`, where it
/// would choose a number for a CPU's registers; none of them for 1.
static void unroll(ArrayRef<Value> sums, int64_t turns) {
  auto loop = sums.front().getDefiningOp<scf::ForOp>();
  if (!loop)
    return;
  Builder builder(loop.getContext());
  auto unroll = LLVM::LoopUnrollAttr::get(
      loop.getContext(),
      /*disable=*/turns == 1 ? builder.getBoolAttr(true) : BoolAttr(),
      /*count=*/turns == 1 ? IntegerAttr() : builder.getI32IntegerAttr(turns),
      /*runtimeDisable=*/{}, /*full=*/{}, /*followupUnrolled=*/{},
      /*followupRemainder=*/{}, /*followupAll=*/{});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(
                    loop.getContext(), /*disableNonforced=*/{},
                    /*vectorize=*/{}, /*interleave=*/{}, unroll,
                    /*unrollAndJam=*/{}, /*licm=*/{}, /*distribute=*/{},
                    /*pipeline=*/{}, /*peeled=*/{}, /*unswitch=*/{},
                    /*mustProgress=*/{}, /*isVectorized=*/{}, /*startLoc=*/{},
                    /*endLoc=*/{}, /*parallelAccesses=*/{}));
}

/// The numbers of the products, those of the same input together: the gates of
/// a layer.
static SmallVector<SmallVector<unsigned>> groupByInput(ValueRange inputs) {
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

/// Where there are rows enough to keep every worker busy with tiles of several,
/// they are computed so: a weight that is read serves all rows of a tile.
/// Otherwise the chains of a sum are shared out among neighbouring threads. A
/// row's bits are the same in both.
void NestEmitter::emitThreadProducts(const Products &products) {
  // What is written out for every element of a tile must not grow too large,
  // and the sums that exist at a time, of each product and of the chains that
  // wait to be added, must have registers.
  NestOp nest = products.nest;
  constexpr int64_t mostOperations = 160, mostSums = 64;
  int64_t operations = llvm::range_size(nest.getBody().front());
  int64_t sums = products.plans.size() + llvm::Log2_64(products.chains());
  int64_t rows = 8;
  while (rows > 1 && (rows * columnsPerThread * operations > mostOperations ||
                      rows * columnsPerThread * sums > mostSums))
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
              mul(at[1], constant(columnsPerThread))};
    SmallVector<SmallVector<Value>> sums;
    for (auto [p, plan] : llvm::enumerate(products.plans))
      sums.push_back(sumChains(products, p, quad, constant(0), plan.chains));
    for (int64_t r = 0; r < tileRows; ++r)
      for (int64_t c = 0; c < columnsPerThread; ++c) {
        SmallVector<Value> ofElement;
        for (ArrayRef<Value> ofProduct : sums)
          ofElement.push_back(
              vector::ExtractOp::create(b, ofProduct[r], int64_t(c)));
        emitColumn(products, add(quad.row, constant(r)),
                   add(quad.column, constant(c)), ofElement);
      }
  });
}

/// The rows from `firstRow` on, one after the other: neighbouring threads, as
/// many as a sum has chains, sum a chain each.
void NestEmitter::emitThreadRows(const Products &products, Value firstRow) {
  int64_t chains = products.chains();
  int64_t quads = llvm::divideCeil(products.outputs(), columnsPerThread);
  Value rows = arith::SubIOp::create(b, products.rows, firstRow);
  sharedLoops({rows, constant(quads), constant(chains)}, [&](ArrayRef<Value>
                                                                 at) {
    Quad quad{add(firstRow, at[0]), 1, mul(at[1], constant(columnsPerThread))};
    Value chain = at[2];
    SmallVector<SmallVector<Value>> sums(products.plans.size());
    NestOp nest = products.nest;
    for (ArrayRef<unsigned> together : groupByInput(nest.getProductInputs())) {
      const PanelPlan &plan = products.plans[together.front()];
      // A thread whose chain these products do not have adds zero.
      int64_t length = plan.inputs / plan.chains;
      Value from = mul(chain, constant(length));
      auto compare = [&](arith::CmpIPredicate predicate, int64_t other) {
        return Value(
            arith::CmpIOp::create(b, predicate, chain, constant(other)));
      };
      Value to = arith::SelectOp::create(
          b, compare(arith::CmpIPredicate::ult, plan.chains - 1),
          add(from, constant(length)), constant(plan.inputs));
      if (plan.chains < chains)
        from = arith::SelectOp::create(
            b, compare(arith::CmpIPredicate::ult, plan.chains), from,
            constant(plan.inputs));
      for (auto [p, sum] : llvm::zip_equal(
               together, sumChain(products, together, quad, from, to)))
        for (int64_t c = 0; c < columnsPerThread; ++c)
          sums[p].push_back(vector::ExtractOp::create(b, sum, c));
    }
    if (chains == 1) {
      for (int64_t c = 0; c < columnsPerThread; ++c) {
        SmallVector<Value> ofElement;
        for (ArrayRef<Value> ofProduct : sums)
          ofElement.push_back(ofProduct[c]);
        emitColumn(products, quad.row, add(quad.column, constant(c)),
                   ofElement);
      }
      return;
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
    for (SmallVector<Value> &columns : sums) {
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
    emitColumn(products, quad.row, add(quad.column, chain), ofColumn);
  });
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
  VectorType type = VectorType::get(columnsPerThread, element);
  auto loadWeight = [&](unsigned p, Value k) -> Value {
    Buffer weights = products.buffers.packedWeights[p];
    Type stored = cast<MemRefType>(weights.getType()).getElementType();
    VectorType storedType = VectorType::get(columnsPerThread, stored);
    int64_t width = products.plans[p].groups.front().vectors * columnsPerThread;
    int64_t bytes = columnsPerThread * stored.getIntOrFloatBitWidth() / 8;
    Value weight = vector::LoadOp::create(
        b, storedType, weights,
        ValueRange{add(mul(k, constant(width)), quad.column)},
        /*nontemporal=*/false, llvm::Align(std::min<int64_t>(bytes, 16)));
    return storedType == type ? weight : arith::ExtFOp::create(b, type, weight);
  };

  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < quad.rows; ++r)
    rowStarts.push_back(mul(add(quad.row, constant(r)),
                            constant(products.plans[first].inputs)));
  SmallVector<Value> zeros(together.size() * quad.rows,
                           splat(element, 0, columnsPerThread));
  auto addInput = [&](Value k, ValueRange sums) {
    SmallVector<Value> inputs, next;
    for (Value start : rowStarts)
      inputs.push_back(load(input, add(start, k), 0, columnsPerThread, Mask()));
    for (unsigned p : together) {
      Value weight = loadWeight(p, k);
      for (Value x : inputs)
        next.push_back(fma(weight, x, sums[next.size()]));
    }
    return next;
  };
  SmallVector<Value> sums = accumulatingLoop(from, to, 1, zeros, addInput);
  unroll(sums, llvm::divideCeil(weightsInFlight, int64_t(together.size())));
  return sums;
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
  NestOp nest = products.nest;
  Type element = getElementTypeOrSelf(nest.getProductInputs()[index]);
  // What is added to this stays as it is, be it a zero of either sign.
  SmallVector<Value> nothing(quad.rows, splat(element, -0.0, columnsPerThread));
  SmallVector<Value> sums = accumulatingLoop(
      constant(0), constant(2), 1, nothing, [&](Value half, ValueRange before) {
        SmallVector<Value> sums =
            sumChains(products, index, quad,
                      add(first, mul(half, constant(count / 2))), count / 2);
        for (auto [sum, other] : llvm::zip_equal(sums, before))
          sum = arith::AddFOp::create(b, other, sum);
        return sums;
      });
  unroll(sums, 1);
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
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  StringRef name = value.getType().isF64() ? readLaneF64 : readLaneF32;
  auto callee = module.lookupSymbol<func::FuncOp>(name);
  if (!callee) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    callee = func::FuncOp::create(
        outside, b.getLoc(), name,
        b.getFunctionType({value.getType(), lane.getType(), mask.getType()},
                          {value.getType()}));
    callee.setPrivate();
  }
  return func::CallOp::create(b, callee, ValueRange{value, lane, mask})
      .getResult(0);
}
