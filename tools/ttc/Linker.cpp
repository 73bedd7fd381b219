//===- Linker.cpp ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds a linker and calls it.
//
//===----------------------------------------------------------------------===//

#include "Linker.h"
#include "Programs.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace ttc;

/// The first of `names` that is on the PATH.
static Expected<std::string> findLinker(ArrayRef<std::string> names,
                                        StringRef purpose) {
  if (auto path = findProgram(names))
    return *path;
  return createStringError("no program to link " + purpose +
                           " was found: looked for " + join(names, ", ") +
                           " on the PATH; install one of them");
}

/// What drives the linker for a triple: a compiler driver where there is one,
/// which knows where the C library is.
static std::vector<std::string> drivers(const LinkOptions &options,
                                        bool isCxx) {
  if (options.isHost) {
    if (isCxx)
      return {"c++", "clang++-22", "clang++", "g++"};
    return {"cc", "clang-22", "clang", "gcc", "ld.lld-22", "ld.lld"};
  }
  // Debian names a cross compiler without the vendor: aarch64-linux-gnu-gcc.
  Triple triple(options.triple);
  std::string prefix = (triple.getArchName() + "-" + triple.getOSName() + "-" +
                        triple.getEnvironmentName())
                           .str();
  if (isCxx)
    return {prefix + "-g++"};
  return {prefix + "-gcc", "ld.lld-22", "ld.lld"};
}

static Error run(StringRef program, ArrayRef<std::string> arguments,
                 bool verbose) {
  return runProgram(program, arguments, verbose).takeError();
}

Error ttc::linkSharedLibrary(StringRef object, StringRef output,
                             const LinkOptions &options) {
  auto program = findLinker(drivers(options, false), "a shared library");
  if (!program)
    return program.takeError();
  std::string symbol = "ttc_model_" + options.modelName;

  TemporaryFile exported;
  if (Error error = exported.create("map"))
    return error;
  if (Error error =
          exported.write("{ global: ttc_model; " + symbol + "; local: *; };\n"))
    return error;

  bool isBareLinker = sys::path::filename(*program).starts_with("ld.lld");
  std::vector<std::string> arguments = {"-shared", "-o", output.str(),
                                        object.str()};
  std::vector<std::string> flags = {"--version-script=" + exported.path().str(),
                                    "--defsym=ttc_model=" + symbol,
                                    "-soname=" + options.soname,
                                    "--build-id=none"};
  for (const char *keyword : {"relro", "now", "noexecstack"})
    flags.insert(flags.end(), {"-z", keyword});
  for (const std::string &flag : flags) {
    // Not "-Wl,": a path may have a comma.
    if (!isBareLinker)
      arguments.push_back("-Xlinker");
    arguments.push_back(flag);
  }
  // The prepare function calls exp and log.
  if (!isBareLinker)
    arguments.push_back("-lm");
  return run(*program, arguments, options.verbose);
}

Error ttc::linkKernels(StringRef object, StringRef output,
                       const LinkOptions &options) {
  auto program = findLinker(drivers(options, false), "kernels");
  if (!program)
    return program.takeError();
  return run(*program,
             {"-shared", "-o", output.str(), object.str(), "-lm",
              "-Wl,-z,relro,-z,now,-z,noexecstack"},
             options.verbose);
}

Error ttc::linkExecutable(StringRef object, ArrayRef<std::string> libraries,
                          StringRef output, const LinkOptions &options) {
  auto program = findLinker(drivers(options, true), "a program");
  if (!program)
    return program.takeError();
  std::vector<std::string> arguments = {"-o", output.str(), object.str()};
  llvm::append_range(arguments, libraries);
  llvm::append_range(arguments, ArrayRef<std::string>{"-pthread", "-ldl", "-lm",
                                                      "-Wl,-z,relro,-z,now",
                                                      "-Wl,--build-id=none"});
  return run(*program, arguments, options.verbose);
}

Error ttc::writeStaticLibrary(StringRef object, StringRef member,
                              StringRef output) {
  auto file = NewArchiveMember::getFile(object, /*Deterministic=*/true);
  if (!file)
    return file.takeError();
  file->MemberName = member;
  std::vector<NewArchiveMember> members;
  members.push_back(std::move(*file));
  return writeArchive(output, members, SymtabWritingMode::NormalSymtab,
                      object::Archive::K_GNU, /*Deterministic=*/true,
                      /*Thin=*/false);
}
