//===- FileKind.h - What kind of file do these bytes begin? -----*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kind of a weights file is told by its content. Its name may say nothing,
// but not something else: who believes a file to be one thing and has another
// is told so, and nothing is tried again in another way.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FILEKIND_H
#define TTC_FILEKIND_H

#include "support/Error.h"

#include <cstdint>

namespace ttc {

enum class FileKind {
  Safetensors,
  Torch, ///< the zip archive that torch.save writes
  Index, ///< JSON, which names the shards of a checkpoint
  Unknown
};

/// What the first bytes say.
FileKind kindOfContent(const unsigned char *bytes, uint64_t size);

/// Which kind the end of the name promises, if any.
FileKind kindOfName(std::string_view path);

/// The kind to read the file as: that of its content, which the name must not
/// deny. A file of no kind is read as its name says, so that its reader says
/// what is wrong with it.
Status tellKind(const std::string &path, const unsigned char *bytes,
                uint64_t size, FileKind &kind);

/// What a file that is no weights file probably is, to follow a sentence about
/// it: "; it is a pointer of git-lfs: ...". Empty if nobody knows.
std::string hintOfContent(const unsigned char *bytes, uint64_t size);

} // namespace ttc

#endif // TTC_FILEKIND_H
