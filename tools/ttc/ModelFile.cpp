//===- ModelFile.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a file of model IR must be before it is compiled.
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"

#include "passes/TTCPasses.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace ttc;

/// What would break MLIR's parser is refused before: it goes as deep as its
/// text does, and the stack ends before the text may, so brackets are counted,
/// outside of strings and comments; and a resource (`{-# … #-}`) says how it is
/// to be aligned, where 0 makes the parser's allocation fail.
static LogicalResult checkText(StringRef path, StringRef text) {
  constexpr int deepest = 256;
  constexpr StringLiteral unaligned = "\"0x00000000";
  const size_t resources = text.find("{-#");
  int depth = 0;
  unsigned line = 1, column = 0;
  char previous = 0;
  bool inString = false, inComment = false;
  auto refuse = [&](const Twine &sentence) {
    llvm::errs() << path << ":" << line << ":" << column
                 << ": error: " << sentence << "\n";
    return failure();
  };
  for (auto [at, c] : llvm::enumerate(text)) {
    ++column;
    if (c == '\n') {
      ++line;
      column = 0;
      inString = inComment = false;
    } else if (inComment) {
      continue;
    } else if (inString) {
      if (previous == '\\') {
        previous = 0; // escaped: ends neither a string nor an escape
        continue;
      }
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
      if (at > resources && text.substr(at).starts_with(unaligned))
        return refuse("a resource begins with the alignment 0: its first four "
                      "bytes are a power of two, such as \"0x04000000…\"");
    } else if (c == '/' && previous == '/') {
      inComment = true;
    } else if (StringRef("([{<").contains(c)) {
      if (++depth > deepest)
        return refuse("brackets are nested more than " + Twine(deepest) +
                      " deep, which no model needs");
    } else if (StringRef(")]}").contains(c) || (c == '>' && previous != '-')) {
      --depth;
    }
    previous = c;
  }
  return success();
}

static LogicalResult reportAt(StringRef path, const Twine &sentence) {
  llvm::errs() << path << ": error: " << sentence << "\n";
  return failure();
}

LogicalResult ttc::readModelText(StringRef path, llvm::SourceMgr &sources) {
  std::string reason;
  auto file = openInputFile(path, &reason);
  if (!file)
    return reportAt(path, reason);
  if (isBytecode(*file))
    return reportAt(path, "is MLIR bytecode: give the model as text");
  if (failed(checkText(path, file->getBuffer())))
    return failure();
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  return success();
}

LogicalResult ttc::checkModelModule(ModuleOp module) {
  ModelOp model = getOnlyModel(module);
  if (!model)
    return failure();
  for (Operation &op : *module.getBody())
    if (!isa<ModelOp, ParamOp, StateOp>(op))
      return op.emitOpError("cannot stand beside a model: only ttc.param and "
                            "ttc.state can");
  StringRef name = model.getSymName();
  if (name.empty() || llvm::isDigit(name.front()) ||
      !llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return model.emitError()
           << "the name '" << name
           << "' of the model is not an identifier of C, which the symbols "
              "of the binary are made from";
  if (name.starts_with("ttc_"))
    return model.emitError()
           << "the name '" << name
           << "' of the model begins as the runtime's own functions do: give "
              "the model a name that does not begin with 'ttc_'";
  // The descriptor is the symbol ttc_model_<name>, beside functions of the
  // runtime.
  static constexpr StringLiteral reserved[] = {
      "close",     "create",   "get_descriptor",    "open",
      "open_with", "prepared", "prepared_checksum", "descriptor"};
  if (llvm::is_contained(reserved, name))
    return model.emitError()
           << "the name '" << name
           << "' of the model would make the symbol 'ttc_model_" << name
           << "', which is the runtime's own: give the model another name";
  return success();
}
