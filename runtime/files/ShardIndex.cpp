//===- ShardIndex.cpp - Which shards has a checkpoint? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/ShardIndex.h"

#include "files/FileKind.h"
#include "files/Json.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace ttc {
namespace {

constexpr uint64_t largestIndex = 64 << 20;
constexpr size_t longestFileName = 255;
constexpr unsigned deepest = 16;

Status bad(const std::string &path, const char *cause,
           const std::string &what) {
  return {TTC_ERROR_FORMAT, cause,
          "Cannot read the index " + quoteName(path) + ": " + what + "."};
}

/// Hears the index's JSON, one event at a time. What stands beside the two keys
/// that are known is passed over.
class IndexEvents final : public JsonEvents {
public:
  IndexEvents(const std::string &path, ShardIndex &index)
      : path(path), index(index) {}

  Status takeStatus() { return std::move(status); }
  bool hadWeightMap() const { return weightMapSeen; }

  bool other(const std::string &what) override { return scalar(what); }

  bool unsignedInteger(uint64_t value) override {
    if (depth == 2 && topKey == "metadata" && key_ == "total_size")
      index.totalSize = value;
    return scalar("a number");
  }

  bool string(std::string &value) override {
    if (!inWeightMap())
      return scalar("a string");
    if (value.empty())
      return fail("BadShardName",
                  "the shard of " + quoteName(key_) + " has an empty name");
    if (!isPlainFileName(value))
      return fail("ShardPathEscape",
                  "the shard of " + quoteName(key_) + " is " +
                      quoteName(value) +
                      ", but only the name of a file that lies beside the "
                      "index can be one");
    uint32_t next = static_cast<uint32_t>(numbers.size());
    uint32_t shard = numbers.emplace(std::move(value), next).first->second;
    index.keys.push_back({std::move(key_), shard});
    return true;
  }

  bool key(std::string &name) override {
    if (depth == 1) {
      if (!topKeys.insert(name).second)
        return fail("BadIndex",
                    "the key " + quoteName(name) + " is there twice");
      topKey = std::move(name);
      weightMapSeen |= topKey == "weight_map";
      return true;
    }
    if (depth == 2 && topKey == "metadata" && name == "total_size" &&
        std::exchange(totalSizeSeen, true))
      return fail("BadIndex", "'total_size' is there twice");
    if (depth == 2)
      key_ = std::move(name);
    return true;
  }

  bool startObject() override {
    if (inWeightMap())
      return scalar("an object");
    key_.clear();
    return enter();
  }
  bool startArray() override {
    if (depth == 0 || inWeightMap() || (depth == 1 && topKey == "weight_map"))
      return scalar("an array");
    key_.clear();
    return enter();
  }
  bool endObject() override { return --depth, true; }
  bool endArray() override { return --depth, true; }

  void error(uint64_t position, const std::string &why) override {
    fail("BadIndex", "it is not valid JSON at byte " +
                         std::to_string(position) +
                         (why.empty() ? "" : ", " + why));
  }

  /// The shards in order, and the keys with their new numbers.
  void finish() {
    std::vector<uint32_t> newNumber(numbers.size());
    for (const auto &[name, number] : numbers) {
      newNumber[number] = static_cast<uint32_t>(index.shards.size());
      index.shards.push_back(name);
    }
    for (ShardIndex::Key &key : index.keys)
      key.shard = newNumber[key.shard];
    std::sort(index.keys.begin(), index.keys.end(),
              [](const ShardIndex::Key &a, const ShardIndex::Key &b) {
                return a.name < b.name;
              });
  }

private:
  bool inWeightMap() const { return depth == 2 && topKey == "weight_map"; }

  bool enter() {
    if (++depth > deepest)
      return fail("BadIndex", "it nests deeper than " +
                                  std::to_string(deepest) + " levels");
    return true;
  }

  bool fail(const char *cause, const std::string &what) {
    status = bad(path, cause, what);
    return false;
  }

  /// A value that matters only where another is expected.
  bool scalar(const std::string &what) {
    if (depth == 0)
      return fail("BadIndex", "it is " + what + ", an object is expected");
    if (depth == 1 && topKey == "weight_map")
      return fail("BadIndex",
                  "'weight_map' is " + what + ", an object is expected");
    if (inWeightMap())
      return fail("BadShardName", "the shard of " + quoteName(key_) + " is " +
                                      what + ", a file's name is expected");
    return true;
  }

  const std::string &path;
  ShardIndex &index;
  Status status = Status::success();
  std::map<std::string, uint32_t> numbers; ///< of the shards, as they came
  std::set<std::string> topKeys;
  std::string topKey, key_;
  unsigned depth = 0;
  bool weightMapSeen = false, totalSizeSeen = false;
};

/// Both numbers of "model-00001-of-00003.safetensors".
bool numbering(const std::string &name, uint64_t &number, uint64_t &count) {
  size_t of = name.rfind("-of-");
  if (of == std::string::npos)
    return false;
  auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
  auto valueOf = [&](size_t begin, size_t end, uint64_t &value) {
    // Nine digits cannot overflow, and no checkpoint has more shards.
    if (begin == end || end - begin > 9)
      return false;
    for (value = 0; begin < end; ++begin)
      value = value * 10 + static_cast<uint64_t>(name[begin] - '0');
    return true;
  };
  size_t begin = of, end = of + 4;
  while (begin > 0 && isDigit(name[begin - 1]))
    --begin;
  while (end < name.size() && isDigit(name[end]))
    ++end;
  return valueOf(begin, of, number) && valueOf(of + 4, end, count);
}

} // namespace

bool isPlainFileName(std::string_view name) {
  if (name.empty() || name.size() > longestFileName || name == "." ||
      name == ".." || name[0] == '~')
    return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || c == ':' ||
           static_cast<unsigned char>(c) < 0x20;
  });
}

Status parseShardIndex(const std::string &path, const unsigned char *bytes,
                       uint64_t size, ShardIndex &index) {
  if (size > largestIndex)
    return bad(path, "BadIndex",
               "it has " + std::to_string(size) + " bytes, at most " +
                   std::to_string(largestIndex) + " are read");
  uint64_t start = 0;
  while (start < size && (bytes[start] == ' ' || bytes[start] == '\t' ||
                          bytes[start] == '\n' || bytes[start] == '\r'))
    ++start;
  if (start == size || bytes[start] != '{')
    return bad(path, "BadIndex",
               start == size
                   ? std::string("it is empty")
                   : "it does not begin with '{'" + hintOfContent(bytes, size));
  ShardIndex result;
  IndexEvents events(path, result);
  if (!parseJson(bytes, size, events))
    return events.takeStatus();
  if (!events.hadWeightMap())
    return bad(path, "BadIndex",
               "it has no 'weight_map', which says in which file each tensor "
               "is");
  if (result.keys.empty())
    return bad(path, "BadIndex", "its 'weight_map' is empty");
  events.finish();
  for (size_t i = 1; i < result.keys.size(); ++i)
    if (result.keys[i].name == result.keys[i - 1].name)
      return bad(path, "BadIndex",
                 "in 'weight_map', the key " + quoteName(result.keys[i].name) +
                     " is there twice");
  index = std::move(result);
  return Status::success();
}

std::string oddNumbering(const std::string &path, const ShardIndex &index) {
  std::set<uint64_t> numbers;
  uint64_t count = 0;
  for (const std::string &name : index.shards) {
    uint64_t number = 0, of = 0;
    if (!numbering(name, number, of))
      continue;
    if (count && of != count)
      return "The shards of the index " + quoteName(path) +
             " are numbered as parts of " + std::to_string(count) + " and of " +
             std::to_string(of) + ".";
    count = of;
    numbers.insert(number);
  }
  if (numbers.size() == count)
    return "";
  return "The shards of the index " + quoteName(path) + " are numbered as " +
         std::to_string(numbers.size()) + " of " + std::to_string(count) + ".";
}

} // namespace ttc
