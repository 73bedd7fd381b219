//===- Session.cpp - What does one stream through a model own? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Session.h"

#include "threads/SharedStep.h"

#include <cstring>

namespace ttc {

Status layOutStates(const ttc_model &model, int64_t batch, StatesBlock &block,
                    uint64_t &size) {
  Status status = model.checkStates(batch, size);
  if (status.failed())
    return status;
  std::string what = model.describeStates(batch);
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
  block = StatesBlock();
  if (model.statesHaveBatch)
    block.shapes = model.stateShapes.take(batch);
  block.batch = batch;
  return status;
}

Status allocateStates(const ttc_model &model, int64_t batch,
                      StatesBlock &block) {
  StatesBlock made;
  uint64_t size = 0;
  Status status = layOutStates(model, batch, made, size);
  if (!status.failed())
    status = allocateZeroed(model.describeStates(batch), size, made.bytes,
                            UINT64_MAX);
  if (!status.failed())
    block = std::move(made);
  return status;
}

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

} // namespace ttc

using namespace ttc;

ttc_session::ttc_session(ttc_model *model) : model(model) { model->retain(); }

ttc_session::~ttc_session() {
  // What the model owns goes with its last session.
  delete sharing.load(std::memory_order_relaxed);
  device.reset();
  states = StatesBlock();
  model->release();
}

uint64_t ttc_session::stateOffset(size_t index) const {
  const ttc_bytes &offset = model->descriptor->states[index].offset;
  return offset.fixed + offset.per_batch * static_cast<uint64_t>(states.batch);
}

unsigned char *ttc_session::stateData(size_t index) const {
  return (device ? device->states() : states.bytes.get()) + stateOffset(index);
}

Status ttc_session::readStates(AlignedBlock &copy,
                               const unsigned char *&bytes) const {
  bytes = nullptr;
  if (!exists.load(std::memory_order_relaxed))
    return Status::success();
  bytes = states.bytes.get();
  uint64_t size = 0;
  if (!device ||
      !bytesAtBatch(model->descriptor->states_size, states.batch, size))
    return Status::success();
  Status status = allocateZeroed(
      "a copy of " + model->describeStates(states.batch), size, copy);
  if (!status.failed())
    status = device->copy(copy.get(), device->states(), size);
  bytes = copy.get();
  return status;
}

const int64_t *ttc_session::stateShape(size_t index) const {
  const TensorLayout &layout = model->states[index];
  return layout.batched() && exists.load(std::memory_order_relaxed)
             ? states.shapes.shape(index)
             : layout.spec->shape;
}

uint64_t ttc_session::stateBytes(size_t index) const {
  return model->states[index].bytesAt(states.batch);
}

GeneratorState ttc_session::generator() const {
  // On a device it is counted here as well.
  if (!model->descriptor->has_generator || device ||
      !exists.load(std::memory_order_relaxed))
    return idleGenerator;
  GeneratorState present;
  std::memcpy(&present, states.bytes.get(), sizeof(present));
  return present;
}

void ttc_session::setGenerator(const GeneratorState &next) {
  idleGenerator = next;
  if (device)
    device->generatorIsOld = true;
  else if (model->descriptor->has_generator &&
           exists.load(std::memory_order_relaxed))
    std::memcpy(states.bytes.get(), &next, sizeof(next));
}

void ttc_session::setExists(bool now, int64_t newBatch,
                            const GeneratorState &next) {
  exists.store(now, std::memory_order_relaxed);
  batch.store(now ? newBatch : TTC_BATCH, std::memory_order_relaxed);
  readyBatch = 0;
  setGenerator(next);
}

namespace {

/// A session on the CPU.
Status createOnHost(ttc_model &model, std::unique_ptr<ttc_session> &session) {
  if (!model.hasHostCode())
    return {TTC_ERROR_TARGET, "NoHostCode",
            "The model " + model.name +
                " has no code for the CPU: create the session on 'cuda:0' "
                "(ttc_session_create_on), or compile the model with "
                "--target=cpu,nvptx."};
  session = std::make_unique<ttc_session>(&model);
  return Status::success();
}

/// A session on GPU `number`.
Status createOnDevice(ttc_model &model, int number,
                      std::unique_ptr<ttc_session> &session) {
  if (!model.descriptor->device)
    return {TTC_ERROR_TARGET, "NoDeviceCode",
            "The model " + model.name +
                " was compiled for the CPU alone, not for 'cuda:" +
                std::to_string(number) +
                "': compile it with --target=nvptx, or with "
                "--target=cpu,nvptx for both."};
  DeviceModel *on = nullptr;
  Status status = model.devices->find(model, number, on);
  if (status.failed())
    return status;
  auto made = std::make_unique<ttc_session>(&model);
  made->device = std::make_unique<DeviceSession>(*on);
  status = made->device->open();
  if (!status.failed())
    session = std::move(made);
  return status;
}

/// Copies the states of `from` into a session on the same device.
Status copyStates(const ttc_session &from, ttc_session &to) {
  const ttc_model &model = *from.model;
  const int64_t batch = from.states.batch;
  uint64_t bytes = 0;
  if (from.device) {
    Status status = layOutStates(model, batch, to.states, bytes);
    return status.failed()
               ? status
               : to.device->replaceStates(model.describeStates(batch), bytes,
                                          from.device->states());
  }
  Status status = allocateStates(model, batch, to.states);
  if (!status.failed() &&
      bytesAtBatch(model.descriptor->states_size, batch, bytes))
    std::memcpy(to.states.bytes.get(), from.states.bytes.get(), bytes);
  return status;
}

} // namespace

extern "C" ttc_status ttc_session_create(ttc_model *model, ttc_session **out,
                                         ttc_error *error) {
  return ttc_session_create_on(model, "cpu", out, error);
}

extern "C" ttc_status ttc_session_create_on(ttc_model *model,
                                            const char *device,
                                            ttc_session **out,
                                            ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!model || !device || !out)
      return nullArgument(!model ? "model" : !device ? "device" : "out");
    std::unique_ptr<ttc_session> session;
    int number = 0;
    Status status = Status::success();
    if (std::strcmp(device, "cpu") == 0)
      status = createOnHost(*model, session);
    else if (parseCudaName(device, number))
      status = createOnDevice(*model, number, session);
    else
      status = {TTC_ERROR_ARGUMENT, "UnknownDevice",
                "There is no device " + quoteName(device) +
                    " for a session: 'cpu', 'cuda' and 'cuda:0' and so on are "
                    "known."};
    if (!status.failed())
      *out = session.release();
    return status;
  });
}

extern "C" ttc_status ttc_session_fork(const ttc_session *session,
                                       ttc_session **out, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !out)
      return nullArgument(session ? "out" : "session");
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    auto copy = std::make_unique<ttc_session>(session->model);
    if (session->device) {
      copy->device =
          std::make_unique<DeviceSession>(session->device->deviceModel());
      status = copy->device->open();
      // The copy begins behind what the session has ordered.
      if (!status.failed())
        status = copy->device->follow(*session->device);
    }
    if (!status.failed() && session->exists.load(std::memory_order_relaxed))
      status = copyStates(*session, *copy);
    if (status.failed())
      return status;
    copy->setExists(session->exists.load(std::memory_order_relaxed),
                    session->batch.load(std::memory_order_relaxed),
                    session->generator());
    setSharing(*copy, ttc_session_threads(session));
    copy->timestep.store(session->timestep.load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
    *out = copy.release();
    return Status::success();
  });
}

extern "C" const char *ttc_session_device(const ttc_session *session) {
  return !session          ? nullptr
         : session->device ? session->device->deviceName().c_str()
                           : "cpu";
}

extern "C" ttc_status ttc_session_set_stream(ttc_session *session, void *stream,
                                             ttc_error *error) {
  return whileOccupied(session, error, [&]() -> Status {
    if (!session->device)
      return {TTC_ERROR_ARGUMENT, "NoStream",
              "The session of the model " + session->model->name +
                  " is on the CPU, where there are no streams."};
    return session->device->setStream(stream);
  });
}

extern "C" ttc_status ttc_session_synchronize(ttc_session *session,
                                              ttc_error *error) {
  return whileOccupied(session, error, [&]() -> Status {
    // On the CPU a step is done when it returns.
    return session->device ? session->device->synchronize() : Status::success();
  });
}

extern "C" void ttc_session_close(ttc_session *session) { delete session; }

extern "C" ttc_status ttc_session_zero(ttc_session *session, ttc_error *error) {
  if (!enter(session))
    return refuseEntry(session, error);
  session->setExists(false, TTC_BATCH, session->generator());
  session->timestep.store(0, std::memory_order_relaxed);
  leave(session);
  return TTC_OK;
}

extern "C" ttc_status ttc_session_detach(ttc_session *session,
                                         ttc_error *error) {
  // No gradient flows through a session: there is nothing to cut.
  if (!enter(session))
    return refuseEntry(session, error);
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
