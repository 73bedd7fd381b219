//===- NestEmitter.h ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns one nest into loops over vectors.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_NESTEMITTER_H
#define TTC_CODEGEN_NESTEMITTER_H

#include "codegen/PanelPlan.h"
#include "dialect/TTC.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ttc {

/// Where the elements of a tensor lie: a one-dimensional memref of f32,
/// row-major.
using Buffer = mlir::Value;

/// What a nest computes with and where its results go.
struct NestBuffers {
  Buffer productInput;
  Buffer packedWeight; ///< in the layout of its PanelPlan
  Buffer productBias;  ///< null for none
  llvm::SmallVector<Buffer> inputs;
  /// For each result the buffers that receive it; none twice.
  llvm::SmallVector<llvm::SmallVector<Buffer, 2>> outputs;
  /// Room for the accumulators of one tile: tileElements() of f32.
  Buffer tile;
};

/// Emits nests at a builder's place. `batch` is the value of every dynamic
/// size.
class NestEmitter {
public:
  NestEmitter(mlir::ImplicitLocOpBuilder &builder, const VectorUnit &unit,
              mlir::Value batch)
      : b(builder), unit(unit), batch(batch) {}

  void emit(NestOp nest, const NestBuffers &buffers);

  void emitReduce(ReduceOp op, Buffer from, Buffer to);

  /// Copies all elements of a tensor of `type`.
  void emitCopy(mlir::RankedTensorType type, Buffer from, Buffer to);

  /// The number of elements of a tensor, as a value of index type.
  mlir::Value numElements(mlir::RankedTensorType type);

  /// The most accumulators that a tile has, in elements.
  static int64_t tileElements(const VectorUnit &unit);

private:
  struct Tile;
  /// A nest's dimensions, neighbours merged wherever every operand allows it.
  struct Loops;

  void emitProduct(NestOp nest, const NestBuffers &buffers);
  void emitPasses(NestOp nest, const NestBuffers &buffers,
                  const PanelPlan &plan, const PassGroup &passes,
                  mlir::Value firstRow, mlir::Value endRow, int64_t tileRows);
  void emitTile(NestOp nest, const NestBuffers &buffers, const PanelPlan &plan,
                const Tile &tile);
  llvm::SmallVector<mlir::Value> accumulate(const NestBuffers &buffers,
                                            const PanelPlan &plan,
                                            const Tile &tile);
  void emitElementwise(NestOp nest, const NestBuffers &buffers);

  /// The region on one vector: loads the operands, stores the results. `index`
  /// gives the element of an operand from its map; a `mask` guards a partial
  /// vector.
  void emitUpdate(NestOp nest, const NestBuffers &buffers, mlir::Value acc,
                  llvm::function_ref<mlir::Value(mlir::AffineMap)> index,
                  llvm::function_ref<bool(mlir::AffineMap)> isVector,
                  mlir::Value mask);

  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value l, mlir::Value r);
  mlir::Value mul(mlir::Value l, mlir::Value r);
  mlir::VectorType vectorType();
  mlir::Value load(Buffer buffer, mlir::Value index, mlir::Value mask);
  void store(mlir::Value vector, Buffer buffer, mlir::Value index,
             mlir::Value mask);
  mlir::Value loadScalar(Buffer buffer, mlir::Value index);
  mlir::Value fma(mlir::Value l, mlir::Value r, mlir::Value acc);
  mlir::Value zero();
  /// A loop whose body gets the induction variable; none for a single
  /// iteration.
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  /// The mask of a vector's first `count` lanes; null if that is all of them.
  mlir::Value maskOf(int64_t count);

  mlir::ImplicitLocOpBuilder &b;
  VectorUnit unit;
  mlir::Value batch;
};

/// A scalar region's operation on vectors of `lanes`: the same operation, or
/// what it is lowered to where there is none.
llvm::SmallVector<mlir::Value> vectorizeBody(mlir::ImplicitLocOpBuilder &b,
                                             mlir::Block &body,
                                             mlir::ValueRange elements,
                                             int64_t lanes);

} // namespace ttc

#endif // TTC_CODEGEN_NESTEMITTER_H
