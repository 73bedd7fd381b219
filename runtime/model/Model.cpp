//===- Model.cpp - What do all sessions of a model share? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Model.h"

#include "device/DeviceModel.h"
#include "support/Checksum.h"
#include "support/CpuFeatures.h"
#include "weights/Weights.h"

#include <cstring>
#include <dlfcn.h>

namespace ttc {

Status malformed(const std::string &who, const std::string &what) {
  return {TTC_ERROR_FORMAT, "InvalidDescriptor",
          who + " has a descriptor that breaks the contract: " + what +
              ". Compile the model again."};
}

namespace {

/// Checks one tensor of a descriptor's tables and works out its layout. The
/// batch may stand at dimension `lastBatchDim` or before it.
Status layOut(const std::string &who, const char *kind,
              const ttc_tensor_spec &spec, int32_t lastBatchDim,
              TensorLayout &layout) {
  if (!spec.name || !*spec.name)
    return malformed(who, std::string("one of its ") + kind + "s has no name");
  std::string what =
      std::string("the ") + kind + " " + quoteName(spec.name) + " ";
  const DtypeInfo *dtype = dtypeByNumber(spec.dtype);
  if (!dtype)
    return malformed(who, what + "has " + describeDtype(spec.dtype));
  if (spec.rank < 0 || spec.rank > maxRank || (spec.rank > 0 && !spec.shape))
    return malformed(who, what + "has rank " + std::to_string(spec.rank) +
                              (spec.shape ? "" : " and no shape"));
  std::vector<int64_t> row(spec.shape, spec.shape + spec.rank);
  int32_t batchDim = -1;
  for (int32_t i = 0; i < spec.rank && i <= lastBatchDim && batchDim < 0; ++i)
    if (row[static_cast<size_t>(i)] == TTC_BATCH) {
      batchDim = i;
      row[static_cast<size_t>(i)] = 1;
    }
  uint64_t bits = 0;
  if (!tensorBits(row.data(), row.size(), dtype->bits, bits))
    return malformed(who, what + "has the shape " +
                              describeShape(spec.shape, spec.rank) +
                              ", which cannot be");
  layout = {&spec, batchDim, dtype->bits / 8, bits / 8, /*limit=*/0};
  return Status::success();
}

template <typename Spec, typename TensorOf>
Status layOutAll(const std::string &who, const char *kind, const Spec *specs,
                 uint32_t count, TensorOf tensorOf, int32_t lastBatchDim,
                 std::vector<TensorLayout> &layouts) {
  if (count && !specs)
    return malformed(who, std::string("its table of ") + kind + "s is missing");
  layouts.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    Status status =
        layOut(who, kind, tensorOf(specs[i]), lastBatchDim, layouts[i]);
    if (status.failed())
      return status;
  }
  return Status::success();
}

Status checkVersion(const ttc_model_descriptor *descriptor,
                    const std::string &origin) {
  // The version first: nothing else can be read before it is known.
  if (descriptor->abi_version != TTC_ABI_VERSION)
    return {TTC_ERROR_VERSION, "UnsupportedVersion",
            origin + " was compiled for version " +
                std::to_string(descriptor->abi_version) +
                " of ttc's contract, this runtime knows version " +
                std::to_string(TTC_ABI_VERSION) +
                ". Compile it again, or use the runtime that came with its "
                "compiler."};
  if (descriptor->descriptor_size < sizeof(ttc_model_descriptor))
    return {TTC_ERROR_VERSION, "UnsupportedVersion",
            origin + " has a descriptor of " +
                std::to_string(descriptor->descriptor_size) + " bytes, " +
                std::to_string(sizeof(ttc_model_descriptor)) +
                " are expected. Compile it again."};
  return Status::success();
}

/// The first of a model's alternatives that this machine can run. Where it can
/// run none, says what the last one lacks: the least that was compiled for.
Status chooseAlternative(const std::string &origin,
                         const ttc_model_descriptor *&descriptor) {
  // More than there are CPUs that anybody compiles for: a chain that does not
  // end is not followed.
  constexpr unsigned most = 64;
  Status lacking = Status::success();
  const ttc_model_descriptor *next = descriptor;
  for (unsigned i = 0; next && i < most; ++i, next = next->alternative) {
    Status status = checkVersion(next, origin);
    if (status.failed())
      return status;
    if (!next->name || !next->target_triple || !next->cpu_features)
      return malformed(origin, "its name, the triple or the CPU features are "
                               "missing");
    lacking = checkTarget("The model " + quoteName(next->name),
                          next->target_triple, next->cpu_features);
    if (!lacking.failed()) {
      descriptor = next;
      return lacking;
    }
  }
  return next ? malformed(origin, "it has more than 64 alternatives") : lacking;
}

Status checkDescriptor(const ttc_model_descriptor *descriptor,
                       const std::string &origin, ttc_model &model) {
  if (!descriptor->name || !isUtf8(descriptor->name))
    return malformed(origin, "it has no name, or one that is not UTF-8");
  model.descriptor = descriptor;
  model.name = quoteName(descriptor->name);
  std::string who = "The model " + model.name;
  if (!descriptor->schema_fingerprint || !descriptor->model_fingerprint)
    return malformed(who, "a fingerprint is missing");
  // Code for GPUs alone has none of them; of weights alone, which a compiler
  // has prepared to embed them, only the first is wanted.
  const bool steps = descriptor->step && descriptor->run;
  const bool stepless = !descriptor->step && !descriptor->run;
  if ((!steps || !descriptor->prepare) &&
      (!stepless || (!descriptor->prepare && !descriptor->device)))
    return malformed(who, "one of prepare, step and run is missing");
  if (descriptor->max_workers > 1 &&
      (!descriptor->shared_step || !descriptor->shared_run))
    return malformed(who, "shared_step or shared_run is missing, though it may "
                          "have " +
                              std::to_string(descriptor->max_workers) +
                              " workers");
  if (descriptor->device)
    if (std::string wrong = checkDeviceCode(*descriptor->device);
        !wrong.empty())
      return malformed(who, wrong);
  if (descriptor->batch != TTC_BATCH && descriptor->batch < 1)
    return malformed(who, "its batch is " + std::to_string(descriptor->batch));

  auto itself = [](const ttc_tensor_spec &spec) -> const ttc_tensor_spec & {
    return spec;
  };
  auto itsTensor = [](const auto &spec) -> const ttc_tensor_spec & {
    return spec.tensor;
  };
  std::vector<TensorLayout> params;
  Status status =
      layOutAll(who, "input", descriptor->inputs, descriptor->num_inputs,
                itself, /*lastBatchDim=*/0, model.inputs);
  if (!status.failed())
    status =
        layOutAll(who, "output", descriptor->outputs, descriptor->num_outputs,
                  itself, /*lastBatchDim=*/0, model.outputs);
  if (!status.failed())
    status = layOutAll(who, "param", descriptor->params, descriptor->num_params,
                       itsTensor, /*lastBatchDim=*/-1, params);
  if (!status.failed())
    status = layOutAll(who, "state", descriptor->states, descriptor->num_states,
                       itsTensor, /*lastBatchDim=*/1, model.states);
  if (status.failed())
    return status;

  for (const std::vector<TensorLayout> *layouts :
       {&model.inputs, &model.outputs})
    for (const TensorLayout &layout : *layouts) {
      uint64_t &largest =
          layout.batched() ? model.largestRow : model.largestWhole;
      largest = std::max(largest, layout.bytes);
    }
  model.stateShapes.describe(model.states);
  for (uint32_t i = 0; i < descriptor->num_inputs; ++i) {
    TensorLayout &input = model.inputs[i];
    if (input.batched() && model.batchInput < 0)
      model.batchInput = i;
    if (!descriptor->input_limits || !descriptor->input_limits[i])
      continue;
    input.limit = descriptor->input_limits[i];
    bool integer = input.spec->dtype == TTC_DTYPE_I32 ||
                   input.spec->dtype == TTC_DTYPE_I64;
    if (!integer || input.limit < 0)
      return malformed(who, "the input " + quoteName(input.spec->name) + ", " +
                                describeDtype(input.spec->dtype) +
                                ", has the limit " +
                                std::to_string(input.limit));
  }
  if (descriptor->has_generator > 1)
    return malformed(who, "it has " +
                              std::to_string(descriptor->has_generator) +
                              " generators");
  model.statesHaveBatch = descriptor->states_size.per_batch != 0;
  for (uint32_t i = 0; i < descriptor->num_states; ++i) {
    model.statesHaveBatch |= model.states[i].batched() ||
                             descriptor->states[i].offset.per_batch != 0;
    const char *name = model.states[i].spec->name;
    if (i && std::strcmp(model.states[i - 1].spec->name, name) >= 0)
      return malformed(who, "the state " + quoteName(name) + " is not after " +
                                quoteName(model.states[i - 1].spec->name) +
                                " in order of name");
    if (!isUtf8(name))
      return malformed(who, "the state " + quoteName(name) + " is not UTF-8");
    if (std::strcmp(name, "__metadata__") == 0)
      return malformed(who, "no state can be called '__metadata__'");
  }
  return Status::success();
}

/// Loads the library and finds its descriptor.
Status openLibrary(const std::string &path, ttc_model &model,
                   const ttc_model_descriptor *&descriptor) {
  // dlopen would wait at a pipe, and search its own path for a bare name.
  File file;
  uint64_t size = 0;
  Status status = openRegularFile(path, file, size);
  if (status.failed())
    return status;
  std::string name = path.find('/') == std::string::npos ? "./" + path : path;
  model.library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!model.library) {
    const char *reason = ::dlerror();
    return {TTC_ERROR_FORMAT, "InvalidLibrary",
            "Cannot load " + quoteName(path) + " as a shared library: " +
                (reason ? reason : "no reason is known") + "."};
  }
  descriptor = static_cast<const ttc_model_descriptor *>(
      ::dlsym(model.library, "ttc_model"));
  if (!descriptor)
    return {TTC_ERROR_FORMAT, "InvalidLibrary",
            "The library " + quoteName(path) +
                " is no compiled model: it has no symbol 'ttc_model'."};
  return Status::success();
}

Status createModel(const char *libraryPath,
                   const ttc_model_descriptor *descriptor,
                   const ttc_weights *weights, bool strict, ttc_model **out) {
  auto model = std::make_unique<ttc_model>();
  std::string origin = "The model that is linked into this program";
  if (libraryPath) {
    Status status = openLibrary(libraryPath, *model, descriptor);
    if (status.failed())
      return status;
    origin = "The model in " + quoteName(libraryPath);
  }
  Status status = chooseAlternative(origin, descriptor);
  if (!status.failed())
    status = checkDescriptor(descriptor, origin, *model);
  if (status.failed())
    return status;
  // A model of which no session can exist is refused before its weights are
  // read.
  const int64_t smallest = std::max<int64_t>(model->descriptor->batch, 1);
  uint64_t bytes = 0;
  status = model->checkStates(smallest, bytes);
  if (!status.failed())
    status = model->checkScratch(smallest);
  if (!status.failed() && model->descriptor->device)
    status = model->checkScratch(model->descriptor->device->scratch_size,
                                 smallest, bytes);
  if (status.failed())
    return status;
  status = prepareWeights(*model, weights, strict);
  if (status.failed())
    return status;
  *out = model.release();
  return Status::success();
}

} // namespace
} // namespace ttc

using namespace ttc;

ttc_model::ttc_model() : devices(std::make_unique<DeviceModels>()) {}

ttc_model::~ttc_model() {
  if (library)
    ::dlclose(library);
}

void ttc_model::release() {
  if (references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete this;
}

uint32_t ttc_model::preparedChecksum() const {
  uint64_t value = checksum.load(std::memory_order_relaxed);
  if (value > UINT32_MAX) {
    value = prepared
                ? crc32c(prepared, descriptor->prepared_size)
                : crc32c(devicePrepared, descriptor->device->prepared_size);
    checksum.store(value, std::memory_order_relaxed);
  }
  return static_cast<uint32_t>(value);
}

extern "C" ttc_status ttc_model_create(const ttc_model_descriptor *descriptor,
                                       const ttc_weights *weights, int strict,
                                       ttc_model **out, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!descriptor || !out)
      return nullArgument(descriptor ? "out" : "descriptor");
    return createModel(nullptr, descriptor, weights, strict != 0, out);
  });
}

extern "C" ttc_status ttc_model_open(const char *library_path,
                                     const char *weights_path, ttc_model **out,
                                     ttc_error *error) {
  ttc_weights *weights = nullptr;
  if (weights_path) {
    ttc_status status = ttc_weights_open(weights_path, &weights, error);
    if (status != TTC_OK)
      return status;
  }
  ttc_status status =
      ttc_model_open_with(library_path, weights, /*strict=*/1, out, error);
  ttc_weights_close(weights);
  return status;
}

extern "C" ttc_status ttc_model_open_with(const char *library_path,
                                          const ttc_weights *weights,
                                          int strict, ttc_model **out,
                                          ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!library_path || !out)
      return nullArgument(library_path ? "out" : "library_path");
    return createModel(library_path, nullptr, weights, strict != 0, out);
  });
}

extern "C" void ttc_model_close(ttc_model *model) {
  if (model)
    model->release();
}

extern "C" const ttc_model_descriptor *
ttc_model_get_descriptor(const ttc_model *model) {
  return model ? model->descriptor : nullptr;
}

const void *ttc_model_prepared(const ttc_model *model) {
  return model ? model->prepared : nullptr;
}

uint32_t ttc_model_prepared_checksum(const ttc_model *model) {
  return model ? model->preparedChecksum() : 0;
}
