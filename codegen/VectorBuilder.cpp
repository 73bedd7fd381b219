//===- VectorBuilder.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a scalar region and its operands become operations on vectors.
//
//===----------------------------------------------------------------------===//

#include "codegen/VectorBuilder.h"

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
// Indices
//===----------------------------------------------------------------------===//

Value VectorBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value VectorBuilder::add(Value l, Value r) {
  if (matchPattern(l, m_Zero()))
    return r;
  if (matchPattern(r, m_Zero()))
    return l;
  return arith::AddIOp::create(b, l, r);
}

Value VectorBuilder::mul(Value l, Value r) {
  if (matchPattern(l, m_Zero()) || matchPattern(r, m_One()))
    return l;
  if (matchPattern(r, m_Zero()) || matchPattern(l, m_One()))
    return r;
  return arith::MulIOp::create(b, l, r);
}

Value VectorBuilder::indexOf(const LinearAccess &access,
                             ArrayRef<Value> positions) {
  Value index = constant(access.offset);
  for (auto [factor, position] : llvm::zip_equal(access.factors, positions))
    if (position && factor != 0)
      index = add(index, mul(position, constant(factor)));
  return index;
}

Value VectorBuilder::numElements(RankedTensorType type) {
  int64_t fixed = 1;
  for (int64_t size : type.getShape())
    fixed *= ShapedType::isDynamic(size) ? 1 : size;
  return type.hasStaticShape() ? constant(fixed) : mul(batch, constant(fixed));
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

int64_t ttc::lanesFor(const Schedule &schedule, TypeRange types) {
  int64_t bytes = 4;
  for (Type type : types)
    bytes = std::max<int64_t>(
        bytes, getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8);
  return schedule.forElements(bytes).lanes;
}

Value VectorBuilder::splat(Type element, double value, int64_t lanes) {
  TypedAttr attr;
  if (isa<FloatType>(element))
    attr = b.getFloatAttr(element, value);
  else
    attr = b.getIntegerAttr(element, int64_t(value));
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(VectorType::get(lanes, element), Attribute(attr)));
}

Mask VectorBuilder::maskOf(int64_t count, int64_t lanes) {
  if (count >= lanes)
    return nullptr;
  return vector::ConstantMaskOp::create(
      b, VectorType::get(lanes, b.getI1Type()), ArrayRef<int64_t>{count});
}

Value VectorBuilder::load(Buffer buffer, Value index, int64_t stride,
                          int64_t lanes, Mask mask) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  VectorType type = VectorType::get(lanes, element);
  if (stride == 0)
    return vector::BroadcastOp::create(
        b, type, memref::LoadOp::create(b, buffer, ValueRange{index}));
  if (stride == 1 && !mask)
    return vector::LoadOp::create(b, type, buffer, index);
  Value none = splat(element, 0, lanes);
  if (stride == 1)
    return vector::MaskedLoadOp::create(b, type, buffer, index, mask, none);
  return vector::GatherOp::create(b, type, buffer, ValueRange{index},
                                  laneOffsets(stride, lanes),
                                  mask ? mask : allLanes(lanes), none);
}

Value VectorBuilder::laneOffsets(int64_t stride, int64_t lanes) {
  SmallVector<int64_t> offsets;
  for (int64_t lane = 0; lane < lanes; ++lane)
    offsets.push_back(lane * stride);
  return arith::ConstantOp::create(b, b.getIndexVectorAttr(offsets));
}

Mask VectorBuilder::allLanes(int64_t lanes) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get(lanes, b.getI1Type()), true));
}

void VectorBuilder::scatter(Value vector, Buffer buffer, Value index,
                            int64_t stride, Mask mask) {
  // A single element is its own neighbour.
  if (stride <= 1)
    return store(vector, buffer, index, mask);
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  vector::ScatterOp::create(b, /*resultType=*/Type(), buffer, ValueRange{index},
                            laneOffsets(stride, lanes),
                            mask ? mask : allLanes(lanes), vector);
}

void VectorBuilder::store(Value vector, Buffer buffer, Value index, Mask mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, buffer, index, mask, vector);
  else
    vector::StoreOp::create(b, vector, buffer, index);
}

Value VectorBuilder::fma(Value l, Value r, Value acc) {
  if (schedule.hasFMA)
    return vector::FMAOp::create(b, l, r, acc);
  return arith::AddFOp::create(b, arith::MulFOp::create(b, l, r), acc);
}

Value VectorBuilder::combine(ReductionKind kind, Value l, Value r) {
  switch (kind) {
  case ReductionKind::Add:
    return arith::AddFOp::create(b, l, r);
  case ReductionKind::Max:
    return arith::MaximumFOp::create(b, l, r);
  case ReductionKind::Min:
    return arith::MinimumFOp::create(b, l, r);
  }
  llvm_unreachable("every reduction has its operation");
}

double VectorBuilder::neutral(ReductionKind kind) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case ReductionKind::Add:
    return 0;
  case ReductionKind::Max:
    return -infinity;
  case ReductionKind::Min:
    return infinity;
  }
  llvm_unreachable("every reduction has its neutral element");
}

Value VectorBuilder::combineLanes(Value vector, ReductionKind kind) {
  return vector::ExtractOp::create(b, combineLanesOfEach(vector, kind),
                                   int64_t(0));
}

Value VectorBuilder::combineLanesOfEach(ValueRange vectors,
                                        ReductionKind kind) {
  int64_t lanes = cast<VectorType>(vectors.front().getType()).getNumElements();
  SmallVector<Value> current(vectors);
  // What is left of each vector is `width` lanes, of which the lower half is
  // combined with the upper one: two vectors become one.
  for (int64_t width = lanes; width > 1; width /= 2) {
    bool inPairs = current.size() > 1;
    SmallVector<int64_t> low, high;
    for (int64_t from = 0; from < (inPairs ? 2 * lanes : width); from += width)
      for (int64_t lane = from; lane < from + width / 2; ++lane) {
        low.push_back(lane);
        high.push_back(lane + width / 2);
      }
    SmallVector<Value> next;
    for (size_t i = 0; i < current.size(); i += inPairs ? 2 : 1) {
      Value first = current[i], second = inPairs ? current[i + 1] : first;
      next.push_back(
          combine(kind, vector::ShuffleOp::create(b, first, second, low),
                  vector::ShuffleOp::create(b, first, second, high)));
    }
    current = std::move(next);
  }
  return current.front();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

void VectorBuilder::loop(Value from, Value to, int64_t step,
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

void VectorBuilder::vectorLoop(Value size, int64_t lanes,
                               llvm::function_ref<void(Value, Mask)> body) {
  APInt fixed;
  if (matchPattern(size, m_ConstantInt(&fixed))) {
    int64_t count = fixed.getSExtValue(), whole = count / lanes * lanes;
    loop(constant(0), constant(whole), lanes,
         [&](Value at) { body(at, nullptr); });
    if (whole < count)
      body(constant(whole), maskOf(count - whole, lanes));
    return;
  }
  Value rest = arith::RemUIOp::create(b, size, constant(lanes));
  Value whole = arith::SubIOp::create(b, size, rest);
  loop(constant(0), whole, lanes, [&](Value at) { body(at, nullptr); });
  // At most one partial vector, as a loop that runs once or not at all.
  loop(whole, size, lanes, [&](Value at) {
    body(at, vector::CreateMaskOp::create(
                 b, VectorType::get(lanes, b.getI1Type()), ValueRange{rest}));
  });
}

/// How many steps it takes from 0 to `size`.
static Value tripCount(ImplicitLocOpBuilder &b, Value size, int64_t step) {
  if (step == 1)
    return size;
  return arith::CeilDivUIOp::create(b, size,
                                    arith::ConstantIndexOp::create(b, step));
}

void VectorBuilder::sharedLoop(Value from, Value to, int64_t step,
                               llvm::function_ref<void(Value)> body) {
  if (!team)
    return loop(from, to, step, body);
  APInt first, end;
  if (matchPattern(from, m_ConstantInt(&first)) &&
      matchPattern(to, m_ConstantInt(&end)) && first.sge(end))
    return;
  Value size = to;
  if (!matchPattern(from, m_Zero()))
    // Nothing is left where the end lies in front of the beginning.
    size = arith::SubIOp::create(b, arith::MaxSIOp::create(b, to, from), from);
  Value trips = tripCount(b, size, step);
  auto at = [&](Value index) { body(add(from, mul(index, constant(step)))); };
  if (team.isElement)
    return at(team.worker);
  scf::ForOp loop;
  if (team.sideBySide) {
    loop = scf::ForOp::create(b, team.worker, trips, team.workers);
  } else {
    auto share = [&](Value worker) -> Value {
      return arith::DivUIOp::create(b, arith::MulIOp::create(b, trips, worker),
                                    team.workers);
    };
    loop =
        scf::ForOp::create(b, share(team.worker),
                           share(add(team.worker, constant(1))), constant(1));
  }
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at(loop.getInductionVar());
}

void VectorBuilder::sharedVectorLoop(
    Value size, int64_t lanes, llvm::function_ref<void(Value, Mask)> body) {
  if (!team)
    return vectorLoop(size, lanes, body);
  auto whole = [&](Value end) {
    sharedLoop(constant(0), end, lanes, [&](Value at) { body(at, nullptr); });
  };
  if (lanes == 1)
    return whole(size);
  APInt fixed;
  if (matchPattern(size, m_ConstantInt(&fixed))) {
    int64_t count = fixed.getSExtValue(), end = count / lanes * lanes;
    whole(constant(end));
    if (end < count)
      once([&] { body(constant(end), maskOf(count - end, lanes)); });
    return;
  }
  Value rest = arith::RemUIOp::create(b, size, constant(lanes));
  Value end = arith::SubIOp::create(b, size, rest);
  whole(end);
  once([&] {
    loop(end, size, lanes, [&](Value at) {
      body(at, vector::CreateMaskOp::create(
                   b, VectorType::get(lanes, b.getI1Type()), ValueRange{rest}));
    });
  });
}

void VectorBuilder::sharedLoops(
    ArrayRef<Value> sizes, llvm::function_ref<void(ArrayRef<Value>)> body) {
  SmallVector<Value> positions(sizes.size());
  if (team) {
    Value points = constant(1);
    for (Value size : sizes)
      points = mul(points, size);
    return sharedLoop(constant(0), points, 1, [&](Value point) {
      Value rest = point;
      for (size_t dim = sizes.size(); dim-- > 0;) {
        if (dim == 0) {
          positions[dim] = rest;
          break;
        }
        positions[dim] = arith::RemUIOp::create(b, rest, sizes[dim]);
        rest = arith::DivUIOp::create(b, rest, sizes[dim]);
      }
      body(positions);
    });
  }
  std::function<void(size_t)> emitDim = [&](size_t dim) {
    if (dim == sizes.size())
      return body(positions);
    loop(constant(0), sizes[dim], 1, [&](Value at) {
      positions[dim] = at;
      emitDim(dim + 1);
    });
  };
  emitDim(0);
}

void VectorBuilder::once(llvm::function_ref<void()> body) {
  if (!team)
    return body();
  Value last = arith::SubIOp::create(b, team.workers, constant(1));
  auto isLast = scf::IfOp::create(
      b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, team.worker, last),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(isLast.thenBlock());
  body();
}

SmallVector<Value> VectorBuilder::accumulatingLoop(
    int64_t from, int64_t to, ValueRange values,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  if (from >= to)
    return values;
  if (from + 1 == to)
    return body(constant(from), values);
  return accumulatingLoop(constant(from), constant(to), 1, values, body);
}

SmallVector<Value> VectorBuilder::accumulatingLoop(
    Value from, Value to, int64_t step, ValueRange values,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, constant(step), values);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b,
                       body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return loop.getResults();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static Value lowerQuantize(ImplicitLocOpBuilder &b, QuantizerAttr quantizer,
                           Value v, Value uniform) {
  Value size = buildConstant(b, quantizer.getStep().convertToDouble(), v);
  bool isUnit = quantizer.getStep().convertToDouble() == 1.0;
  auto scaled = [&]() -> Value {
    return isUnit ? v : arith::DivFOp::create(b, v, size);
  };
  auto back = [&](Value rounded) -> Value {
    return isUnit ? rounded : arith::MulFOp::create(b, rounded, size);
  };
  auto isBelow = [&](Value l, Value r) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, l, r);
  };
  switch (quantizer.getKind()) {
  case QuantKind::Identity:
    return v;
  case QuantKind::Round:
    // Ties to even.
    return back(math::RoundEvenOp::create(b, scaled()));
  case QuantKind::StochasticRound: {
    Value ratio = scaled();
    Value floor = math::FloorOp::create(b, ratio);
    Value rest = arith::SubFOp::create(b, ratio, floor);
    Value up =
        arith::SelectOp::create(b, isBelow(uniform, rest),
                                buildConstant(b, 1, v), buildConstant(b, 0, v));
    return back(arith::AddFOp::create(b, floor, up));
  }
  case QuantKind::Probabilistic:
    return arith::SelectOp::create(b, isBelow(uniform, v), v,
                                   buildConstant(b, 0, v));
  }
  llvm_unreachable("every quantizer has its formula");
}

SmallVector<Value> VectorBuilder::vectorize(Block &body, ValueRange elements,
                                            int64_t lanes, Value element) {
  IRMapping mapping;
  mapping.map(body.getArguments(), elements);
  for (Operation &op : body.without_terminator()) {
    if (auto quantize = dyn_cast<QuantizeOp>(op)) {
      Value uniform = quantize.getUniform();
      mapping.map(quantize.getResult(),
                  lowerQuantize(b, quantize.getQuantizer(),
                                mapping.lookup(quantize.getValue()),
                                mapping.lookupOrNull(uniform)));
      continue;
    }
    if (auto drawn = dyn_cast<DrawOp>(op)) {
      mapping.map(drawn.getResult(),
                  draw(drawn.getStream(), drawn.getType(), element, lanes));
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
    mapping.map(op.getResults(), vector->getResults());
  }
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookup(value); });
}

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw: Parallel random numbers, as
/// easy as 1, 2, 3; 2011) on the counter (element, stream, position), keyed by
/// the seed.
Value VectorBuilder::draw(int64_t stream, Type element, Value first,
                          int64_t lanes) {
  assert(generator.seed && "a nest that draws is given the generator");
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  VectorType words = VectorType::get(lanes, i32);
  VectorType wide = VectorType::get(lanes, i64);
  auto low = [&](Value value) -> Value {
    return arith::TruncIOp::create(b, words, value);
  };
  auto word = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, APInt(32, value)));
  };
  auto high = [&](Value value) -> Value {
    Value bits = arith::ConstantOp::create(
        b, DenseElementsAttr::get(wide, APInt(64, 32)));
    return low(arith::ShRUIOp::create(b, value, bits));
  };
  auto everywhere = [&](Value value) -> Value {
    return vector::BroadcastOp::create(b, wide, value);
  };
  auto bitXor = [&](Value l, Value r) -> Value {
    return arith::XOrIOp::create(b, l, r);
  };

  SmallVector<int64_t> steps = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(wide, ArrayRef(steps)));
  Value number = arith::AddIOp::create(
      b, everywhere(arith::IndexCastOp::create(b, i64, first)), lane);
  Value position = everywhere(generator.position);
  Value seed = everywhere(generator.seed);
  Value c0 = low(number);
  // Elements beyond 2^32 borrow the stream's upper half.
  Value c1 = bitXor(word(uint32_t(stream)),
                    arith::ShLIOp::create(b, high(number), word(16)));
  Value c2 = low(position), c3 = high(position);
  Value k0 = low(seed), k1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    if (round > 0) {
      k0 = arith::AddIOp::create(b, k0, word(0x9E3779B9u));
      k1 = arith::AddIOp::create(b, k1, word(0xBB67AE85u));
    }
    auto even = arith::MulUIExtendedOp::create(b, c0, word(0xD2511F53u));
    auto odd = arith::MulUIExtendedOp::create(b, c2, word(0xCD9E8D57u));
    c0 = bitXor(bitXor(odd.getHigh(), c1), k0);
    c1 = odd.getLow();
    c2 = bitXor(bitXor(even.getHigh(), c3), k1);
    c3 = even.getLow();
  }

  // As many of the leading bits as the type's significand has.
  VectorType floats = VectorType::get(lanes, element);
  auto shifted = [&](Value value, unsigned bits) -> Value {
    return arith::ShRUIOp::create(b, value, word(bits));
  };
  if (!element.isF64()) {
    Value bits = arith::SIToFPOp::create(
        b, VectorType::get(lanes, b.getF32Type()), shifted(c0, 8));
    Value unit =
        arith::MulFOp::create(b, bits, splat(b.getF32Type(), 0x1p-24, lanes));
    return unit;
  }
  Value upper = arith::SIToFPOp::create(b, floats, shifted(c0, 5));
  Value lower = arith::SIToFPOp::create(b, floats, shifted(c1, 6));
  Value sum = arith::AddFOp::create(
      b, arith::MulFOp::create(b, upper, splat(element, 0x1p26, lanes)), lower);
  return arith::MulFOp::create(b, sum, splat(element, 0x1p-53, lanes));
}
