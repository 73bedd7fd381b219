//===- Weights.cpp - Which tensors were given? ----------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "weights/Weights.h"

#include "files/SafetensorsWriter.h"

#include <algorithm>
#include <cstring>

namespace ttc {
Status checkTensor(const std::string &label, const ttc_tensor &tensor,
                   uint64_t &bytes) {
  if (!tensor.name || !*tensor.name)
    return {TTC_ERROR_ARGUMENT, "EmptyName", label + " has no name."};
  std::string who = label + " " + quoteName(tensor.name);
  const DtypeInfo *dtype = dtypeByNumber(tensor.dtype);
  if (!dtype)
    return {TTC_ERROR_DTYPE, "UnknownDType",
            who + " has " + describeDtype(tensor.dtype) + "."};
  if (tensor.rank < 0 || tensor.rank > maxRank ||
      (tensor.rank > 0 && !tensor.shape))
    return {TTC_ERROR_SHAPE, "InvalidShape",
            who + " has rank " + std::to_string(tensor.rank) +
                (tensor.shape ? "; 0 to 64 are possible."
                              : " and a null pointer for its shape.")};
  uint64_t bits = 0;
  if (!tensorBits(tensor.shape, static_cast<size_t>(tensor.rank), dtype->bits,
                  bits))
    return {TTC_ERROR_SHAPE, "Overflow",
            who + " has the shape " + describeShape(tensor.shape, tensor.rank) +
                ", which has a negative size or more elements than can be "
                "counted."};
  bytes = bits / 8;
  if (!tensor.data && bytes)
    return {TTC_ERROR_ARGUMENT, "NullPointer",
            who + " has a null pointer for its " + std::to_string(bytes) +
                " bytes of data."};
  return Status::success();
}

} // namespace ttc

using namespace ttc;

Status ttc_weights::locate(size_t index, const unsigned char *&address) const {
  const SafetensorsEntry &entry = header.tensors[index];
  const unsigned char *base = nullptr;
  if (!lent.empty()) {
    address = lent[index];
    return Status::success();
  }
  if (shards) {
    std::lock_guard<std::mutex> lock(mutex);
    Status status = shards->bytesOf(index, base);
    if (status.failed())
      return status;
  } else {
    base = block.device() ? block.get() : file.bytes();
  }
  address = base + header.dataAt + entry.begin;
  return Status::success();
}

Status ttc_weights::fetch(size_t index, AlignedBlock &copy,
                          const void *&bytes) const {
  if (!onHost())
    return {TTC_ERROR_ARGUMENT, "NotOnHost",
            isMeta ? "The weights " + label +
                         " are names, dtypes and shapes alone. Open them "
                         "without TTC_WEIGHTS_META."
                   : "The weights " + label + " are on " +
                         quoteName(block.device()->name()) +
                         ". Place them on 'cpu' first."};
  const unsigned char *address = nullptr;
  Status status = locate(index, address);
  if (status.failed())
    return status;
  return fetchTensor(label, *this, header.tensors[index], address, copy, bytes);
}

Status ttc_weights::read(size_t index, const void *&bytes) const {
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto known = copies.find(index);
    if (known != copies.end()) {
      bytes = known->second.get();
      return Status::success();
    }
  }
  AlignedBlock copy;
  Status status = fetch(index, copy, bytes);
  if (status.failed() || !copy)
    return status;
  // Of two threads that came at once, one keeps its copy, for both.
  std::lock_guard<std::mutex> lock(mutex);
  bytes = copies.emplace(index, std::move(copy)).first->second.get();
  return status;
}

namespace {

/// Tensor `index` as the callers see it.
Status describeTensor(const ttc_weights &weights, size_t index,
                      ttc_tensor *out) {
  const SafetensorsEntry &entry = weights.header.tensors[index];
  const void *bytes = nullptr;
  Status status = Status::success();
  if (weights.onHost()) {
    status = weights.read(index, bytes);
  } else if (!weights.isMeta) {
    const unsigned char *address = nullptr;
    status = weights.locate(index, address);
    bytes = address;
  }
  if (status.failed())
    return status;
  out->name = entry.name.c_str();
  out->dtype = entry.dtype->number;
  out->rank = static_cast<int32_t>(entry.rank);
  out->shape = weights.header.shape(entry);
  out->data = const_cast<void *>(bytes);
  return status;
}

} // namespace

extern "C" ttc_status ttc_weights_from_tensors(const ttc_tensor *tensors,
                                               size_t count, ttc_weights **out,
                                               ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!out || (count && !tensors))
      return nullArgument(out ? "tensors" : "out");
    auto weights = std::make_unique<ttc_weights>();
    weights->label = "the given weights";
    std::vector<const ttc_tensor *> order(count);
    for (size_t i = 0; i < count; ++i) {
      uint64_t bytes = 0;
      Status status = checkTensor("The given tensor", tensors[i], bytes);
      if (status.failed())
        return status;
      order[i] = &tensors[i];
    }
    std::sort(order.begin(), order.end(),
              [](const ttc_tensor *a, const ttc_tensor *b) {
                return std::strcmp(a->name, b->name) < 0;
              });
    uint64_t at = 0;
    for (const ttc_tensor *tensor : order) {
      SafetensorsHeader &header = weights->header;
      if (!header.tensors.empty() && header.tensors.back().name == tensor->name)
        return {TTC_ERROR_ARGUMENT, "DuplicateKey",
                "The tensor " + quoteName(tensor->name) + " is given twice."};
      uint64_t bytes = 0;
      Status status = checkTensor("The given tensor", *tensor, bytes);
      if (status.failed())
        return status;
      SafetensorsEntry entry;
      entry.name = tensor->name;
      entry.dtype = dtypeByNumber(tensor->dtype);
      entry.rank = static_cast<uint32_t>(tensor->rank);
      entry.shapeAt = header.shapes.size();
      entry.begin = at;
      if (__builtin_add_overflow(at, bytes, &at))
        return {TTC_ERROR_SHAPE, "Overflow",
                "The given tensors have more bytes together than can be "
                "counted."};
      entry.end = at;
      header.shapes.insert(header.shapes.end(), tensor->shape,
                           tensor->shape + tensor->rank);
      header.tensors.push_back(std::move(entry));
      weights->lent.push_back(static_cast<const unsigned char *>(tensor->data));
    }
    *out = weights.release();
    return Status::success();
  });
}

extern "C" void ttc_weights_close(ttc_weights *weights) { delete weights; }

extern "C" size_t ttc_weights_count(const ttc_weights *weights) {
  return weights ? weights->header.tensors.size() : 0;
}

extern "C" ttc_status ttc_weights_at(const ttc_weights *weights, size_t index,
                                     ttc_tensor *out, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !out)
      return nullArgument(weights ? "out" : "weights");
    if (index >= weights->header.tensors.size())
      return noSuchIndex("tensor", index, weights->header.tensors.size());
    return describeTensor(*weights, index, out);
  });
}

extern "C" ttc_status ttc_weights_find(const ttc_weights *weights,
                                       const char *name, ttc_tensor *out,
                                       ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !name || !out)
      return nullArgument(!weights ? "weights" : !name ? "name" : "out");
    const SafetensorsEntry *entry = weights->header.find(name);
    if (!entry)
      return {TTC_ERROR_MISSING, "MissingKey",
              "There is no tensor " + quoteName(name) + " among the " +
                  std::to_string(weights->header.tensors.size()) + " of " +
                  weights->label + "."};
    return describeTensor(
        *weights, static_cast<size_t>(entry - weights->header.tensors.data()),
        out);
  });
}

extern "C" const char *ttc_weights_dtype(const ttc_weights *weights,
                                         size_t index) {
  return weights && index < weights->header.tensors.size()
             ? weights->header.tensors[index].dtype->name
             : nullptr;
}

extern "C" const char *ttc_weights_name(const ttc_weights *weights,
                                        size_t index) {
  return weights && index < weights->header.tensors.size()
             ? weights->header.tensors[index].name.c_str()
             : nullptr;
}

extern "C" uint64_t ttc_weights_bytes(const ttc_weights *weights,
                                      size_t index) {
  return weights && index < weights->header.tensors.size()
             ? weights->header.tensors[index].end -
                   weights->header.tensors[index].begin
             : 0;
}

extern "C" size_t ttc_weights_metadata_count(const ttc_weights *weights) {
  return weights ? weights->header.metadata.size() : 0;
}

extern "C" ttc_status ttc_weights_metadata_at(const ttc_weights *weights,
                                              size_t index, const char **key,
                                              const char **value,
                                              ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !key || !value)
      return nullArgument(!weights ? "weights" : !key ? "key" : "value");
    if (index >= weights->header.metadata.size())
      return noSuchIndex("pair of metadata", index,
                         weights->header.metadata.size());
    *key = weights->header.metadata[index].first.c_str();
    *value = weights->header.metadata[index].second.c_str();
    return Status::success();
  });
}

extern "C" const char *ttc_weights_device(const ttc_weights *weights) {
  if (!weights)
    return nullptr;
  return weights->isMeta           ? "meta"
         : weights->block.device() ? weights->block.device()->name().c_str()
                                   : "cpu";
}

extern "C" ttc_status ttc_weights_save(const ttc_weights *weights,
                                       const char *path, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !path)
      return nullArgument(weights ? "path" : "weights");
    FileKind promised = kindOfName(path);
    if (promised == FileKind::Torch || promised == FileKind::Index)
      return {TTC_ERROR_ARGUMENT, "FormatMismatch",
              "Cannot write " + quoteName(path) +
                  ": it would be a safetensors file, which its name denies. "
                  "Let the name end in '.safetensors'."};
    const SafetensorsHeader &header = weights->header;
    std::vector<OutgoingTensor> tensors;
    std::vector<AlignedBlock> copies(header.tensors.size());
    for (size_t i = 0; i < header.tensors.size(); ++i) {
      const SafetensorsEntry &entry = header.tensors[i];
      if (!isUtf8(entry.name) || entry.name == "__metadata__")
        return {TTC_ERROR_ARGUMENT, "InvalidName",
                "The tensor " + quoteName(entry.name) +
                    " cannot be written: its name is not UTF-8, or means "
                    "something else in a safetensors file."};
      if (!dtypeByName(entry.dtype->name))
        return {TTC_ERROR_DTYPE, "UnsupportedDType",
                "The tensor " + quoteName(entry.name) +
                    " cannot be written: safetensors files have no " +
                    entry.dtype->name + "."};
      const void *bytes = nullptr;
      Status status = weights->fetch(i, copies[i], bytes);
      if (status.failed())
        return status;
      tensors.push_back({entry.name,
                         entry.dtype->name,
                         header.shape(entry),
                         entry.rank,
                         {bytes, entry.end - entry.begin}});
    }
    std::string beginning = makeSafetensorsHeader({}, tensors);
    std::vector<Piece> pieces = {{beginning.data(), beginning.size()}};
    for (const OutgoingTensor &tensor : tensors)
      pieces.push_back(tensor.data);
    return writeAtomically(path, pieces);
  });
}
