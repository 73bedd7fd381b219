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

namespace mlir {
class IRMapping;
}

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

/// What every layer keeps to: one that owns something has a path.
mlir::LogicalResult verifyLayer(mlir::Operation *op);

/// Refuses a name that a program in C, or a states file, cannot hold: `what` is
/// how the sentence calls it, "path" or "key".
mlir::LogicalResult verifyName(mlir::Operation *op, llvm::StringRef what,
                               llvm::StringRef name);

/// The scalar code of an elementwise computation: from one element of each
/// operand to one of each result.
using ElementBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// What a layer expands with: its parameters and states by their short names,
/// and the forms of arithmetic and of movement that layers are made of. A
/// tensor with a dynamic batch has it in front; an operation that makes one is
/// told by `like` of which tensor the batch is.
class LayerExpansion {
public:
  /// `resources` is the symbol table of the module that declares what the layer
  /// at `path` owns; `nextStream` the model's first unused stream of random
  /// numbers.
  LayerExpansion(mlir::ImplicitLocOpBuilder &builder, llvm::StringRef path,
                 mlir::SymbolTable &resources, int64_t &nextStream)
      : builder(builder), path(path), resources(resources),
        nextStream(nextStream) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }

  /// The value that the layer computes with: activated here if the parameter is
  /// declared in its raw form.
  mlir::Value param(llvm::StringRef name);
  /// The value of a state, or of the place `index` of a stacked one.
  mlir::Value read(llvm::StringRef name, std::optional<int64_t> index = {});
  void write(llvm::StringRef name, mlir::Value value,
             std::optional<int64_t> index = {});

  /// A linalg.generic over the shape of `types`, which is the same for all: an
  /// element of each result from those of the operands that the maps pick.
  llvm::SmallVector<mlir::Value>
  compute(llvm::ArrayRef<mlir::RankedTensorType> types, mlir::Value like,
          llvm::ArrayRef<mlir::Value> operands,
          llvm::ArrayRef<mlir::AffineMap> maps, ElementBody body);
  /// The same, with results of the type of `domain`.
  llvm::SmallVector<mlir::Value>
  elementwise(mlir::Value domain, llvm::ArrayRef<mlir::Value> operands,
              llvm::ArrayRef<mlir::AffineMap> maps, unsigned numResults,
              ElementBody body);
  /// The same for operands of one shape and one result.
  mlir::Value
  combine(llvm::ArrayRef<mlir::Value> operands,
          llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                         mlir::ValueRange)>
              body);
  /// The same for one operand.
  mlir::Value
  map(mlir::Value operand,
      llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value)>
          body);

  /// A reduction of what `body` makes of the operands' elements. The maps take
  /// the dimensions of `type`, then those that it runs over.
  mlir::Value
  reduce(ReductionKind kind, mlir::RankedTensorType type, mlir::Value like,
         llvm::ArrayRef<mlir::Value> operands,
         llvm::ArrayRef<mlir::AffineMap> maps,
         llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                        mlir::ValueRange)>
             body);

  /// The same of one tensor, over some of its dimensions, which disappear.
  mlir::Value reduce(ReductionKind kind, mlir::Value x,
                     llvm::ArrayRef<int64_t> dims);
  /// How such a reduction reads its operand: the map from the dimensions that
  /// stay, then those that disappear.
  mlir::AffineMap reductionMap(unsigned rank, llvm::ArrayRef<int64_t> dims);
  /// The type of a tensor without some of its dimensions.
  mlir::RankedTensorType without(mlir::Value x, llvm::ArrayRef<int64_t> dims);

  /// x Wᵀ + b over the last dimension: x is (…, k), `weight` (n, k), and `bias`
  /// (n), if there is one.
  mlir::Value product(mlir::Value x, mlir::Value weight,
                      mlir::Value bias = mlir::Value());

  /// The map from `rank` dimensions to those of them that are named.
  mlir::AffineMap pick(unsigned rank, llvm::ArrayRef<int64_t> dims);

  /// Parts of a tensor; a dynamic batch is taken whole.
  mlir::Value slice(mlir::Value tensor, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> strides = {});
  mlir::Value slice(mlir::Value tensor, int64_t dim, int64_t start,
                    int64_t size, int64_t step = 1);
  /// Dimension i of the result is `permutation[i]` of the tensor.
  mlir::Value transpose(mlir::Value tensor,
                        llvm::ArrayRef<int64_t> permutation);
  /// Moves one dimension to another place, as torch.movedim.
  mlir::Value moveDim(mlir::Value tensor, int64_t from, int64_t to);
  /// The same elements in the same order, in another shape. A dynamic batch
  /// stays as it is.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<int64_t> shape);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> tensors, int64_t dim);
  mlir::Value pad(mlir::Value tensor, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high, double value);

  /// Random numbers in [0, 1), of the shape of `like`, from a stream of their
  /// own.
  mlir::Value uniform(mlir::Value like);

  /// An uninitialised tensor of `type`; a dynamic leading size is that of
  /// `like`.
  mlir::Value empty(mlir::RankedTensorType type, mlir::Value like);
  /// The same, filled with a constant.
  mlir::Value fill(mlir::RankedTensorType type, double value, mlir::Value like);

private:
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<int64_t> shape,
                                              mlir::Value like);

  mlir::ImplicitLocOpBuilder &builder;
  llvm::StringRef path;
  mlir::SymbolTable &resources;
  int64_t &nextStream;
};

/// Clones the operations of a scalar region, but its terminator, at the
/// builder; constants that it captured from outside come along. Returns the
/// terminator's operands.
llvm::SmallVector<mlir::Value> cloneBody(mlir::ImplicitLocOpBuilder &builder,
                                         mlir::Block &from,
                                         mlir::IRMapping &mapping);

/// Where in memory an operand's element lies: offset + Σ factor · index, over
/// the dimensions of a loop nest. No factor depends on the batch, which is the
/// outermost dimension wherever it is one.
struct LinearAccess {
  llvm::SmallVector<int64_t> factors;
  int64_t offset = 0;
};
/// The element that `map` picks of a row-major tensor of `type`.
LinearAccess linearize(mlir::AffineMap map, mlir::RankedTensorType type);
/// The same for elements that lie `strides` apart.
LinearAccess linearize(mlir::AffineMap map, llvm::ArrayRef<int64_t> strides);
/// Where an operand's element lies, if all dimensions but the last are taken as
/// one, the rows: offset + row · index + column · index.
struct RowAccess {
  int64_t row = 0, column = 0, offset = 0;
};
/// Nothing if the operand's rows do not lie evenly apart, or if it is neither
/// contiguous along a row nor one value.
std::optional<RowAccess> accessByRows(const LinearAccess &access,
                                      llvm::ArrayRef<int64_t> domain);
/// How far apart the elements of a row-major tensor are in each dimension.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// f(x) for a constraint f, by scalar or elementwise operations.
mlir::Value buildActivation(mlir::ImplicitLocOpBuilder &builder,
                            Constraint constraint, mlir::Value x);
/// 1 / (1 + exp(-x)).
mlir::Value buildSigmoid(mlir::ImplicitLocOpBuilder &builder, mlir::Value x);
/// log(1 + exp(x)), without overflow for large x.
mlir::Value buildSoftplus(mlir::ImplicitLocOpBuilder &builder, mlir::Value x);
/// The probability of firing at `distance` from the threshold.
mlir::Value buildSpike(mlir::ImplicitLocOpBuilder &builder, SpikeFn spike,
                       mlir::Value distance);
/// The event of a probability. `uniform` is a random number, which stochastic
/// quantizers need and others do not have.
mlir::Value buildEvent(mlir::ImplicitLocOpBuilder &builder,
                       QuantizerAttr quantizer, mlir::Value probability,
                       mlir::Value uniform);
/// A constant of the type of `like`: a float, or a vector or tensor of floats.
mlir::Value buildConstant(mlir::ImplicitLocOpBuilder &builder, double value,
                          mlir::Value like);

} // namespace ttc

#include "dialect/TTCInterfaces.h.inc"

#endif // TTC_DIALECT_TTCINTERFACES_H
