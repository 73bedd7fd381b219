//===- RowGroups.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which operations of a timestep go through a batch together, row by row.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_ROWGROUPS_H
#define TTC_CODEGEN_ROWGROUPS_H

#include "codegen/Schedule.h"
#include "dialect/TTC.h"

namespace ttc {

/// The operations of a step that become loops, in their order: those that are
/// best computed row by row are in a group of several, each other one is in a
/// group of its own. What such a group passes on then stays in the nearest
/// cache, where whole batches of it would not. None has a product with a
/// matrix, which a row alone would read for nobody else.
llvm::SmallVector<llvm::SmallVector<mlir::Operation *>>
groupByRows(llvm::ArrayRef<mlir::Operation *> operations,
            const Schedule &schedule);

/// An operation of such a group on the tensors of one row.
class RowForm {
public:
  explicit RowForm(mlir::Operation *op);
  ~RowForm();
  RowForm(const RowForm &) = delete;

  mlir::Operation *operation() const { return form; }
  /// Whether operand `index` of the whole has rows, of which the form takes
  /// one.
  bool hasRows(unsigned index) const { return rows[index]; }

private:
  mlir::Operation *form;
  llvm::SmallVector<bool> rows;
  /// What stands for its operands.
  llvm::SmallVector<mlir::Operation *> placeholders;
};

} // namespace ttc

#endif // TTC_CODEGEN_ROWGROUPS_H
