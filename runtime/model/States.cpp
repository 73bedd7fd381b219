//===- States.cpp - Which tensors become which states? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything is checked, then room is found, then all states are replaced:
// there is no point after the first change at which anything can fail.
//
//===----------------------------------------------------------------------===//

#include "model/Session.h"
#include "tensors/Dtype.h"
#include "tensors/FloatBits.h"
#include "weights/Weights.h"

#include <algorithm>
#include <cstring>

namespace ttc {
namespace {

constexpr int allFlags = TTC_LOAD_LENIENT | TTC_LOAD_OTHER_MODEL |
                         TTC_LOAD_UNVERIFIED | TTC_LOAD_REFUSE_NONFINITE;

/// The reference writes a state once for every way to reach its layer:
/// `net._modules[1].mem` is `net.1.mem`, and `.ls[0].mem` is `ls[0].mem`.
std::string canonicalName(std::string_view name) {
  constexpr std::string_view opening = "_modules[";
  std::string result;
  size_t at = name.substr(0, 1) == "." ? 1 : 0;
  while (at < name.size()) {
    bool starts = at == 0 || name[at - 1] == '.';
    size_t close = starts && name.compare(at, opening.size(), opening) == 0
                       ? name.find(']', at)
                       : std::string_view::npos;
    if (close == std::string_view::npos) {
      result += name[at++];
      continue;
    }
    result += name.substr(at + opening.size(), close - at - opening.size());
    at = close + 1;
  }
  return result;
}

bool sameTensor(const StateSource &a, const StateSource &b) {
  return a.dtype == b.dtype && a.rank == b.rank && a.bytes == b.bytes &&
         std::equal(a.shape, a.shape + a.rank, b.shape) &&
         (a.bytes == 0 || std::memcmp(a.data, b.data, a.bytes) == 0);
}

/// Where each state's value comes from.
struct Assignment {
  const StateSource *source = nullptr;
  bool absent = false;
};

void assign(const ttc_model &model, const std::vector<StateSource> &sources,
            const std::vector<std::string> &absent, bool lenient,
            std::vector<Assignment> &assignments, Findings &findings) {
  for (const StateSource &source : sources) {
    int64_t index = findState(model, source.name);
    if (index < 0) {
      if (!lenient)
        findings.add(TTC_ERROR_UNEXPECTED, "UnexpectedKey",
                     quoteName(source.name) + " is no state of the model");
      continue;
    }
    const StateSource *&slot = assignments[static_cast<size_t>(index)].source;
    if (!slot)
      slot = &source;
    else if (slot->name == source.name)
      findings.add(TTC_ERROR_UNEXPECTED, "DuplicateKey",
                   quoteName(source.name) + " is there twice");
    else if (!sameTensor(*slot, source))
      findings.add(TTC_ERROR_UNEXPECTED, "ConflictingAlias",
                   quoteName(slot->name) + " and " + quoteName(source.name) +
                       " are the same state, but differ");
  }
  for (const std::string &name : absent) {
    int64_t index = findState(model, name);
    if (index < 0) {
      if (!lenient)
        findings.add(TTC_ERROR_UNEXPECTED, "UnexpectedKey",
                     quoteName(name) +
                         ", recorded as not existing yet, is no state of the "
                         "model");
      continue;
    }
    Assignment &assignment = assignments[static_cast<size_t>(index)];
    if (assignment.source)
      findings.add(TTC_ERROR_UNEXPECTED, "UnexpectedKey",
                   quoteName(name) +
                       " is there, and recorded as not existing yet");
    assignment.absent = true;
  }
  for (size_t i = 0; i < assignments.size(); ++i)
    if (!assignments[i].source && !assignments[i].absent && !lenient)
      findings.add(TTC_ERROR_MISSING, "MissingKey",
                   quoteName(model.states[i].spec->name) + " is missing");
}

/// Checks type and shape; `batch` becomes that of the first state that has one.
void checkShape(const TensorLayout &layout, const StateSource &source,
                int64_t &batch, const char *&batchName, Findings &findings) {
  const ttc_tensor_spec &spec = *layout.spec;
  if (source.dtype != spec.dtype)
    findings.add(TTC_ERROR_DTYPE, "DTypeMismatch",
                 quoteName(source.name) + " is " + source.dtypeName + ", " +
                     describeDtype(spec.dtype) + " is expected");
  std::string shape = quoteName(source.name) + " has the shape " +
                      describeShape(source.shape, source.rank) + ", " +
                      describeShape(spec.shape, spec.rank) + " is expected";
  if (source.rank != spec.rank) {
    findings.add(TTC_ERROR_SHAPE, "RankMismatch", shape);
    return;
  }
  for (int64_t i = 0; i < source.rank; ++i)
    if (i != layout.batchDim && source.shape[i] != spec.shape[i]) {
      findings.add(TTC_ERROR_SHAPE, "ShapeMismatch", shape);
      return;
    }
  if (!layout.batched())
    return;
  int64_t own = source.shape[layout.batchDim];
  if (own < 1) {
    findings.add(TTC_ERROR_SHAPE, "InvalidBatch",
                 shape + " with a batch of at least 1");
  } else if (!batchName) {
    batch = own;
    batchName = spec.name;
  } else if (own != batch) {
    findings.add(TTC_ERROR_SHAPE, "BatchMismatch",
                 shape + " with batch " + std::to_string(batch) + ", which " +
                     quoteName(batchName) + " has");
  }
}

/// Counts the elements that are no finite numbers: a remark, or a refusal.
void checkFinite(const TensorLayout &layout, const StateSource &source,
                 bool refuse, Findings &findings, std::string &note) {
  const uint64_t found =
      countNonFinite(source.data, source.bytes, source.dtype);
  if (!found)
    return;
  std::string sentence = std::to_string(found) + " of " +
                         std::to_string(source.bytes / layout.alignment) +
                         " elements of " + quoteName(source.name) +
                         " are NaN or infinite";
  if (refuse)
    findings.add(TTC_ERROR_VALUE, "NonFiniteState", sentence);
  else
    addSentence(note, sentence + ".");
}

/// A tensor on the session's device is copied to the host, to be looked at.
Status fetch(const ttc_session &session, ttc_tensor &tensor, uint64_t bytes,
             AlignedBlock &copy) {
  BufferPlace place = BufferPlace::Host;
  Status status = Status::success();
  if (session.device && bytes)
    status = session.device->findPlace(
        tensor.data, [&] { return "the state " + quoteName(tensor.name); },
        place);
  if (status.failed() || place == BufferPlace::Host)
    return status;
  status = allocateZeroed("a copy of the state " + quoteName(tensor.name),
                          bytes, copy);
  if (!status.failed())
    status = session.device->copy(copy.get(), tensor.data, bytes);
  tensor.data = copy.get();
  return status;
}

} // namespace

int64_t findState(const ttc_model &model, std::string_view name) {
  auto search = [&](std::string_view wanted) -> int64_t {
    auto at = std::lower_bound(model.states.begin(), model.states.end(), wanted,
                               [](const TensorLayout &l, std::string_view n) {
                                 return l.spec->name < n;
                               });
    return at != model.states.end() && at->spec->name == wanted
               ? at - model.states.begin()
               : -1;
  };
  int64_t index = search(name);
  return index >= 0 ? index : search(canonicalName(name));
}

Status makeSource(const ttc_session &session, const ttc_tensor &given,
                  AlignedBlock &copy, StateSource &source) {
  ttc_tensor tensor = given;
  uint64_t bytes = 0;
  Status status = checkTensor("The given state", tensor, bytes);
  if (!status.failed())
    status = fetch(session, tensor, bytes, copy);
  if (!status.failed() && tensor.dtype == TTC_DTYPE_BOOL)
    status = checkBooleans("the given states", tensor.name, tensor.data, bytes);
  if (status.failed())
    return status;
  source = {tensor.name, tensor.dtype, ttc_dtype_name(tensor.dtype),
            tensor.rank, tensor.shape, tensor.data,
            bytes};
  return status;
}

void addSentence(std::string &note, const std::string &sentence) {
  note += (note.empty() ? "" : " ") + sentence;
}

Status checkFlags(int flags) {
  if (flags & ~allFlags)
    return {TTC_ERROR_ARGUMENT, "InvalidFlags",
            "The flags " + std::to_string(flags) +
                " contain one that does not exist."};
  return Status::success();
}

} // namespace ttc

using namespace ttc;

Status ttc_session::replaceStates(
    const std::string &origin, const std::vector<StateSource> &sources,
    const std::vector<std::string> &absent, int flags, uint64_t newTimestep,
    const std::optional<GeneratorState> &newGenerator, std::string &note) {
  const GeneratorState next = newGenerator.value_or(generator());
  const bool lenient = flags & TTC_LOAD_LENIENT;
  const bool live = exists.load(std::memory_order_relaxed);
  std::vector<Assignment> assignments(model->states.size());
  Findings findings;
  assign(*model, sources, absent, lenient, assignments, findings);

  int64_t newBatch = TTC_BATCH;
  const char *batchName = nullptr;
  bool anySource = false;
  bool allAbsent = true;
  for (size_t i = 0; i < assignments.size(); ++i) {
    allAbsent &= assignments[i].absent;
    const StateSource *source = assignments[i].source;
    if (!source)
      continue;
    anySource = true;
    checkShape(model->states[i], *source, newBatch, batchName, findings);
  }
  const int64_t compiled = model->descriptor->batch;
  if (batchName && compiled != TTC_BATCH && newBatch != compiled)
    findings.add(
        TTC_ERROR_SHAPE, "BatchMismatch",
        quoteName(batchName) + " has batch " + std::to_string(newBatch) +
            ", the model was compiled for batch " + std::to_string(compiled));
  const int64_t present = states.batch;
  if (batchName && live && newBatch != present)
    findings.add(
        TTC_ERROR_SHAPE, "BatchMismatch",
        quoteName(batchName) + " has batch " + std::to_string(newBatch) +
            ", the session's states have batch " + std::to_string(present) +
            ": zero them first (ttc_session_zero, zero_states())");
  if (!batchName) {
    // No tensor tells the batch: it is the session's, or the only one there can
    // be.
    newBatch = live ? present : compiled != TTC_BATCH ? compiled : 1;
    if (anySource && !live && compiled == TTC_BATCH && model->batchInput >= 0 &&
        model->statesHaveBatch)
      findings.add(TTC_ERROR_SHAPE, "UnknownBatch",
                   "none of the tensors has a batch, so the states that are "
                   "missing have no size");
  }
  for (size_t i = 0; i < assignments.size(); ++i) {
    const StateSource *source = assignments[i].source;
    if (source && source->dtype == model->states[i].spec->dtype)
      checkFinite(model->states[i], *source, flags & TTC_LOAD_REFUSE_NONFINITE,
                  findings, note);
  }
  if (findings.any())
    return findings.status(origin + " does not fit the model " + model->name +
                           ": ");

  if (allAbsent || (!anySource && !live)) {
    setExists(false, TTC_BATCH, next);
    timestep.store(newTimestep, std::memory_order_relaxed);
    return Status::success();
  }
  if (!anySource && absent.empty()) {
    // Leniently, what is missing stays as it is.
    setGenerator(next);
    timestep.store(newTimestep, std::memory_order_relaxed);
    return Status::success();
  }

  // The tensors may be views of the present states: the new ones get a new
  // block.
  StatesBlock block;
  Status status = allocateStates(*model, newBatch, block);
  AlignedBlock copy;
  const unsigned char *presentBytes = nullptr;
  if (!status.failed())
    status = readStates(copy, presentBytes);
  if (status.failed())
    return status;
  for (size_t i = 0; i < assignments.size(); ++i) {
    const TensorLayout &layout = model->states[i];
    const ttc_bytes &offset = model->descriptor->states[i].offset;
    const StateSource *source = assignments[i].source;
    unsigned char *to = block.bytes.get() + offset.fixed +
                        offset.per_batch * static_cast<uint64_t>(newBatch);
    if (source && source->bytes) {
      std::memcpy(to, source->data, source->bytes);
      flushSubnormals(to, source->bytes, layout.spec->dtype);
    } else if (!source && !assignments[i].absent && live) {
      std::memcpy(to, presentBytes + stateOffset(i), stateBytes(i));
    }
  }
  if (device) {
    uint64_t size = 0;
    if (bytesAtBatch(model->descriptor->states_size, newBatch, size))
      status = device->replaceStates(model->describeStates(newBatch), size,
                                     block.bytes.get());
    if (status.failed())
      return status;
    block.bytes.reset();
  }
  states = std::move(block);
  setExists(true, newBatch, next);
  timestep.store(newTimestep, std::memory_order_relaxed);
  return Status::success();
}

extern "C" ttc_status ttc_session_set_states(ttc_session *session,
                                             const ttc_tensor *tensors,
                                             size_t count, int flags,
                                             uint64_t timestep,
                                             ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || (count && !tensors))
      return nullArgument(session ? "tensors" : "session");
    Status status = checkFlags(flags);
    if (status.failed())
      return status;
    Occupied occupied(*session);
    status = occupied.status();
    if (status.failed())
      return status;
    std::vector<StateSource> sources;
    std::vector<AlignedBlock> copies(count);
    sources.reserve(count);
    for (size_t i = 0; i < count && !status.failed(); ++i) {
      sources.emplace_back();
      status = makeSource(*session, tensors[i], copies[i], sources.back());
    }
    if (status.failed())
      return status;
    // No tensor at all is what a session without states gives.
    std::vector<std::string> absent;
    if (count == 0 && !(flags & TTC_LOAD_LENIENT))
      for (const TensorLayout &layout : session->model->states)
        absent.push_back(layout.spec->name);
    std::string note;
    status = session->replaceStates("The set of states", sources, absent, flags,
                                    timestep, std::nullopt, note);
    if (!status.failed())
      remark(note, error);
    return status;
  });
}
