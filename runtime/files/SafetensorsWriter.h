//===- SafetensorsWriter.h - How does a safetensors file begin? -*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Equal tensors and metadata give equal bytes: keys are sorted, tensors are
// taken in order of name, and the header is filled with spaces so that the data
// starts at a multiple of 64 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SAFETENSORSWRITER_H
#define TTC_SAFETENSORSWRITER_H

#include "files/AtomicWrite.h"

#include <map>

namespace ttc {

/// A tensor that goes into a file.
struct OutgoingTensor {
  std::string name; ///< valid UTF-8
  const char *dtypeName;
  const int64_t *shape;
  size_t rank;
  Piece data;
};

/// The eight bytes of length and the header of a file in which the data of
/// `tensors`, sorted by name, follows without a hole.
std::string
makeSafetensorsHeader(const std::map<std::string, std::string> &metadata,
                      const std::vector<OutgoingTensor> &tensors);

} // namespace ttc

#endif // TTC_SAFETENSORSWRITER_H
