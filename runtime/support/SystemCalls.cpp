//===- SystemCalls.cpp - What does the runtime ask of the system? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/SystemCalls.h"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

// open and openat are variadic, and some C libraries have fstat and lstat as
// macros.
int openFile(const char *path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
}
int openFileAt(int directory, const char *path, int flags) {
  return ::openat(directory, path, flags);
}
int statusOfFile(int file, struct stat *status) {
  return ::fstat(file, status);
}
int statusOfPath(const char *path, struct stat *status) {
  return ::lstat(path, status);
}
void *allocateAligned(size_t alignment, size_t size) {
  void *block = nullptr;
  return ::posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

} // namespace

ttc::SystemCalls ttc::systemCalls = {
    openFile,        statusOfFile, statusOfPath, ::read,
    ::write,         ::fchmod,     ::fsync,      ::close,
    ::link,          ::rename,     ::unlink,     ::mmap,
    allocateAligned, openFileAt,   ::readlinkat, ::pthread_create};
