//===- CompileParams.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How parameters are declared by the values that layers use.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/IR/BuiltinOps.h"

namespace ttc {
#define GEN_PASS_DEF_COMPILEPARAMS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

llvm::DenseSet<StringAttr> ttc::getUsedParams(ModuleOp module) {
  llvm::DenseSet<StringAttr> used;
  module.walk(
      [&](ParamValueOp op) { used.insert(op.getParamAttr().getAttr()); });
  return used;
}

namespace {
struct CompileParams : ttc::impl::CompileParamsBase<CompileParams> {
  void runOnOperation() override {
    // Sound while layers are whole: they ask for a parameter by its short name
    // and do not see which form is declared.
    llvm::DenseSet<StringAttr> used = getUsedParams(getOperation());
    for (auto param : getOperation().getOps<ParamOp>()) {
      if (!param.getConstrained())
        continue;
      if (used.contains(param.getSymNameAttr())) {
        param.emitOpError("is already used in its raw form: compile-params "
                          "runs before expand-layers");
        return signalPassFailure();
      }
      param.setSymName(param.getCompiledKey());
      param.setActivatedAttr(param.getConstrainedAttr());
      param.removeConstrainedAttr();
    }
  }
};
} // namespace
