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

#include "support/Error.h"

#include <cstdint>
#include <sys/stat.h>
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

/// What an open that failed means: `reason` is its errno. A path that is not
/// there is "not found" unless `dangling`, a symbolic link that leads nowhere.
Status describeOpenFailure(const std::string &path, int reason, bool dangling);

/// Refuses what is open but no regular file; tells the size of one that is.
Status checkRegularFile(const std::string &path, const struct stat &status,
                        uint64_t &size);

/// Reads a whole regular file into memory: what another process does to the
/// file afterwards no longer matters.
Status readFile(const std::string &path, std::vector<unsigned char> &bytes);

/// The bytes of a whole file. Mapped, they are read page by page when they are
/// looked at; the file may be renamed, replaced or grow meanwhile, but if it is
/// truncated, looking at the lost part is fatal (SIGBUS). Read, they are ours,
/// whatever becomes of the file.
class FileBytes {
public:
  FileBytes() = default;
  FileBytes(FileBytes &&other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  FileBytes &operator=(FileBytes &&other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~FileBytes();
  Status map(const std::string &path, const File &file, uint64_t size);
  Status read(const std::string &path, const File &file, uint64_t size);
  const unsigned char *bytes() const { return bytes_; }
  uint64_t size() const { return size_; }

private:
  const unsigned char *bytes_ = nullptr;
  uint64_t size_ = 0;
};

} // namespace ttc

#endif // TTC_FILE_H
