//===- LaunchCache.cpp - Which launches are worth recording? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/LaunchCache.h"

namespace ttc {
namespace {

/// Records what `launch` does as a graph; null where the driver cannot.
CudaGraphExec record(const CudaLaunches &driver,
                     const std::function<int(CudaStream)> &launch) {
  // In a stream of its own: neither can the default stream be recorded, nor one
  // that others use meanwhile.
  CudaStream stream = nullptr;
  CudaGraph graph = nullptr;
  CudaGraphExec exec = nullptr;
  if (driver.streamCreate(&stream, cuda::streamNonBlocking) != 0)
    return nullptr;
  if (driver.beginCapture(stream, cuda::captureThreadLocal) == 0) {
    const bool launched = launch(stream) == 0;
    if (driver.endCapture(stream, &graph) == 0 && graph) {
      if (!launched || driver.graphInstantiate(&exec, graph, 0) != 0)
        exec = nullptr;
      driver.graphDestroy(graph);
    }
  }
  driver.streamDestroy(stream);
  return exec;
}

} // namespace

LaunchCache::Entry &LaunchCache::find(const CudaLaunches &driver,
                                      const Key &key) {
  for (Entry &entry : entries)
    if (entry.seen && entry.key == key)
      return entry;
  Entry &oldest = entries[next];
  next = (next + 1) % entries.size();
  if (oldest.graph)
    driver.graphExecDestroy(oldest.graph);
  oldest = {key, 0, nullptr};
  return oldest;
}

int LaunchCache::run(const CudaLaunches &driver, const Key &key,
                     CudaStream stream,
                     const std::function<int(CudaStream)> &launch) {
  if (refused || !driver.hasGraphs())
    return launch(stream);
  constexpr unsigned often = 3;
  Entry &entry = find(driver, key);
  if (entry.seen < often)
    ++entry.seen;
  if (entry.seen == often && !entry.graph) {
    entry.graph = record(driver, launch);
    refused = !entry.graph;
  }
  return entry.graph ? driver.graphLaunch(entry.graph, stream) : launch(stream);
}

void LaunchCache::clear(const CudaLaunches &driver) {
  for (Entry &entry : entries) {
    if (entry.graph)
      driver.graphExecDestroy(entry.graph);
    entry = {};
  }
}

size_t LaunchCache::count() const {
  size_t graphs = 0;
  for (const Entry &entry : entries)
    graphs += entry.graph != nullptr;
  return graphs;
}

} // namespace ttc
