//===- Session.cpp - What does one stream through a model own? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step that succeeds must cost next to nothing beside the model: it compares
// numbers that were worked out when its batch was first seen, and builds no
// sentence. Everything else, the first step and every failure, is off that
// path.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Dtype.h"

#include <cstring>

namespace ttc {
namespace {

enum class Kind { Input, Output };

std::string describe(Kind kind, const TensorLayout &layout) {
  return (kind == Kind::Input ? "The input " : "The output ") +
         quoteName(layout.spec->name);
}

/// The shape that a caller's tensor must have, such as "[steps, batch, 64]".
std::string expectedShape(const ttc_tensor_spec &spec, bool sequence) {
  std::string shape = describeShape(spec.shape, spec.rank);
  if (!sequence)
    return shape;
  return spec.rank ? "[steps, " + shape.substr(1) : "[steps]";
}

//===----------------------------------------------------------------------===//
// The tensors of a step
//===----------------------------------------------------------------------===//

/// Whether a caller's tensor is what the model wants. With a sequence the first
/// size is `steps`.
inline bool fits(const ttc_tensor &tensor, const TensorLayout &layout,
                 bool sequence, int64_t steps, int64_t batch) {
  const ttc_tensor_spec &spec = *layout.spec;
  const int64_t *shape = tensor.shape;
  if (tensor.dtype != spec.dtype || tensor.rank != spec.rank + sequence)
    return false;
  if (tensor.rank == 0)
    return true;
  if (!shape || (sequence && *shape++ != steps))
    return false;
  int32_t i = 0;
  if (layout.batched()) {
    if (shape[0] != batch)
      return false;
    i = 1;
  }
  for (; i < spec.rank; ++i)
    if (shape[i] != spec.shape[i])
      return false;
  return true;
}

/// Why a tensor does not fit, which is known to be the case.
Status explain(const ttc_tensor &tensor, Kind kind, const TensorLayout &layout,
               bool sequence, int64_t steps, int64_t batch) {
  const ttc_tensor_spec &spec = *layout.spec;
  std::string who = describe(kind, layout);
  if (tensor.dtype != spec.dtype)
    return {TTC_ERROR_DTYPE, "DTypeMismatch",
            who + " is " + describeDtype(tensor.dtype) + ", " +
                describeDtype(spec.dtype) + " is expected."};
  if (tensor.rank != spec.rank + sequence)
    return {TTC_ERROR_SHAPE, "RankMismatch",
            who + " has rank " + std::to_string(tensor.rank) + ", " +
                std::to_string(spec.rank + sequence) +
                " is expected: the shape " + expectedShape(spec, sequence) +
                "."};
  if (!tensor.shape)
    return {TTC_ERROR_ARGUMENT, "NullPointer",
            who + " has a null pointer for its shape."};
  std::string shape = who + " has the shape " +
                      describeShape(tensor.shape, tensor.rank) + ", " +
                      expectedShape(spec, sequence) + " is expected";
  if (sequence && tensor.shape[0] != steps)
    return {TTC_ERROR_SHAPE, "StepsMismatch",
            shape + " with " + std::to_string(steps) +
                " steps, as the tensors before it have."};
  if (layout.batched() && tensor.shape[sequence] != batch)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            shape + " with batch " + std::to_string(batch) +
                ", as the tensors before it have."};
  return {TTC_ERROR_SHAPE, "ShapeMismatch", shape + "."};
}

//===----------------------------------------------------------------------===//
// The buffers of a step
//===----------------------------------------------------------------------===//

inline bool overlap(const void *a, uint64_t aBytes, const void *b,
                    uint64_t bBytes) {
  uintptr_t aStart = reinterpret_cast<uintptr_t>(a);
  uintptr_t bStart = reinterpret_cast<uintptr_t>(b);
  // A difference below zero wraps to one that no buffer is as long as.
  return (aStart - bStart < bBytes && aBytes) ||
         (bStart - aStart < aBytes && bBytes);
}

/// The first of `count` integers that is not below `limit`, or is negative;
/// `count` if there is none.
template <typename Integer>
size_t findBeyond(const void *data, size_t count, int64_t limit) {
  const Integer *values = static_cast<const Integer *>(data);
  for (size_t i = 0; i < count; ++i)
    // A negative number is, without its sign, beyond every limit.
    if (static_cast<uint64_t>(values[i]) >= static_cast<uint64_t>(limit))
      return i;
  return count;
}

/// As above, of an input that has a limit.
size_t findBeyond(const TensorLayout &layout, const void *data, size_t count) {
  return layout.spec->dtype == TTC_DTYPE_I32
             ? findBeyond<int32_t>(data, count, layout.limit)
             : findBeyond<int64_t>(data, count, layout.limit);
}

/// Whether every buffer is there, aligned to its element, no output shares
/// memory with another buffer, and every input is within its limit.
inline bool buffersAreGood(const ttc_session &session,
                           const void *const *inputs, void *const *outputs,
                           uint64_t steps) {
  const ttc_model &model = *session.model;
  const size_t numInputs = model.inputs.size();
  const size_t numOutputs = model.outputs.size();
  for (size_t i = 0; i < numInputs; ++i) {
    const TensorLayout &layout = model.inputs[i];
    uintptr_t address = reinterpret_cast<uintptr_t>(inputs[i]);
    if ((!address && session.inputBytes[i]) ||
        (address & (layout.alignment - 1)))
      return false;
    if (layout.limit) {
      size_t count = session.inputBytes[i] * steps / layout.alignment;
      if (findBeyond(layout, inputs[i], count) != count)
        return false;
    }
  }
  for (size_t o = 0; o < numOutputs; ++o) {
    uintptr_t address = reinterpret_cast<uintptr_t>(outputs[o]);
    uint64_t bytes = session.outputBytes[o] * steps;
    if ((!address && bytes) || (address & (model.outputs[o].alignment - 1)))
      return false;
    for (size_t i = 0; i < numInputs; ++i)
      if (overlap(inputs[i], session.inputBytes[i] * steps, outputs[o], bytes))
        return false;
    for (size_t p = 0; p < o; ++p)
      if (overlap(outputs[p], session.outputBytes[p] * steps, outputs[o],
                  bytes))
        return false;
  }
  return true;
}

/// What is wrong with an input beyond its limit.
Status explainLimit(const ttc_session &session, size_t index, const void *data,
                    uint64_t steps, int64_t batch) {
  const TensorLayout &layout = session.model->inputs[index];
  const ttc_tensor_spec &spec = *layout.spec;
  const size_t count = session.inputBytes[index] / layout.alignment;
  const size_t wrong = findBeyond(layout, data, count * steps);
  int64_t value = spec.dtype == TTC_DTYPE_I32
                      ? static_cast<const int32_t *>(data)[wrong]
                      : static_cast<const int64_t *>(data)[wrong];
  std::vector<int64_t> position(static_cast<size_t>(spec.rank));
  size_t rest = wrong % count;
  for (size_t d = position.size(); d-- > 0;) {
    size_t size =
        static_cast<size_t>(spec.shape[d] == TTC_BATCH ? batch : spec.shape[d]);
    position[d] = static_cast<int64_t>(rest % size);
    rest /= size;
  }
  std::string where = describeShape(position.data(), spec.rank);
  if (steps > 1)
    where += " of timestep " + std::to_string(wrong / count);
  return {TTC_ERROR_VALUE, "ValueBeyondLimit",
          describe(Kind::Input, layout) + " has the value " +
              std::to_string(value) + " at " + where + "; 0 to " +
              std::to_string(layout.limit - 1) + " are possible."};
}

/// Why the buffers are not good, which is known to be the case.
Status explainBuffers(const ttc_session &session, const void *const *inputs,
                      void *const *outputs, uint64_t steps, int64_t batch) {
  const ttc_model &model = *session.model;
  struct Buffer {
    std::string who;
    const void *data;
    uint64_t bytes, alignment;
  };
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < model.inputs.size(); ++i)
    buffers.push_back({"the input " + quoteName(model.inputs[i].spec->name),
                       inputs[i], session.inputBytes[i] * steps,
                       model.inputs[i].alignment});
  for (size_t o = 0; o < model.outputs.size(); ++o)
    buffers.push_back({"the output " + quoteName(model.outputs[o].spec->name),
                       outputs[o], session.outputBytes[o] * steps,
                       model.outputs[o].alignment});
  for (const Buffer &buffer : buffers) {
    if (!buffer.data && buffer.bytes)
      return {TTC_ERROR_ARGUMENT, "NullPointer",
              "The pointer of " + buffer.who + " is null, " +
                  std::to_string(buffer.bytes) + " bytes are expected."};
    if (reinterpret_cast<uintptr_t>(buffer.data) % buffer.alignment)
      return {TTC_ERROR_ARGUMENT, "MisalignedBuffer",
              "The pointer of " + buffer.who +
                  " is no multiple of its element's " +
                  std::to_string(buffer.alignment) + " bytes."};
  }
  for (size_t o = model.inputs.size(); o < buffers.size(); ++o)
    for (size_t p = 0; p < o; ++p)
      if (overlap(buffers[p].data, buffers[p].bytes, buffers[o].data,
                  buffers[o].bytes))
        return {TTC_ERROR_OVERLAP, "Overlap",
                "The memory of " + buffers[p].who + " and of " +
                    buffers[o].who +
                    " overlaps; give each a buffer of its own."};
  for (size_t i = 0; i < model.inputs.size(); ++i)
    if (size_t count = buffers[i].bytes / buffers[i].alignment;
        model.inputs[i].limit &&
        findBeyond(model.inputs[i], inputs[i], count) != count)
      return explainLimit(session, i, inputs[i], steps, batch);
  return Status::success();
}

//===----------------------------------------------------------------------===//
// A batch that is seen for the first time
//===----------------------------------------------------------------------===//

Status checkBatch(const ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  const ttc_model_descriptor &descriptor = *model.descriptor;
  std::string number = std::to_string(batch);
  if (batch < 1)
    return {TTC_ERROR_SHAPE, "InvalidBatch",
            "The batch is " + number + "; it must be at least 1."};
  if (descriptor.batch != TTC_BATCH && batch != descriptor.batch)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "The model " + model.name + " was compiled for batch " +
                std::to_string(descriptor.batch) + ", the batch is " + number +
                ". Compile it with --batch=" + number +
                " or --batch=dynamic for this one."};
  if (descriptor.batch == TTC_BATCH && model.batchInput < 0 && batch != 1)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "No input of the model " + model.name +
                " has a batch, so the batch is 1, not " + number + "."};
  int64_t present = session.batch.load(std::memory_order_relaxed);
  if (session.exists.load(std::memory_order_relaxed) && model.statesHaveBatch &&
      batch != present)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "The states have batch " + std::to_string(present) +
                ", the input has batch " + number +
                ": zero the states first (ttc_session_zero, zero_states()), "
                "or bring batch " +
                std::to_string(present) + "."};
  return Status::success();
}

/// Works out the bytes of every input and output. Nothing that a caller sees.
Status sizeBuffers(ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  session.buffersBatch = 0;
  session.readyBatch = 0;
  auto size = [&](const std::vector<TensorLayout> &layouts,
                  std::vector<uint64_t> &bytes) {
    for (size_t i = 0; i < layouts.size(); ++i)
      if (__builtin_mul_overflow(
              layouts[i].bytes,
              static_cast<uint64_t>(layouts[i].batched() ? batch : 1),
              &bytes[i]))
        return false;
      else if (bytes[i] > session.largestBuffer)
        session.largestBuffer = bytes[i];
    return true;
  };
  session.largestBuffer = 0;
  if (!size(model.inputs, session.inputBytes) ||
      !size(model.outputs, session.outputBytes))
    return {TTC_ERROR_MEMORY, "Overflow",
            "With batch " + std::to_string(batch) + ", an input or output of " +
                model.name + " has more bytes than can be counted."};
  session.buffersBatch = batch;
  return Status::success();
}

/// Brings states and scratch memory into being for a batch.
Status makeReady(ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  if (session.scratchBatch < batch) {
    std::string what = "the scratch memory of the model " + model.name +
                       " at batch " + std::to_string(batch);
    uint64_t bytes = 0;
    if (!bytesAtBatch(model.descriptor->scratch_size, batch, bytes))
      return {TTC_ERROR_MEMORY, "Overflow",
              "There is no room for " + what +
                  ": it has more bytes than can be counted."};
    AlignedBlock block;
    Status status = allocateZeroed(what, bytes, block);
    if (status.failed())
      return status;
    session.scratch = std::move(block);
    session.scratchBatch = batch;
  }
  if (!session.exists.load(std::memory_order_relaxed)) {
    uint64_t bytes = 0;
    if (session.statesBatch == batch &&
        bytesAtBatch(model.descriptor->states_size, batch, bytes)) {
      std::memset(session.states.get(), 0, bytes);
    } else {
      AlignedBlock block;
      Status status = allocateStates(model, batch, block);
      if (status.failed())
        return status;
      session.states = std::move(block);
      session.statesBatch = batch;
    }
    session.setExists(true, batch, session.generator());
  }
  session.readyBatch = batch;
  return Status::success();
}

/// The way to a step whose batch is new, or whose buffers are not good.
[[gnu::noinline, gnu::cold]] Status getReady(ttc_session &session,
                                             const void *const *inputs,
                                             void *const *outputs,
                                             int64_t batch, int64_t steps) {
  const ttc_model &model = *session.model;
  if (!inputs && !model.inputs.empty())
    return nullArgument("inputs");
  if (!outputs && !model.outputs.empty())
    return nullArgument("outputs");
  if (steps < 0)
    return {TTC_ERROR_SHAPE, "InvalidSteps",
            "The number of steps is " + std::to_string(steps) +
                "; it must be at least 0."};
  Status status = checkBatch(session, batch);
  if (!status.failed() && session.buffersBatch != batch)
    status = sizeBuffers(session, batch);
  if (status.failed())
    return status;
  uint64_t all = 0;
  if (__builtin_mul_overflow(session.largestBuffer,
                             static_cast<uint64_t>(steps), &all))
    return {TTC_ERROR_MEMORY, "Overflow",
            "With " + std::to_string(steps) +
                " steps, an input or output has more bytes than can be "
                "counted."};
  if (steps == 0)
    return Status::success();
  if (!buffersAreGood(session, inputs, outputs, static_cast<uint64_t>(steps)))
    return explainBuffers(session, inputs, outputs,
                          static_cast<uint64_t>(steps), batch);
  return session.readyBatch == batch ? Status::success()
                                     : makeReady(session, batch);
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

Status busy(const ttc_session &session) {
  return {TTC_ERROR_BUSY, "Busy",
          "The session of the model " + session.model->name +
              " is in use by another thread; give each thread a session of its "
              "own."};
}

[[gnu::noinline, gnu::cold]] ttc_status refuseEntry(const ttc_session *session,
                                                    ttc_error *error) {
  return guarded(error, [&] {
    return session ? busy(*session) : nullArgument("session");
  });
}

inline bool enter(ttc_session *session) {
  return session && !session->busy.exchange(true, std::memory_order_acquire);
}

inline void leave(ttc_session *session) {
  session->busy.store(false, std::memory_order_release);
}

[[gnu::noinline, gnu::cold]] ttc_status
getReadyGuarded(ttc_session &session, const void *const *inputs,
                void *const *outputs, int64_t batch, int64_t steps,
                ttc_error *error) {
  return guarded(
      error, [&] { return getReady(session, inputs, outputs, batch, steps); });
}

inline void countSteps(ttc_session &session, uint64_t steps) {
  // One thread at a time is inside: an addition need not be atomic, only seen
  // whole.
  session.timestep.store(session.timestep.load(std::memory_order_relaxed) +
                             steps,
                         std::memory_order_relaxed);
}

/// Whether the next `steps` steps can begin at once.
inline bool isReady(const ttc_session &session, const void *const *inputs,
                    void *const *outputs, int64_t batch, int64_t steps) {
  uint64_t all = 0;
  return session.readyBatch == batch && batch > 0 && inputs && outputs &&
         steps > 0 &&
         !__builtin_mul_overflow(session.largestBuffer,
                                 static_cast<uint64_t>(steps), &all) &&
         buffersAreGood(session, inputs, outputs, static_cast<uint64_t>(steps));
}

inline ttc_status stepInside(ttc_session &session, const void *const *inputs,
                             void *const *outputs, int64_t batch,
                             ttc_error *error) {
  if (!isReady(session, inputs, outputs, batch, 1)) {
    ttc_status status =
        getReadyGuarded(session, inputs, outputs, batch, 1, error);
    if (status != TTC_OK)
      return status;
  }
  session.model->descriptor->step(inputs, outputs, session.model->prepared,
                                  session.states.get(), session.scratch.get(),
                                  batch);
  countSteps(session, 1);
  return TTC_OK;
}

inline ttc_status runInside(ttc_session &session, const void *const *inputs,
                            void *const *outputs, int64_t batch, int64_t steps,
                            ttc_error *error) {
  if (!isReady(session, inputs, outputs, batch, steps)) {
    ttc_status status =
        getReadyGuarded(session, inputs, outputs, batch, steps, error);
    if (status != TTC_OK || steps == 0)
      return status;
  }
  session.model->descriptor->run(inputs, outputs, session.model->prepared,
                                 session.states.get(), session.scratch.get(),
                                 batch, steps);
  countSteps(session, static_cast<uint64_t>(steps));
  return TTC_OK;
}

/// Why a step on tensors is refused, which is known to be the case.
[[gnu::noinline, gnu::cold]] ttc_status
refuseTensors(const ttc_model &model, const ttc_tensor *inputs,
              const ttc_tensor *outputs, bool sequence, int64_t steps,
              int64_t batch, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!inputs && !model.inputs.empty())
      return nullArgument("inputs");
    if (!outputs && !model.outputs.empty())
      return nullArgument("outputs");
    for (size_t i = 0; i < model.inputs.size(); ++i)
      if (!fits(inputs[i], model.inputs[i], sequence, steps, batch))
        return explain(inputs[i], Kind::Input, model.inputs[i], sequence, steps,
                       batch);
    for (size_t o = 0; o < model.outputs.size(); ++o)
      if (!fits(outputs[o], model.outputs[o], sequence, steps, batch))
        return explain(outputs[o], Kind::Output, model.outputs[o], sequence,
                       steps, batch);
    return {TTC_ERROR_ARGUMENT, "NoTensors",
            "The model " + model.name +
                " has neither inputs nor outputs to tell the number of steps "
                "by; use ttc_session_run_raw."};
  });
}

/// A step (or, with `sequence`, several) on tensors, inside the session.
inline ttc_status tensorsInside(ttc_session &session, const ttc_tensor *inputs,
                                const ttc_tensor *outputs, bool sequence,
                                ttc_error *error) {
  const ttc_model &model = *session.model;
  const size_t numInputs = model.inputs.size();
  const size_t numOutputs = model.outputs.size();
  bool good = (inputs || !numInputs) && (outputs || !numOutputs);

  // The batch and the steps are those of the first tensor that has them.
  int64_t batch = model.descriptor->batch > 0 ? model.descriptor->batch : 1;
  int64_t steps = 1;
  if (good && model.batchInput >= 0) {
    const ttc_tensor &tensor = inputs[model.batchInput];
    const ttc_tensor_spec &spec =
        *model.inputs[static_cast<size_t>(model.batchInput)].spec;
    good = tensor.rank == spec.rank + sequence && tensor.shape;
    if (good)
      batch = tensor.shape[sequence];
  }
  if (good && sequence) {
    const ttc_tensor *first = numInputs    ? inputs
                              : numOutputs ? outputs
                                           : nullptr;
    good = first && first->rank > 0 && first->shape;
    if (good)
      steps = first->shape[0];
  }

  for (size_t i = 0; good && i < numInputs; ++i) {
    good = fits(inputs[i], model.inputs[i], sequence, steps, batch);
    session.inputs[i] = inputs[i].data;
  }
  for (size_t o = 0; good && o < numOutputs; ++o) {
    good = fits(outputs[o], model.outputs[o], sequence, steps, batch);
    session.outputs[o] = outputs[o].data;
  }
  if (!good)
    return refuseTensors(model, inputs, outputs, sequence, steps, batch, error);
  return sequence ? runInside(session, session.inputs.data(),
                              session.outputs.data(), batch, steps, error)
                  : stepInside(session, session.inputs.data(),
                               session.outputs.data(), batch, error);
}

} // namespace

Status allocateStates(const ttc_model &model, int64_t batch,
                      AlignedBlock &block) {
  std::string what = "the states of the model " + model.name + " at batch " +
                     std::to_string(batch);
  uint64_t size = 0;
  if (!bytesAtBatch(model.descriptor->states_size, batch, size))
    return {TTC_ERROR_MEMORY, "Overflow",
            "There is no room for " + what +
                ": they have more bytes than can be counted."};
  // What comes before the states in the block.
  const uint64_t start =
      model.descriptor->has_generator ? sizeof(GeneratorState) : 0;
  if (size < start)
    return {TTC_ERROR_FORMAT, "InvalidDescriptor",
            "The model " + model.name + " has no room for its generator in " +
                what + ". Compile it again."};
  for (size_t i = 0; i < model.states.size(); ++i) {
    const TensorLayout &layout = model.states[i];
    uint64_t offset = 0, bytes = 0, end = 0;
    if (!bytesAtBatch(model.descriptor->states[i].offset, batch, offset) ||
        __builtin_mul_overflow(
            layout.bytes, static_cast<uint64_t>(layout.batched() ? batch : 1),
            &bytes) ||
        __builtin_add_overflow(offset, bytes, &end) || end > size ||
        offset < start || offset % layout.alignment)
      return {TTC_ERROR_FORMAT, "InvalidDescriptor",
              "The model " + model.name + " places the state " +
                  quoteName(layout.spec->name) + " outside " + what +
                  ", over its generator or not aligned to its element. Compile "
                  "it again."};
  }
  return allocateZeroed(what, size, block);
}

Status Occupied::status() const {
  return entered ? Status::success() : busy(session);
}

} // namespace ttc

using namespace ttc;

ttc_session::ttc_session(ttc_model *model) : model(model) {
  inputBytes.resize(model->inputs.size());
  outputBytes.resize(model->outputs.size());
  // Never null, so that a model without inputs can be told from a null
  // argument.
  inputs.resize(model->inputs.size() + 1);
  outputs.resize(model->outputs.size() + 1);
  for (const TensorLayout &state : model->states) {
    stateShapeAt.push_back(stateShapes.size());
    stateShapes.insert(stateShapes.end(), state.spec->shape,
                       state.spec->shape + state.spec->rank);
  }
  model->retain();
}

ttc_session::~ttc_session() { model->release(); }

unsigned char *ttc_session::stateData(size_t index) const {
  const ttc_bytes &offset = model->descriptor->states[index].offset;
  return states.get() + offset.fixed +
         offset.per_batch * static_cast<uint64_t>(statesBatch);
}

uint64_t ttc_session::stateBytes(size_t index) const {
  const TensorLayout &layout = model->states[index];
  return layout.bytes *
         static_cast<uint64_t>(layout.batched() ? statesBatch : 1);
}

GeneratorState ttc_session::generator() const {
  if (!model->descriptor->has_generator ||
      !exists.load(std::memory_order_relaxed))
    return idleGenerator;
  GeneratorState present;
  std::memcpy(&present, states.get(), sizeof(present));
  return present;
}

void ttc_session::setGenerator(const GeneratorState &next) {
  idleGenerator = next;
  if (model->descriptor->has_generator &&
      exists.load(std::memory_order_relaxed))
    std::memcpy(states.get(), &next, sizeof(next));
}

void ttc_session::setExists(bool now, int64_t newBatch,
                            const GeneratorState &next) {
  exists.store(now, std::memory_order_relaxed);
  batch.store(now ? newBatch : TTC_BATCH, std::memory_order_relaxed);
  readyBatch = 0;
  for (size_t i = 0; i < model->states.size(); ++i)
    if (model->states[i].batched())
      stateShapes[stateShapeAt[i] +
                  static_cast<size_t>(model->states[i].batchDim)] =
          now ? newBatch : TTC_BATCH;
  setGenerator(next);
}

extern "C" ttc_status ttc_session_create(ttc_model *model, ttc_session **out,
                                         ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!model || !out)
      return nullArgument(model ? "out" : "model");
    *out = std::make_unique<ttc_session>(model).release();
    return Status::success();
  });
}

extern "C" void ttc_session_close(ttc_session *session) { delete session; }

extern "C" ttc_status ttc_session_step(ttc_session *session,
                                       const ttc_tensor *inputs,
                                       const ttc_tensor *outputs,
                                       ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  ttc_status status =
      tensorsInside(*session, inputs, outputs, /*sequence=*/false, error);
  leave(session);
  return status;
}

extern "C" ttc_status ttc_session_run(ttc_session *session,
                                      const ttc_tensor *inputs,
                                      const ttc_tensor *outputs,
                                      ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  ttc_status status =
      tensorsInside(*session, inputs, outputs, /*sequence=*/true, error);
  leave(session);
  return status;
}

extern "C" ttc_status ttc_session_step_raw(ttc_session *session,
                                           const void *const *inputs,
                                           void *const *outputs, int64_t batch,
                                           ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  ttc_status status = stepInside(*session, inputs, outputs, batch, error);
  leave(session);
  return status;
}

extern "C" ttc_status ttc_session_run_raw(ttc_session *session,
                                          const void *const *inputs,
                                          void *const *outputs, int64_t batch,
                                          int64_t steps, ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  ttc_status status = runInside(*session, inputs, outputs, batch, steps, error);
  leave(session);
  return status;
}

extern "C" ttc_status ttc_session_zero(ttc_session *session, ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  session->setExists(false, TTC_BATCH, session->generator());
  session->timestep.store(0, std::memory_order_relaxed);
  leave(session);
  return TTC_OK;
}

extern "C" ttc_status ttc_session_seed(ttc_session *session, uint64_t seed,
                                       ttc_error *error) {
  return ttc_session_set_generator(session, seed, /*position=*/0, error);
}

extern "C" ttc_status ttc_session_set_generator(ttc_session *session,
                                                uint64_t seed,
                                                uint64_t position,
                                                ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  session->setGenerator({seed, position});
  leave(session);
  return TTC_OK;
}

extern "C" ttc_status ttc_session_generator(const ttc_session *session,
                                            uint64_t *seed, uint64_t *position,
                                            ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !seed || !position)
      return nullArgument(!session ? "session" : !seed ? "seed" : "position");
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    GeneratorState present = session->generator();
    *seed = present.seed;
    *position = present.position;
    return Status::success();
  });
}

extern "C" uint64_t ttc_session_timestep(const ttc_session *session) {
  return session ? session->timestep.load(std::memory_order_relaxed) : 0;
}

extern "C" int64_t ttc_session_batch(const ttc_session *session) {
  return session && !session->model->states.empty()
             ? session->batch.load(std::memory_order_relaxed)
             : TTC_BATCH;
}

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
