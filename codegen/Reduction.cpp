//===- Reduction.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums and extremes over a window: convolutions, pooling, norms, read-outs.
//
//===----------------------------------------------------------------------===//

#include "codegen/NestEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ttc;

/// All that the emission of one reduction passes on. The dimensions are the
/// result's, then the window's.
struct NestEmitter::Reduction {
  ReduceOp op;
  const NestBuffers &buffers;
  SmallVector<LinearAccess> accesses; ///< of the operands
  LinearAccess output;
  SmallVector<int64_t> sizes;
  unsigned rank; ///< of the result
  int64_t lanes;

  ArrayRef<int64_t> window() const {
    return ArrayRef<int64_t>(sizes).drop_front(rank);
  }
  Type element() const {
    return getElementTypeOrSelf(ReduceOp(op).getOutput());
  }
  ReductionKind kind() const { return ReduceOp(op).getKind(); }
  Block &body() const { return ReduceOp(op).getBody().front(); }

  /// If the region is one product, which a multiply-add can sum: the numbers of
  /// the two operands that it multiplies.
  std::optional<std::pair<unsigned, unsigned>> factors() const {
    Block &block = body();
    auto product = dyn_cast_or_null<arith::MulFOp>(
        block.getTerminator()->getOperand(0).getDefiningOp());
    if (kind() != ReductionKind::Add || !product ||
        !llvm::hasNItems(block.begin(), block.end(), 2))
      return std::nullopt;
    auto lhs = dyn_cast<BlockArgument>(product.getLhs());
    auto rhs = dyn_cast<BlockArgument>(product.getRhs());
    if (!lhs || !rhs)
      return std::nullopt;
    return std::make_pair(lhs.getArgNumber(), rhs.getArgNumber());
  }

  /// What a vector along a dimension costs to load, in loads of neighbours, of
  /// which a CPU makes two in the time of one element that it gathers.
  int64_t loadsAlong(unsigned dim) const {
    int64_t cost = 0;
    for (const LinearAccess &access : accesses)
      cost +=
          access.factors[dim] == 0 || access.factors[dim] == 1 ? 1 : 2 * lanes;
    return cost;
  }
};

/// Drops the dimensions of size 1 and makes those one through which every
/// access goes evenly; the window's and the result's stay apart. So does the
/// result's first dimension, which may be the batch: the order of a sum must
/// not depend on its size.
static void mergeDims(SmallVectorImpl<int64_t> &sizes, unsigned &rank,
                      MutableArrayRef<LinearAccess> accesses) {
  SmallVector<int64_t> merged;
  SmallVector<SmallVector<int64_t>> factors(accesses.size());
  unsigned newRank = 0;
  for (unsigned dim = 0; dim < sizes.size(); ++dim) {
    bool isBatch = dim == 0 && rank > 0;
    if (sizes[dim] == 1 && !isBatch)
      continue;
    bool startsWindow = dim >= rank && merged.size() == newRank;
    bool continues = !merged.empty() && !startsWindow;
    for (size_t a = 0; continues && a < accesses.size(); ++a)
      continues = factors[a].back() == accesses[a].factors[dim] * sizes[dim];
    continues &= merged.size() != 1 || dim >= rank;
    if (continues) {
      merged.back() *= sizes[dim];
    } else {
      merged.push_back(sizes[dim]);
      newRank += dim < rank;
      for (auto &list : factors)
        list.push_back(0);
    }
    for (size_t a = 0; a < accesses.size(); ++a)
      factors[a].back() = accesses[a].factors[dim];
  }
  sizes.assign(merged.begin(), merged.end());
  rank = newRank;
  for (auto [access, list] : llvm::zip_equal(accesses, factors))
    access.factors = list;
}

void NestEmitter::emitReduce(ReduceOp op, const NestBuffers &buffers) {
  RankedTensorType type = op.getOutput().getType();
  SmallVector<Type> types(op.getBody().getArgumentTypes());
  types.push_back(type);
  Reduction reduction{op,
                      buffers,
                      {},
                      {},
                      {},
                      unsigned(type.getRank()),
                      lanesFor(schedule, types)};
  reduction.sizes.assign(type.getShape().begin(), type.getShape().end());
  llvm::append_range(reduction.sizes, op.getWindow());
  SmallVector<LinearAccess> all;
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    all.push_back(
        linearize(op.getMap(i), cast<RankedTensorType>(input.getType())));
  all.push_back(linearize(b.getMultiDimIdentityMap(type.getRank()), type));
  all.back().factors.append(op.getWindow().size(), 0);
  mergeDims(reduction.sizes, reduction.rank, all);
  reduction.output = all.pop_back_val();
  reduction.accesses = all;

  // Vectors along the innermost dimension of the result, or of the window:
  // whichever takes fewer loads an element.
  auto vectorsOf = [&](int64_t size) {
    return llvm::divideCeil(size, reduction.lanes);
  };
  double alongResult = std::numeric_limits<double>::infinity();
  if (reduction.rank > 0) {
    int64_t inner = reduction.sizes[reduction.rank - 1];
    int64_t width = reduction.rank == 1 ? reduction.lanes : inner;
    alongResult = double(reduction.loadsAlong(reduction.rank - 1)) *
                  vectorsOf(width) / width;
  }
  double alongWindow = std::numeric_limits<double>::infinity();
  if (!reduction.window().empty()) {
    int64_t inner = reduction.window().back(), points = 1;
    for (int64_t size : reduction.window())
      points *= size;
    // The lanes are combined once for all of the window; those of neighbours,
    // which are never rows of the batch, in fewer operations.
    bool together = reduction.rank > 1 &&
                    reduction.sizes[reduction.rank - 1] >= reduction.lanes;
    double combining = (together ? 3.0 : 8.0) / points;
    alongWindow = double(reduction.loadsAlong(reduction.sizes.size() - 1)) *
                      vectorsOf(inner) / inner +
                  combining;
  }
  if (alongResult <= alongWindow || reduction.window().empty())
    emitAlongResult(reduction);
  else
    emitAlongWindow(reduction);
}

/// Carries `values` through all points of the window from dimension `dim` on.
SmallVector<Value>
NestEmitter::overWindow(ArrayRef<int64_t> window, unsigned dim,
                        SmallVectorImpl<Value> &positions, ValueRange values,
                        function_ref<SmallVector<Value>(ValueRange)> body) {
  if (dim == window.size())
    return body(values);
  unsigned at = positions.size();
  positions.push_back(Value());
  SmallVector<Value> carried(values);
  // A few points are written out: a loop would cost more than they do.
  constexpr int64_t mostUnrolled = 8;
  auto inner = [&](Value position, ValueRange current) {
    positions[at] = position;
    return overWindow(window, dim + 1, positions, current, body);
  };
  if (dim + 1 == window.size() && window[dim] <= mostUnrolled)
    for (int64_t i = 0; i < window[dim]; ++i)
      carried = inner(constant(i), carried);
  else
    carried = accumulatingLoop(0, window[dim], carried, inner);
  positions.pop_back();
  return carried;
}

/// Sums, for a tile of the result, `unrolled` elements along `unrolledDim` by
/// `vectors` vectors along the innermost dimension.
void NestEmitter::emitResultTile(const Reduction &reduction,
                                 ArrayRef<Value> positions,
                                 unsigned unrolledDim, int64_t unrolled,
                                 int64_t vectors, Mask lastMask) {
  int64_t lanes = reduction.lanes;
  unsigned inner = reduction.rank - 1;
  bool hasInner = reduction.rank > 0;
  SmallVector<Value> at(positions);
  SmallVector<Value> sums(
      unrolled * vectors,
      splat(reduction.element(), neutral(reduction.kind()), lanes));
  auto maskAt = [&](int64_t v) { return v + 1 == vectors ? lastMask : Mask(); };
  auto factors = reduction.factors();

  sums = overWindow(reduction.window(), 0, at, sums, [&](ValueRange carried) {
    SmallVector<Value> result(carried);
    // What does not change along a direction of the tile is loaded once.
    llvm::DenseMap<std::tuple<unsigned, int64_t, int64_t>, Value> loaded;
    for (int64_t u = 0; u < unrolled; ++u)
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> elements;
        for (auto [a, access] : llvm::enumerate(reduction.accesses)) {
          int64_t along = unrolled > 1 ? access.factors[unrolledDim] : 0;
          int64_t stride = hasInner ? access.factors[inner] : 0;
          int64_t du = along ? u : 0, dv = stride ? v : 0;
          Value &element = loaded[{unsigned(a), du, dv}];
          if (!element) {
            Value index = add(indexOf(access, at),
                              constant(du * along + dv * stride * lanes));
            element = load(reduction.buffers.inputs[a], index, stride, lanes,
                           stride ? maskAt(v) : Mask());
          }
          elements.push_back(element);
        }
        Value &sum = result[u * vectors + v];
        if (factors) {
          sum = fma(elements[factors->first], elements[factors->second], sum);
          continue;
        }
        sum = combine(
            reduction.kind(), sum,
            vectorize(reduction.body(), elements, lanes, nullptr).front());
      }
    return result;
  });
  at.resize(reduction.sizes.size());
  Value first = indexOf(reduction.output, at);
  int64_t along = unrolled > 1 ? reduction.output.factors[unrolledDim] : 0;
  for (int64_t u = 0; u < unrolled; ++u)
    for (int64_t v = 0; v < vectors; ++v)
      for (Buffer to : reduction.buffers.outputs.front())
        store(sums[u * vectors + v], to,
              add(first, constant(u * along + v * lanes)), maskAt(v));
}

/// Each lane sums its own element of the result: tiles of a few vectors along
/// the innermost dimension, and a few elements along the next one, which share
/// what they load.
void NestEmitter::emitAlongResult(const Reduction &reduction) {
  int64_t lanes = reduction.lanes;
  if (reduction.rank == 0)
    return once(
        [&] { emitResultTile(reduction, {}, 0, 1, 1, maskOf(1, lanes)); });
  unsigned inner = reduction.rank - 1;
  int64_t innerSize = reduction.sizes[inner];

  // A thread of a GPU sums one element.
  if (team && lanes == 1) {
    SmallVector<Value> sizes;
    for (unsigned dim = 0; dim < reduction.rank; ++dim)
      sizes.push_back(sizeOf(reduction.sizes[dim]));
    return sharedLoops(sizes, [&](ArrayRef<Value> at) {
      emitResultTile(reduction, at, inner, 1, 1, nullptr);
    });
  }

  // A team shares the dimension behind the batch, which may be a single row.
  unsigned sharedDim = std::min(1u, inner);
  auto loopOver = [&](unsigned dim, Value from, Value to, int64_t step,
                      function_ref<void(Value)> body) {
    if (dim == sharedDim)
      sharedLoop(from, to, step, body);
    else
      loop(from, to, step, body);
  };

  // A quarter of the registers accumulate.
  int64_t accumulators = std::max<int64_t>(schedule.registers / 4, 2);
  int64_t vectors =
      ShapedType::isDynamic(innerSize)
          ? 1
          : std::min<int64_t>(llvm::divideCeil(innerSize, lanes), 4);
  unsigned unrolledDim = inner;
  int64_t tile = 1;
  for (unsigned dim = inner; dim-- > 0 && tile == 1;) {
    if (ShapedType::isDynamic(reduction.sizes[dim]))
      break;
    bool shares = llvm::any_of(reduction.accesses, [&](auto &access) {
      return access.factors[dim] == 0 && access.factors[inner] != 0;
    });
    if (!shares)
      continue;
    unrolledDim = dim;
    tile = std::min<int64_t>(std::max<int64_t>(accumulators / vectors, 1),
                             reduction.sizes[dim]);
  }

  SmallVector<Value> positions(reduction.rank);
  auto alongInner = [&](int64_t unrolled) {
    if (ShapedType::isDynamic(innerSize))
      return sharedVectorLoop(batch, lanes, [&](Value at, Mask mask) {
        positions[inner] = at;
        emitResultTile(reduction, positions, unrolledDim, unrolled, 1, mask);
      });
    int64_t whole = innerSize / (vectors * lanes) * (vectors * lanes);
    loopOver(inner, constant(0), constant(whole), vectors * lanes,
             [&](Value at) {
               positions[inner] = at;
               emitResultTile(reduction, positions, unrolledDim, unrolled,
                              vectors, nullptr);
             });
    int64_t rest = innerSize - whole;
    auto emitRest = [&] {
      positions[inner] = constant(whole);
      int64_t count = llvm::divideCeil(rest, lanes);
      emitResultTile(reduction, positions, unrolledDim, unrolled, count,
                     maskOf(rest - (count - 1) * lanes, lanes));
    };
    if (rest && inner == sharedDim)
      once(emitRest);
    else if (rest)
      emitRest();
  };
  std::function<void(unsigned)> emitDim = [&](unsigned dim) {
    if (dim == inner)
      return alongInner(1);
    if (dim != unrolledDim || tile == 1)
      return loopOver(dim, constant(0), sizeOf(reduction.sizes[dim]), 1,
                      [&](Value at) {
                        positions[dim] = at;
                        emitDim(dim + 1);
                      });
    // The unrolled dimension is visited by tiles; those between it and the
    // innermost one by single elements.
    int64_t whole = reduction.sizes[dim] / tile * tile;
    auto below = [&](int64_t unrolled) {
      std::function<void(unsigned)> emitBelow = [&](unsigned next) {
        if (next == inner)
          return alongInner(unrolled);
        loopOver(next, constant(0), sizeOf(reduction.sizes[next]), 1,
                 [&](Value at) {
                   positions[next] = at;
                   emitBelow(next + 1);
                 });
      };
      emitBelow(dim + 1);
    };
    loopOver(dim, constant(0), constant(whole), tile, [&](Value at) {
      positions[dim] = at;
      below(tile);
    });
    auto belowRest = [&] {
      positions[dim] = constant(whole);
      below(reduction.sizes[dim] - whole);
    };
    if (whole < reduction.sizes[dim] && dim == sharedDim)
      once(belowRest);
    else if (whole < reduction.sizes[dim])
      belowRest();
  };
  emitDim(0);
}

/// Vectors go along the innermost dimension of the window, and their lanes are
/// combined at the end: those of as many elements of the result as a vector has
/// lanes together.
void NestEmitter::emitAlongWindow(const Reduction &reduction) {
  SmallVector<Value> sizes;
  for (unsigned dim = 0; dim < reduction.rank; ++dim)
    sizes.push_back(sizeOf(reduction.sizes[dim]));
  if (sizes.empty())
    return once([&] { emitWindows(reduction, {}, 1); });

  int64_t inner = reduction.sizes[reduction.rank - 1];
  int64_t together = ShapedType::isDynamic(inner) || inner < reduction.lanes
                         ? 1
                         : reduction.lanes;
  // The elements from `first` on, so many at a time.
  auto emitElements = [&](int64_t first, Value count, int64_t step) {
    sizes.back() = count;
    sharedLoops(sizes, [&](ArrayRef<Value> at) {
      SmallVector<Value> positions(at);
      positions.back() =
          add(constant(first), mul(positions.back(), constant(step)));
      emitWindows(reduction, positions, step);
    });
  };
  if (together == 1)
    return emitElements(0, sizeOf(inner), 1);
  int64_t whole = inner / together;
  emitElements(0, constant(whole), together);
  if (int64_t rest = inner - whole * together)
    emitElements(whole * together, constant(rest), 1);
}

/// The `together` elements of the result from `positions` on, along its
/// innermost dimension: 1, or one for each lane.
void NestEmitter::emitWindows(const Reduction &reduction,
                              ArrayRef<Value> positions, int64_t together) {
  int64_t lanes = reduction.lanes;
  ArrayRef<int64_t> window = reduction.window();
  unsigned last = reduction.sizes.size() - 1;
  int64_t length = window.back(), whole = length / lanes;
  Value none = splat(reduction.element(), neutral(reduction.kind()), lanes);
  auto factors = reduction.factors();

  auto accumulate = [&](ValueRange sums, ArrayRef<Value> at, Value from,
                        Mask mask) {
    SmallVector<Value> full(at), result;
    full.push_back(from);
    for (auto [number, sum] : llvm::enumerate(sums)) {
      SmallVector<Value> elements;
      for (auto [access, buffer] :
           llvm::zip_equal(reduction.accesses, reduction.buffers.inputs)) {
        int64_t along =
            reduction.rank > 0 ? access.factors[reduction.rank - 1] : 0;
        Value index = add(indexOf(access, full), constant(number * along));
        elements.push_back(
            load(buffer, index, access.factors[last], lanes, mask));
      }
      if (factors && !mask) {
        result.push_back(
            fma(elements[factors->first], elements[factors->second], sum));
        continue;
      }
      Value value =
          vectorize(reduction.body(), elements, lanes, nullptr).front();
      if (mask)
        value = arith::SelectOp::create(b, mask, value, none);
      result.push_back(combine(reduction.kind(), sum, value));
    }
    return result;
  };

  SmallVector<Value> at(positions);
  SmallVector<Value> sums(together, none);
  sums = overWindow(window.drop_back(), 0, at, sums, [&](ValueRange carried) {
    SmallVector<Value> current =
        accumulatingLoop(0, whole, carried, [&](Value i, ValueRange c) {
          return accumulate(c, at, mul(i, constant(lanes)), Mask());
        });
    if (Mask mask = maskOf(length - whole * lanes, lanes);
        mask && whole * lanes < length)
      current = accumulate(current, at, constant(whole * lanes), mask);
    return current;
  });
  at.resize(reduction.sizes.size());
  Value index = indexOf(reduction.output, at);
  Value result = together > 1 ? combineLanesOfEach(sums, reduction.kind())
                              : combineLanes(sums.front(), reduction.kind());
  for (Buffer to : reduction.buffers.outputs.front())
    if (together > 1)
      store(result, to, index, Mask());
    else
      memref::StoreOp::create(b, result, to, ValueRange{index});
}
