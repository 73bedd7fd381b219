//===- states.cpp - Does any file break the reader of states? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/StateFile.h"
#include "support/Checksum.h"

#include <cstring>

namespace {

/// Most mutations break the header's checksum: it is set right first, so that
/// what lies behind it is reached.
void seal(std::vector<unsigned char> &bytes) {
  constexpr std::string_view key = "\"ttc.header_crc32c\":\"";
  std::string_view text(reinterpret_cast<const char *>(bytes.data()),
                        bytes.size());
  size_t at = text.find(key);
  uint64_t length = 0;
  if (at == std::string_view::npos || at < 8 ||
      at + key.size() + 8 > bytes.size())
    return;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8)
    return;
  unsigned char *digits = bytes.data() + at + key.size();
  std::memset(digits, '0', 8);
  std::string sum = ttc::checksumText(ttc::crc32c(bytes.data() + 8, length));
  std::memcpy(digits, sum.data(), 8);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ttc::StateFile states;
  states.bytes.assign(data, data + size);
  seal(states.bytes);
  if (ttc::checkStateFile("fuzz", states).failed())
    return 0;
  for (const ttc::SafetensorsEntry &entry : states.header.tensors)
    ttc::crc32c(states.data(entry), entry.end - entry.begin);
  return 0;
}
