//===- Fuzz.cpp - Does any file break a reader? ---------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One program a reader. A file is taken or refused; whatever is taken is read
// to its last byte, so that a range that is wrong is found out.
//
//===----------------------------------------------------------------------===//

#include "Checksum.h"
#include "Npy.h"
#include "SafetensorsReader.h"
#include "StateFile.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <unistd.h>

namespace {

/// A file of these bytes, for the readers that open one.
class FileOf {
public:
  FileOf(const uint8_t *data, size_t size) {
    std::FILE *file = std::fopen(path.c_str(), "wb");
    if (!file || std::fwrite(data, 1, size, file) != size ||
        std::fclose(file) != 0)
      std::abort();
  }
  ~FileOf() { std::remove(path.c_str()); }
  const std::string path =
      "/dev/shm/ttc-fuzz-" + std::to_string(::getpid()) + ".bin";
};

} // namespace

#if defined(FUZZ_safetensors)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ttc::SafetensorsHeader header;
  if (ttc::parseSafetensors("fuzz", data, size, header).failed())
    return 0;
  uint64_t total = 0;
  for (const ttc::SafetensorsEntry &entry : header.tensors) {
    ttc::crc32c(data + header.dataAt + entry.begin, entry.end - entry.begin);
    total += entry.end - entry.begin;
    if (header.find(entry.name) != &entry)
      std::abort();
  }
  if (total != size - header.dataAt)
    std::abort();
  return 0;
}
#elif defined(FUZZ_states)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Most mutations break a checksum: the header's is set right first, so that
  // what lies behind it is reached.
  std::vector<uint8_t> bytes(data, data + size);
  constexpr char key[] = "\"ttc.header_crc32c\":\"";
  std::string text(bytes.begin(), bytes.end());
  size_t at = text.find(key);
  if (size >= 8 && at != std::string::npos &&
      at + sizeof(key) + 7 <= text.size()) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    if (length <= size - 8) {
      text.replace(at + sizeof(key) - 1, 8, "00000000");
      text.replace(at + sizeof(key) - 1, 8,
                   ttc::checksumText(ttc::crc32c(text.data() + 8, length)));
      bytes.assign(text.begin(), text.end());
    }
  }
  FileOf file(bytes.data(), bytes.size());
  ttc::StateFile states;
  if (ttc::readStateFile(file.path, states).failed())
    return 0;
  for (const ttc::SafetensorsEntry &entry : states.header.tensors)
    ttc::crc32c(states.data(entry), entry.end - entry.begin);
  return 0;
}
#elif defined(FUZZ_npy)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FileOf file(data, size);
  try {
    NpyArray array = readNpy(file.path);
    if (array.elements() * array.itemSize != array.data.size())
      std::abort();
    for (size_t i = 0; i < array.elements(); ++i)
      (void)array.number(i);
  } catch (const std::runtime_error &) {
    // Refused, with a sentence.
  }
  return 0;
}
#endif
