//===- Budget.cpp - How much memory may a session have? -------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a batch needs is known from the descriptor alone, and is compared with
// the model's budget before anything is allocated.
//
//===----------------------------------------------------------------------===//

#include "model/Model.h"

namespace {

using ttc::Status;

Status overflow(const std::string &what) {
  return {TTC_ERROR_MEMORY, "Overflow",
          "There is no room for " + what +
              ": it has more bytes than can be counted. Use a smaller batch."};
}

} // namespace

std::string ttc_model::describeStates(int64_t batch) const {
  return "the set of states of the model " + name + " at batch " +
         std::to_string(batch);
}

std::string ttc_model::describeScratch(int64_t batch) const {
  return "the scratch memory of the model " + name + " at batch " +
         std::to_string(batch);
}

Status ttc_model::checkBatch(int64_t batch) const {
  if (batch < 1)
    return {TTC_ERROR_SHAPE, "InvalidBatch",
            "The batch is " + std::to_string(batch) +
                "; it must be at least 1."};
  if (descriptor->batch != TTC_BATCH && batch != descriptor->batch)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "The model " + name + " was compiled for batch " +
                std::to_string(descriptor->batch) + ", the batch is " +
                std::to_string(batch) + ". Compile it with --batch=" +
                std::to_string(batch) + " or --batch=dynamic for this one."};
  if (descriptor->batch == TTC_BATCH && batchInput < 0 && batch != 1)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            "No input of the model " + name +
                " has a batch, so the batch is 1, not " +
                std::to_string(batch) + "."};
  return Status::success();
}

Status ttc_model::checkStates(int64_t batch, uint64_t &bytes) const {
  if (!ttc::bytesAtBatch(descriptor->states_size, batch, bytes))
    return overflow(describeStates(batch));
  return bytes > budget.load(std::memory_order_relaxed)
             ? overBudget(describeStates(batch), bytes)
             : Status::success();
}

Status ttc_model::checkScratch(int64_t batch) const {
  uint64_t bytes = 0;
  return checkScratch(descriptor->scratch_size, batch, bytes);
}

Status ttc_model::checkScratch(const ttc_bytes &size, int64_t batch,
                               uint64_t &bytes) const {
  if (!ttc::bytesAtBatch(size, batch, bytes))
    return overflow(describeScratch(batch));
  return bytes > budget.load(std::memory_order_relaxed)
             ? overBudget(describeScratch(batch), bytes)
             : Status::success();
}

Status ttc_model::overBudget(const std::string &what, uint64_t bytes) const {
  const uint64_t limit = budget.load(std::memory_order_relaxed);
  const bool machine = limit == ttc::physicalMemory();
  return {TTC_ERROR_MEMORY, "BudgetExceeded",
          "There is no room for " + what + ": " + std::to_string(bytes) +
              " bytes are needed, " +
              (machine ? "this machine has " : "the model's budget is ") +
              std::to_string(limit) + ". Use a smaller batch or model" +
              (machine ? "." : ", or a larger budget.")};
}

extern "C" ttc_status ttc_model_set_budget(ttc_model *model, uint64_t bytes,
                                           ttc_error *error) {
  return ttc::guarded(error, [&]() -> Status {
    if (!model)
      return ttc::nullArgument("model");
    model->budget.store(bytes ? bytes : UINT64_MAX, std::memory_order_relaxed);
    return Status::success();
  });
}

extern "C" ttc_status ttc_model_session_bytes(const ttc_model *model,
                                              int64_t batch, uint64_t *states,
                                              uint64_t *scratch,
                                              ttc_error *error) {
  return ttc::guarded(error, [&]() -> Status {
    if (!model || !states || !scratch)
      return ttc::nullArgument(!model    ? "model"
                               : !states ? "states"
                                         : "scratch");
    Status status = model->checkBatch(batch);
    if (status.failed())
      return status;
    uint64_t ofStates = 0, ofScratch = 0;
    if (!ttc::bytesAtBatch(model->descriptor->states_size, batch, ofStates))
      return overflow(model->describeStates(batch));
    if (!ttc::bytesAtBatch(model->hasHostCode() || !model->descriptor->device
                               ? model->descriptor->scratch_size
                               : model->descriptor->device->scratch_size,
                           batch, ofScratch))
      return overflow(model->describeScratch(batch));
    *states = ofStates;
    *scratch = ofScratch;
    return Status::success();
  });
}
