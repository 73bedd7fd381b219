//===- File.h - How is a file opened, read and mapped? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only regular files are read: opening a pipe or a device here cannot hang. A
// file is "not found" only if the system says so of the path itself; every
// other refusal is an error of its own, since who takes one for absence
// overwrites good data.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FILE_H
#define TTC_FILE_H

#include "Error.h"

#include <cstdint>
#include <vector>

namespace ttc {

/// A file descriptor that closes itself.
class File {
public:
  File() = default;
  explicit File(int number) : number_(number) {}
  File(File &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
  File &operator=(File &&other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~File();
  int number() const { return number_; }
  /// Closes now; false if the system reports an error, with errno set.
  bool close();

private:
  int number_ = -1;
};

/// Opens a regular file for reading and tells its size.
Status openRegularFile(const std::string &path, File &file, uint64_t &size);

/// Reads a whole regular file into memory: what another process does to the
/// file afterwards no longer matters.
Status readFile(const std::string &path, std::vector<unsigned char> &bytes);

/// A whole file, mapped for reading. It may be renamed, replaced or grow
/// meanwhile; if it is truncated, reading the lost part is fatal (SIGBUS).
class MappedFile {
public:
  MappedFile() = default;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();
  Status open(const std::string &path);
  const unsigned char *bytes() const { return bytes_; }
  uint64_t size() const { return size_; }

private:
  const unsigned char *bytes_ = nullptr;
  uint64_t size_ = 0;
};

} // namespace ttc

#endif // TTC_FILE_H
