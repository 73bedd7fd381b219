//===- AtomicWrite.h - How does a file survive a crash? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ATOMICWRITE_H
#define TTC_ATOMICWRITE_H

#include "support/Error.h"

#include <cstdint>
#include <vector>

namespace ttc {

struct Piece {
  const void *data;
  uint64_t size;
};

/// Writes the pieces, one after the other, as the new content of `path`. At any
/// moment, whatever crashes, `path` is the old file or the new one, whole; what
/// it was before is kept as `<path>.prev`. A symbolic link is followed, and
/// stays. On success the file and its name are on the disk. On failure the old
/// file is in place, unless the last step, making the new name durable, is what
/// failed.
Status writeAtomically(const std::string &path,
                       const std::vector<Piece> &pieces);

} // namespace ttc

#endif // TTC_ATOMICWRITE_H
