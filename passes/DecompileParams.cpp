//===- DecompileParams.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How parameters are declared by the values that training moves.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/IR/BuiltinOps.h"

namespace ttc {
#define GEN_PASS_DEF_DECOMPILEPARAMS
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {
struct DecompileParams : ttc::impl::DecompileParamsBase<DecompileParams> {
  void runOnOperation() override {
    llvm::DenseSet<StringAttr> used = getUsedParams(getOperation());
    for (auto param : getOperation().getOps<ParamOp>()) {
      if (!param.getActivated())
        continue;
      if (used.contains(param.getSymNameAttr())) {
        param.emitOpError("is already used in its compiled form: "
                          "decompile-params runs before expand-layers");
        return signalPassFailure();
      }
      param.setSymName(param.getRawKey());
      param.setConstrainedAttr(param.getActivatedAttr());
      param.removeActivatedAttr();
    }
  }
};
} // namespace
