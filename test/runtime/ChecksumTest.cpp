//===- ChecksumTest.cpp - Is CRC-32C right, in every form? ----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Checksum.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

using namespace ttc;

TEST_CASE("CRC-32C gives the values of RFC 3720, appendix B.4") {
  unsigned char bytes[32];
  for (auto function : {crc32c, crc32cPortable}) {
    std::memset(bytes, 0, 32);
    CHECK(function(bytes, 32, 0) == 0x8a9136aau);
    std::memset(bytes, 0xff, 32);
    CHECK(function(bytes, 32, 0) == 0x62a8ab43u);
    for (unsigned char i = 0; i < 32; ++i)
      bytes[i] = i;
    CHECK(function(bytes, 32, 0) == 0x46dd794eu);
    CHECK(function("123456789", 9, 0) == 0xe3069283u);
    CHECK(function(nullptr, 0, 0) == 0u);
  }
}

TEST_CASE("CRC-32C by hardware and by table agree at every length and start") {
  std::vector<unsigned char> bytes(300);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(i * 37 + (i >> 3));
  for (size_t start = 0; start < 9; ++start)
    for (size_t size = 0; start + size <= bytes.size(); ++size)
      REQUIRE(crc32c(bytes.data() + start, size) ==
              crc32cPortable(bytes.data() + start, size));
}

TEST_CASE("CRC-32C of two parts is that of the whole") {
  const char text[] = "a checksum goes on where it stopped";
  uint32_t whole = crc32c(text, sizeof(text));
  for (size_t cut = 0; cut <= sizeof(text); ++cut)
    CHECK(crc32c(text + cut, sizeof(text) - cut, crc32c(text, cut)) == whole);
}

TEST_CASE("The CRC-32 of zip archives") {
  CHECK(crc32("123456789", 9) == 0xcbf43926u);
  CHECK(crc32(nullptr, 0) == 0u);
  CHECK(crc32("3\n", 2) == 0x55679ed1u); // the version member of torch.save
  CHECK(crc32("56789", 5, crc32("1234", 4)) == 0xcbf43926u);
}

TEST_CASE("A checksum is written as eight lowercase digits") {
  CHECK(checksumText(0) == "00000000");
  CHECK(checksumText(0x00abcdefu) == "00abcdef");
  CHECK(checksumText(0xffffffffu) == "ffffffff");
}
