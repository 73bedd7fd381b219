//===- Checksum.cpp - Are these the bytes that were written? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

/// Table k holds the checksum of a byte followed by k zero bytes: eight bytes
/// of input are then eight look-ups that do not wait for each other.
constexpr Tables makeTables(uint32_t polynomial) {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
    tables[0][byte] = value;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t value = tables[k - 1][byte];
      tables[k][byte] = (value >> 8) ^ tables[0][value & 0xFF];
    }
  return tables;
}

constexpr Tables castagnoli = makeTables(0x82F63B78u);
constexpr Tables zip = makeTables(0xEDB88320u);

uint32_t byTable(const Tables &tables, const void *data, size_t size,
                 uint32_t before) {
  const unsigned char *at = static_cast<const unsigned char *>(data);
  uint32_t value = ~before;
  for (; size >= 8; size -= 8, at += 8) {
    value ^= static_cast<uint32_t>(at[0]) | static_cast<uint32_t>(at[1]) << 8 |
             static_cast<uint32_t>(at[2]) << 16 |
             static_cast<uint32_t>(at[3]) << 24;
    value = tables[7][value & 0xFF] ^ tables[6][(value >> 8) & 0xFF] ^
            tables[5][(value >> 16) & 0xFF] ^ tables[4][value >> 24] ^
            tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
            tables[0][at[7]];
  }
  for (; size; --size, ++at)
    value = (value >> 8) ^ tables[0][(value ^ *at) & 0xFF];
  return ~value;
}

using Function = uint32_t (*)(const void *, size_t, uint32_t);

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
uint32_t crc32cHardware(const void *data, size_t size, uint32_t before) {
  const unsigned char *at = static_cast<const unsigned char *>(data);
  uint64_t value = ~before;
  for (; size >= 8; size -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    value = _mm_crc32_u64(value, word);
  }
  uint32_t narrow = static_cast<uint32_t>(value);
  for (; size; --size, ++at)
    narrow = _mm_crc32_u8(narrow, *at);
  return ~narrow;
}

Function choose() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") ? crc32cHardware
                                          : ttc::crc32cPortable;
}
#elif defined(__aarch64__) && defined(__linux__)
__attribute__((target("arch=armv8-a+crc")))
uint32_t crc32cHardware(const void *data, size_t size, uint32_t before) {
  const unsigned char *at = static_cast<const unsigned char *>(data);
  uint32_t value = ~before;
  for (; size >= 8; size -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    value = __crc32cd(value, word);
  }
  for (; size; --size, ++at)
    value = __crc32cb(value, *at);
  return ~value;
}

Function choose() {
  constexpr unsigned long hwcapCrc32 = 1ul << 7;
  return (getauxval(AT_HWCAP) & hwcapCrc32) ? crc32cHardware
                                            : ttc::crc32cPortable;
}
#else
Function choose() { return ttc::crc32cPortable; }
#endif

} // namespace

uint32_t ttc::crc32cPortable(const void *data, size_t size, uint32_t before) {
  return byTable(castagnoli, data, size, before);
}

uint32_t ttc::crc32(const void *data, size_t size, uint32_t before) {
  return byTable(zip, data, size, before);
}

uint32_t ttc::crc32c(const void *data, size_t size, uint32_t before) {
  static const Function function = choose();
  return function(data, size, before);
}

std::string ttc::checksumText(uint32_t checksum) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(8, '0');
  for (int i = 7; i >= 0; --i, checksum >>= 4)
    text[static_cast<size_t>(i)] = digits[checksum & 0xF];
  return text;
}
