//===- Check.cpp ----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects findings from the parser, the verifiers and the passes.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "ModelFile.h"
#include "codegen/Pipelines.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace ttc;

namespace {

struct Finding {
  std::string file, severity, message;
  unsigned line = 0, column = 0;
};

Finding findingOf(Diagnostic &diagnostic) {
  Finding finding;
  // What a layer became carries the layer's place.
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
    finding.file = place.getFilename().str();
    finding.line = place.getLine();
    finding.column = place.getColumn();
  }
  finding.severity = diagnostic.getSeverity() == DiagnosticSeverity::Error
                         ? "error"
                         : "warning";
  finding.message = diagnostic.str();
  for (Diagnostic &note : diagnostic.getNotes())
    finding.message += "; " + note.str();
  return finding;
}

/// Every operation's own verifier, also behind one that has found something.
void verifyEach(ModuleOp module) {
  module.walk<WalkOrder::PreOrder>([](Operation *op) {
    // What comes after a failure of an operation's shape would be its echo.
    if (succeeded(op->getName().verifyInvariants(op)) && !isa<ModuleOp>(op))
      (void)op->getName().verifyRegionInvariants(op);
  });
}

void print(ArrayRef<Finding> findings, bool asJSON) {
  if (!asJSON) {
    for (const Finding &finding : findings) {
      if (!finding.file.empty())
        llvm::outs() << finding.file << ":" << finding.line << ":"
                     << finding.column << ": ";
      llvm::outs() << finding.severity << ": " << finding.message << "\n";
    }
    llvm::outs() << (findings.empty() ? "no findings"
                     : findings.size() == 1
                         ? "1 finding"
                         : std::to_string(findings.size()) + " findings")
                 << "\n";
    return;
  }
  llvm::json::Array array;
  for (const Finding &finding : findings)
    array.push_back(llvm::json::Object{{"file", finding.file},
                                       {"line", int64_t(finding.line)},
                                       {"column", int64_t(finding.column)},
                                       {"severity", finding.severity},
                                       {"message", finding.message}});
  llvm::outs() << llvm::formatv(
      "{0:2}\n",
      llvm::json::Value(llvm::json::Object{{"findings", std::move(array)}}));
}

} // namespace

LogicalResult ttc::checkModel(StringRef path, bool asJSON,
                              MLIRContext &context) {
  llvm::SourceMgr sources;
  if (failed(readModelText(path, sources)))
    return failure();
  SmallVector<Finding> findings;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    findings.push_back(findingOf(diagnostic));
    return success();
  });
  // Operations are verified one by one, so that the first failure does not hide
  // the others.
  ParserConfig config(&context, /*verifyAfterParse=*/false);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, config);
  if (module) {
    verifyEach(*module);
    if (findings.empty() && succeeded(verify(*module)) &&
        succeeded(checkModelModule(*module))) {
      PassManager pm(&context);
      addDeclarePasses(pm, {});
      addExpandPasses(pm);
      addThreadPasses(pm);
      addFusePasses(pm, Schedule());
      addSchedulePasses(pm, Schedule());
      (void)pm.run(*module);
    }
  }
  print(findings, asJSON);
  return failure(!findings.empty());
}
