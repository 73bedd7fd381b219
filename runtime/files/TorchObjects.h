//===- TorchObjects.h - What do a pickle's names mean? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fixed table: those that rebuild tensors and storages, dtypes, OrderedDict,
// and a few that make plain data, such as torch.Size. None of them is a
// function here: "calling" one checks its arguments and notes where a tensor's
// elements lie in the file.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TORCHOBJECTS_H
#define TTC_TORCHOBJECTS_H

#include "files/Pickle.h"
#include "files/Zip.h"
#include "tensors/Dtype.h"

#include <map>

namespace ttc {

/// The data of one or several tensors: a member of the archive.
struct TorchStorage {
  const DtypeInfo *dtype = nullptr; ///< null if it is bytes, of any dtype
  uint64_t count = 0;               ///< of its elements, or bytes
  uint64_t at = 0;                  ///< from the beginning of the file
  uint64_t bytes = 0;
};

struct TorchTensor {
  /// Why it cannot be read, such as "a sparse tensor"; null if it can.
  const char *unsupported = nullptr;
  const DtypeInfo *dtype = nullptr;
  uint32_t rank = 0;
  size_t shapeAt = 0;
  uint64_t at = 0; ///< its first element, from the beginning of the file
  uint64_t bytes = 0;
  bool contiguous = true;
};

class TorchObjects final : public PickleReader {
public:
  /// `root` is the archive's only directory, "archive/".
  TorchObjects(const std::string &path, const ZipArchive &archive,
               std::string_view root, PickleGraph &graph)
      : path(path), archive(archive), root(root), graph(graph) {}

  Status name(std::string_view module, std::string_view name,
              const std::string &where, PickleValue &result) override;
  Status call(const PickleValue &global, const PickleValue &arguments,
              const std::string &where, PickleValue &result) override;
  Status persistent(const PickleValue &id, const std::string &where,
                    PickleValue &result) override;

  /// The tensor that an Object is, or null if it is a storage.
  const TorchTensor *tensor(const PickleValue &object) const;

  std::vector<int64_t> shapes;
  std::vector<int64_t> strides;

private:
  Status fail(const char *cause, const std::string &what,
              const std::string &where) const {
    return badFile(path, cause, what + ", " + where);
  }
  Status beyondBudget(const std::string &where) const {
    return fail("BudgetExceeded", "there are more tensors than are read",
                where);
  }
  Status addTensor(const TorchTensor &tensor, const std::string &where,
                   PickleValue &result);
  Status rebuild(const PickleValue *arguments, const DtypeInfo *dtype,
                 const std::string &where, PickleValue &result);
  Status readSizes(const PickleValue &tuple, const char *what,
                   std::vector<int64_t> &sizes, const std::string &where);
  Status checkTail(const PickleValue *arguments, size_t count,
                   const std::string &where, const char *&unsupported);

  const std::string &path;
  const ZipArchive &archive;
  std::string_view root;
  PickleGraph &graph;
  std::map<std::string_view, size_t> storageOf; ///< by key
  std::vector<TorchStorage> storages;
  std::vector<TorchTensor> tensors;
};

} // namespace ttc

#endif // TTC_TORCHOBJECTS_H
