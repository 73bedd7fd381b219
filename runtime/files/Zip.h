//===- Zip.h - What are the members of a zip archive? -----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of the zip format the part that torch.save writes: members one after the
// other from the first byte of the file to the directory, which ends the
// file; sizes of 64 bits. Two readers of one archive must not see two
// different things in it, so that whatever is said twice (in the directory,
// before a member, after it) must be the same, and no byte may belong to
// nothing. Of a member's data nothing is touched, and what is compressed stays
// so.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ZIP_H
#define TTC_ZIP_H

#include "support/Error.h"

#include <cstdint>
#include <vector>

namespace ttc {

struct ZipMember {
  std::string_view name; ///< in the archive's bytes
  uint64_t headerAt = 0;
  uint64_t dataAt = 0;
  uint64_t size = 0;     ///< as it is stored
  uint64_t unpacked = 0; ///< `size`, unless it is compressed
  uint32_t checksum = 0; ///< CRC-32; 0 where none was computed
  uint16_t flags = 0;
  uint16_t method = 0; ///< of compression; 0 for none
};

struct ZipArchive {
  std::vector<ZipMember> members; ///< sorted by name
  /// The member of that name, or null.
  const ZipMember *find(std::string_view name) const;
};

/// `path` is for the sentences only.
Status parseZip(const std::string &path, const unsigned char *bytes,
                uint64_t size, ZipArchive &archive);

/// The bytes of a member that is not compressed are those of its checksum, if
/// it has one.
Status verifyMember(const std::string &path, const unsigned char *bytes,
                    const ZipMember &member);

} // namespace ttc

#endif // TTC_ZIP_H
