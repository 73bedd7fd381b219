//===- Target.h -----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CPU that code is made for: its name, its features, its vectors.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_TARGET_H
#define TTC_CODEGEN_TARGET_H

#include "codegen/Schedule.h"

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace ttc {

struct TargetOptions {
  std::string triple; ///< empty: the host's
  std::string cpu = "native";
  int optimizationLevel = 3;
  /// Whether the matrix unit is used where there is one: a process has to ask
  /// the operating system for its registers.
  bool usesMatrices = false;
};

/// A CPU that LLVM knows, resolved from options.
struct Target {
  std::string triple, cpu;
  std::string features; ///< as LLVM takes them: +avx2,-sse4a,…
  std::unique_ptr<llvm::TargetMachine> machine;
  VectorUnit unit;
  Core core; ///< the host's own, if code is made for this very machine

  /// The features that a CPU must have to run the code, separated by commas.
  std::string requiredFeatures() const;
  /// Whether every CPU that runs the code of `other` runs this as well.
  bool runsWherever(const Target &other) const;
  bool isHost() const;
};

/// Fails with a sentence for a triple or a CPU that LLVM does not know, and for
/// CPUs too old for the code that ttc makes.
llvm::Expected<Target> resolveTarget(const TargetOptions &options);

} // namespace ttc

#endif // TTC_CODEGEN_TARGET_H
