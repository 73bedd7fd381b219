//===- TensorTable.cpp - Which tensors has a file, of any kind? -----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/TensorTable.h"

#include "files/TorchReader.h"
#include "tensors/Strided.h"

#include <algorithm>
#include <cstring>

namespace ttc {

Status readTable(const std::string &path, FileKind kind,
                 const unsigned char *bytes, uint64_t size, bool verify,
                 TensorTable &table) {
  TensorTable result;
  if (kind != FileKind::Torch) {
    Status status = parseSafetensors(path, bytes, size, result.header);
    if (!status.failed())
      table = std::move(result);
    return status;
  }
  TorchHeader torch;
  Status status = parseTorchFile(path, bytes, size, verify, torch);
  if (status.failed())
    return status;
  result.header.tensors.reserve(torch.tensors.size());
  for (TorchEntry &entry : torch.tensors) {
    // A tensor without elements needs no strides to be dense.
    if (!entry.contiguous && entry.bytes)
      result.strides.emplace(
          entry.shapeAt,
          std::vector<int64_t>(torch.stride(entry),
                               torch.stride(entry) + entry.rank));
    result.header.tensors.push_back({std::move(entry.name), entry.dtype,
                                     entry.shapeAt, entry.rank, entry.at,
                                     entry.at + entry.bytes});
  }
  result.header.shapes = std::move(torch.shapes);
  table = std::move(result);
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

Status fetchTensor(const std::string &label, const TensorTable &table,
                   const SafetensorsEntry &entry, const unsigned char *address,
                   AlignedBlock &copy, const void *&bytes) {
  const uint64_t size = entry.end - entry.begin;
  const uint64_t alignment = entry.dtype->bits / 8;
  const int64_t *strides = table.stridesOf(entry);
  const void *found = address;
  if (strides || (alignment > 1 &&
                  reinterpret_cast<uintptr_t>(address) % alignment != 0)) {
    Status status =
        allocateZeroed("a copy of " + quoteName(entry.name), size, copy);
    if (status.failed())
      return status;
    if (strides)
      copyDense(address, table.header.shape(entry), strides, entry.rank,
                alignment, copy.get());
    else if (size)
      std::memcpy(copy.get(), address, size);
    found = copy.get();
  }
  if (entry.dtype->number == TTC_DTYPE_BOOL) {
    Status status = checkBooleans(label, entry.name, found, size);
    if (status.failed())
      return status;
  }
  bytes = found;
  return Status::success();
}

} // namespace ttc
