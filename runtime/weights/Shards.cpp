//===- Shards.cpp - Where are the tensors of a sharded checkpoint? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "weights/Shards.h"

#include "support/SystemCalls.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>

namespace ttc {
namespace {

/// Names beyond these are counted, not listed.
constexpr size_t mostListed = 16;

constexpr int openFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW;

/// ../../blobs/<name>, as a snapshot's links lead into the store beside it.
bool leadsToBlob(std::string_view target) {
  size_t steps = 0;
  while (target.substr(0, 3) == "../") {
    target.remove_prefix(3);
    ++steps;
  }
  constexpr std::string_view store = "blobs/";
  return steps >= 2 && target.substr(0, store.size()) == store &&
         isPlainFileName(target.substr(store.size()));
}

bool sameFile(const struct stat &a, const struct stat &b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
         a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// Findings of which only the first are listed.
class BoundedFindings {
public:
  void add(ttc_status code, const char *cause, const std::string &what) {
    if (count++ < mostListed)
      findings.add(code, cause, what);
  }
  bool any() const { return count > 0; }
  Status status(const std::string &before) const {
    if (count <= mostListed)
      return findings.status(before);
    Status first = findings.status(before);
    return {first.code(), first.cause(),
            first.message() + " (and " + std::to_string(count - mostListed) +
                " more)"};
  }

private:
  Findings findings;
  size_t count = 0;
};

} // namespace

std::string Shards::pathOf(const std::string &name) const {
  size_t slash = indexPath.rfind('/');
  return slash == std::string::npos ? name
                                    : indexPath.substr(0, slash + 1) + name;
}

int Shards::openNamed(const std::string &name) const {
  int number = 0;
  do
    number = systemCalls.openat(directory.number(), name.c_str(), openFlags);
  while (number < 0 && errno == EINTR);
  return number;
}

/// Follows a symbolic link, one step.
Status Shards::openLinked(const std::string &name, File &file) const {
  char buffer[PATH_MAX];
  ssize_t length = systemCalls.readlinkat(directory.number(), name.c_str(),
                                          buffer, sizeof(buffer));
  if (length < 0)
    return {TTC_ERROR_IO, "IoError",
            "Cannot read the symbolic link " + quoteName(pathOf(name)) + ": " +
                systemReason(errno) + "."};
  std::string target(buffer, static_cast<size_t>(length));
  std::string who = "The shard " + quoteName(pathOf(name)) +
                    " is a symbolic link to " + quoteName(target);
  if (!isPlainFileName(target) && !leadsToBlob(target))
    return {TTC_ERROR_FORMAT, "ShardPathEscape",
            who + ", but it may lead only to a file beside the index, or into "
                  "its snapshot's store of blobs. Put the file itself there."};
  const int number = openNamed(target);
  const int reason = errno;
  if (number >= 0) {
    file = File(number);
    return Status::success();
  }
  if (reason == ENOENT)
    return {TTC_ERROR_NOT_FOUND, "NotFound", who + ", which does not exist."};
  if (reason == ELOOP)
    return {TTC_ERROR_FORMAT, "ShardPathEscape",
            who + ", which is a symbolic link itself. Put the file itself "
                  "there."};
  return {TTC_ERROR_IO, "IoError",
          who + ", which cannot be opened: " + systemReason(reason) + "."};
}

Status Shards::openFile(const std::string &name, File &file,
                        struct stat &seen) const {
  const int number = openNamed(name);
  const int reason = errno;
  Status status = Status::success();
  if (number >= 0)
    file = File(number);
  else if (reason == ELOOP)
    status = openLinked(name, file);
  else
    status = describeOpenFailure(pathOf(name), reason, false);
  if (status.failed())
    return status;
  if (systemCalls.fstat(file.number(), &seen) != 0)
    return {TTC_ERROR_IO, "IoError",
            "Cannot examine " + quoteName(pathOf(name)) + ": " +
                systemReason(errno) + "."};
  uint64_t size = 0;
  return checkRegularFile(pathOf(name), seen, size);
}

Status Shards::missing(const std::vector<std::string> &names) const {
  std::string list, partial;
  for (size_t i = 0; i < names.size() && i < mostListed; ++i) {
    list += (i ? ", " : "") + quoteName(names[i]);
    File file;
    struct stat status;
    if (!openFile(names[i] + ".incomplete", file, status).failed())
      partial = "; " + quoteName(names[i] + ".incomplete") +
                " is what a download that did not end has left";
  }
  if (names.size() > mostListed)
    list += " and " + std::to_string(names.size() - mostListed) + " more";
  return {TTC_ERROR_MISSING, "MissingShard",
          "The index " + quoteName(indexPath) +
              " names shards that are not "
              "there: " +
              list + partial + ". Fetch them."};
}

/// Opens each shard, and closes it again.
Status Shards::readTables(const ShardIndex &index,
                          std::vector<uint32_t> &shardOf,
                          std::vector<TensorTable> &tables) {
  std::map<std::pair<dev_t, ino_t>, uint32_t> known;
  std::vector<std::string> absent;
  for (const std::string &name : index.shards) {
    Shard shard;
    shard.name = name;
    File file;
    Status status = openFile(name, file, shard.seen);
    if (status.code() == TTC_ERROR_NOT_FOUND) {
      absent.push_back(name);
      continue;
    }
    if (status.failed())
      return status;
    // A file under two names is one shard.
    auto [entry, isNew] =
        known.emplace(std::make_pair(shard.seen.st_dev, shard.seen.st_ino),
                      static_cast<uint32_t>(shards.size()));
    shardOf.push_back(entry->second);
    if (!isNew)
      continue;
    const std::string path = pathOf(name);
    const uint64_t size = static_cast<uint64_t>(shard.seen.st_size);
    FileBytes bytes;
    status = flags & TTC_WEIGHTS_COPY ? bytes.read(path, file, size)
                                      : bytes.map(path, file, size);
    if (status.failed())
      return status;
    TensorTable table;
    status = tellKind(path, bytes.bytes(), size, shard.kind);
    if (!status.failed() && shard.kind == FileKind::Index)
      status = {TTC_ERROR_FORMAT, "FormatMismatch",
                quoteName(path) + " is an index itself."};
    if (!status.failed())
      status = readTable(path, shard.kind, bytes.bytes(), size,
                         flags & TTC_WEIGHTS_VERIFY, table);
    if (status.failed())
      return {status.code(), "ShardError",
              "Cannot use the index " + quoteName(indexPath) +
                  ", its shard is wrong (" + status.cause() +
                  "): " + status.message()};
    if (!shards.empty() && shards.front().kind != shard.kind &&
        !(flags & TTC_WEIGHTS_LENIENT))
      return {TTC_ERROR_FORMAT, "MixedFormats",
              "The index " + quoteName(indexPath) +
                  " has shards of both "
                  "formats, " +
                  quoteName(shards.front().name) + " and " + quoteName(name) +
                  ". If that is meant, open it with TTC_WEIGHTS_LENIENT."};
    const int kept = flags & (TTC_WEIGHTS_COPY | TTC_WEIGHTS_META);
    if (kept == TTC_WEIGHTS_COPY) {
      shard.bytes = std::move(bytes);
      shard.opened = true;
    }
    tables.push_back(std::move(table));
    shards.push_back(std::move(shard));
  }
  return absent.empty() ? Status::success() : missing(absent);
}

/// Compares what the shards have with what the index says.
Status Shards::join(const ShardIndex &index,
                    const std::vector<uint32_t> &shardOf,
                    std::vector<TensorTable> &tables, TensorTable &table) {
  struct Found {
    const SafetensorsEntry *entry;
    uint32_t shard;
  };
  size_t count = 0;
  for (const TensorTable &each : tables)
    count += each.header.tensors.size();
  std::vector<Found> found;
  found.reserve(count);
  for (size_t i = 0; i < tables.size(); ++i)
    for (const SafetensorsEntry &entry : tables[i].header.tensors)
      found.push_back({&entry, static_cast<uint32_t>(i)});
  std::sort(found.begin(), found.end(), [](const Found &a, const Found &b) {
    int order = a.entry->name.compare(b.entry->name);
    return order ? order < 0 : a.shard < b.shard;
  });

  const bool lenient = flags & TTC_WEIGHTS_LENIENT;
  BoundedFindings findings;
  std::vector<Found> taken;
  taken.reserve(index.keys.size());
  auto nameOf = [&](uint32_t shard) { return quoteName(shards[shard].name); };
  size_t at = 0, key = 0;
  while (at < found.size() || key < index.keys.size()) {
    const std::string &name =
        at == found.size() || (key < index.keys.size() &&
                               index.keys[key].name < found[at].entry->name)
            ? index.keys[key].name
            : found[at].entry->name;
    size_t end = at;
    while (end < found.size() && found[end].entry->name == name)
      ++end;
    const bool listed = key < index.keys.size() && index.keys[key].name == name;
    const uint32_t wanted = listed ? shardOf[index.keys[key].shard] : 0;
    const auto place =
        std::find_if(found.data() + at, found.data() + end,
                     [&](const Found &f) { return f.shard == wanted; });
    if (listed && at == end)
      findings.add(TTC_ERROR_MISSING, "MissingKey",
                   quoteName(name) + ", listed for " + nameOf(wanted) +
                       ", is in no shard");
    else if (end - at > 1 && !lenient)
      findings.add(TTC_ERROR_UNEXPECTED, "DuplicateKeyAcrossShards",
                   quoteName(name) + " is in " + nameOf(found[at].shard) +
                       " and in " + nameOf(found[at + 1].shard));
    else if (listed && place == found.data() + end)
      findings.add(TTC_ERROR_UNEXPECTED, "KeyInWrongShard",
                   quoteName(name) + " is listed for " + nameOf(wanted) +
                       ", but is in " + nameOf(found[at].shard));
    else if (!listed && !lenient)
      findings.add(TTC_ERROR_UNEXPECTED, "UnindexedKey",
                   quoteName(name) + " in " + nameOf(found[at].shard) +
                       " is not in the index");
    else if (listed)
      taken.push_back(*place);
    at = end;
    key += listed;
  }
  if (findings.any())
    return findings.status("The shards of the index " + quoteName(indexPath) +
                           " are not as it says: ");

  std::vector<size_t> shapesAt(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    shapesAt[i] = table.header.shapes.size();
    table.header.shapes.insert(table.header.shapes.end(),
                               tables[i].header.shapes.begin(),
                               tables[i].header.shapes.end());
    for (auto &[shapeAt, strides] : tables[i].strides)
      table.strides.emplace(shapesAt[i] + shapeAt, std::move(strides));
  }
  table.header.tensors.reserve(taken.size());
  ofTensor.reserve(taken.size());
  for (const Found &each : taken) {
    SafetensorsEntry entry = *each.entry;
    const uint64_t dataAt = tables[each.shard].header.dataAt;
    entry.shapeAt += shapesAt[each.shard];
    entry.begin += dataAt;
    entry.end += dataAt;
    table.header.tensors.push_back(std::move(entry));
    ofTensor.push_back(each.shard);
  }
  return Status::success();
}

Status Shards::open(const std::string &path, const ShardIndex &index,
                    int givenFlags, TensorTable &table, std::string &notes) {
  indexPath = path;
  flags = givenFlags;
  size_t slash = path.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int number = 0;
  do
    number =
        systemCalls.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  while (number < 0 && errno == EINTR);
  if (number < 0)
    return {TTC_ERROR_IO, "IoError",
            "Cannot open the directory " + quoteName(folder) + ": " +
                systemReason(errno) + "."};
  directory = File(number);

  std::vector<uint32_t> shardOf;
  std::vector<TensorTable> tables;
  Status status = readTables(index, shardOf, tables);
  TensorTable joined;
  if (!status.failed())
    status = join(index, shardOf, tables, joined);
  if (status.failed())
    return status;

  notes = oddNumbering(path, index);
  uint64_t total = 0;
  for (const SafetensorsEntry &entry : joined.header.tensors)
    total += entry.end - entry.begin;
  // Tied weights are counted once or twice, as the writer likes.
  if (index.totalSize && *index.totalSize != total)
    notes += (notes.empty() ? "" : " ") + ("The index " + quoteName(path)) +
             " counts " + std::to_string(*index.totalSize) +
             " bytes of tensors, its shards have " + std::to_string(total) +
             ".";
  table = std::move(joined);
  return status;
}

Status Shards::bytesOf(size_t index, const unsigned char *&bytes) {
  Shard &shard = shards[ofTensor[index]];
  if (!shard.opened) {
    File file;
    struct stat now;
    Status status = openFile(shard.name, file, now);
    if (status.failed())
      return status;
    const std::string path = pathOf(shard.name);
    if (!sameFile(now, shard.seen))
      return {TTC_ERROR_IO, "FileChanged",
              "The shard " + quoteName(path) +
                  " is not the file any more that it was when its index was "
                  "opened. Open the index again."};
    status = shard.bytes.map(path, file, static_cast<uint64_t>(now.st_size));
    if (status.failed())
      return status;
    shard.opened = true;
  }
  bytes = shard.bytes.bytes();
  return Status::success();
}

} // namespace ttc
