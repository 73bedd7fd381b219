//===- StoredWeights.h - What do weights lose by being stored? --*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each packed matrix of a model whose weights are stored narrower than they
// are computed with: how far what is stored is from what was given.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_STOREDWEIGHTS_H
#define TTC_CODEGEN_STOREDWEIGHTS_H

#include "codegen/Pipelines.h"

namespace ttc {

/// A matrix as it is stored, against what it was.
struct StoredMatrix {
  std::string name; ///< of the parameter or the part of one that it is
  int64_t outputs, inputs;
  int64_t bytes; ///< as it is stored
  /// The largest relative error of a row: of their Euclidean norms.
  double worstRow;
  /// The sum of the squares of the weights over that of the errors, in
  /// decibels; infinite if there is no error.
  double decibels;
  /// Rows with a weight that is not finite, or is not any more: they count for
  /// neither.
  int64_t notFinite;
};

/// Of a module of nests (after batch-time) with narrow storage, or with
/// products in bf16: prepares the weights as they are to be stored and as they
/// are, by `embed`. Empty where all are stored as they are.
llvm::Expected<std::vector<StoredMatrix>>
measureStoredWeights(mlir::ModuleOp nests, const ModelTable &table,
                     const Schedule &schedule, const EmbedFunction &embed);

} // namespace ttc

#endif // TTC_CODEGEN_STOREDWEIGHTS_H
