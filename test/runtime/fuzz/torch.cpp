//===- torch.cpp - Does any file break the reader of torch.save's files? --===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What begins as a pickle does is put into an archive without checksums, since
// chance alone seldom finds bytes that an archive fits. What is taken is read
// to its last byte, so that a range that is wrong is found out.
//
//===----------------------------------------------------------------------===//

#include "files/TorchReader.h"
#include "support/Checksum.h"
#include "tensors/Strided.h"

#include <cstdlib>
#include <cstring>

namespace {

template <typename T> void append(std::string &bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

/// What a header and the directory say alike, from the flags to the length of
/// the extra fields.
void describe(std::string &bytes, const std::string &name, size_t size) {
  append(bytes, uint16_t(0x0800));
  append(bytes, uint16_t(0));
  append(bytes, uint64_t(0)); // time, and no checksum
  append(bytes, static_cast<uint32_t>(size));
  append(bytes, static_cast<uint32_t>(size));
  append(bytes, static_cast<uint16_t>(name.size()));
  append(bytes, uint16_t(0));
}

std::string archiveOf(std::string_view pickle) {
  const std::pair<std::string, std::string> members[] = {
      {"a/data.pkl", std::string(pickle)},
      {"a/version", "3\n"},
      {"a/data/0", std::string(24, '0')},
      {"a/data/1", std::string(12, '1')},
      {"a/data/2", std::string(8, '\1')}};
  std::string bytes, directory;
  for (const auto &[name, data] : members) {
    append(directory, uint32_t(0x02014b50));
    append(directory, uint32_t(0));
    describe(directory, name, data.size());
    append(directory, uint64_t(0));
    append(directory, uint16_t(0));
    append(directory, static_cast<uint32_t>(bytes.size()));
    directory += name;
    append(bytes, uint32_t(0x04034b50));
    append(bytes, uint16_t(0));
    describe(bytes, name, data.size());
    bytes += name + data;
  }
  const uint32_t at = static_cast<uint32_t>(bytes.size());
  bytes += directory;
  append(bytes, uint32_t(0x06054b50));
  append(bytes, uint32_t(0));
  append(bytes, uint16_t(std::size(members)));
  append(bytes, uint16_t(std::size(members)));
  append(bytes, static_cast<uint32_t>(directory.size()));
  append(bytes, at);
  append(bytes, uint16_t(0));
  return bytes;
}

void read(const uint8_t *data, size_t size, bool verify) {
  ttc::TorchHeader header;
  if (ttc::parseTorchFile("fuzz", data, size, verify, header).failed())
    return;
  std::vector<unsigned char> dense;
  for (size_t i = 0; i < header.tensors.size(); ++i) {
    const ttc::TorchEntry &entry = header.tensors[i];
    if (i > 0 && header.tensors[i - 1].name >= entry.name)
      std::abort();
    if (entry.contiguous) {
      ttc::crc32c(data + entry.at, entry.bytes);
    } else if (entry.bytes && entry.bytes <= size_t(1) << 20) {
      dense.resize(entry.bytes);
      ttc::copyDense(data + entry.at, header.shape(entry), header.stride(entry),
                     entry.rank, entry.dtype->bits / 8, dense.data());
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && data[0] == 0x80) {
    // In a block of its own, whose end a sanitizer knows.
    const std::string archive =
        archiveOf({reinterpret_cast<const char *>(data), size});
    std::vector<uint8_t> exact(archive.begin(), archive.end());
    read(exact.data(), exact.size(), false);
  } else {
    read(data, size, size % 2 == 0);
  }
  return 0;
}
