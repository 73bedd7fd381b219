//===- Linker.h -----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How an object becomes a library or a program: the system's own linker.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_LINKER_H
#define TTC_TOOLS_TTC_LINKER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ttc {

struct LinkOptions {
  std::string triple;    ///< of the object
  bool isHost = true;    ///< whether that is this machine's
  std::string modelName; ///< whose descriptor is exported
  std::string soname;    ///< of a shared library
  bool verbose = false;  ///< say the command on stderr
};

/// A shared library that exports the descriptor, by its name and as
/// `ttc_model`.
llvm::Error linkSharedLibrary(llvm::StringRef object, llvm::StringRef output,
                              const LinkOptions &options);
/// A shared library of kernels for the emulator of GPUs, which has the
/// functions that they call.
llvm::Error linkKernels(llvm::StringRef object, llvm::StringRef output,
                        const LinkOptions &options);
/// A program: the object brings `main`, `libraries` the runner and the runtime.
llvm::Error linkExecutable(llvm::StringRef object,
                           llvm::ArrayRef<std::string> libraries,
                           llvm::StringRef output, const LinkOptions &options);
/// A static library of one object. Its bytes depend on the object's alone.
llvm::Error writeStaticLibrary(llvm::StringRef object, llvm::StringRef member,
                               llvm::StringRef output);

} // namespace ttc

#endif // TTC_TOOLS_TTC_LINKER_H
