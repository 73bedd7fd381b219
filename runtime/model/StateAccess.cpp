//===- StateAccess.cpp - How is one state, or one row, read and written? --===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Session.h"
#include "tensors/Dtype.h"

#include <cstring>

namespace ttc {
namespace {

/// The state that a caller names, by its key or an alias of it.
Status lookUp(const ttc_model &model, const char *name, size_t &index) {
  int64_t found = findState(model, name);
  if (found >= 0) {
    index = static_cast<size_t>(found);
    return Status::success();
  }
  std::string known = "it has none";
  for (size_t i = 0; i < model.states.size(); ++i)
    known =
        (i ? known + ", " : "it has ") + quoteName(model.states[i].spec->name);
  return {TTC_ERROR_MISSING, "MissingKey",
          quoteName(name) + " is no state of the model " + model.name + ": " +
              known + "."};
}

/// Zeroes some of the states' bytes, which must be there.
Status zeroBytes(const ttc_session &session, unsigned char *data,
                 uint64_t bytes) {
  if (session.device)
    return session.device->fill(data, bytes);
  if (bytes)
    std::memset(data, 0, bytes);
  return Status::success();
}

/// Zeroes the rows of one state whose mark is not 0, those that lie beside each
/// other at once.
Status zeroRows(const ttc_session &session, size_t index, int64_t batch,
                const uint8_t *rows) {
  const TensorLayout &layout = session.model->states[index];
  // Before the batch stands at most the number of layers.
  const ttc_tensor_spec &spec = *layout.spec;
  uint64_t outer = 1;
  for (int32_t d = 0; d < layout.batchDim; ++d)
    outer *= static_cast<uint64_t>(spec.shape[d]);
  if (outer == 0)
    return Status::success();
  const uint64_t bytes = layout.bytes / outer;
  unsigned char *data = session.stateData(index);
  Status status = Status::success();
  for (uint64_t i = 0; i < outer; ++i)
    for (int64_t row = 0, end = 0; row < batch && !status.failed();
         data += bytes * static_cast<uint64_t>(end - row), row = end) {
      end = row + 1;
      if (!rows[row])
        continue;
      while (end < batch && rows[end])
        ++end;
      status =
          zeroBytes(session, data, bytes * static_cast<uint64_t>(end - row));
    }
  return status;
}

} // namespace
} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_session_state(const ttc_session *session,
                                        size_t index, ttc_tensor *out,
                                        ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !out)
      return nullArgument(session ? "out" : "session");
    const ttc_model &model = *session->model;
    if (index >= model.states.size())
      return noSuchIndex("state", index, model.states.size());
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    const ttc_tensor_spec &spec = *model.states[index].spec;
    out->name = spec.name;
    out->dtype = spec.dtype;
    out->rank = spec.rank;
    out->shape = session->stateShape(index);
    out->data = session->exists.load(std::memory_order_relaxed)
                    ? session->stateData(index)
                    : nullptr;
    return Status::success();
  });
}

extern "C" ttc_status ttc_session_get_state(const ttc_session *session,
                                            const char *name, void *data,
                                            size_t bytes, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !name || (!data && bytes))
      return nullArgument(!session ? "session" : !name ? "name" : "data");
    Occupied occupied(*session);
    Status status = occupied.status();
    size_t index = 0;
    if (!status.failed())
      status = lookUp(*session->model, name, index);
    if (status.failed())
      return status;
    const ttc_tensor_spec &spec = *session->model->states[index].spec;
    if (!session->exists.load(std::memory_order_relaxed))
      return {TTC_ERROR_MISSING, "AbsentState",
              "The state " + quoteName(spec.name) + " of the model " +
                  session->model->name +
                  " does not exist yet: make a step or set the states first."};
    const uint64_t size = session->stateBytes(index);
    if (bytes != size)
      return {TTC_ERROR_SHAPE, "SizeMismatch",
              "The state " + quoteName(spec.name) + " has the shape " +
                  describeShape(session->stateShape(index), spec.rank) +
                  " and " + std::to_string(size) + " bytes, room for " +
                  std::to_string(bytes) + " was given."};
    if (session->device)
      return session->device->copy(data, session->stateData(index), bytes);
    if (bytes)
      std::memcpy(data, session->stateData(index), bytes);
    return Status::success();
  });
}

extern "C" ttc_status ttc_session_set_state(ttc_session *session,
                                            const ttc_tensor *tensor,
                                            ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !tensor)
      return nullArgument(session ? "tensor" : "session");
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    StateSource source = {};
    AlignedBlock copy;
    status = makeSource(*session, *tensor, copy, source);
    size_t index = 0;
    if (!status.failed())
      status = lookUp(*session->model, tensor->name, index);
    if (status.failed())
      return status;
    std::string note;
    // Leniently, what is not given stays.
    status = session->replaceStates(
        "The given state", {source}, /*absent=*/{}, TTC_LOAD_LENIENT,
        session->timestep.load(std::memory_order_relaxed), std::nullopt, note);
    if (!status.failed())
      remark(note, error);
    return status;
  });
}

extern "C" ttc_status ttc_session_zero_state(ttc_session *session,
                                             const char *name,
                                             ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !name)
      return nullArgument(session ? "name" : "session");
    Occupied occupied(*session);
    Status status = occupied.status();
    size_t index = 0;
    if (!status.failed())
      status = lookUp(*session->model, name, index);
    if (status.failed() || !session->exists.load(std::memory_order_relaxed))
      return status;
    return zeroBytes(*session, session->stateData(index),
                     session->stateBytes(index));
  });
}

extern "C" ttc_status ttc_session_zero_rows(ttc_session *session,
                                            const uint8_t *rows, size_t count,
                                            ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || (!rows && count))
      return nullArgument(session ? "rows" : "session");
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    const ttc_model &model = *session->model;
    const bool live = session->exists.load(std::memory_order_relaxed);
    const int64_t batch = live ? session->batch.load(std::memory_order_relaxed)
                               : model.descriptor->batch;
    if (batch != TTC_BATCH && count != static_cast<uint64_t>(batch))
      return {TTC_ERROR_SHAPE, "BatchMismatch",
              std::to_string(count) + " rows were given, the batch of the " +
                  (live ? "session" : "model " + model.name) + " is " +
                  std::to_string(batch) + "."};
    for (size_t i = 0; live && i < model.states.size() && !status.failed(); ++i)
      if (model.states[i].batched())
        status = zeroRows(*session, i, batch, rows);
    return status;
  });
}
