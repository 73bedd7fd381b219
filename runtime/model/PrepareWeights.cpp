//===- PrepareWeights.cpp - How do weights become what a step reads? ------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Model.h"
#include "support/Checksum.h"
#include "weights/Weights.h"
#include "weights/Widening.h"

#include <cstring>

namespace ttc {
namespace {

/// What can be done about a tensor of the wrong type.
std::string advice(int32_t found, int32_t expected) {
  std::string wanted = describeDtype(expected);
  // A float that is wider than the param's.
  if (canWiden(expected, found))
    return " (convert it to " + wanted + ", or compile the model for " +
           describeDtype(found) + ")";
  return " (convert it to " + wanted + ")";
}

/// Finds every param in the weights, raw or effective, and checks its type. A
/// narrower float is widened into a block of its own.
Status matchParams(const ttc_model &model, const ttc_weights &weights,
                   bool strict, std::vector<const void *> &data,
                   std::vector<uint8_t> &raw,
                   std::vector<AlignedBlock> &widened) {
  const ttc_model_descriptor &descriptor = *model.descriptor;
  const SafetensorsHeader &header = weights.header;
  Findings findings;
  std::vector<bool> used(header.tensors.size());
  for (uint32_t i = 0; i < descriptor.num_params; ++i) {
    const ttc_param_spec &param = descriptor.params[i];
    const ttc_tensor_spec &spec = param.tensor;
    const SafetensorsEntry *effective = header.find(spec.name);
    const SafetensorsEntry *rawEntry =
        param.raw_name && std::strcmp(param.raw_name, spec.name) != 0
            ? header.find(param.raw_name)
            : nullptr;
    for (const SafetensorsEntry *entry : {effective, rawEntry})
      if (entry)
        used[static_cast<size_t>(entry - header.tensors.data())] = true;
    if (effective && rawEntry) {
      findings.add(TTC_ERROR_UNEXPECTED, "UnexpectedKey",
                   "both " + quoteName(param.raw_name) + " and " +
                       quoteName(spec.name) + " are there, keep one of them");
      continue;
    }
    const SafetensorsEntry *entry = effective ? effective : rawEntry;
    if (!entry) {
      findings.add(TTC_ERROR_MISSING, "MissingKey",
                   param.raw_name && std::strcmp(param.raw_name, spec.name) != 0
                       ? "neither " + quoteName(param.raw_name) + " nor " +
                             quoteName(spec.name) + " is there"
                       : quoteName(spec.name) + " is missing");
      continue;
    }
    if (entry->dtype->number != spec.dtype &&
        !canWiden(entry->dtype->number, spec.dtype))
      findings.add(TTC_ERROR_DTYPE,
                   entry->dtype->number ? "DTypeMismatch" : "UnsupportedDType",
                   quoteName(entry->name) + " is " + entry->dtype->name + ", " +
                       describeDtype(spec.dtype) + " is expected" +
                       advice(entry->dtype->number, spec.dtype));
    const int64_t *shape = header.shape(*entry);
    if (entry->rank != static_cast<uint32_t>(spec.rank) ||
        !std::equal(shape, shape + entry->rank, spec.shape))
      findings.add(TTC_ERROR_SHAPE,
                   entry->rank != static_cast<uint32_t>(spec.rank)
                       ? "RankMismatch"
                       : "ShapeMismatch",
                   quoteName(entry->name) + " has the shape " +
                       describeShape(shape, entry->rank) + ", " +
                       describeShape(spec.shape, spec.rank) + " is expected");
    raw[i] = entry == rawEntry;
    data[i] = nullptr;
  }
  if (strict)
    for (size_t i = 0; i < used.size(); ++i)
      if (!used[i])
        findings.add(TTC_ERROR_UNEXPECTED, "UnexpectedKey",
                     quoteName(header.tensors[i].name) +
                         " belongs to no layer of the model");
  Status status = Status::success();
  if (findings.any())
    status = findings.status("The weights of " + weights.label +
                             " do not fit the model " + model.name + ": ");
  // Data is read only once everything fits.
  for (uint32_t i = 0; i < descriptor.num_params && !status.failed(); ++i) {
    const ttc_param_spec &param = descriptor.params[i];
    const SafetensorsEntry *entry =
        header.find(raw[i] ? param.raw_name : param.tensor.name);
    size_t index = static_cast<size_t>(entry - header.tensors.data());
    status = weights.read(index, data[i]);
    if (status.failed() || entry->dtype->number == param.tensor.dtype)
      continue;
    const DtypeInfo &wide = *dtypeByNumber(param.tensor.dtype);
    uint64_t count = (entry->end - entry->begin) / (entry->dtype->bits / 8);
    AlignedBlock block;
    // The shape is the param's, whose bytes were counted with the descriptor.
    status = allocateZeroed(quoteName(entry->name) + " as " + wide.name,
                            count * (wide.bits / 8), block);
    if (status.failed())
      continue;
    widen(data[i], entry->dtype->number, block.get(), wide.number, count);
    data[i] = block.get();
    widened.push_back(std::move(block));
  }
  return status;
}

/// The weights that a model was compiled with, in prepared form.
Status takeEmbedded(const std::string &who, const void *embedded, uint64_t size,
                    const char *checksum, const void *&prepared) {
  if (reinterpret_cast<uintptr_t>(embedded) % TTC_ALIGNMENT)
    return malformed("The model " + who,
                     "its weights are not aligned to 64 bytes");
  if (std::string found = checksum ? checksumText(crc32c(embedded, size)) : "";
      checksum && found != checksum)
    return {TTC_ERROR_CHECKSUM, "ChecksumMismatch",
            "The weights inside the model " + who +
                " are damaged: their checksum is " + found + ", " +
                quoteName(checksum) + " was written."};
  prepared = embedded;
  return Status::success();
}

/// Brings weights into the form that one code of the model reads.
Status prepareFor(const std::string &what, ttc_prepare_fn prepare,
                  uint64_t size, const std::vector<const void *> &data,
                  const std::vector<uint8_t> &raw, AlignedBlock &block,
                  const void *&prepared) {
  Status status = allocateZeroed(what, size, block);
  if (status.failed())
    return status;
  prepare(data.data(), raw.data(), block.get());
  prepared = block.get();
  return status;
}

} // namespace

Status prepareWeights(ttc_model &model, const ttc_weights *weights,
                      bool strict) {
  const ttc_model_descriptor &descriptor = *model.descriptor;
  const ttc_device_code *device = descriptor.device;
  const bool forHost = descriptor.prepare != nullptr;
  const bool hostEmbedded = !weights && forHost && descriptor.prepared;
  const bool deviceEmbedded = !weights && device && device->prepared;
  Status status = Status::success();
  if (hostEmbedded)
    status =
        takeEmbedded(model.name, descriptor.prepared, descriptor.prepared_size,
                     descriptor.prepared_checksum, model.prepared);
  if (deviceEmbedded && !status.failed())
    status = takeEmbedded(model.name, device->prepared, device->prepared_size,
                          device->prepared_checksum, model.devicePrepared);
  const bool hostWants = forHost && !hostEmbedded;
  const bool deviceWants = device && !deviceEmbedded;
  if (status.failed() || (!hostWants && !deviceWants))
    return status;
  if (!weights && descriptor.num_params)
    return {TTC_ERROR_MISSING, "MissingWeights",
            "The model " + model.name +
                " was compiled without weights, and none are given: " +
                std::to_string(descriptor.num_params) +
                " parameters are needed, of which the first is " +
                quoteName(descriptor.params[0].tensor.name) + "."};
  std::vector<const void *> data(descriptor.num_params + size_t(1));
  std::vector<uint8_t> raw(descriptor.num_params + size_t(1));
  std::vector<AlignedBlock> widened;
  if (weights)
    status = matchParams(model, *weights, strict, data, raw, widened);
  const std::string what = "the prepared weights of the model " + model.name;
  if (hostWants && !status.failed())
    status = prepareFor(what, descriptor.prepare, descriptor.prepared_size,
                        data, raw, model.preparedBlock, model.prepared);
  if (deviceWants && !status.failed())
    status =
        prepareFor(what + " for GPUs", device->prepare, device->prepared_size,
                   data, raw, model.devicePreparedBlock, model.devicePrepared);
  return status;
}

} // namespace ttc
