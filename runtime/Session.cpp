//===- Session.cpp - What does one stream through a model own? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include <cstring>

namespace ttc {

Status allocateStates(const ttc_model &model, int64_t batch,
                      StatesBlock &block) {
  uint64_t size = 0;
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
  StatesBlock made;
  status = allocateZeroed(what, size, made.bytes, UINT64_MAX);
  if (status.failed())
    return status;
  if (model.statesHaveBatch)
    made.shapes = model.stateShapes.take(batch);
  made.batch = batch;
  block = std::move(made);
  return Status::success();
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
  // The shapes are a share in what the model owns.
  states = StatesBlock();
  model->release();
}

unsigned char *ttc_session::stateData(size_t index) const {
  const ttc_bytes &offset = model->descriptor->states[index].offset;
  return states.bytes.get() + offset.fixed +
         offset.per_batch * static_cast<uint64_t>(states.batch);
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
  if (!model->descriptor->has_generator ||
      !exists.load(std::memory_order_relaxed))
    return idleGenerator;
  GeneratorState present;
  std::memcpy(&present, states.bytes.get(), sizeof(present));
  return present;
}

void ttc_session::setGenerator(const GeneratorState &next) {
  idleGenerator = next;
  if (model->descriptor->has_generator &&
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

extern "C" ttc_status ttc_session_create(ttc_model *model, ttc_session **out,
                                         ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!model || !out)
      return nullArgument(model ? "out" : "model");
    *out = std::make_unique<ttc_session>(model).release();
    return Status::success();
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
    if (session->exists.load(std::memory_order_relaxed)) {
      const int64_t batch = session->states.batch;
      status = allocateStates(*session->model, batch, copy->states);
      if (status.failed())
        return status;
      uint64_t bytes = 0;
      if (bytesAtBatch(session->model->descriptor->states_size, batch, bytes))
        std::memcpy(copy->states.bytes.get(), session->states.bytes.get(),
                    bytes);
    }
    copy->setExists(session->exists.load(std::memory_order_relaxed),
                    session->batch.load(std::memory_order_relaxed),
                    session->generator());
    copy->threads.store(session->threads.load(std::memory_order_relaxed),
                        std::memory_order_relaxed);
    copy->timestep.store(session->timestep.load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
    *out = copy.release();
    return Status::success();
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
