//===- tt-opt.cpp ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs any pass on IR of any level.
//
//===----------------------------------------------------------------------===//

#include "codegen/Pipelines.h"
#include "codegen/TTCCodegenPasses.h"
#include "dialect/TTC.h"
#include "passes/TTCPasses.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<ttc::TTCDialect>();
  mlir::registerAllPasses();
  ttc::registerTTCPasses();
  ttc::registerTTCCodegenPasses();
  ttc::registerPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "ttc's optimizer driver\n", registry));
}
