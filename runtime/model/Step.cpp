//===- Step.cpp - What happens when a session makes a timestep? -----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step that succeeds must cost next to nothing beside the model: it compares
// a few numbers, takes a block of scratch memory, and builds no sentence.
// Everything else, the first step and every failure, is off that path.
//
//===----------------------------------------------------------------------===//

#include "model/Buffers.h"
#include "model/Session.h"
#include "threads/SharedStep.h"

#include <cstring>

namespace ttc {
namespace {

/// The most inputs, and the most outputs, whose pointers a step on tensors
/// keeps on its stack.
constexpr size_t pointersOnStack = 32;

//===----------------------------------------------------------------------===//
// A batch that is seen for the first time
//===----------------------------------------------------------------------===//

Status checkBatch(const ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  Status status = model.checkBatch(batch);
  if (status.failed())
    return status;
  int64_t present = session.batch.load(std::memory_order_relaxed);
  if (session.exists.load(std::memory_order_relaxed) && model.statesHaveBatch &&
      batch != present)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "The states have batch " + std::to_string(present) +
                ", the input has batch " + std::to_string(batch) +
                ": zero the states first (ttc_session_zero, zero_states()), "
                "or bring batch " +
                std::to_string(present) + "."};
  if (!model.bytesFit(batch))
    return {TTC_ERROR_MEMORY, "Overflow",
            "With batch " + std::to_string(batch) + ", an input or output of " +
                model.name + " has more bytes than can be counted."};
  return Status::success();
}

/// Brings the states into being, zeroed.
Status makeStates(ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  uint64_t bytes = 0;
  if (session.states.batch == batch &&
      bytesAtBatch(model.descriptor->states_size, batch, bytes)) {
    std::memset(session.states.bytes.get(), 0, bytes);
  } else {
    Status status = allocateStates(model, batch, session.states);
    if (status.failed())
      return status;
  }
  session.setExists(true, batch, session.generator());
  return Status::success();
}

/// A block of scratch memory, which is made where there is none.
Status takeScratch(const ttc_session &session, int64_t batch,
                   ScratchBlock *&scratch) {
  const ttc_model &model = *session.model;
  if (session.readyBatch != batch) {
    Status status = model.checkScratch(batch);
    if (status.failed())
      return status;
  }
  const uint64_t bytes = model.scratchBytes(batch);
  scratch = model.scratch.tryTake(bytes);
  return scratch
             ? Status::success()
             : model.scratch.take(model.describeScratch(batch), bytes, scratch);
}

/// Checks the numbers and the lists of pointers of a step.
Status checkCall(const ttc_session &session, const void *const *inputs,
                 void *const *outputs, int64_t batch, int64_t steps) {
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
  if (status.failed())
    return status;
  uint64_t all = 0;
  if (__builtin_mul_overflow(model.largestBuffer(batch),
                             static_cast<uint64_t>(steps), &all))
    return {TTC_ERROR_MEMORY, "Overflow",
            "With " + std::to_string(steps) +
                " steps, an input or output has more bytes than can be "
                "counted."};
  return status;
}

/// The way to a step whose batch is new, whose buffers are not good, or for
/// which no block of scratch memory is free. No block is taken for no steps.
Status getReady(ttc_session &session, const void *const *inputs,
                void *const *outputs, int64_t batch, int64_t steps,
                ScratchBlock *&scratch) {
  const ttc_model &model = *session.model;
  Status status = checkCall(session, inputs, outputs, batch, steps);
  if (status.failed() || steps == 0)
    return status;
  const uint64_t count = static_cast<uint64_t>(steps);
  if (!buffersAreGood<true>(model, inputs, outputs, batch, count))
    return explainBuffers(model, inputs, outputs, count, batch);
  ScratchBlock *block = nullptr;
  status = takeScratch(session, batch, block);
  if (status.failed())
    return status;
  ScratchLease lease(model.scratch, block);
  if (!session.exists.load(std::memory_order_relaxed))
    status = makeStates(session, batch);
  if (status.failed())
    return status;
  session.readyBatch = batch;
  lease.keep();
  scratch = block;
  return status;
}

[[gnu::noinline, gnu::cold]] ttc_status
getReadyGuarded(ttc_session &session, const void *const *inputs,
                void *const *outputs, int64_t batch, int64_t steps,
                ScratchBlock *&scratch, ttc_error *error) {
  return guarded(error, [&] {
    return getReady(session, inputs, outputs, batch, steps, scratch);
  });
}

//===----------------------------------------------------------------------===//
// A step on a device
//===----------------------------------------------------------------------===//

/// Where all buffers of a step lie: on the host, or on the session's device.
Status findPlaces(const ttc_session &session, const void *const *inputs,
                  void *const *outputs, int64_t batch, BufferPlace &place) {
  const ttc_model &model = *session.model;
  const size_t numInputs = model.inputs.size();
  auto describe = [&](size_t i) {
    return i < numInputs
               ? "the input " + quoteName(model.inputs[i].spec->name)
               : "the output " +
                     quoteName(model.outputs[i - numInputs].spec->name);
  };
  std::optional<size_t> first;
  for (size_t i = 0; i < numInputs + model.outputs.size(); ++i) {
    const bool isInput = i < numInputs;
    const TensorLayout &layout =
        isInput ? model.inputs[i] : model.outputs[i - numInputs];
    const void *data = isInput ? inputs[i] : outputs[i - numInputs];
    if (!data || !layout.bytesAt(batch))
      continue;
    BufferPlace own = BufferPlace::Host;
    Status status =
        session.device->findPlace(data, [&] { return describe(i); }, own);
    if (status.failed())
      return status;
    if (!first) {
      place = own;
      first = i;
    } else if (own != place) {
      const std::string there = "on " + session.device->deviceName();
      const bool firstThere = place == BufferPlace::Device;
      return {TTC_ERROR_ARGUMENT, "MixedDevices",
              "The memory of " + describe(*first) + " is " +
                  (firstThere ? there : "the host's") + ", that of " +
                  describe(i) + " " + (firstThere ? "the host's" : there) +
                  ": bring all of a step's inputs and outputs on one of the "
                  "two."};
    }
  }
  return Status::success();
}

/// Brings the states on the device into being, zeroed.
Status makeDeviceStates(ttc_session &session, int64_t batch) {
  const ttc_model &model = *session.model;
  uint64_t bytes = 0;
  StatesBlock made;
  Status status = layOutStates(model, batch, made, bytes);
  if (status.failed())
    return status;
  if (session.states.batch == batch) {
    status = session.device->zeroStates(bytes);
  } else {
    status = session.device->replaceStates(model.describeStates(batch), bytes,
                                           /*from=*/nullptr);
    if (!status.failed())
      session.states = std::move(made);
  }
  if (!status.failed())
    session.setExists(true, batch, session.generator());
  return status;
}

Status makeDeviceSteps(ttc_session &session, const void *const *inputs,
                       void *const *outputs, int64_t batch, int64_t steps,
                       bool sequence) {
  const ttc_model &model = *session.model;
  Status status = checkCall(session, inputs, outputs, batch, steps);
  if (status.failed() || steps == 0)
    return status;
  BufferPlace place = BufferPlace::Host;
  status = findPlaces(session, inputs, outputs, batch, place);
  if (status.failed())
    return status;
  const uint64_t count = static_cast<uint64_t>(steps);
  const bool onHost = place == BufferPlace::Host;
  if (!(onHost ? buffersAreGood<true>(model, inputs, outputs, batch, count)
               : buffersAreGood<false>(model, inputs, outputs, batch, count)))
    return explainBuffers(model, inputs, outputs, count, batch, onHost);
  status = session.device->getReady(session, batch);
  if (!status.failed() && !session.exists.load(std::memory_order_relaxed))
    status = makeDeviceStates(session, batch);
  if (!status.failed())
    status = session.device->makeSteps(session, inputs, outputs, place, batch,
                                       steps, sequence);
  if (status.failed())
    return status;
  // The kernels do the same to the generator that lies in the states.
  session.idleGenerator.position += model.descriptor->has_generator * count;
  session.timestep.store(session.timestep.load(std::memory_order_relaxed) +
                             count,
                         std::memory_order_relaxed);
  return status;
}

[[gnu::noinline, gnu::cold]] ttc_status
makeDeviceStepsGuarded(ttc_session &session, const void *const *inputs,
                       void *const *outputs, int64_t batch, int64_t steps,
                       bool sequence, ttc_error *error) {
  return guarded(error, [&] {
    return makeDeviceSteps(session, inputs, outputs, batch, steps, sequence);
  });
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

/// The scratch memory of the next `steps` steps, or null if they cannot begin
/// at once.
inline ScratchBlock *takeIfReady(const ttc_session &session,
                                 const void *const *inputs,
                                 void *const *outputs, int64_t batch,
                                 int64_t steps) {
  const ttc_model &model = *session.model;
  uint64_t all = 0;
  if (session.readyBatch != batch || batch <= 0 || !inputs || !outputs ||
      steps <= 0 ||
      __builtin_mul_overflow(model.largestBuffer(batch),
                             static_cast<uint64_t>(steps), &all) ||
      !buffersAreGood<true>(model, inputs, outputs, batch,
                            static_cast<uint64_t>(steps)))
    return nullptr;
  return model.scratch.tryTake(model.scratchBytes(batch));
}

/// Ends the steps that `scratch` was taken for.
inline void countSteps(ttc_session &session, ScratchBlock *scratch,
                       uint64_t steps) {
  session.model->scratch.give(*scratch);
  // One thread at a time is inside: an addition need not be atomic, only seen
  // whole.
  session.timestep.store(session.timestep.load(std::memory_order_relaxed) +
                             steps,
                         std::memory_order_relaxed);
}

inline ttc_status stepInside(ttc_session &session, const void *const *inputs,
                             void *const *outputs, int64_t batch,
                             ttc_error *error) {
  ScratchBlock *scratch = takeIfReady(session, inputs, outputs, batch, 1);
  if (!scratch) {
    // A session on a device is never ready here.
    if (session.device)
      return makeDeviceStepsGuarded(session, inputs, outputs, batch, 1,
                                    /*sequence=*/false, error);
    ttc_status status =
        getReadyGuarded(session, inputs, outputs, batch, 1, scratch, error);
    if (status != TTC_OK)
      return status;
  }
  if (mayShare(session)) {
    stepShared(session, inputs, outputs, scratch->data, batch);
  } else {
    const ttc_model &model = *session.model;
    model.descriptor->step(inputs, outputs, model.prepared,
                           session.states.bytes.get(), scratch->data, batch);
  }
  countSteps(session, scratch, 1);
  return TTC_OK;
}

inline ttc_status runInside(ttc_session &session, const void *const *inputs,
                            void *const *outputs, int64_t batch, int64_t steps,
                            ttc_error *error) {
  ScratchBlock *scratch = takeIfReady(session, inputs, outputs, batch, steps);
  if (!scratch) {
    if (session.device)
      return makeDeviceStepsGuarded(session, inputs, outputs, batch, steps,
                                    /*sequence=*/true, error);
    ttc_status status =
        getReadyGuarded(session, inputs, outputs, batch, steps, scratch, error);
    if (status != TTC_OK || steps == 0)
      return status;
  }
  if (mayShare(session)) {
    runShared(session, inputs, outputs, scratch->data, batch, steps);
  } else {
    const ttc_model &model = *session.model;
    model.descriptor->run(inputs, outputs, model.prepared,
                          session.states.bytes.get(), scratch->data, batch,
                          steps);
  }
  countSteps(session, scratch, static_cast<uint64_t>(steps));
  return TTC_OK;
}

[[gnu::noinline, gnu::cold]] ttc_status
refuseTensors(const ttc_model &model, const ttc_tensor *inputs,
              const ttc_tensor *outputs, bool sequence, int64_t steps,
              int64_t batch, ttc_error *error) {
  return guarded(error, [&] {
    return explainTensors(model, inputs, outputs, sequence, steps, batch);
  });
}

/// A step (or, with `sequence`, several) on tensors, inside the session.
/// `inputData` and `outputData` have room for their pointers.
inline ttc_status tensorsInside(ttc_session &session, const ttc_tensor *inputs,
                                const ttc_tensor *outputs, bool sequence,
                                const void **inputData, void **outputData,
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
    inputData[i] = inputs[i].data;
  }
  for (size_t o = 0; good && o < numOutputs; ++o) {
    good = fits(outputs[o], model.outputs[o], sequence, steps, batch);
    outputData[o] = outputs[o].data;
  }
  if (!good)
    return refuseTensors(model, inputs, outputs, sequence, steps, batch, error);
  return sequence
             ? runInside(session, inputData, outputData, batch, steps, error)
             : stepInside(session, inputData, outputData, batch, error);
}

/// As tensorsInside, of a model with more tensors than the stack has room for.
[[gnu::noinline, gnu::cold]] ttc_status
manyTensorsInside(ttc_session &session, const ttc_tensor *inputs,
                  const ttc_tensor *outputs, bool sequence, ttc_error *error) {
  ttc_status result = TTC_OK;
  ttc_status reserved = guarded(error, [&] {
    // Never null, so that a model without inputs can be told from a null
    // argument.
    std::vector<const void *> inputData(session.model->inputs.size() + 1);
    std::vector<void *> outputData(session.model->outputs.size() + 1);
    result = tensorsInside(session, inputs, outputs, sequence, inputData.data(),
                           outputData.data(), error);
    return Status::success();
  });
  return reserved == TTC_OK ? result : reserved;
}

inline ttc_status stepOnTensors(ttc_session *session, const ttc_tensor *inputs,
                                const ttc_tensor *outputs, bool sequence,
                                ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  ttc_status status;
  if (session->model->inputs.size() <= pointersOnStack &&
      session->model->outputs.size() <= pointersOnStack) {
    const void *inputData[pointersOnStack];
    void *outputData[pointersOnStack];
    status = tensorsInside(*session, inputs, outputs, sequence, inputData,
                           outputData, error);
  } else {
    status = manyTensorsInside(*session, inputs, outputs, sequence, error);
  }
  leave(session);
  return status;
}

} // namespace
} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_session_step(ttc_session *session,
                                       const ttc_tensor *inputs,
                                       const ttc_tensor *outputs,
                                       ttc_error *error) {
  return stepOnTensors(session, inputs, outputs, /*sequence=*/false, error);
}

extern "C" ttc_status ttc_session_run(ttc_session *session,
                                      const ttc_tensor *inputs,
                                      const ttc_tensor *outputs,
                                      ttc_error *error) {
  return stepOnTensors(session, inputs, outputs, /*sequence=*/true, error);
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
