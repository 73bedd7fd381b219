//===- FailingCalls.cpp - What if the system refuses a call? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FailingCalls.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sys/mman.h>

namespace {

constexpr size_t mostAtOnce = 7;

ttc::SystemCalls real;
int untilFailure = -1; ///< -1 for never
int failWith = 0;
bool shorten = false;

/// Whether this call is the one that fails.
bool fails() {
  if (untilFailure < 0 || untilFailure-- > 0)
    return false;
  errno = failWith;
  return true;
}

size_t part(size_t size) { return shorten ? std::min(size, mostAtOnce) : size; }

} // namespace

FailingCalls::FailingCalls(int turn, int reason, bool shortTransfers)
    : before(ttc::systemCalls) {
  real = before;
  untilFailure = turn;
  failWith = reason;
  shorten = shortTransfers;
  ttc::SystemCalls &calls = ttc::systemCalls;
  calls.open = [](const char *path, int flags, mode_t mode) {
    return fails() ? -1 : real.open(path, flags, mode);
  };
  calls.fstat = [](int file, struct stat *status) {
    return fails() ? -1 : real.fstat(file, status);
  };
  calls.lstat = [](const char *path, struct stat *status) {
    return fails() ? -1 : real.lstat(path, status);
  };
  calls.read = [](int file, void *bytes, size_t size) -> ssize_t {
    return fails() ? -1 : real.read(file, bytes, part(size));
  };
  calls.write = [](int file, const void *bytes, size_t size) -> ssize_t {
    return fails() ? -1 : real.write(file, bytes, part(size));
  };
  calls.fchmod = [](int file, mode_t mode) {
    return fails() ? -1 : real.fchmod(file, mode);
  };
  calls.fsync = [](int file) { return fails() ? -1 : real.fsync(file); };
  calls.close = [](int file) {
    // A close that fails has closed nevertheless.
    int result = real.close(file);
    return fails() ? -1 : result;
  };
  calls.link = [](const char *from, const char *to) {
    return fails() ? -1 : real.link(from, to);
  };
  calls.rename = [](const char *from, const char *to) {
    return fails() ? -1 : real.rename(from, to);
  };
  calls.openat = [](int directory, const char *path, int flags) {
    return fails() ? -1 : real.openat(directory, path, flags);
  };
  calls.readlinkat = [](int directory, const char *path, char *target,
                        size_t size) -> ssize_t {
    return fails() ? -1 : real.readlinkat(directory, path, target, size);
  };
  calls.mmap = [](void *address, size_t size, int protection, int flags,
                  int file, off_t offset) {
    // Memory without a file is an allocation, not a file call.
    return !(flags & MAP_ANONYMOUS) && fails()
               ? MAP_FAILED
               : real.mmap(address, size, protection, flags, file, offset);
  };
}

FailingCalls::~FailingCalls() {
  ttc::systemCalls = before;
  untilFailure = -1;
}

bool FailingCalls::reached() const { return untilFailure < 0; }

int openFiles() {
  int count = 0;
  for (const auto &file : std::filesystem::directory_iterator("/proc/self/fd"))
    count += file.path().has_filename() ? 1 : 0;
  return count;
}
