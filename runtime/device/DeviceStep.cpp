//===- DeviceStep.cpp - How is a timestep made on a GPU? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On buffers of the device it is one launch of a kernel, or of the graph that
// the same launch was recorded as, and nothing is copied. Buffers of the host
// pass through a block on the device: all inputs in one copy, all outputs in
// another, by way of memory that the driver need not copy once more, as long as
// they are small.
//
//===----------------------------------------------------------------------===//

#include "device/DeviceSession.h"

#include "model/Session.h"

#include <cstring>

namespace ttc {
namespace {

/// Where each buffer begins in the passage, as GPUs read whole lines.
constexpr uint64_t passageAlignment = 256;
/// Up to so many bytes it costs less to copy twice than to have the driver look
/// for the pages of the caller's memory.
constexpr uint64_t smallPassage = uint64_t(1) << 20;

uint64_t roundUp(uint64_t bytes) {
  return (bytes + passageAlignment - 1) / passageAlignment * passageAlignment;
}

/// The bytes of all buffers of one direction in the passage; false if they
/// cannot be counted.
bool passageBytes(const std::vector<TensorLayout> &layouts, int64_t batch,
                  uint64_t steps, uint64_t &bytes) {
  for (const TensorLayout &layout : layouts) {
    // Known to be countable by itself.
    const uint64_t own = layout.bytesAt(batch) * steps;
    if (own > UINT64_MAX - passageAlignment ||
        __builtin_add_overflow(bytes, roundUp(own), &bytes))
      return false;
  }
  return true;
}

} // namespace

Status DeviceSession::prepareGrid(const Kernel &kernel, int64_t batch,
                                  Grid &grid) {
  grid.geometry = chooseGeometry(on.code(), batch, kernel.room);
  grid.barriers = DeviceBlock();
  if (grid.geometry.kind != LaunchKind::Cooperative)
    return Status::success();
  const uint64_t bytes = uint64_t(grid.geometry.y) * 2 * sizeof(uint32_t);
  Status status = grid.barriers.allocate(
      on.device, "what the blocks of the model " + on.model.name + " wait by",
      bytes);
  return status.failed() ? status : fill(grid.barriers.get(), bytes);
}

Status DeviceSession::getReady(const ttc_session &session, int64_t batch) {
  if (readyBatch == batch)
    return Status::success();
  const ttc_model &model = *session.model;
  uint64_t bytes = 0;
  Status status = model.checkScratch(on.code().scratch_size, batch, bytes);
  if (status.failed())
    return status;
  // What launches may still use is given back behind them.
  status = synchronize();
  if (status.failed())
    return status;
  readyBatch = 0;
  on.device->within([&] {
    launches.clear(on.driver);
    return 0;
  });
  if (bytes > scratchBytes) {
    scratch = DeviceBlock();
    scratchBytes = 0;
    status = scratch.allocate(on.device, model.describeScratch(batch), bytes);
    if (status.failed())
      return status;
    scratchBytes = bytes;
  }
  status = prepareGrid(on.step, batch, stepGrid);
  if (!status.failed())
    status = prepareGrid(on.run, batch, runGrid);
  if (!status.failed())
    readyBatch = batch;
  return status;
}

Status DeviceSession::preparePassage(const ttc_session &session,
                                     uint64_t bytes) {
  const bool wantsPinned = bytes <= smallPassage && bytes > passage.pinnedBytes;
  if (bytes <= passage.bytes && !wantsPinned)
    return Status::success();
  // What launches may still use is given back behind them.
  Status status = synchronize();
  const std::string what =
      "the inputs and outputs of the model " + session.model->name;
  DeviceBlock block;
  if (!status.failed() && bytes > passage.bytes)
    status = block.allocate(on.device, what, bytes);
  if (status.failed())
    return status;
  void *pinned = nullptr;
  int error = on.device->within([&] {
    launches.clear(on.driver);
    return wantsPinned ? on.driver.hostAlloc(&pinned, bytes, 0) : 0;
  });
  if (error)
    return on.failed("find room for inputs and outputs", error);
  if (wantsPinned) {
    std::swap(pinned, passage.pinned);
    passage.pinnedBytes = bytes;
    if (pinned)
      on.device->within([&] { return on.driver.hostFree(pinned); });
  }
  if (bytes > passage.bytes) {
    passage.device = std::move(block);
    passage.bytes = bytes;
  }
  return status;
}

Status DeviceSession::writeGenerator(const ttc_session &session) {
  if (!session.model->descriptor->has_generator || !generatorIsOld)
    return Status::success();
  const GeneratorState present = session.idleGenerator;
  // Of plain memory the driver takes a copy before it returns.
  int error = on.device->within([&] {
    return on.driver.copy(cudaAddress(states()), cudaAddress(&present),
                          sizeof(present), stream());
  });
  if (error)
    return on.failed("set the random numbers", error);
  generatorIsOld = false;
  return Status::success();
}

int DeviceSession::launchKernel(const Kernel &kernel, const Grid &grid,
                                CudaStream where) {
  const auto [x, y, threads, kind, sharedBytes] = grid.geometry;
  switch (kind) {
  case LaunchKind::Alone:
    return on.driver.launch(kernel.function, x, y, 1, threads, 1, 1,
                            sharedBytes, where, parameters.data(), nullptr);
  case LaunchKind::Cluster:
    return on.driver.launchClusters(kernel.function, x, y, threads, sharedBytes,
                                    where, parameters.data());
  case LaunchKind::Cooperative:
    return on.driver.launchCooperative(kernel.function, x, y, 1, threads, 1, 1,
                                       sharedBytes, where, parameters.data());
  }
  return cuda::errorInvalidValue;
}

int DeviceSession::launch(const ttc_session &session, const void *const *inputs,
                          void *const *outputs, int64_t batch, int64_t steps,
                          bool sequence, uint64_t inBytes, uint64_t outBytes) {
  const ttc_model &model = *session.model;
  const Kernel &kernel = sequence ? on.run : on.step;
  const Grid &grid = sequence ? runGrid : stepGrid;
  arguments.clear();
  for (size_t i = 0; i < model.inputs.size(); ++i)
    arguments.push_back(cudaAddress(inputs[i]));
  for (size_t o = 0; o < model.outputs.size(); ++o)
    arguments.push_back(cudaAddress(outputs[o]));
  arguments.push_back(cudaAddress(on.prepared()));
  arguments.push_back(cudaAddress(states()));
  arguments.push_back(cudaAddress(scratch.get()));
  arguments.push_back(static_cast<uint64_t>(batch));
  if (sequence)
    arguments.push_back(static_cast<uint64_t>(steps));
  arguments.push_back(cudaAddress(grid.barriers.get()));
  parameters.clear();
  for (uint64_t &argument : arguments)
    parameters.push_back(&argument);
  parameters.push_back(nullptr);

  auto all = [&](CudaStream where) {
    const CudaAddress device = cudaAddress(passage.device.get());
    const CudaAddress pinned = cudaAddress(passage.pinned);
    int error = inBytes ? on.driver.copy(device, pinned, inBytes, where) : 0;
    if (!error)
      error = launchKernel(kernel, grid, where);
    if (!error && outBytes)
      error =
          on.driver.copy(pinned + inBytes, device + inBytes, outBytes, where);
    return error;
  };
  return on.device->within([&] {
    // What a caller records is not to contain a recording.
    if (hasGivenStream && isCapturing(stream()))
      return all(stream());
    LaunchCache::Key key = arguments;
    key.insert(key.end(), {inBytes, outBytes, uint64_t(sequence)});
    return launches.run(on.driver, key, stream(), std::ref(all));
  });
}

Status DeviceSession::makeHostSteps(const ttc_session &session,
                                    const void *const *inputs,
                                    void *const *outputs, int64_t batch,
                                    int64_t steps, bool sequence) {
  const ttc_model &model = *session.model;
  const uint64_t count = static_cast<uint64_t>(steps);
  uint64_t inBytes = 0, allBytes = 0;
  if (!passageBytes(model.inputs, batch, count, inBytes) ||
      !passageBytes(model.outputs, batch, count, allBytes = inBytes))
    return {TTC_ERROR_MEMORY, "Overflow",
            "The inputs and outputs of the model " + model.name +
                " have more bytes together than can be counted."};
  Status status = preparePassage(session, allBytes);
  if (status.failed())
    return status;
  const bool isSmall = allBytes <= passage.pinnedBytes;

  std::vector<const void *> deviceInputs;
  std::vector<void *> deviceOutputs;
  uint64_t at = 0;
  int error = on.device->within([&] {
    int result = 0;
    for (size_t i = 0; i < model.inputs.size() && !result; ++i) {
      const uint64_t bytes = model.inputs[i].bytesAt(batch) * count;
      unsigned char *to = passage.device.get() + at;
      deviceInputs.push_back(to);
      if (bytes && isSmall)
        std::memcpy(static_cast<unsigned char *>(passage.pinned) + at,
                    inputs[i], bytes);
      else if (bytes)
        result = on.driver.copy(cudaAddress(to), cudaAddress(inputs[i]), bytes,
                                stream());
      at += roundUp(bytes);
    }
    return result;
  });
  for (const TensorLayout &layout : model.outputs) {
    deviceOutputs.push_back(passage.device.get() + at);
    at += roundUp(layout.bytesAt(batch) * count);
  }
  if (!error)
    error = launch(session, deviceInputs.data(), deviceOutputs.data(), batch,
                   steps, sequence, isSmall ? inBytes : 0,
                   isSmall ? allBytes - inBytes : 0);
  if (!error)
    error = on.device->within([&] {
      int result = 0;
      for (size_t o = 0; o < model.outputs.size() && !isSmall && !result; ++o)
        if (uint64_t bytes = model.outputs[o].bytesAt(batch) * count)
          result =
              on.driver.copy(cudaAddress(outputs[o]),
                             cudaAddress(deviceOutputs[o]), bytes, stream());
      return result ? result : on.driver.streamSynchronize(stream());
    });
  if (error)
    return on.failed("make a step", error);
  for (size_t o = 0; o < model.outputs.size() && isSmall; ++o)
    if (uint64_t bytes = model.outputs[o].bytesAt(batch) * count)
      std::memcpy(outputs[o],
                  static_cast<unsigned char *>(passage.pinned) +
                      (static_cast<unsigned char *>(deviceOutputs[o]) -
                       passage.device.get()),
                  bytes);
  return status;
}

Status DeviceSession::makeSteps(const ttc_session &session,
                                const void *const *inputs, void *const *outputs,
                                BufferPlace place, int64_t batch, int64_t steps,
                                bool sequence) {
  Status status = writeGenerator(session);
  if (status.failed())
    return status;
  if (place == BufferPlace::Host)
    return makeHostSteps(session, inputs, outputs, batch, steps, sequence);
  int error = launch(session, inputs, outputs, batch, steps, sequence, 0, 0);
  return error ? on.failed("make a step", error) : status;
}

} // namespace ttc
