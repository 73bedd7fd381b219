//===- TTCInterfaces.h ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a layer tells of itself, and what it is given to expand with.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIALECT_TTCINTERFACES_H
#define TTC_DIALECT_TTCINTERFACES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>
#include <string>

namespace ttc {

/// A parameter that a layer owns. Its key is `<path>.<name>`; one with a
/// constraint, be it the identity, also has the raw key `<path>.raw_<name>`.
struct ParamSpec {
  std::string name;
  mlir::RankedTensorType type;
  std::optional<Constraint> constraint;
};

/// A state that a layer owns. Its key is `<path>.<name>`.
struct StateSpec {
  std::string name;
  mlir::RankedTensorType type;
};

/// The scalar code of an elementwise computation: from one element of each
/// operand to one of each result.
using ElementBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// What a layer expands with: its parameters and states by their short names,
/// and the two forms of arithmetic that layers are made of.
class LayerExpansion {
public:
  /// `resources` is the symbol table of the module that declares what the layer
  /// at `path` owns.
  LayerExpansion(mlir::ImplicitLocOpBuilder &builder, llvm::StringRef path,
                 mlir::SymbolTable &resources)
      : builder(builder), path(path), resources(resources) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }

  /// The value that the layer computes with: activated here if the parameter is
  /// declared in its raw form.
  mlir::Value param(llvm::StringRef name);
  mlir::Value read(llvm::StringRef name);
  void write(llvm::StringRef name, mlir::Value value);

  /// A linalg.generic over the shape of `domain`: each operand is read through
  /// its map, each result has the shape of `domain`.
  llvm::SmallVector<mlir::Value>
  elementwise(mlir::Value domain, llvm::ArrayRef<mlir::Value> operands,
              llvm::ArrayRef<mlir::AffineMap> maps, unsigned numResults,
              ElementBody body);
  /// The same for one operand and one result.
  mlir::Value
  map(mlir::Value operand,
      llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value)>
          body);

  /// An uninitialised tensor of `type`; a dynamic leading size is that of
  /// `like`.
  mlir::Value empty(mlir::RankedTensorType type, mlir::Value like);

private:
  mlir::ImplicitLocOpBuilder &builder;
  llvm::StringRef path;
  mlir::SymbolTable &resources;
};

/// f(x) for a constraint f, by scalar or elementwise operations.
mlir::Value buildActivation(mlir::ImplicitLocOpBuilder &builder,
                            Constraint constraint, mlir::Value x);
/// 1 / (1 + exp(-x)).
mlir::Value buildSigmoid(mlir::ImplicitLocOpBuilder &builder, mlir::Value x);
/// log(1 + exp(x)), without overflow for large x.
mlir::Value buildSoftplus(mlir::ImplicitLocOpBuilder &builder, mlir::Value x);
/// A constant of the type of `like`: a float, or a vector or tensor of floats.
mlir::Value buildConstant(mlir::ImplicitLocOpBuilder &builder, double value,
                          mlir::Value like);

} // namespace ttc

#include "dialect/TTCInterfaces.h.inc"

#endif // TTC_DIALECT_TTCINTERFACES_H
