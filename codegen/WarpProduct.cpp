//===- WarpProduct.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products by the matrix units of a GPU, in bf16 or tf32. An instruction of a
// warp multiplies 16 rows by 8 columns; which numbers each of the 32 lanes
// gives and has is said in PTX ISA, "Matrix Fragments for mma.m16n8k16" and
// "mma.m16n8k8". Lane 4 g + t gives rows g and g + 8 of the first matrix and
// column g of the second, at words t and t + 4 of the sum's eight, where a word
// is a pair of bf16 or a number of tf32; and it has columns 2 t and 2 t + 1 of
// the result.
//
// The rows are output features here, and the columns rows of the batch, of
// which there may be one. Which of them is which number is free: so lane (g, t)
// has four neighbouring features of neighbouring rows, a quad as other threads
// compute it, and reads four neighbouring words of a row, 16 bytes, which serve
// two instructions.
//
//===----------------------------------------------------------------------===//

#include "codegen/Products.h"
#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ttc;

static constexpr int64_t warp = 32;
/// Of an instruction: the columns of its second matrix. And the lanes that have
/// the same of them, which share the words of a sum.
static constexpr int64_t groupRows = 8, laneParts = 4;
static constexpr int64_t laneColumns = PanelPlan::threadColumns;
static constexpr int64_t tileColumns = warp / laneParts * laneColumns;
/// The words of a sum that are read together, of all lanes and of one.
static constexpr int64_t wordsAtOnce = 16, laneWords = 4;

/// What a lane reads for the sums of a tile of `groups` times eight rows and 32
/// output features.
struct NestEmitter::WarpTile {
  int64_t groups;
  SmallVector<Value> rows; ///< of each group the row that the lane reads
  Value column;            ///< the first of its four
  Value word;              ///< the first of its words, of each sixteen
};

/// Each warp makes tiles of some rows and 32 columns. Neighbouring warps have
/// the same columns, so that they read the same weights.
void NestEmitter::emitWarpProducts(const Products &products) {
  // Each lane holds two sums of four columns for each product and group, beside
  // the weights of one step.
  constexpr int64_t mostSums = 16, mostGroups = 4;
  NestOp nest = products.nest;
  int64_t groups = mostGroups;
  while (groups > 1 && groups * int64_t(products.plans.size()) > mostSums)
    groups /= 2;
  int64_t tileRows = groups * groupRows, rowsOfLane = tileRows / laneParts;
  int64_t padded = products.plans.front().paddedOutputs();

  auto divide = [&](Value value, int64_t divisor) -> Value {
    return arith::DivUIOp::create(b, value, constant(divisor));
  };
  auto least = [&](Value value, Value other) -> Value {
    return arith::MinUIOp::create(b, value, other);
  };
  Value lane = arith::RemUIOp::create(b, team.worker, constant(warp));
  Value column = divide(lane, laneParts);
  Value part = arith::RemUIOp::create(b, lane, constant(laneParts));
  Value lastRow = arith::SubIOp::create(b, products.rows, constant(1));
  Value rowTiles = divide(add(products.rows, constant(tileRows - 1)), tileRows);

  Team threads = team;
  team.worker = divide(threads.worker, warp);
  team.workers = divide(threads.workers, warp);
  Value columnTiles = constant(llvm::divideCeil(padded, tileColumns));
  sharedLoops({columnTiles, rowTiles}, [&](ArrayRef<Value> at) {
    Value firstRow = mul(at[1], constant(tileRows));
    // Columns that do not exist are summed as the last ones, and rows as the
    // last.
    Value ownColumn = add(mul(at[0], constant(tileColumns)),
                          mul(column, constant(laneColumns)));
    WarpTile tile{groups,
                  {},
                  least(ownColumn, constant(padded - laneColumns)),
                  mul(part, constant(laneWords))};
    // Row n of group j is row n % 2 of the quad's j-th two, of part n / 2.
    for (int64_t j = 0; j < groups; ++j) {
      Value row = add(
          mul(divide(column, 2), constant(rowsOfLane)),
          add(constant(2 * j), arith::RemUIOp::create(b, column, constant(2))));
      tile.rows.push_back(least(add(firstRow, row), lastRow));
    }
    Quad quad{add(firstRow, mul(part, constant(rowsOfLane))), rowsOfLane,
              tile.column, products.rows};
    SmallVector<SmallVector<Value>> sums(products.plans.size());
    for (ArrayRef<unsigned> together : groupByInput(nest.getProductInputs()))
      if (isForWarp(nest, together.front(), products.plans[together.front()],
                    schedule))
        for (auto [p, ofProduct] :
             llvm::zip_equal(together, sumByWarp(products, together, tile)))
          sums[p] = ofProduct;
      else
        for (unsigned p : together)
          sums[p] = sumChains(products, p, quad, constant(0),
                              products.plans[p].chains);
    auto exists =
        scf::IfOp::create(b,
                          arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                                ownColumn, constant(padded)),
                          /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(exists.thenBlock());
    for (unsigned p = 0; p < sums.size(); ++p)
      scale(products, p, quad.column, sums[p]);
    emitQuad(products, quad, sums);
  });
  team = threads;
}

/// For each of some products with the same input the sums of a lane's rows.
SmallVector<SmallVector<Value>>
NestEmitter::sumByWarp(const Products &products, ArrayRef<unsigned> together,
                       const WarpTile &tile) {
  const PanelPlan &plan = products.plans[together.front()];
  Buffer input = products.buffers.productInputs[together.front()];
  Type element = getElementTypeOrSelf(input);
  bool isTF32 = plan.depth == 1;
  int64_t steps = plan.steps();
  Type f32 = b.getF32Type();
  VectorType words = VectorType::get(laneWords, b.getI32Type());
  Value noWord = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
  Value noWords = arith::ConstantOp::create(b, b.getZeroAttr(words));

  /// So many words, of inputs that were read.
  auto inWords = [&](Value inputs, int64_t count) -> Value {
    VectorType type = VectorType::get(count, b.getI32Type());
    if (!isTF32)
      return vector::BitCastOp::create(b, type, inputs);
    SmallVector<Value> rounded;
    for (int64_t i = 0; i < count; ++i)
      rounded.push_back(
          callThreadFunction(roundToTF32, b.getI32Type(),
                             {vector::ExtractOp::create(b, inputs, i)}));
    return vector::FromElementsOp::create(b, type, rounded);
  };
  SmallVector<Value> starts;
  for (Value row : tile.rows)
    starts.push_back(mul(row, constant(plan.inputs)));
  auto loadInputs = [&](Value start, Value word, int64_t count, int64_t bytes) {
    return vector::LoadOp::create(
               b, VectorType::get(count * plan.depth, element), input,
               ValueRange{add(start, mul(word, constant(plan.depth)))},
               /*nontemporal=*/false, llvm::Align(bytes))
        .getResult();
  };
  auto loadWeights = [&](unsigned p, Value word) -> Value {
    Value weights = loadThreadWeights(products, p, tile.column, word,
                                      /*from=*/Value());
    if (isTF32)
      weights = widen(weights, VectorType::get(laneColumns, f32));
    return vector::BitCastOp::create(b, words, weights);
  };

  // Of each product, each group and each half of the columns: the sums of two
  // columns and two rows.
  constexpr int64_t halves = 2;
  auto multiply = [&](ArrayRef<Value> inputs,
                      function_ref<Value(unsigned, int64_t)> weightsOf,
                      ValueRange before) {
    SmallVector<Value> sums;
    for (unsigned p : together) {
      SmallVector<Value> weights;
      for (int64_t i = 0; i < laneWords; ++i)
        weights.push_back(weightsOf(p, i));
      for (Value ofGroup : inputs)
        for (int64_t half = 0; half < halves; ++half) {
          Value sum = before[sums.size()];
          for (int64_t i = 0; i < laneWords; i += 2) {
            int64_t first = half * 2;
            Value a = vector::ShuffleOp::create(b, weights[i], weights[i + 1],
                                                {first, first + 1,
                                                 laneColumns + first,
                                                 laneColumns + first + 1});
            Value x =
                vector::ShuffleOp::create(b, ofGroup, ofGroup, {i, i + 1});
            sum = callThreadFunction(isTF32 ? multiplyTF32 : multiplyBF16,
                                     sum.getType(), {a, x, sum});
          }
          sums.push_back(sum);
        }
    }
    return sums;
  };

  // Where a row's words are at multiples of 16 bytes they are read together:
  // all but the last, of which some may lack.
  Value whole = constant(0);
  SmallVector<Value> sums(together.size() * tile.groups * halves,
                          splat(f32, 0, laneColumns));
  if (steps % laneWords == 0 && steps >= wordsAtOnce) {
    whole = arith::SelectOp::create(b, isAligned(input),
                                    constant(steps / wordsAtOnce * wordsAtOnce),
                                    whole);
    sums = accumulatingLoop(
        constant(0), whole, wordsAtOnce, sums,
        [&](Value first, ValueRange before) {
          Value word = add(first, tile.word);
          SmallVector<Value> inputs;
          for (Value start : starts)
            inputs.push_back(inWords(
                loadInputs(start, word, laneWords, widestLoad), laneWords));
          return multiply(
              inputs,
              [&](unsigned p, int64_t i) {
                return loadWeights(p, add(word, constant(i)));
              },
              before);
        });
    keepLoopOf(sums);
  }
  sums = accumulatingLoop(
      whole, constant(steps), wordsAtOnce, sums,
      [&](Value first, ValueRange before) {
        SmallVector<Value> at, exists;
        for (int64_t i = 0; i < laneWords; ++i) {
          Value word = add(add(first, tile.word), constant(i));
          exists.push_back(arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                                 word, constant(steps)));
          at.push_back(arith::MinUIOp::create(b, word, constant(steps - 1)));
        }
        SmallVector<Value> inputs;
        for (Value start : starts) {
          SmallVector<Value> kept;
          for (auto [word, isThere] : llvm::zip_equal(at, exists)) {
            Value read = inWords(
                loadInputs(start, word, 1, elementBytes(element) * plan.depth),
                1);
            kept.push_back(arith::SelectOp::create(
                b, isThere, vector::ExtractOp::create(b, read, int64_t(0)),
                noWord));
          }
          inputs.push_back(vector::FromElementsOp::create(b, words, kept));
        }
        return multiply(
            inputs,
            [&](unsigned p, int64_t i) -> Value {
              return arith::SelectOp::create(b, exists[i],
                                             loadWeights(p, at[i]), noWords);
            },
            before);
      });
  keepLoopOf(sums);

  // Row i of a group's two has elements i and i + 2 of both halves.
  SmallVector<SmallVector<Value>> ofProducts;
  for (size_t at = 0; at < sums.size();) {
    ofProducts.emplace_back();
    for (int64_t j = 0; j < tile.groups; ++j, at += halves)
      for (int64_t i = 0; i < 2; ++i)
        ofProducts.back().push_back(vector::ShuffleOp::create(
            b, sums[at], sums[at + 1],
            {i, i + 2, laneColumns + i, laneColumns + i + 2}));
  }
  return ofProducts;
}
