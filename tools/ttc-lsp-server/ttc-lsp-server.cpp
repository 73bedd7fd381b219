//===- ttc-lsp-server.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tells an editor what is wrong with a model, and where its names are.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<ttc::TTCDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
