//===- VectorBuilder.h ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The small words of loops over vectors: indices, loads, stores, regions.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_VECTORBUILDER_H
#define TTC_CODEGEN_VECTORBUILDER_H

#include "codegen/PanelPlan.h"
#include "dialect/TTC.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>

namespace ttc {

/// Where the elements of a tensor lie: a one-dimensional memref, row-major.
using Buffer = mlir::Value;

/// The session's generator at this timestep: two values of i64.
struct Generator {
  mlir::Value seed, position;
};

/// Which lanes of a vector exist; null for all of them.
using Mask = mlir::Value;

/// The workers that compute a nest together, each its part. All values are of
/// index type; null where one alone computes everything.
struct Team {
  mlir::Value worker, workers;
  /// Whether neighbours take neighbouring elements, as threads of a GPU should,
  /// or each a range of its own.
  bool sideBySide = false;
  /// Whether a worker is no one, but the number of the only element that is
  /// computed.
  bool isElement = false;
  /// How many threads of each block of a GPU keep weights in its shared memory,
  /// if any do.
  mlir::Value keptThreads;
  /// Emits a barrier of all workers.
  std::function<void()> barrier;

  explicit operator bool() const { return bool(worker); }
};

class VectorBuilder {
public:
  /// `batch` is the value of every dynamic size.
  VectorBuilder(mlir::ImplicitLocOpBuilder &builder, const Schedule &schedule,
                mlir::Value batch, const Team &team = {})
      : b(builder), schedule(schedule), batch(batch), team(team) {}

  /// The number of elements of a tensor, as a value of index type.
  mlir::Value numElements(mlir::RankedTensorType type);

protected:
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value l, mlir::Value r);
  mlir::Value mul(mlir::Value l, mlir::Value r);
  /// offset + Σ factor · position, over the dimensions that have a position.
  mlir::Value indexOf(const LinearAccess &access,
                      llvm::ArrayRef<mlir::Value> positions);

  /// A vector of `lanes` from `index` on, `stride` apart: 0 for the same
  /// element in every lane. Lanes outside of the mask are 0.
  mlir::Value load(Buffer buffer, mlir::Value index, int64_t stride,
                   int64_t lanes, Mask mask);
  void store(mlir::Value vector, Buffer buffer, mlir::Value index, Mask mask);
  /// The same for lanes that lie `stride` apart.
  void scatter(mlir::Value vector, Buffer buffer, mlir::Value index,
               int64_t stride, Mask mask);
  mlir::Value splat(mlir::Type element, double value, int64_t lanes);
  mlir::Value fma(mlir::Value l, mlir::Value r, mlir::Value acc);
  /// All lanes combined, halves first: a tree whose shape depends on the number
  /// of lanes alone.
  mlir::Value combineLanes(mlir::Value vector, ReductionKind kind);
  /// Of as many vectors as each has lanes: a vector of what combineLanes()
  /// makes of each, in fewer operations.
  mlir::Value combineLanesOfEach(mlir::ValueRange vectors, ReductionKind kind);
  mlir::Value combine(ReductionKind kind, mlir::Value l, mlir::Value r);
  /// The neutral element of a reduction.
  static double neutral(ReductionKind kind);

  /// A loop whose body gets the induction variable; none for a single
  /// iteration.
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  /// A loop of vectors over `size` elements: the last one may be partial.
  void vectorLoop(mlir::Value size, int64_t lanes,
                  llvm::function_ref<void(mlir::Value, Mask)> body);
  /// The same loops, of which each worker of a team makes its part: of the
  /// iterations, or of the vectors.
  void sharedLoop(mlir::Value from, mlir::Value to, int64_t step,
                  llvm::function_ref<void(mlir::Value)> body);
  void sharedVectorLoop(mlir::Value size, int64_t lanes,
                        llvm::function_ref<void(mlir::Value, Mask)> body);
  /// Loops in loops from 0 to `sizes`, outermost first. A team shares all the
  /// points.
  void sharedLoops(llvm::ArrayRef<mlir::Value> sizes,
                   llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> body);
  /// What one worker alone does: the last, whose part may be the smallest.
  void once(llvm::function_ref<void()> body);
  /// A loop that carries values; returns them.
  llvm::SmallVector<mlir::Value> accumulatingLoop(
      int64_t from, int64_t to, mlir::ValueRange values,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                        mlir::ValueRange)>
          body);
  llvm::SmallVector<mlir::Value> accumulatingLoop(
      mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange values,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                        mlir::ValueRange)>
          body);
  /// The mask of a vector's first `count` lanes; null if that is all of them.
  Mask maskOf(int64_t count, int64_t lanes);

  /// A scalar region on vectors: the same operations, or what they are lowered
  /// to where there is none. `element` is the number, in the results, of the
  /// first lane's element.
  llvm::SmallVector<mlir::Value> vectorize(mlir::Block &body,
                                           mlir::ValueRange elements,
                                           int64_t lanes, mlir::Value element);

  mlir::ImplicitLocOpBuilder &b;
  Schedule schedule;
  mlir::Value batch;
  Team team;
  Generator generator;

private:
  /// The distances of the lanes from the first one.
  mlir::Value laneOffsets(int64_t stride, int64_t lanes);
  Mask allLanes(int64_t lanes);
  mlir::Value draw(int64_t stream, mlir::Type element, mlir::Value first,
                   int64_t lanes);
};

/// The lanes that a computation with elements of these types has: those of the
/// widest.
int64_t lanesFor(const Schedule &schedule, mlir::TypeRange types);

} // namespace ttc

#endif // TTC_CODEGEN_VECTORBUILDER_H
