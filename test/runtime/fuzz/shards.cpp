//===- shards.cpp - Does any file break the reader of shard indexes? ------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever is taken, no name in it leads out of the directory.
//
//===----------------------------------------------------------------------===//

#include "files/ShardIndex.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ttc::ShardIndex index;
  if (ttc::parseShardIndex("fuzz", data, size, index).failed())
    return 0;
  (void)ttc::oddNumbering("fuzz", index);
  for (const std::string &shard : index.shards)
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string("/\\\0", 3)) != std::string::npos)
      std::abort();
  for (const ttc::ShardIndex::Key &key : index.keys)
    if (key.shard >= index.shards.size())
      std::abort();
  return 0;
}
