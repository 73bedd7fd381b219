//===- Outputs.cpp --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names files and writes them.
//
//===----------------------------------------------------------------------===//

#include "Outputs.h"
#include "Linker.h"

#include "codegen/Pipelines.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace ttc;

static Error cannotBeWritten(StringRef path, const Twine &reason) {
  return createStringError("'" + path + "' cannot be written: " + reason);
}

/// Through a temporary name and a rename.
static Error writeFile(StringRef path, StringRef bytes) {
  Error error = writeToOutput(path, [&](raw_ostream &out) {
    out << bytes;
    return Error::success();
  });
  if (error)
    return cannotBeWritten(path, toString(std::move(error)));
  return Error::success();
}

Outputs::Outputs(const Options &options, StringRef modelName)
    : options(options) {
  StringRef stem = sys::path::stem(
      options.outputPath.empty() ? options.modelPath : options.outputPath);
  stem.consume_front("lib");
  name = stem.empty() || stem == "-" ? modelName : stem;
}

Error Outputs::writeText(StringRef text) const {
  if (!options.outputPath.empty() && options.outputPath != "-")
    return writeFile(options.outputPath, text);
  outs() << text;
  return Error::success();
}

Error Outputs::writeBeside(StringRef extension, StringRef bytes) const {
  std::string output = binaryPath();
  SmallString<128> path(sys::path::parent_path(output));
  sys::path::append(path, name + "." + extension);
  return writeFile(path, bytes);
}

Error Outputs::writeBinary(StringRef object, const ModelTable &table,
                           const ttc::Target &machine) const {
  std::string path = binaryPath();
  if (Error error = options.emit == Emit::Object
                        ? writeFile(path, object)
                        : linkTo(path, object, table, machine))
    return error;
  if (options.emit == Emit::Executable)
    return Error::success();
  return writeBeside("h", emitHeader(table, name));
}

/// The output's path, made from the model's file where none was given.
std::string Outputs::binaryPath() const {
  if (!options.outputPath.empty())
    return options.outputPath;
  switch (options.emit) {
  case Emit::Object:
    return name + ".o";
  case Emit::Library:
    return "lib" + name + ".a";
  case Emit::Executable:
    return name;
  default:
    return "lib" + name + ".so";
  }
}

/// Linked under a temporary name in the same directory, then renamed: whoever
/// has the old file open keeps it, and nobody sees half of the new one.
Error Outputs::linkTo(StringRef path, StringRef object, const ModelTable &table,
                      const ttc::Target &machine) const {
  SmallString<128> objectPath, linkedPath;
  if (auto error = sys::fs::createTemporaryFile("ttc", "o", objectPath))
    return createStringError("no temporary file could be made: " +
                             error.message());
  FileRemover removeObject(objectPath);
  if (Error error = writeFile(objectPath, object))
    return error;
  if (auto error = sys::fs::createUniqueFile(path + ".%%%%%%.tmp", linkedPath))
    return cannotBeWritten(path, error.message());
  FileRemover removeLinked(linkedPath);
  if (Error error = link(objectPath, linkedPath, path, table, machine))
    return error;
  if (auto error = sys::fs::rename(linkedPath, path))
    return cannotBeWritten(path, error.message());
  removeLinked.releaseFile();
  return Error::success();
}

Error Outputs::link(StringRef objectPath, StringRef linkedPath, StringRef path,
                    const ModelTable &table, const ttc::Target &machine) const {
  LinkOptions linking;
  linking.triple = machine.triple;
  linking.isHost = machine.isHost();
  linking.modelName = table.name;
  linking.soname = sys::path::filename(path).str();
  linking.verbose = options.verbose;
  if (options.emit == Emit::Library)
    return writeStaticLibrary(objectPath, name + ".o", linkedPath);
  if (options.emit == Emit::Shared)
    return linkSharedLibrary(objectPath, linkedPath, linking);
  std::string self = sys::fs::getMainExecutable(nullptr, nullptr);
  SmallString<128> directory(
      sys::path::parent_path(sys::path::parent_path(self)));
  sys::path::append(directory, "lib");
  std::vector<std::string> libraries;
  for (StringRef name : {"libttc_run_main.a", "libttc_runtime.a"}) {
    SmallString<128> library(directory);
    sys::path::append(library, name);
    if (!sys::fs::exists(library))
      return createStringError("'" + library +
                               "' was not found: a program is linked with the "
                               "runtime, which is built beside ttc");
    libraries.push_back(library.str().str());
  }
  return linkExecutable(objectPath, libraries, linkedPath, linking);
}
