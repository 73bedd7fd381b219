//===- Weights.cpp - Which tensors were given? ----------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "SafetensorsWriter.h"

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

Status checkBooleans(const std::string &label, std::string_view name,
                     const void *data, uint64_t bytes) {
  const unsigned char *values = static_cast<const unsigned char *>(data);
  const unsigned char *wrong = std::find_if(
      values, values + bytes, [](unsigned char value) { return value > 1; });
  if (wrong == values + bytes)
    return Status::success();
  return {TTC_ERROR_FORMAT, "InvalidBool",
          "In " + label + ", element " + std::to_string(wrong - values) +
              " of " + quoteName(name) + " is " + std::to_string(*wrong) +
              "; a BOOL is 0 or 1."};
}

} // namespace ttc

using namespace ttc;

Status ttc_weights::read(size_t index, const void *&bytes) const {
  const SafetensorsEntry &entry = header.tensors[index];
  uint64_t size = entry.end - entry.begin;
  if (entry.dtype->number == TTC_DTYPE_BOOL) {
    Status status = checkBooleans(label, entry.name, data[index], size);
    if (status.failed())
      return status;
  }
  uint64_t alignment = entry.dtype->bits / 8;
  if (alignment <= 1 ||
      reinterpret_cast<uintptr_t>(data[index]) % alignment == 0) {
    bytes = data[index];
    return Status::success();
  }
  std::lock_guard<std::mutex> lock(mutex);
  AlignedBlock &copy = copies[index];
  if (!copy) {
    Status status = allocateZeroed(
        "an aligned copy of " + quoteName(entry.name), size, copy);
    if (status.failed())
      return status;
    std::memcpy(copy.get(), data[index], size);
  }
  bytes = copy.get();
  return Status::success();
}

extern "C" ttc_status ttc_weights_open(const char *path, ttc_weights **out,
                                       ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!path || !out)
      return nullArgument(path ? "out" : "path");
    auto weights = std::make_unique<ttc_weights>();
    weights->label = quoteName(path);
    Status status = weights->file.open(path);
    if (status.failed())
      return status;
    status = parseSafetensors(path, weights->file.bytes(), weights->file.size(),
                              weights->header);
    if (status.failed())
      return status;
    weights->data.reserve(weights->header.tensors.size());
    for (const SafetensorsEntry &entry : weights->header.tensors)
      weights->data.push_back(weights->file.bytes() + weights->header.dataAt +
                              entry.begin);
    *out = weights.release();
    return Status::success();
  });
}

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
      weights->data.push_back(static_cast<const unsigned char *>(tensor->data));
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
    const SafetensorsEntry &entry = weights->header.tensors[index];
    const void *bytes = nullptr;
    Status status = weights->read(index, bytes);
    if (status.failed())
      return status;
    out->name = entry.name.c_str();
    out->dtype = entry.dtype->number;
    out->rank = static_cast<int32_t>(entry.rank);
    out->shape = weights->header.shape(entry);
    out->data = const_cast<void *>(bytes);
    return Status::success();
  });
}

extern "C" const char *ttc_weights_dtype(const ttc_weights *weights,
                                         size_t index) {
  return weights && index < weights->header.tensors.size()
             ? weights->header.tensors[index].dtype->name
             : nullptr;
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

extern "C" ttc_status ttc_weights_save(const ttc_weights *weights,
                                       const char *path, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !path)
      return nullArgument(weights ? "path" : "weights");
    const SafetensorsHeader &header = weights->header;
    std::vector<OutgoingTensor> tensors;
    for (size_t i = 0; i < header.tensors.size(); ++i) {
      const SafetensorsEntry &entry = header.tensors[i];
      if (!isUtf8(entry.name) || entry.name == "__metadata__")
        return {TTC_ERROR_ARGUMENT, "InvalidName",
                "The tensor " + quoteName(entry.name) +
                    " cannot be written: its name is not UTF-8, or means "
                    "something else in a safetensors file."};
      tensors.push_back({entry.name,
                         entry.dtype->name,
                         header.shape(entry),
                         entry.rank,
                         {weights->data[i], entry.end - entry.begin}});
    }
    std::string beginning = makeSafetensorsHeader({}, tensors);
    std::vector<Piece> pieces = {{beginning.data(), beginning.size()}};
    for (const OutgoingTensor &tensor : tensors)
      pieces.push_back(tensor.data);
    return writeAtomically(path, pieces);
  });
}
