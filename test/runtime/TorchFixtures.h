//===- TorchFixtures.h - How are files of torch.save made here? -*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A writer of zip archives that can lie about everything, and an assembler of
// pickles: each function gives the instructions that leave one value.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TORCHFIXTURES_H
#define TTC_TORCHFIXTURES_H

#include "Fixtures.h"
#include "files/TorchReader.h"

#include <optional>

/// A member as torch.save writes one, but for what is set otherwise.
struct ZipPart {
  std::string name;
  std::string data;
  uint16_t flags = 0x0808;
  uint16_t method = 0;
  bool wideDescriptor = false;
  bool withoutDescriptor = false;
  bool inDirectory = true;
  bool inFile = true;
  std::string localExtra;
  std::string directoryExtra;
  std::string directoryComment;
  std::optional<uint32_t> checksum;
  // What the header before the data says.
  std::optional<std::string> localName;
  std::optional<uint16_t> localFlags;
  std::optional<uint16_t> localMethod;
  std::optional<uint32_t> localSize;
  // What the directory says.
  std::optional<uint32_t> directorySize;
  std::optional<uint32_t> directoryHeaderAt;
  uint16_t disk = 0;

  ZipPart(std::string givenName, std::string givenData)
      : name(std::move(givenName)), data(std::move(givenData)) {}
};

struct ZipWriter {
  std::vector<ZipPart> parts;
  std::string prefix;    ///< before the first member
  std::string gap;       ///< before the directory
  std::string beforeEnd; ///< after the directory
  std::string comment;   ///< after the end, counted
  std::string suffix;    ///< after everything
  bool zip64 = true;
  uint16_t disk = 0;
  std::optional<uint16_t> count;
  std::optional<uint64_t> count64;
  std::optional<uint32_t> directorySize;
  std::optional<uint32_t> directoryAt;
  std::optional<uint64_t> end64At;
  std::optional<uint32_t> disks;

  std::string bytes() const;
  ZipPart &operator[](const std::string &name);
};

/// Little-endian bytes.
template <typename T> std::string bytesOf(T value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof(value));
}

//===----------------------------------------------------------------------===//
// Pickles
//===----------------------------------------------------------------------===//

std::string text(const std::string &value);
std::string number(int64_t value);
std::string name(const std::string &module, const std::string &function);
std::string tuple(const std::vector<std::string> &values);
std::string list(const std::vector<std::string> &values);
/// Keys and values in turn.
std::string dict(const std::vector<std::string> &pairs);
std::string call(const std::string &function, const std::string &arguments);
std::string orderedDict();
std::string numbers(const std::vector<int64_t> &values);
/// A whole pickle of protocol 2.
std::string pickle(const std::string &value);

/// Storage `key` of `count` floats.
std::string storage(const std::string &key, int64_t count,
                    const std::string &type = "FloatStorage",
                    const std::string &location = "cpu");
/// The arguments of a tensor in `storage`.
std::string tensorArguments(const std::string &storage, int64_t offset,
                            const std::vector<int64_t> &sizes,
                            const std::vector<int64_t> &strides);
std::string tensor(const std::string &storage, int64_t offset,
                   const std::vector<int64_t> &sizes,
                   const std::vector<int64_t> &strides);
/// The six floats of storage "0", [2, 3].
std::string tensor();

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// The archive of this pickle and of storage "0" with 24 bytes, 1 to 24.
ZipWriter torchArchive(const std::string &pickle);
std::string storageBytes();
/// Of a state dict of one tensor, "w".
ZipWriter goodArchive();

/// Parses the bytes, which end where their memory ends.
ttc::Status parse(const std::string &bytes, ttc::TorchHeader &header,
                  bool verify = false);
/// They are refused for that cause, in a sentence that names the file, and
/// nothing has changed.
void refusesTorch(const std::string &bytes, const char *cause,
                  bool verify = false);
/// As the state dict, under "w" or as it is.
void refusesPickle(const std::string &pickle, const char *cause);
void refusesValue(const std::string &value, const char *cause);
ttc::TorchHeader acceptsTorch(const std::string &bytes, bool verify = false);
/// Beside a tensor.
void acceptsValue(const std::string &value);

#endif // TTC_TORCHFIXTURES_H
