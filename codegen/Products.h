//===- Products.h ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the emission of a nest with products knows of it, on a CPU or a GPU.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_PRODUCTS_H
#define TTC_CODEGEN_PRODUCTS_H

#include "codegen/NestEmitter.h"

#include <optional>

namespace ttc {

/// All that the emission of one nest passes on.
struct NestEmitter::Products {
  NestOp nest;
  const NestBuffers &buffers;
  /// One for each product. They differ in the number of inputs alone, so that a
  /// tile of one is a tile of all.
  llvm::SmallVector<PanelPlan> plans;
  llvm::SmallVector<RowAccess> accesses; ///< of the operands
  int64_t lanes;

  /// The active inputs of a row: their numbers in ascending order, and where
  /// those of each chain begin and end.
  struct Events {
    Buffer list;
    llvm::SmallVector<mlir::Value> bounds; ///< one more than there are chains
    mlir::Value areFew;
  };
  /// One for each product; without a list where inputs are not events.
  llvm::SmallVector<Events> events;
  mlir::Value rows;
  int64_t tileRows = 1;
  bool byMatrixUnit = false;

  /// The weights that a thread of a GPU keeps in shared memory.
  struct Kept {
    llvm::SmallVector<Buffer> memory; ///< of each product, all of the block's
    llvm::SmallVector<mlir::Value> starts; ///< of the thread's, in elements
    mlir::Value stride;                    ///< from a step of a sum to the next
    /// Where step `k` of a part lies that begins with step `from`.
    mlir::Value at(NestEmitter &emitter, unsigned index, mlir::Value k,
                   mlir::Value from) const;
  };
  std::optional<Kept> kept;

  int64_t outputs() const { return plans.front().outputs; }
  /// What product `index` is summed in.
  mlir::Type sumType(unsigned index) const {
    return NestOp(nest).getBody().getArgument(index).getType();
  }
  /// Of the product that has most.
  int64_t chains() const {
    int64_t most = 1;
    for (const PanelPlan &plan : plans)
      most = std::max(most, plan.chains);
    return most;
  }
};

/// A tile of a product: rows of the input times panels side by side.
struct NestEmitter::Tile {
  mlir::Value row;
  int64_t rows;
  mlir::Value firstVector; ///< the first output feature, in vectors
  llvm::ArrayRef<int64_t> panels;
  int64_t vectors; ///< of all panels
  int64_t columns; ///< features of the tile that exist: the rest is padding
  /// How many of the rows exist: the last of these stands for the others. Null
  /// for all.
  mlir::Value existing;
};

/// Neighbouring columns of neighbouring rows, which one thread of a GPU
/// computes.
struct NestEmitter::Quad {
  mlir::Value row;
  int64_t rows;
  mlir::Value column;
  /// Where the rows end, if some of the quad's may lie beyond; else null.
  mlir::Value endRow;
};

} // namespace ttc

#endif // TTC_CODEGEN_PRODUCTS_H
