//===- SystemCalls.h - What does the runtime ask of the system? -*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every call to the system that can fail goes through this table, so that a
// test can make each of them fail in turn.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SYSTEMCALLS_H
#define TTC_SYSTEMCALLS_H

#include <cstddef>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace ttc {

struct SystemCalls {
  int (*open)(const char *path, int flags, mode_t mode);
  int (*fstat)(int file, struct stat *status);
  int (*lstat)(const char *path, struct stat *status);
  ssize_t (*read)(int file, void *bytes, size_t size);
  ssize_t (*write)(int file, const void *bytes, size_t size);
  int (*fchmod)(int file, mode_t mode);
  int (*fsync)(int file);
  int (*close)(int file);
  int (*link)(const char *from, const char *to);
  int (*rename)(const char *from, const char *to);
  int (*unlink)(const char *path);
  void *(*mmap)(void *address, size_t size, int protection, int flags, int file,
                off_t offset);
  /// Null when there is no memory; released with free().
  void *(*allocateAligned)(size_t alignment, size_t size);
  int (*openat)(int directory, const char *path, int flags);
  ssize_t (*readlinkat)(int directory, const char *path, char *target,
                        size_t size);
  /// Returns the reason, not -1, where it fails.
  int (*startThread)(pthread_t *thread, const pthread_attr_t *attributes,
                     void *(*body)(void *), void *argument);
};

extern SystemCalls systemCalls;

} // namespace ttc

#endif // TTC_SYSTEMCALLS_H
