//===- File.cpp - How is a file opened, read and mapped? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"

#include "Memory.h"
#include "SystemCalls.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>

namespace ttc {

File::~File() {
  if (number_ >= 0)
    systemCalls.close(number_);
}

bool File::close() {
  int number = std::exchange(number_, -1);
  return number < 0 || systemCalls.close(number) == 0;
}

Status openRegularFile(const std::string &path, File &file, uint64_t &size) {
  if (path.empty())
    return {TTC_ERROR_ARGUMENT, "InvalidPath", "The path of a file is empty."};
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  int number = 0;
  do
    number =
        systemCalls.open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  while (number < 0 && errno == EINTR);
  if (number < 0) {
    int reason = errno;
    struct stat link;
    if (reason == ENOENT && systemCalls.lstat(path.c_str(), &link) == 0)
      return {TTC_ERROR_IO, "IoError",
              "Cannot open " + quoteName(path) +
                  ": it is a symbolic link to a file that does not exist."};
    if (reason == ENOENT)
      return {TTC_ERROR_NOT_FOUND, "NotFound",
              "There is no file " + quoteName(path) + "."};
    return {TTC_ERROR_IO, "IoError",
            "Cannot open " + quoteName(path) + ": " + systemReason(reason) +
                "."};
  }
  File opened(number);
  struct stat status;
  if (systemCalls.fstat(number, &status) != 0)
    return {TTC_ERROR_IO, "IoError",
            "Cannot examine " + quoteName(path) + ": " + systemReason(errno) +
                "."};
  if (!S_ISREG(status.st_mode))
    return {TTC_ERROR_IO, "NotRegularFile",
            "Cannot read " + quoteName(path) + ": it is " +
                (S_ISDIR(status.st_mode)    ? "a directory"
                 : S_ISFIFO(status.st_mode) ? "a pipe"
                                            : "a device") +
                ", a regular file is expected."};
  file = std::move(opened);
  size = static_cast<uint64_t>(status.st_size);
  return Status::success();
}

Status readFile(const std::string &path, std::vector<unsigned char> &bytes) {
  File file;
  uint64_t size = 0;
  Status status = openRegularFile(path, file, size);
  if (status.failed())
    return status;
  if (size > physicalMemory())
    return {TTC_ERROR_MEMORY, "BudgetExceeded",
            "Cannot read " + quoteName(path) + ": its " + std::to_string(size) +
                " bytes are more than the memory of this machine, " +
                std::to_string(physicalMemory()) + " bytes."};
  std::vector<unsigned char> content(size);
  uint64_t at = 0;
  while (at < size) {
    ssize_t count =
        systemCalls.read(file.number(), content.data() + at, size - at);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return {TTC_ERROR_IO, "IoError",
              "Cannot read " + quoteName(path) + ": " + systemReason(errno) +
                  "."};
    if (count == 0)
      return {TTC_ERROR_IO, "IoError",
              "Cannot read " + quoteName(path) + ": it became shorter, " +
                  std::to_string(at) + " bytes instead of " +
                  std::to_string(size) + ", while it was read."};
    at += static_cast<uint64_t>(count);
  }
  bytes = std::move(content);
  return Status::success();
}

MappedFile::~MappedFile() {
  if (bytes_)
    ::munmap(const_cast<unsigned char *>(bytes_), size_);
}

Status MappedFile::open(const std::string &path) {
  File file;
  uint64_t size = 0;
  Status status = openRegularFile(path, file, size);
  if (status.failed() || size == 0)
    return status;
  void *address =
      systemCalls.mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (address == MAP_FAILED)
    return {TTC_ERROR_IO, "IoError",
            "Cannot map " + quoteName(path) + " (" + std::to_string(size) +
                " bytes): " + systemReason(errno) + "."};
  bytes_ = static_cast<const unsigned char *>(address);
  size_ = size;
  return Status::success();
}

} // namespace ttc
