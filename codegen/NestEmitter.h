//===- NestEmitter.h ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns one operation of a timestep into loops over vectors.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_NESTEMITTER_H
#define TTC_CODEGEN_NESTEMITTER_H

#include "codegen/VectorBuilder.h"

#include <optional>

namespace ttc {

/// What an operation computes with and where its results go.
struct NestBuffers {
  llvm::SmallVector<Buffer> productInputs;
  /// In the layout of their PanelPlans.
  llvm::SmallVector<Buffer> packedWeights;
  /// For each matrix that is packed as whole numbers what its products are
  /// multiplied by; else null.
  llvm::SmallVector<Buffer> scales;
  llvm::SmallVector<Buffer> inputs;
  /// For each result the buffers that receive it; none twice.
  llvm::SmallVector<llvm::SmallVector<Buffer, 2>> outputs;
  /// For each product whether its input may be mostly zeros: events.
  llvm::SmallVector<bool> mayBeEvents;
  /// Room for the list of active inputs of each product: i32.
  llvm::SmallVector<Buffer> events;
  /// Room for the sums of one tile of each product: tileElements() each.
  Buffer tile;
  /// For an operation that draws random numbers.
  Generator generator;
  /// For a nest whose weights are kept through a sequence (KeptWeights.h):
  /// where they begin, in bytes of a thread.
  std::optional<int64_t> keptStart;
};

/// Emits operations at a builder's place.
class NestEmitter : public VectorBuilder {
public:
  using VectorBuilder::VectorBuilder;

  /// A NestOp, ReduceOp, AssembleOp or GatherOp.
  void emit(mlir::Operation *op, const NestBuffers &buffers);

  /// Keeps the weights of a nest's products.
  void emitKeep(NestOp nest, const NestBuffers &buffers);

  /// What one worker of a team emits alone.
  void emitOnce(llvm::function_ref<void()> body) { once(body); }

  /// A loop over the rows of `type`.
  void emitRows(mlir::RankedTensorType type,
                llvm::function_ref<void(mlir::Value)> body) {
    loop(constant(0), sizeOf(type.getDimSize(0)), 1, body);
  }

  /// Copies all elements of a tensor of `type`.
  void emitCopy(mlir::RankedTensorType type, Buffer from, Buffer to);

  /// The rows of the largest tile of a matrix unit: two registers.
  static constexpr int64_t mostMatrixRows = 32;
  /// The bytes that a thread of a GPU reads at once, from an address that is a
  /// multiple of them.
  static constexpr int64_t widestLoad = 16;
  /// The most sums that a tile of one product leaves in memory, for elements of
  /// `bytes`.
  static int64_t tileElements(const Schedule &schedule, int64_t bytes);

private:
  // ProductNest.cpp
  struct Products;
  struct Tile;
  void emitProducts(NestOp nest, const NestBuffers &buffers);
  Products productsOf(NestOp nest, const NestBuffers &buffers);
  void emitPasses(const Products &products, const PassGroup &passes,
                  mlir::Value firstRow, mlir::Value endRow, int64_t tileRows,
                  bool mayLackRows = false);
  void emitDenseRows(const Products &products);
  void emitTiles(const Products &products, mlir::Value first, mlir::Value end,
                 int64_t tileRows, bool mayLackRows = false);
  void emitLastTile(const Products &products, mlir::Value first,
                    mlir::Value end, int64_t tileRows, bool mayLackRows);
  void emitSingleRows(const Products &products, mlir::Value first,
                      mlir::Value end);
  mlir::Value widen(mlir::Value value, mlir::VectorType type);
  mlir::Value loadInput(const Products &products, unsigned index,
                        mlir::Value rowStart, mlir::Value k);
  mlir::Value addProducts(mlir::Value weight, mlir::Value input,
                          mlir::Value sum);
  llvm::SmallVector<mlir::Value> loadWeights(const Products &products,
                                             unsigned index, const Tile &tile,
                                             mlir::Value k);
  void emitTile(const Products &products, const Tile &tile);
  llvm::SmallVector<mlir::Value> accumulate(const Products &products,
                                            unsigned index, const Tile &tile);
  void emitTileUpdate(const Products &products, mlir::Value row,
                      mlir::Value column, mlir::ValueRange sums, Mask mask);

  // MatrixProduct.cpp
  void emitMatrixRows(const Products &products);
  void sumByMatrixUnit(const Products &products, unsigned index,
                       const Tile &tile, mlir::Value firstSum);

  // EventProduct.cpp
  void emitEventRows(Products &products);
  mlir::Value areActive(const Products &products, unsigned index,
                        mlir::Value rowStart, mlir::Value k, int64_t count);
  mlir::Value areMany(const Products &products, mlir::Value firstRow,
                      mlir::Value rows);
  void listEvents(Products &products, unsigned index, mlir::Value row);
  llvm::SmallVector<mlir::Value>
  accumulateEvents(const Products &products, unsigned index, const Tile &tile);

  // ThreadProduct.cpp
  struct Quad;
  /// The numbers of the products, those of the same input together: the gates
  /// of a layer.
  static llvm::SmallVector<llvm::SmallVector<unsigned>>
  groupByInput(mlir::ValueRange inputs);
  void emitThreadProducts(const Products &products);
  void emitThreadTiles(const Products &products, mlir::Value rows,
                       int64_t tileRows);
  void emitQuad(const Products &products, const Quad &quad,
                llvm::ArrayRef<llvm::SmallVector<mlir::Value>> sums);
  mlir::Value choose(mlir::Value number, llvm::SmallVector<mlir::Value> values);
  void emitRow(const Products &products, const Quad &quad, mlir::Value turn,
               mlir::ValueRange sums);
  void emitThreadRows(const Products &products, mlir::Value firstRow);
  void emitSharedSum(const Products &products, const Quad &quad,
                     mlir::Value chain);
  std::pair<mlir::Value, mlir::Value>
  rangeOfChain(const Products &products, unsigned index, mlir::Value chain);
  llvm::SmallVector<mlir::Value> sumChain(const Products &products,
                                          llvm::ArrayRef<unsigned> together,
                                          const Quad &quad, mlir::Value from,
                                          mlir::Value to);
  llvm::SmallVector<mlir::Value> sumChains(const Products &products,
                                           unsigned index, const Quad &quad,
                                           mlir::Value first, int64_t count);
  void scale(const Products &products, unsigned index, mlir::Value column,
             llvm::MutableArrayRef<mlir::Value> sums);
  mlir::Value loadThreadWeights(const Products &products, unsigned index,
                                mlir::Value column, mlir::Value k,
                                mlir::Value from);
  mlir::Value isAligned(Buffer buffer);
  void emitColumn(const Products &products, mlir::Value row, mlir::Value column,
                  mlir::ValueRange sums);
  mlir::Value readLane(mlir::Value value, mlir::Value lane, mlir::Value mask);
  mlir::Value callThreadFunction(llvm::StringRef name, mlir::Type result,
                                 mlir::ValueRange arguments);

  // KeptWeights.cpp
  void findKept(Products &products);
  void emitKept(const Products &products);
  void withOwnSum(const Products &products,
                  llvm::function_ref<void(const Quad &, mlir::Value)> body);

  // WarpProduct.cpp
  struct WarpTile;
  void emitWarpProducts(const Products &products);
  llvm::SmallVector<llvm::SmallVector<mlir::Value>>
  sumByWarp(const Products &products, llvm::ArrayRef<unsigned> together,
            const WarpTile &tile);

  // ElementwiseNest.cpp
  void emitElementwise(NestOp nest, const NestBuffers &buffers);
  void emitAssemble(AssembleOp op, const NestBuffers &buffers);
  void emitGather(GatherOp op, const NestBuffers &buffers);
  /// Loops over `sizes`, vectors along the innermost dimension. `body` gets,
  /// for each access, the index of its element for the first lane and how far
  /// apart the elements of two lanes are.
  struct Position {
    mlir::Value index;
    int64_t stride;
  };
  void emitLoops(llvm::ArrayRef<int64_t> sizes,
                 llvm::ArrayRef<LinearAccess> accesses, int64_t lanes,
                 llvm::function_ref<void(llvm::ArrayRef<Position>, Mask)> body);
  mlir::Value sizeOf(int64_t size);

  // Reduction.cpp
  struct Reduction;
  void emitReduce(ReduceOp op, const NestBuffers &buffers);
  void emitAlongResult(const Reduction &reduction);
  void emitAlongWindow(const Reduction &reduction);
  void emitWindows(const Reduction &reduction,
                   llvm::ArrayRef<mlir::Value> positions, int64_t together);
  void emitResultTile(const Reduction &reduction,
                      llvm::ArrayRef<mlir::Value> positions,
                      unsigned unrolledDim, int64_t unrolled, int64_t vectors,
                      Mask lastMask);
  llvm::SmallVector<mlir::Value> overWindow(
      llvm::ArrayRef<int64_t> window, unsigned dim,
      llvm::SmallVectorImpl<mlir::Value> &positions, mlir::ValueRange values,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)>
          body);
};

} // namespace ttc

#endif // TTC_CODEGEN_NESTEMITTER_H
