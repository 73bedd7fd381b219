//===- Shards.h - Where are the tensors of a sharded checkpoint? -*- C++
//-*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opening reads what describes the tensors of every shard and compares it with
// the index; no shard stays open. One is mapped when a tensor of it is first
// asked for, if it still is the file that it was; with TTC_WEIGHTS_COPY, all
// are read at once.
//
// A shard is a regular file beside the index, or a symbolic link of one step to
// another one there, or into the store of blobs as a downloaded snapshot has it
// (../../blobs/<name>).
//
//===----------------------------------------------------------------------===//

#ifndef TTC_SHARDS_H
#define TTC_SHARDS_H

#include "files/File.h"
#include "files/ShardIndex.h"
#include "files/TensorTable.h"

namespace ttc {

class Shards {
public:
  /// Fills `table` with the tensors of all shards; `flags` are those of
  /// ttc_weights_open_with. Adds to `notes` what is odd, but no error.
  Status open(const std::string &indexPath, const ShardIndex &index, int flags,
              TensorTable &table, std::string &notes);
  /// The bytes of the file that has tensor `index` of the table. Not safe from
  /// several threads at once.
  Status bytesOf(size_t index, const unsigned char *&bytes);

private:
  struct Shard {
    std::string name;
    struct stat seen; ///< the file, when its tensors were read
    FileKind kind = FileKind::Unknown;
    FileBytes bytes; ///< once a tensor was asked for
    bool opened = false;
  };

  /// Where a shard is, for sentences and nothing else.
  std::string pathOf(const std::string &name) const;
  Status openFile(const std::string &name, File &file,
                  struct stat &status) const;
  Status openLinked(const std::string &name, File &file) const;
  /// -1, with errno set, if it fails.
  int openNamed(const std::string &name) const;
  Status missing(const std::vector<std::string> &names) const;
  Status readTables(const ShardIndex &index, std::vector<uint32_t> &shardOf,
                    std::vector<TensorTable> &tables);
  Status join(const ShardIndex &index, const std::vector<uint32_t> &shardOf,
              std::vector<TensorTable> &tables, TensorTable &table);

  std::string indexPath;
  int flags = 0;
  File directory;
  std::vector<Shard> shards;
  std::vector<uint32_t> ofTensor; ///< as the table's tensors
};

} // namespace ttc

#endif // TTC_SHARDS_H
