//===- TorchReader.h - What is in a file of torch.save? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A zip archive: a pickle that describes the tensors, and a member for each
// storage. The pickle's machine knows a fixed table of names, which it never
// calls, and everything is checked before it is used. What is read is a state
// dict, alone or under one of the keys of `torchWrappings`.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TORCHREADER_H
#define TTC_TORCHREADER_H

#include "support/Error.h"
#include "tensors/Dtype.h"

#include <vector>

namespace ttc {

struct TorchEntry {
  std::string name;
  /// May be one that only PyTorch names, which dtypeByName does not know; its
  /// number is 0 then.
  const DtypeInfo *dtype = nullptr;
  uint32_t rank = 0;
  size_t shapeAt = 0; ///< where its sizes begin in `shapes`, and its strides in
                      ///< `strides`
  uint64_t at = 0;    ///< its first element, from the beginning of the file
  uint64_t bytes = 0; ///< of the dense tensor
  /// Its elements are `bytes` bytes from `at`. If not, the strides say where.
  bool contiguous = true;
};

struct TorchHeader {
  std::vector<TorchEntry> tensors; ///< sorted by name
  std::vector<int64_t> shapes;
  std::vector<int64_t> strides; ///< in elements, none negative

  const int64_t *shape(const TorchEntry &entry) const {
    return shapes.data() + entry.shapeAt;
  }
  const int64_t *stride(const TorchEntry &entry) const {
    return strides.data() + entry.shapeAt;
  }
};

/// The keys of a checkpoint under which its state dict is looked for.
constexpr std::string_view torchWrappings[] = {"state_dict", "model_state_dict",
                                               "model"};

/// Whether the first bytes are those of a zip archive, of the format of
/// torch.save before PyTorch 1.6, or of a tar archive.
bool isZip(const unsigned char *bytes, uint64_t size);
bool isLegacyTorch(const unsigned char *bytes, uint64_t size);
bool isTar(const unsigned char *bytes, uint64_t size);

/// `path` is for the sentences only. Of the storages nothing but what frames
/// them is touched, unless `verify` asks for their checksums. Every element of
/// every tensor lies in the file, and the tensors that are not contiguous are,
/// made dense together, at most four times as large as the file (or 256 MiB).
Status parseTorchFile(const std::string &path, const unsigned char *bytes,
                      uint64_t size, bool verify, TorchHeader &header);

} // namespace ttc

#endif // TTC_TORCHREADER_H
