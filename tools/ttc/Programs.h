//===- Programs.h ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Other programs that the driver calls, and the files that they are given.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_PROGRAMS_H
#define TTC_TOOLS_TTC_PROGRAMS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileUtilities.h"

#include <optional>
#include <string>

namespace ttc {

/// The first of `names`, with or without a directory, that there is.
std::optional<std::string> findProgram(llvm::ArrayRef<std::string> names);

/// Calls a program, and says the command on stderr where `verbose`. Returns
/// what it said; where it failed, that is in the error.
llvm::Expected<std::string> runProgram(llvm::StringRef program,
                                       llvm::ArrayRef<std::string> arguments,
                                       bool verbose);

/// A temporary file that is removed in the end.
class TemporaryFile {
public:
  llvm::Error create(llvm::StringRef extension);
  llvm::Error write(llvm::StringRef bytes);
  llvm::Expected<std::string> read() const;
  llvm::StringRef path() const { return location; }

private:
  llvm::SmallString<128> location;
  llvm::FileRemover remover;
};

} // namespace ttc

#endif // TTC_TOOLS_TTC_PROGRAMS_H
