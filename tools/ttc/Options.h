//===- Options.h ----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What may be asked of ttc, and which questions make no sense together.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_OPTIONS_H
#define TTC_TOOLS_TTC_OPTIONS_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ttc {

/// What to write: levels of the IR first, then what is made of the last.
enum class Emit {
  Model,
  Declared,
  Expanded,
  Threaded,
  Nests,
  Scheduled,
  LLVM,
  Assembly,
  Object,
  Library,
  Shared,
  Executable,
  Header,
  JSON,
  PTX,
  Cubin
};

enum class ReportForm { None, Text, JSON };

enum class ProductsIn { F32, TF32, BF16 };

/// What was asked.
struct Options {
  std::string modelPath;
  /// `ttc check`: nothing is compiled, and nothing below was asked.
  bool onlyCheck = false, checkAsJSON = false;

  std::string outputPath;  ///< empty for one made from the model's file
  std::string weightsPath; ///< empty for none
  Emit emit = Emit::Shared;
  ReportForm report = ReportForm::None;
  bool saveTemps = false, verbose = false;

  bool forCPU = false, forGPU = false;
  std::string triple; ///< empty for this machine's
  std::vector<std::string> cpus, gpus;
  bool useCubins = false;
  bool contracts = false, keepsSubnormals = false; ///< on GPUs

  std::optional<int64_t> batch; ///< to fix it
  bool wantsDynamicBatch = false;
  std::string storage, weightsStorage; ///< empty for the model's own types
  /// What products multiply in. tf32 is for GPUs: CPUs stay with f32.
  ProductsIn products = ProductsIn::F32;
  unsigned threads = 1;
  int optimizationLevel = 3;
  std::string schedule; ///< key=value,...

  /// Whether there is machine code in what is written, or LLVM IR for it.
  bool emitsCode() const {
    return emit >= Emit::LLVM && emit <= Emit::Executable;
  }
};

/// Reads the command line. Exits where LLVM refuses it; fails with a sentence,
/// and the model's path in `options`, where ttc does.
llvm::Error readOptions(int argc, char **argv, Options &options);

} // namespace ttc

#endif // TTC_TOOLS_TTC_OPTIONS_H
