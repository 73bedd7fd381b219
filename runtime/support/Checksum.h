//===- Checksum.h - Are these the bytes that were written? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CRC-32C (Castagnoli), as in RFC 3720: reflected polynomial 0x82F63B78,
// initial value and final exclusive-or all ones. "123456789" gives e3069283.
// That of zip archives differs in its polynomial, 0xEDB88320, and gives
// cbf43926.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CHECKSUM_H
#define TTC_CHECKSUM_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace ttc {

/// The checksum of `size` bytes. To go on over more bytes, pass what the bytes
/// before gave.
uint32_t crc32c(const void *data, size_t size, uint32_t before = 0);

/// The same by table, on any CPU: what crc32c falls back to, and its reference.
uint32_t crc32cPortable(const void *data, size_t size, uint32_t before = 0);

/// The checksum of a zip archive's member, in the same way.
uint32_t crc32(const void *data, size_t size, uint32_t before = 0);

/// Eight lowercase hexadecimal digits.
std::string checksumText(uint32_t checksum);

} // namespace ttc

#endif // TTC_CHECKSUM_H
