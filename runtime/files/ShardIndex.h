//===- ShardIndex.h - Which shards has a checkpoint? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A checkpoint of several files has an index, JSON, which says in which of them
// each tensor lies:
//
//   {"metadata": {"total_size": 123},
//    "weight_map": {"net.0.weight": "model-00001-of-00002.safetensors", ...}}
//
// A shard lies beside its index: a name that leads anywhere else is refused.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SHARDINDEX_H
#define TTC_SHARDINDEX_H

#include "support/Error.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace ttc {

struct ShardIndex {
  struct Key {
    std::string name;
    uint32_t shard; ///< in `shards`
  };
  std::vector<std::string> shards; ///< sorted
  std::vector<Key> keys;           ///< sorted by name
  std::optional<uint64_t> totalSize;
};

/// Whether a name is that of a file in the directory itself, on every system.
bool isPlainFileName(std::string_view name);

/// `path` is for the sentences only.
Status parseShardIndex(const std::string &path, const unsigned char *bytes,
                       uint64_t size, ShardIndex &index);

/// "model-00001-of-00003" numbers its shards: a sentence if those of the index
/// are not all of them, or disagree; else nothing.
std::string oddNumbering(const std::string &path, const ShardIndex &index);

} // namespace ttc

#endif // TTC_SHARDINDEX_H
