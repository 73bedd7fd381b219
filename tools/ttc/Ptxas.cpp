//===- Ptxas.cpp ----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CUDA's assembler, and what it says of kernels.
//
//===----------------------------------------------------------------------===//

#include "Ptxas.h"
#include "Programs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using namespace ttc;

std::optional<std::string> ttc::findPtxas() {
  std::vector<std::string> names = {"ptxas"};
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (auto root = sys::Process::GetEnv(variable))
      names.push_back(*root + "/bin/ptxas");
  names.push_back("/usr/local/cuda/bin/ptxas");
  return findProgram(names);
}

/// The number in front of `unit`, 0 where there is none.
static int64_t numberOf(StringRef line, StringRef unit) {
  SmallVector<StringRef> found;
  int64_t number = 0;
  if (Regex(("([0-9]+) " + unit).str()).match(line, &found))
    found[1].getAsInteger(10, number);
  return number;
}

/// Of what `ptxas -v` says: a line that names a kernel, then one with the
/// stacks of each function, under its name, and one with the registers.
static std::vector<KernelCost> readCosts(StringRef said,
                                         StringRef architecture) {
  std::vector<KernelCost> costs;
  bool isOfKernel = false;
  for (StringRef line : split(said, '\n')) {
    SmallVector<StringRef> found;
    if (Regex("Compiling entry function '([^']+)'").match(line, &found)) {
      costs.push_back({architecture.str(), found[1].str()});
    } else if (costs.empty()) {
      continue;
    } else if (Regex("Function properties for (.+)").match(line, &found)) {
      isOfKernel = found[1].trim() == costs.back().kernel;
    } else if (line.contains("bytes stack frame") && isOfKernel) {
      costs.back().stackBytes = numberOf(line, "bytes stack frame");
      costs.back().spillStoreBytes = numberOf(line, "bytes spill stores");
      costs.back().spillLoadBytes = numberOf(line, "bytes spill loads");
    } else if (Regex("Used [0-9]+ registers").match(line)) {
      costs.back().registers = numberOf(line, "registers");
      costs.back().sharedBytes = numberOf(line, "bytes smem");
    }
  }
  return costs;
}

Expected<Assembly> ttc::assemble(StringRef ptx, StringRef architecture,
                                 bool verbose) {
  auto program = findPtxas();
  if (!program)
    return createStringError(
        "a cubin is assembled by ptxas, which was not found: install CUDA's "
        "toolkit, or set CUDA_HOME; PTX needs none");
  TemporaryFile text, cubin;
  if (Error error = joinErrors(text.create("ptx"), cubin.create("cubin")))
    return std::move(error);
  if (Error error = text.write(ptx))
    return std::move(error);
  auto said = runProgram(*program,
                         {"-O3", "-v", "-arch=" + architecture.str(), "-o",
                          cubin.path().str(), text.path().str()},
                         verbose);
  if (!said)
    return said.takeError();
  auto bytes = cubin.read();
  if (!bytes)
    return bytes.takeError();
  return Assembly{std::move(*bytes), readCosts(*said, architecture)};
}
