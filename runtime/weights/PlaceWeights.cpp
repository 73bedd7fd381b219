//===- PlaceWeights.cpp - How do weights get onto a device? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "weights/Weights.h"

namespace ttc {
namespace {

/// Where each tensor begins in the block: devices read whole lines of this many
/// bytes at once.
constexpr uint64_t placeAlignment = 256;

/// Moves every tensor of `table` to its place in a block, whose size it tells.
/// False if that cannot be counted.
bool layOut(TensorTable &table, uint64_t &size) {
  size = 0;
  for (SafetensorsEntry &entry : table.header.tensors) {
    uint64_t bytes = entry.end - entry.begin;
    if (__builtin_add_overflow(size, placeAlignment - 1, &size))
      return false;
    entry.begin = size -= size % placeAlignment;
    if (__builtin_add_overflow(size, bytes, &size))
      return false;
    entry.end = size;
  }
  table.header.headerSize = table.header.dataAt = 0;
  table.strides.clear();
  return true;
}

/// Copies tensor `index` of `from` into its place on the device of `to`.
Status copyTensor(const ttc_weights &from, size_t index, ttc_weights &to) {
  const SafetensorsEntry &entry = to.header.tensors[index];
  const uint64_t size = entry.end - entry.begin;
  if (!size)
    return Status::success();
  AlignedBlock copy;
  const void *bytes = nullptr;
  Status status = Status::success();
  if (from.onHost()) {
    status = from.fetch(index, copy, bytes);
  } else {
    const unsigned char *address = nullptr;
    status = from.locate(index, address);
    if (!status.failed())
      status = allocateZeroed("a copy of " + quoteName(entry.name), size, copy);
    if (!status.failed())
      status = from.block.device()->copyFrom(copy.get(), address, size);
    bytes = copy.get();
  }
  if (status.failed())
    return status;
  return to.block.device()->copyTo(to.block.get() + entry.begin, bytes, size);
}

Status place(const ttc_weights &from, const std::string &name,
             std::unique_ptr<ttc_weights> &out) {
  auto to = std::make_unique<ttc_weights>();
  static_cast<TensorTable &>(*to) = from;
  to->label = from.label;
  uint64_t size = 0;
  if (!layOut(*to, size))
    return {TTC_ERROR_MEMORY, "Overflow",
            "The tensors of " + from.label +
                " have more bytes together than can be counted."};
  to->isMeta = name == "meta";
  if (to->isMeta) {
    out = std::move(to);
    return Status::success();
  }
  std::shared_ptr<Device> device;
  Status status = findDevice(name, device);
  if (!status.failed() && from.isMeta)
    status = {TTC_ERROR_ARGUMENT, "NotOnHost",
              "The weights " + from.label +
                  " are names, dtypes and shapes alone: there is nothing to "
                  "place on " +
                  quoteName(name) + ". Open them without TTC_WEIGHTS_META."};
  if (!status.failed())
    status = to->block.allocate(std::move(device), "the weights " + from.label,
                                size);
  for (size_t i = 0; i < to->header.tensors.size() && !status.failed(); ++i)
    status = copyTensor(from, i, *to);
  if (!status.failed())
    out = std::move(to);
  return status;
}

} // namespace
} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_weights_place(const ttc_weights *weights,
                                        const char *device, ttc_weights **out,
                                        ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!weights || !device || !out)
      return nullArgument(!weights ? "weights" : !device ? "device" : "out");
    std::unique_ptr<ttc_weights> placed;
    Status status = place(*weights, device, placed);
    if (!status.failed())
      *out = placed.release();
    return status;
  });
}
