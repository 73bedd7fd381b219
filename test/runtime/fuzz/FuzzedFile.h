//===- FuzzedFile.h - Where does a fuzzer's file lie? -----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the readers that open a file themselves: in memory, and gone with the
// process.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FUZZEDFILE_H
#define TTC_FUZZEDFILE_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

class FuzzedFile {
public:
  /// A file of that name in a directory of its own.
  explicit FuzzedFile(const std::string &name) {
    std::string pattern = "/dev/shm/ttc-fuzz-XXXXXX";
    if (!::mkdtemp(pattern.data()))
      std::abort();
    directory_ = pattern;
    path_ = directory_ + "/" + name;
  }
  ~FuzzedFile() { std::filesystem::remove_all(directory_); }
  FuzzedFile(const FuzzedFile &) = delete;
  FuzzedFile &operator=(const FuzzedFile &) = delete;

  const std::string &path() const { return path_; }
  const std::string &directory() const { return directory_; }

  void write(const uint8_t *data, size_t size) const {
    std::FILE *file = std::fopen(path_.c_str(), "wb");
    if (!file || (size && std::fwrite(data, 1, size, file) != size) ||
        std::fclose(file) != 0)
      std::abort();
  }

private:
  std::string directory_, path_;
};

#endif // TTC_FUZZEDFILE_H
