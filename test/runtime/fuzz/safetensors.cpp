//===- safetensors.cpp - Does any file break the safetensors reader? ------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is taken is read to its last byte, so that a range that is wrong is
// found out.
//
//===----------------------------------------------------------------------===//

#include "files/SafetensorsReader.h"
#include "support/Checksum.h"

#include <cstdlib>

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
