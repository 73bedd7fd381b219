//===- TTCDialect.td ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DIALECT_TD
#define TTC_DIALECT_TD

include "mlir/IR/OpBase.td"

def TTC_Dialect : Dialect {
  let name = "ttc";
  let cppNamespace = "::ttc";
  let summary = "Neural networks that remember";
  let description = [{
    A model is a function of one timestep. Its layers own parameters, which do not
    change, and states, which do; the model is what threads the states through time.

    The dialect is used at four levels. A *model* names its layers and nothing else.
    With its *resources declared*, every parameter and state of every layer stands
    beside it by name. *Expanded*, layers have become reads of states, ordinary
    arithmetic, and writes. *Threaded*, the model is a pure function from inputs,
    parameters and states to outputs and states. From there `ttc.nest` gathers each
    layer into the one loop nest that the code generators emit.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 0;
}

class TTC_Op<string mnemonic, list<Trait> traits = []>
    : Op<TTC_Dialect, mnemonic, traits>;

/// A tensor of floats whose only dynamic size, if any, is the leading one.
def TTC_Tensor : Type<
    CPred<"::ttc::isModelTensor($_self)">,
    "ranked tensor of floats (f32 or f64, f16 or bf16 where they are stored) whose "
    "leading size alone may be dynamic, with 2^38 elements at most",
    "::mlir::RankedTensorType">;

/// A tensor of the numbers of a table's rows, with the same shapes.
def TTC_IndexTensor : Type<
    CPred<"::ttc::isIndexTensor($_self)">,
    "ranked tensor of i64 or i32 whose leading size alone may be dynamic, with 2^38 "
    "elements at most",
    "::mlir::RankedTensorType">;

#endif // TTC_DIALECT_TD
