//===- AtomicWrite.cpp - How does a file survive a crash? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order is what matters: the new content is on the disk before it gets the
// name, the old content has a second name before it loses the first, and the
// call returns only when the names are on the disk too.
//
//===----------------------------------------------------------------------===//

#include "files/AtomicWrite.h"

#include "files/File.h"
#include "support/Memory.h"
#include "support/SystemCalls.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace ttc {
namespace {

Status failedTo(const char *what, const std::string &path, int reason) {
  return {TTC_ERROR_IO, "IoError",
          std::string("Cannot ") + what + " " + quoteName(path) + ": " +
              systemReason(reason) + "."};
}

/// A name beside `path` that nobody else uses: a stale one, of a process that
/// crashed and had the same number, is found out when it is created.
std::string temporaryName(const std::string &path) {
  static std::atomic<unsigned> counter{0};
  return path + ".tmp." + std::to_string(::getpid()) + "." +
         std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
}

constexpr int mostStaleNames = 1000;

/// Removes a temporary file unless it has got its final name.
class Temporary {
public:
  explicit Temporary(std::string name) : name_(std::move(name)) {}
  Temporary(const Temporary &) = delete;
  Temporary &operator=(const Temporary &) = delete;
  ~Temporary() {
    if (!kept)
      systemCalls.unlink(name_.c_str());
  }
  const std::string &name() const { return name_; }
  void keep() { kept = true; }

private:
  std::string name_;
  bool kept = false;
};

Status writeAll(const File &file, const std::string &path,
                const std::vector<Piece> &pieces) {
  for (const Piece &piece : pieces) {
    const unsigned char *at = static_cast<const unsigned char *>(piece.data);
    uint64_t left = piece.size;
    while (left) {
      ssize_t count = systemCalls.write(file.number(), at, left);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return failedTo("write", path, count < 0 ? errno : EIO);
      at += count;
      left -= static_cast<uint64_t>(count);
    }
  }
  return Status::success();
}

/// Creates a file of its own beside `path` with this content, on the disk.
Status writeTemporary(const std::string &path, const std::vector<Piece> &pieces,
                      const struct stat *like,
                      std::unique_ptr<Temporary> &temporary) {
  std::unique_ptr<Temporary> created;
  File file;
  for (int tries = 0; file.number() < 0; ++tries) {
    std::string name = temporaryName(path);
    int number = systemCalls.open(
        name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int reason = errno;
    if (number >= 0) {
      file = File(number);
      created = std::make_unique<Temporary>(std::move(name));
    } else if (reason != EINTR &&
               (reason != EEXIST || tries == mostStaleNames)) {
      return failedTo("create", name, reason);
    }
  }
  // Who may read the old file may read the new one, and nobody else.
  if (like && systemCalls.fchmod(file.number(), like->st_mode & 07777) != 0)
    return failedTo("set the permissions of", created->name(), errno);
  Status status = writeAll(file, created->name(), pieces);
  if (status.failed())
    return status;
  // After a failure the system may have dropped the data: a second try would
  // succeed without it.
  if (systemCalls.fsync(file.number()) != 0)
    return failedTo("bring to the disk", created->name(), errno);
  if (!file.close())
    return failedTo("close", created->name(), errno);
  temporary = std::move(created);
  return Status::success();
}

/// Gives the present content of `path` the second name `<path>.prev`. `path`
/// itself is not touched.
Status keepGeneration(const std::string &path, const struct stat &status) {
  std::string previous = path + ".prev";
  std::unique_ptr<Temporary> second;
  for (int tries = 0; !second; ++tries) {
    std::string name = temporaryName(path);
    if (systemCalls.link(path.c_str(), name.c_str()) == 0) {
      second = std::make_unique<Temporary>(std::move(name));
      break;
    }
    int reason = errno;
    if (reason == EEXIST && tries < mostStaleNames)
      continue;
    if (reason != EPERM && reason != ENOTSUP && reason != EOPNOTSUPP &&
        reason != ENOSYS && reason != EMLINK)
      return failedTo("keep the generation before of", path, reason);
    // A file system without hard links: keep a copy.
    std::vector<unsigned char> content;
    Status read = readFile(path, content);
    if (read.failed())
      return read;
    Status written = writeTemporary(path, {{content.data(), content.size()}},
                                    &status, second);
    if (written.failed())
      return written;
  }
  // If both names are of one file already, a rename does nothing, and what is
  // left of the second name goes with `second`.
  if (systemCalls.rename(second->name().c_str(), previous.c_str()) != 0)
    return failedTo("replace", previous, errno);
  return Status::success();
}

} // namespace

Status writeAtomically(const std::string &givenPath,
                       const std::vector<Piece> &pieces) {
  if (givenPath.empty())
    return {TTC_ERROR_ARGUMENT, "InvalidPath", "The path of a file is empty."};
  std::string path = givenPath;
  struct stat status;
  bool exists = systemCalls.lstat(path.c_str(), &status) == 0;
  if (exists && S_ISLNK(status.st_mode)) {
    std::unique_ptr<char, Free> target(::realpath(path.c_str(), nullptr));
    if (!target)
      return failedTo("follow the symbolic link", path, errno);
    path = target.get();
    exists = systemCalls.lstat(path.c_str(), &status) == 0;
  }
  // Only this reason says that there is nothing to keep.
  if (!exists && errno != ENOENT)
    return failedTo("examine", path, errno);
  if (exists && !S_ISREG(status.st_mode))
    return {TTC_ERROR_IO, "NotRegularFile",
            "Cannot write " + quoteName(path) +
                ": what is there is no regular file."};

  // Whatever can fail comes before the new content gets its name.
  size_t slash = path.rfind('/');
  std::string directoryPath = slash == std::string::npos ? "."
                              : slash == 0 ? "/"
                                           : path.substr(0, slash);
  int number = systemCalls.open(directoryPath.c_str(),
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (number < 0)
    return failedTo("open the directory", directoryPath, errno);
  File directory(number);

  std::unique_ptr<Temporary> temporary;
  Status written =
      writeTemporary(path, pieces, exists ? &status : nullptr, temporary);
  if (written.failed())
    return written;
  if (exists) {
    Status kept = keepGeneration(path, status);
    if (kept.failed())
      return kept;
  }
  if (systemCalls.rename(temporary->name().c_str(), path.c_str()) != 0)
    return failedTo("replace", path, errno);
  temporary->keep();
  if (systemCalls.fsync(directory.number()) != 0)
    return failedTo("bring to the disk the directory", directoryPath, errno);
  return Status::success();
}

} // namespace ttc
