//===- Programs.cpp -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Other programs that the driver calls, and the files that they are given.
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace ttc;

std::optional<std::string> ttc::findProgram(ArrayRef<std::string> names) {
  for (const std::string &name : names)
    if (auto path = sys::findProgramByName(name))
      return *path;
  return std::nullopt;
}

Expected<std::string> ttc::runProgram(StringRef program,
                                      ArrayRef<std::string> arguments,
                                      bool verbose) {
  SmallVector<StringRef> all = {program};
  append_range(all, arguments);
  if (verbose)
    errs() << join(all, " ") << "\n";
  TemporaryFile log;
  if (Error error = log.create("log"))
    return std::move(error);
  std::string reason;
  std::optional<StringRef> redirects[] = {std::nullopt, log.path(), log.path()};
  int status =
      sys::ExecuteAndWait(program, all, std::nullopt, redirects,
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &reason);
  auto said = log.read();
  if (status == 0)
    return said;
  if (!said) {
    consumeError(said.takeError());
    said = "";
  }
  return createStringError("'" + program + "' failed: " + reason + *said);
}

Error TemporaryFile::create(StringRef extension) {
  if (auto error = sys::fs::createTemporaryFile("ttc", extension, location))
    return createStringError("no temporary file could be made: " +
                             error.message());
  remover.setFile(location);
  return Error::success();
}

Error TemporaryFile::write(StringRef bytes) {
  return writeToOutput(location, [&](raw_ostream &out) {
    out << bytes;
    return Error::success();
  });
}

Expected<std::string> TemporaryFile::read() const {
  auto buffer = MemoryBuffer::getFile(location);
  if (!buffer)
    return createStringError(
        "'" + location + "' cannot be read: " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}
