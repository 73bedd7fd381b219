//===- Streams.cpp - In what order is it done? ----------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Process.h"

#include <cstdlib>
#include <memory>

using namespace emulator;

namespace {
struct Graph {
  std::vector<Work> recorded;
};
} // namespace

EXPORT int cuStreamCreate(void **stream, unsigned) {
  Call call("cuStreamCreate");
  if (call.error)
    return call.error;
  auto *made = new Stream();
  streams.insert(made);
  ++ttc_emulator.streams;
  *stream = made;
  return success;
}

EXPORT int cuStreamDestroy_v2(void *stream) {
  Call call("cuStreamDestroy");
  auto *own = static_cast<Stream *>(stream);
  if (!streams.erase(own))
    return invalidHandle;
  delete own;
  --ttc_emulator.streams;
  return call.error;
}

EXPORT int cuStreamSynchronize(void *stream) {
  Call call("cuStreamSynchronize");
  if (call.error)
    return call.error;
  return !isUsable(stream)     ? int(invalidHandle)
         : isCapturing(stream) ? int(captureUnsupported)
                               : int(success);
}

EXPORT int cuStreamWaitEvent(void *stream, void *event, unsigned) {
  Call call("cuStreamWaitEvent");
  return call.error                  ? call.error
         : event && isUsable(stream) ? int(success)
                                     : int(invalidHandle);
}

EXPORT int cuEventCreate(void **event, unsigned) {
  Call call("cuEventCreate");
  *event = std::malloc(1);
  return call.error;
}

EXPORT int cuEventDestroy_v2(void *event) {
  Call call("cuEventDestroy");
  std::free(event);
  return call.error;
}

EXPORT int cuEventRecord(void *event, void *stream) {
  Call call("cuEventRecord");
  return call.error                  ? call.error
         : event && isUsable(stream) ? int(success)
                                     : int(invalidHandle);
}

EXPORT int cuStreamIsCapturing(void *stream, int *status) {
  Call call("cuStreamIsCapturing");
  *status = isCapturing(stream);
  return call.error;
}

EXPORT int cuStreamBeginCapture_v2(void *stream, int) {
  Call call("cuStreamBeginCapture");
  auto at = streams.find(static_cast<Stream *>(stream));
  if (call.error || at == streams.end() || (*at)->capturing)
    return call.error ? call.error : int(captureUnsupported);
  (*at)->capturing = true;
  return success;
}

EXPORT int cuStreamEndCapture(void *stream, void **graph) {
  Call call("cuStreamEndCapture");
  auto at = streams.find(static_cast<Stream *>(stream));
  if (at == streams.end() || !(*at)->capturing)
    return captureInvalidated;
  (*at)->capturing = false;
  auto made = std::make_unique<Graph>();
  made->recorded.swap((*at)->recorded);
  if (call.error)
    return call.error;
  *graph = made.release();
  return success;
}

EXPORT int cuGraphInstantiateWithFlags(void **exec, void *graph,
                                       unsigned long long) {
  Call call("cuGraphInstantiate");
  if (call.error)
    return call.error;
  *exec = new Graph(*static_cast<Graph *>(graph));
  ++ttc_emulator.graphs;
  return success;
}

EXPORT int cuGraphLaunch(void *exec, void *stream) {
  Call call("cuGraphLaunch");
  if (call.error || isCapturing(stream))
    return call.error ? call.error : int(captureUnsupported);
  ++ttc_emulator.graphLaunches;
  for (const Work &work : static_cast<Graph *>(exec)->recorded)
    if (int error = order(stream, work))
      return error;
  return success;
}

EXPORT int cuGraphExecDestroy(void *exec) {
  Call call("cuGraphExecDestroy");
  delete static_cast<Graph *>(exec);
  --ttc_emulator.graphs;
  return call.error;
}

EXPORT int cuGraphDestroy(void *graph) {
  Call call("cuGraphDestroy");
  delete static_cast<Graph *>(graph);
  return call.error;
}
