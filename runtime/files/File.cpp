//===- File.cpp - How is a file opened, read and mapped? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/File.h"

#include "support/Memory.h"
#include "support/SystemCalls.h"

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

Status describeOpenFailure(const std::string &path, int reason, bool dangling) {
  if (reason == ENOENT && dangling)
    return {TTC_ERROR_IO, "IoError",
            "Cannot open " + quoteName(path) +
                ": it is a symbolic link to a file that does not exist."};
  if (reason == ENOENT)
    return {TTC_ERROR_NOT_FOUND, "NotFound",
            "There is no file " + quoteName(path) + "."};
  return {TTC_ERROR_IO, "IoError",
          "Cannot open " + quoteName(path) + ": " + systemReason(reason) + "."};
}

Status checkRegularFile(const std::string &path, const struct stat &status,
                        uint64_t &size) {
  if (!S_ISREG(status.st_mode))
    return {TTC_ERROR_IO, "NotRegularFile",
            "Cannot read " + quoteName(path) + ": it is " +
                (S_ISDIR(status.st_mode)    ? "a directory"
                 : S_ISFIFO(status.st_mode) ? "a pipe"
                                            : "a device") +
                ", a regular file is expected."};
  size = static_cast<uint64_t>(status.st_size);
  return Status::success();
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
    return describeOpenFailure(path, reason,
                               reason == ENOENT &&
                                   systemCalls.lstat(path.c_str(), &link) == 0);
  }
  File opened(number);
  struct stat status;
  if (systemCalls.fstat(number, &status) != 0)
    return {TTC_ERROR_IO, "IoError",
            "Cannot examine " + quoteName(path) + ": " + systemReason(errno) +
                "."};
  Status regular = checkRegularFile(path, status, size);
  if (!regular.failed())
    file = std::move(opened);
  return regular;
}

namespace {

Status checkFitsMemory(const std::string &path, uint64_t size) {
  if (size <= physicalMemory())
    return Status::success();
  return {TTC_ERROR_MEMORY, "BudgetExceeded",
          "Cannot read " + quoteName(path) + ": its " + std::to_string(size) +
              " bytes are more than the memory of this machine, " +
              std::to_string(physicalMemory()) + " bytes."};
}

/// Reads as many bytes as the file had when it was opened.
Status readAll(const std::string &path, const File &file, unsigned char *bytes,
               uint64_t size) {
  uint64_t at = 0;
  while (at < size) {
    ssize_t count = systemCalls.read(file.number(), bytes + at, size - at);
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
  return Status::success();
}

} // namespace

Status readFile(const std::string &path, std::vector<unsigned char> &bytes) {
  File file;
  uint64_t size = 0;
  Status status = openRegularFile(path, file, size);
  if (!status.failed())
    status = checkFitsMemory(path, size);
  if (status.failed())
    return status;
  std::vector<unsigned char> content(size);
  status = readAll(path, file, content.data(), size);
  if (!status.failed())
    bytes = std::move(content);
  return status;
}

FileBytes::~FileBytes() {
  if (bytes_)
    ::munmap(const_cast<unsigned char *>(bytes_), size_);
}

Status FileBytes::map(const std::string &path, const File &file,
                      uint64_t size) {
  FileBytes mapped;
  if (size > 0) {
    void *address = systemCalls.mmap(nullptr, size, PROT_READ, MAP_PRIVATE,
                                     file.number(), 0);
    if (address == MAP_FAILED)
      return {TTC_ERROR_IO, "IoError",
              "Cannot map " + quoteName(path) + " (" + std::to_string(size) +
                  " bytes): " + systemReason(errno) + "."};
    mapped.bytes_ = static_cast<const unsigned char *>(address);
    mapped.size_ = size;
  }
  *this = std::move(mapped);
  return Status::success();
}

Status FileBytes::read(const std::string &path, const File &file,
                       uint64_t size) {
  Status status = checkFitsMemory(path, size);
  if (status.failed())
    return status;
  FileBytes content;
  if (size > 0) {
    // A mapping of no file: whole pages, which cost nothing until they are
    // filled, as a vector's zeros would.
    void *address = systemCalls.mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
      return {TTC_ERROR_MEMORY, "OutOfMemory",
              "There is no room for the " + std::to_string(size) +
                  " bytes of " + quoteName(path) + ": " + systemReason(errno) +
                  "."};
    content.bytes_ = static_cast<const unsigned char *>(address);
    content.size_ = size;
    status = readAll(path, file, static_cast<unsigned char *>(address), size);
    if (status.failed())
      return status;
  }
  *this = std::move(content);
  return Status::success();
}

} // namespace ttc
