//===- Outputs.h ----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where what was made goes: to stdout, or to files whose names follow from the
// output's or the model's, and which are there whole or not at all.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_TTC_OUTPUTS_H
#define TTC_TOOLS_TTC_OUTPUTS_H

#include "Options.h"

#include "codegen/ModelTable.h"
#include "codegen/Target.h"

namespace ttc {

class Outputs {
public:
  /// The model's name is taken where there is no file that has one.
  Outputs(const Options &options, llvm::StringRef modelName);

  /// What files are called, without "lib" and extension.
  llvm::StringRef stem() const { return name; }

  /// To the output that was named, or stdout.
  llvm::Error writeText(llvm::StringRef text) const;
  /// To `<stem>.<extension>` in the output's directory.
  llvm::Error writeBeside(llvm::StringRef extension,
                          llvm::StringRef bytes) const;
  /// As the object, library or program that was asked for, and the header of
  /// the first two beside it.
  llvm::Error writeBinary(llvm::StringRef object, const ModelTable &table,
                          const Target &machine) const;

private:
  std::string binaryPath() const;
  llvm::Error linkTo(llvm::StringRef path, llvm::StringRef object,
                     const ModelTable &table, const Target &machine) const;
  llvm::Error link(llvm::StringRef objectPath, llvm::StringRef linkedPath,
                   llvm::StringRef path, const ModelTable &table,
                   const Target &machine) const;

  const Options &options;
  std::string name;
};

} // namespace ttc

#endif // TTC_TOOLS_TTC_OUTPUTS_H
