//===- NestEmitter.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops of a nest: tiles of accumulators in registers, then their update.
//
//===----------------------------------------------------------------------===//

#include "codegen/NestEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace ttc;

//===----------------------------------------------------------------------===//
// The scalar region on vectors
//===----------------------------------------------------------------------===//

/// round(v / step) * step, ties to even.
static Value lowerQuantize(ImplicitLocOpBuilder &b, QuantizeOp op, Value v) {
  QuantizerAttr quantizer = op.getQuantizer();
  if (quantizer.getKind() == QuantKind::Identity)
    return v;
  double step = quantizer.getStep().convertToDouble();
  if (step == 1.0)
    return math::RoundEvenOp::create(b, v);
  Value size = buildConstant(b, step, v);
  Value scaled = arith::DivFOp::create(b, v, size);
  return arith::MulFOp::create(b, math::RoundEvenOp::create(b, scaled), size);
}

SmallVector<Value> ttc::vectorizeBody(ImplicitLocOpBuilder &b, Block &body,
                                      ValueRange elements, int64_t lanes) {
  IRMapping mapping;
  for (auto [argument, element] :
       llvm::zip_equal(body.getArguments(), elements))
    mapping.map(argument, element);
  for (Operation &op : body.without_terminator()) {
    if (auto quantize = dyn_cast<QuantizeOp>(op)) {
      mapping.map(
          quantize.getResult(),
          lowerQuantize(b, quantize, mapping.lookup(quantize.getValue())));
      continue;
    }
    SmallVector<Type> types;
    for (Type type : op.getResultTypes())
      types.push_back(VectorType::get(lanes, type));
    Attribute value;
    if (matchPattern(&op, m_Constant(&value))) {
      auto splat =
          DenseElementsAttr::get(cast<ShapedType>(types.front()), value);
      mapping.map(op.getResult(0), arith::ConstantOp::create(b, splat));
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(mapping.lookup(operand));
    OperationState state(b.getLoc(), op.getName(), operands, types,
                         op.getAttrs());
    Operation *vector = b.create(state);
    for (auto [from, to] :
         llvm::zip_equal(op.getResults(), vector->getResults()))
      mapping.map(from, to);
  }
  SmallVector<Value> yielded;
  for (Value value : body.getTerminator()->getOperands())
    yielded.push_back(mapping.lookup(value));
  return yielded;
}

//===----------------------------------------------------------------------===//
// Small words
//===----------------------------------------------------------------------===//

Value NestEmitter::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value NestEmitter::add(Value l, Value r) {
  if (matchPattern(l, m_Zero()))
    return r;
  if (matchPattern(r, m_Zero()))
    return l;
  return arith::AddIOp::create(b, l, r);
}

Value NestEmitter::mul(Value l, Value r) {
  if (matchPattern(l, m_Zero()) || matchPattern(r, m_One()))
    return l;
  if (matchPattern(r, m_Zero()) || matchPattern(l, m_One()))
    return r;
  return arith::MulIOp::create(b, l, r);
}

VectorType NestEmitter::vectorType() {
  return VectorType::get(unit.lanes, b.getF32Type());
}

Value NestEmitter::zero() {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(vectorType(), b.getF32FloatAttr(0)));
}

Value NestEmitter::maskOf(int64_t count) {
  if (count >= unit.lanes)
    return nullptr;
  return vector::ConstantMaskOp::create(
      b, VectorType::get(unit.lanes, b.getI1Type()), ArrayRef<int64_t>{count});
}

Value NestEmitter::load(Buffer buffer, Value index, Value mask) {
  if (!mask)
    return vector::LoadOp::create(b, vectorType(), buffer, index);
  return vector::MaskedLoadOp::create(b, vectorType(), buffer, index, mask,
                                      zero());
}

void NestEmitter::store(Value vector, Buffer buffer, Value index, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, buffer, index, mask, vector);
  else
    vector::StoreOp::create(b, vector, buffer, index);
}

Value NestEmitter::loadScalar(Buffer buffer, Value index) {
  return vector::BroadcastOp::create(
      b, vectorType(), memref::LoadOp::create(b, buffer, ValueRange{index}));
}

Value NestEmitter::fma(Value l, Value r, Value acc) {
  if (unit.hasFMA)
    return vector::FMAOp::create(b, l, r, acc);
  return arith::AddFOp::create(b, arith::MulFOp::create(b, l, r), acc);
}

void NestEmitter::loop(Value from, Value to, int64_t step,
                       llvm::function_ref<void(Value)> body) {
  APInt first, end;
  if (matchPattern(from, m_ConstantInt(&first)) &&
      matchPattern(to, m_ConstantInt(&end))) {
    int64_t length = end.getSExtValue() - first.getSExtValue();
    if (length <= 0)
      return;
    if (length <= step)
      return body(from);
  }
  auto loop = scf::ForOp::create(b, from, to, constant(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Value NestEmitter::numElements(RankedTensorType type) {
  int64_t fixed = 1;
  for (int64_t size : type.getShape())
    fixed *= ShapedType::isDynamic(size) ? 1 : size;
  return type.hasStaticShape() ? constant(fixed) : mul(batch, constant(fixed));
}

int64_t NestEmitter::tileElements(const VectorUnit &unit) {
  return unit.registers * unit.lanes;
}

//===----------------------------------------------------------------------===//
// The update
//===----------------------------------------------------------------------===//

void NestEmitter::emitUpdate(NestOp nest, const NestBuffers &buffers, Value acc,
                             llvm::function_ref<Value(AffineMap)> index,
                             llvm::function_ref<bool(AffineMap)> isVector,
                             Value mask) {
  SmallVector<Value> elements;
  if (nest.hasProduct())
    elements.push_back(acc);
  for (auto [i, buffer] : llvm::enumerate(buffers.inputs)) {
    AffineMap map = nest.getMap(i);
    elements.push_back(isVector(map) ? load(buffer, index(map), mask)
                                     : loadScalar(buffer, index(map)));
  }
  SmallVector<Value> results =
      vectorizeBody(b, nest.getBody().front(), elements, unit.lanes);
  AffineMap identity = b.getMultiDimIdentityMap(nest.getDomain().getRank());
  for (auto [result, destinations] : llvm::zip_equal(results, buffers.outputs))
    for (Buffer destination : destinations)
      store(result, destination, index(identity), mask);
}

void NestEmitter::emit(NestOp nest, const NestBuffers &buffers) {
  if (nest.hasProduct())
    emitProduct(nest, buffers);
  else
    emitElementwise(nest, buffers);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// `rows` x `vectors` accumulators, a chain each: of the product's rows from
/// `row` on, and of output features that follow each other, from one panel or
/// several.
struct NestEmitter::Tile {
  /// One panel of those that a tile is wide.
  struct Panel {
    Value weights; ///< the panel's first element in the packed weights
    int64_t vectors;
  };
  Value row;
  int64_t rows;
  Value column; ///< the first output feature
  SmallVector<Panel, 4> panels;
  int64_t columns; ///< features of the tile that exist: the rest is padding

  int64_t vectors() const {
    int64_t sum = 0;
    for (const Panel &panel : panels)
      sum += panel.vectors;
    return sum;
  }
};

void NestEmitter::emitProduct(NestOp nest, const NestBuffers &buffers) {
  auto weight = cast<RankedTensorType>(nest.getProductWeight().getType());
  PanelPlan plan(weight.getDimSize(0), weight.getDimSize(1), unit);
  RankedTensorType domain = nest.getDomain();
  Value rows = numElements(domain.clone(domain.getShape().drop_back()));

  // Tiles of several rows and one panel where there are as many rows, then row
  // by row, through the panels of a pass side by side. A row's bits are the
  // same in both: the order of its sums is the plan's.
  int64_t accumulators = unit.registers * 3 / 4;
  int64_t width = plan.groups.front().vectors * plan.chains;
  int64_t tileRows = std::max<int64_t>(accumulators / width, 1);
  Value whole = constant(0);
  if (tileRows > 1) {
    APInt count;
    if (matchPattern(rows, m_ConstantInt(&count)))
      whole = constant(count.getSExtValue() / tileRows * tileRows);
    else
      whole = arith::SubIOp::create(
          b, rows, arith::RemUIOp::create(b, rows, constant(tileRows)));
    for (const PanelGroup &group : plan.groups)
      emitPasses(nest, buffers, plan,
                 {group.count, {group.vectors}, group.firstVector}, constant(0),
                 whole, tileRows);
  }
  for (const PassGroup &pass : plan.passes)
    emitPasses(nest, buffers, plan, pass, whole, rows, 1);
}

/// Rows from `firstRow` to `endRow`, `tileRows` at once, through a group of
/// passes.
void NestEmitter::emitPasses(NestOp nest, const NestBuffers &buffers,
                             const PanelPlan &plan, const PassGroup &passes,
                             Value firstRow, Value endRow, int64_t tileRows) {
  APInt first, end;
  if (matchPattern(firstRow, m_ConstantInt(&first)) &&
      matchPattern(endRow, m_ConstantInt(&end)) && first.sge(end))
    return;
  int64_t lanes = plan.lanes;
  int64_t vectors = passes.vectors();
  auto emitPass = [&](Value index, int64_t columns) {
    Value firstVector =
        add(constant(passes.firstVector), mul(index, constant(vectors)));
    Tile tile;
    tile.rows = tileRows;
    tile.column = mul(firstVector, constant(lanes));
    tile.columns = columns;
    int64_t done = 0;
    for (int64_t panel : passes.panels) {
      tile.panels.push_back(
          {mul(add(firstVector, constant(done)), constant(lanes * plan.inputs)),
           panel});
      done += panel;
    }
    loop(firstRow, endRow, tileRows, [&](Value row) {
      tile.row = row;
      emitTile(nest, buffers, plan, tile);
    });
  };

  // The very last pass may end in padding: it is peeled off, so that the others
  // need no masks.
  int64_t columns = plan.outputs - passes.firstVector * lanes;
  int64_t unpadded = std::min(passes.count, columns / (vectors * lanes));
  loop(constant(0), constant(unpadded), 1,
       [&](Value index) { emitPass(index, vectors * lanes); });
  if (unpadded < passes.count)
    emitPass(constant(unpadded), columns - unpadded * vectors * lanes);
}

SmallVector<Value> NestEmitter::accumulate(const NestBuffers &buffers,
                                           const PanelPlan &plan,
                                           const Tile &tile) {
  int64_t lanes = unit.lanes;
  int64_t inputs = plan.inputs;
  int64_t vectors = tile.vectors();
  int64_t perRow = plan.chains * vectors;

  // Accumulator (row, chain, vector). The first chain starts at the bias.
  SmallVector<Value> accumulators(tile.rows * perRow, zero());
  for (int64_t v = 0; buffers.productBias && v < vectors; ++v) {
    int64_t valid = std::min(tile.columns - v * lanes, lanes);
    Value bias = load(buffers.productBias,
                      add(tile.column, constant(v * lanes)), maskOf(valid));
    for (int64_t r = 0; r < tile.rows; ++r)
      accumulators[r * perRow + v] = bias;
  }

  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < tile.rows; ++r)
    rowStarts.push_back(mul(add(tile.row, constant(r)), constant(inputs)));

  /// Adds x[k] * weight[k] of chain `chain` to the accumulators.
  auto step = [&](Value k, int64_t chain, MutableArrayRef<Value> acc) {
    SmallVector<Value> weights;
    for (const Tile::Panel &panel : tile.panels) {
      Value start = add(panel.weights, mul(k, constant(panel.vectors * lanes)));
      for (int64_t v = 0; v < panel.vectors; ++v)
        weights.push_back(load(buffers.packedWeight,
                               add(start, constant(v * lanes)), nullptr));
    }
    for (int64_t r = 0; r < tile.rows; ++r) {
      Value x = loadScalar(buffers.productInput, add(rowStarts[r], k));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = acc[r * perRow + chain * vectors + v];
        sum = fma(weights[v], x, sum);
      }
    }
  };
  auto sumOver = [&](int64_t from, int64_t to, int64_t chainLength,
                     int64_t firstChain, int64_t chains) {
    if (from == to)
      return;
    auto kLoop = scf::ForOp::create(b, constant(from), constant(to),
                                    constant(1), accumulators);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(kLoop.getBody());
    SmallVector<Value> acc(kLoop.getRegionIterArgs());
    for (int64_t c = 0; c < chains; ++c)
      step(add(kLoop.getInductionVar(), constant(c * chainLength)),
           firstChain + c, acc);
    scf::YieldOp::create(b, acc);
    accumulators.assign(kLoop.result_begin(), kLoop.result_end());
  };
  int64_t chainLength = inputs / plan.chains;
  sumOver(0, chainLength, chainLength, 0, plan.chains);
  sumOver(chainLength * plan.chains, inputs, 0, plan.chains - 1, 1);

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
      sums.push_back(parts.front());
    }
  return sums;
}

void NestEmitter::emitTile(NestOp nest, const NestBuffers &buffers,
                           const PanelPlan &plan, const Tile &tile) {
  int64_t lanes = unit.lanes;
  SmallVector<Value> sums = accumulate(buffers, plan, tile);
  int64_t vectors = tile.vectors();

  auto update = [&](Value row, Value column, Value acc, Value mask) {
    Value element = add(mul(row, constant(plan.outputs)), column);
    emitUpdate(
        nest, buffers, acc,
        [&](AffineMap map) {
          if (map.getNumResults() == 0)
            return constant(0);
          return map.isIdentity() ? element : column;
        },
        [&](AffineMap map) { return map.getNumResults() != 0; }, mask);
  };

  // A few accumulators are updated where they are. More would need a copy of
  // the update each: they are stored, and a loop updates them.
  constexpr int64_t mostInRegisters = 4;
  if (tile.rows * vectors <= mostInRegisters) {
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        update(add(tile.row, constant(r)),
               add(tile.column, constant(v * lanes)), sums[r * vectors + v],
               maskOf(std::min(tile.columns - v * lanes, lanes)));
    return;
  }
  for (auto [i, sum] : llvm::enumerate(sums))
    store(sum, buffers.tile, constant(i * lanes), nullptr);
  int64_t whole = tile.columns / lanes;
  loop(constant(0), constant(tile.rows), 1, [&](Value r) {
    Value row = add(tile.row, r);
    Value tileRow = mul(r, constant(vectors * lanes));
    loop(constant(0), constant(whole * lanes), lanes, [&](Value column) {
      update(row, add(tile.column, column),
             load(buffers.tile, add(tileRow, column), nullptr), nullptr);
    });
    if (tile.columns % lanes) {
      Value column = constant(whole * lanes);
      update(row, add(tile.column, column),
             load(buffers.tile, add(tileRow, column), nullptr),
             maskOf(tile.columns % lanes));
    }
  });
}

//===----------------------------------------------------------------------===//
// Elementwise nests
//===----------------------------------------------------------------------===//

struct NestEmitter::Loops {
  /// Sizes of the merged dimensions; the product of the sizes of those it
  /// merges.
  SmallVector<Value> sizes;
  /// For each dimension of the nest the merged one that it is part of.
  SmallVector<unsigned> mergedDim;
  /// For each merged dimension those that it merges.
  SmallVector<SmallVector<unsigned>> members;
};

void NestEmitter::emitElementwise(NestOp nest, const NestBuffers &buffers) {
  RankedTensorType domain = nest.getDomain();
  int64_t rank = domain.getRank();

  // Neighbouring dimensions that every operand either has both of, side by
  // side, or has neither of, are one dimension.
  auto mergesWithNext = [&](unsigned dim) {
    for (unsigned i = 0; i < nest.getInputs().size(); ++i) {
      AffineMap map = nest.getMap(i);
      auto first = map.getResultPosition(b.getAffineDimExpr(dim));
      auto second = map.getResultPosition(b.getAffineDimExpr(dim + 1));
      if (first.has_value() != second.has_value() ||
          (first && *second != *first + 1))
        return false;
    }
    return true;
  };
  Loops loops;
  for (unsigned dim = 0; dim < rank; ++dim) {
    if (dim == 0 || !mergesWithNext(dim - 1))
      loops.members.emplace_back();
    loops.mergedDim.push_back(loops.members.size() - 1);
    loops.members.back().push_back(dim);
  }
  auto sizeOf = [&](ArrayRef<unsigned> dims) {
    SmallVector<int64_t> shape;
    for (unsigned dim : dims)
      shape.push_back(domain.getDimSize(dim));
    return numElements(domain.clone(shape));
  };
  for (ArrayRef<unsigned> dims : loops.members)
    loops.sizes.push_back(sizeOf(dims));
  if (rank == 0) {
    loops.members.emplace_back();
    loops.sizes.push_back(constant(1));
  }

  SmallVector<Value> position(loops.sizes.size());
  // The linear index of an operand: merged dimensions in the order of its map.
  auto indexOf = [&](AffineMap map) {
    Value index = constant(0);
    int64_t last = -1;
    for (unsigned i = 0; i < map.getNumResults(); ++i) {
      unsigned merged = loops.mergedDim[map.getDimPosition(i)];
      if (int64_t(merged) == last)
        continue;
      index = add(mul(index, loops.sizes[merged]), position[merged]);
      last = merged;
    }
    return index;
  };
  // The innermost dimension is the vectors'. An operand that has it in another
  // place than its last would have to be gathered; projected permutations that
  // are not in order do not come from any layer.
  unsigned inner = loops.sizes.size() - 1;
  auto isVector = [&](AffineMap map) {
    return map.getNumResults() != 0 &&
           loops.mergedDim[map.getDimPosition(map.getNumResults() - 1)] ==
               inner;
  };
  auto emitInner = [&](Value column, Value mask) {
    position[inner] = column;
    emitUpdate(nest, buffers, nullptr, indexOf, isVector, mask);
  };

  std::function<void(unsigned)> emitDim = [&](unsigned dim) {
    if (dim < inner) {
      loop(constant(0), loops.sizes[dim], 1, [&](Value at) {
        position[dim] = at;
        emitDim(dim + 1);
      });
      return;
    }
    int64_t lanes = unit.lanes;
    Value size = loops.sizes[inner];
    APInt fixed;
    if (matchPattern(size, m_ConstantInt(&fixed))) {
      int64_t whole = fixed.getSExtValue() / lanes * lanes;
      loop(constant(0), constant(whole), lanes,
           [&](Value column) { emitInner(column, nullptr); });
      if (whole < fixed.getSExtValue())
        emitInner(constant(whole), maskOf(fixed.getSExtValue() - whole));
      return;
    }
    Value rest = arith::RemUIOp::create(b, size, constant(lanes));
    Value whole = arith::SubIOp::create(b, size, rest);
    loop(constant(0), whole, lanes,
         [&](Value column) { emitInner(column, nullptr); });
    // At most one partial vector, as a loop that runs once or not at all.
    loop(whole, size, lanes, [&](Value column) {
      emitInner(column, vector::CreateMaskOp::create(
                            b, VectorType::get(lanes, b.getI1Type()),
                            ValueRange{rest}));
    });
  };
  emitDim(0);
}

//===----------------------------------------------------------------------===//
// Reductions and copies
//===----------------------------------------------------------------------===//

void NestEmitter::emitReduce(ReduceOp op, Buffer from, Buffer to) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  int64_t length = type.getShape().back();
  int64_t lanes = unit.lanes, whole = length / lanes * lanes;
  bool isSum = op.getKind() == ReductionKind::Add;
  Value neutral = arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             vectorType(),
             b.getF32FloatAttr(
                 isSum ? 0.0f : -std::numeric_limits<float>::infinity())));
  auto combine = [&](Value l, Value r) -> Value {
    if (isSum)
      return arith::AddFOp::create(b, l, r);
    return arith::MaximumFOp::create(b, l, r);
  };
  Value rows = numElements(cast<RankedTensorType>(op.getOutput().getType()));
  loop(constant(0), rows, 1, [&](Value row) {
    Value start = mul(row, constant(length));
    Value partial = neutral;
    if (whole > 0) {
      auto along = scf::ForOp::create(b, constant(0), constant(whole),
                                      constant(lanes), ValueRange{partial});
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(along.getBody());
      Value x = load(from, add(start, along.getInductionVar()), nullptr);
      scf::YieldOp::create(
          b, ValueRange{combine(along.getRegionIterArgs().front(), x)});
      partial = along.getResult(0);
    }
    if (Value mask = maskOf(length - whole); mask && whole < length) {
      Value x = vector::MaskedLoadOp::create(
          b, vectorType(), from, add(start, constant(whole)), mask, neutral);
      partial = combine(partial, x);
    }
    Value result = vector::ReductionOp::create(
        b, isSum ? vector::CombiningKind::ADD : vector::CombiningKind::MAXIMUMF,
        partial);
    memref::StoreOp::create(b, result, to, ValueRange{row});
  });
}

void NestEmitter::emitCopy(RankedTensorType type, Buffer from, Buffer to) {
  Value size = numElements(type);
  loop(constant(0), size, 1, [&](Value i) {
    Value element = memref::LoadOp::create(b, from, ValueRange{i});
    memref::StoreOp::create(b, element, to, ValueRange{i});
  });
}
