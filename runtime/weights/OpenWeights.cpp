//===- OpenWeights.cpp - How are weights opened? --------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/SystemCalls.h"
#include "weights/Weights.h"

#include <cstring>

namespace ttc {
namespace {

constexpr int allFlags = TTC_WEIGHTS_META | TTC_WEIGHTS_COPY |
                         TTC_WEIGHTS_VERIFY | TTC_WEIGHTS_LENIENT;

/// Of a directory that was given for a file: which file in it may be meant. Of
/// both formats safetensors come first.
std::string indexIn(const std::string &path) {
  struct stat status;
  for (const char *name :
       {"model.safetensors.index.json", "model.safetensors",
        "pytorch_model.bin.index.json", "pytorch_model.bin"}) {
    std::string inside =
        path + (path.back() == '/' ? "" : "/") + std::string(name);
    if (systemCalls.lstat(inside.c_str(), &status) == 0)
      return " Open " + quoteName(inside) + ".";
  }
  return "";
}

} // namespace

Status openWeights(const std::string &path, int flags,
                   std::unique_ptr<ttc_weights> &out, std::string &notes) {
  if (flags & ~allFlags)
    return {TTC_ERROR_ARGUMENT, "UnknownFlag",
            "The flags " + std::to_string(flags) +
                " have a bit that no TTC_WEIGHTS_ flag has."};
  auto weights = std::make_unique<ttc_weights>();
  weights->label = quoteName(path);
  weights->isMeta = flags & TTC_WEIGHTS_META;
  File file;
  uint64_t size = 0;
  Status status = openRegularFile(path, file, size);
  if (std::strcmp(status.cause(), "NotRegularFile") == 0)
    return {status.code(), status.cause(), status.message() + indexIn(path)};
  if (status.failed())
    return status;
  FileBytes bytes;
  status = flags & TTC_WEIGHTS_COPY ? bytes.read(path, file, size)
                                    : bytes.map(path, file, size);
  FileKind kind = FileKind::Unknown;
  if (!status.failed())
    status = tellKind(path, bytes.bytes(), size, kind);
  if (status.failed())
    return status;
  if (kind == FileKind::Index) {
    ShardIndex index;
    status = parseShardIndex(path, bytes.bytes(), size, index);
    if (status.failed())
      return status;
    weights->shards = std::make_unique<Shards>();
    status = weights->shards->open(path, index, flags, *weights, notes);
  } else {
    status = readTable(path, kind, bytes.bytes(), size,
                       flags & TTC_WEIGHTS_VERIFY, *weights);
    weights->file = std::move(bytes);
  }
  if (status.failed())
    return status;
  if (weights->isMeta) {
    weights->file = FileBytes();
    weights->shards.reset();
  }
  out = std::move(weights);
  return status;
}

} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_weights_open_with(const char *path, int flags,
                                            ttc_weights **out,
                                            ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!path || !out)
      return nullArgument(path ? "out" : "path");
    std::unique_ptr<ttc_weights> weights;
    std::string notes;
    Status status = openWeights(path, flags, weights, notes);
    if (status.failed())
      return status;
    remark(notes, error);
    *out = weights.release();
    return status;
  });
}

extern "C" ttc_status ttc_weights_open(const char *path, ttc_weights **out,
                                       ttc_error *error) {
  return ttc_weights_open_with(path, 0, out, error);
}
